//! Reading a JSON object of a caller all of whose fields are known, with everything that is wrong told at once. Queries have
//! a reader of their own (`api/query.rs`), as their values are texts; what was meant is guessed by one rule for all.

use std::ops::RangeInclusive;

use planner::fault::{Fault, echo};
use planner::money::{Micros, decimal};
use planner::suggest::nearest;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// A field as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given<T> {
    /// Not at all.
    Absent,
    /// As `null`.
    Null,
    /// With this value.
    Set(T),
    /// With a value that is wrong, which has been told.
    Wrong,
}

impl<T> Given<T> {
    /// Puts it in the place of what was there: `null` clears.
    pub(crate) fn over(self, place: &mut Option<T>) {
        match self {
            Self::Absent | Self::Wrong => {}
            Self::Null => *place = None,
            Self::Set(value) => *place = Some(value),
        }
    }

    /// The same with another value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Self::Absent => Given::Absent,
            Self::Null => Given::Null,
            Self::Set(value) => Given::Set(change(value)),
            Self::Wrong => Given::Wrong,
        }
    }

    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Absent | Self::Null | Self::Wrong => None,
        }
    }
}

/// Which amounts are legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Zero and above.
    NotNegative,
    /// Above zero.
    Positive,
    /// Any but zero.
    NotZero,
}

/// Largest amount in dollars: sums of many such still fit the database's integers, and stay exact as JSON numbers.
const AMOUNT_USD_MAX: i64 = 1_000_000_000;
/// Most entries of a list: more models or providers than any catalogue has.
const LIST_MAX: usize = 500;

/// An object while it is read.
pub(crate) struct Fields<'a> {
    given: &'a Map<String, Value>,
    /// What stands before the names of fields in errors, such as `budget.`.
    path: String,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// The fields of an object.
    pub(crate) fn new(given: &'a Map<String, Value>) -> Self {
        Self {
            given,
            path: String::new(),
            known: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// What was wrong, unknown fields included.
    pub(crate) fn finish(mut self) -> Vec<Fault> {
        for name in self.given.keys() {
            if self.known.contains(&name.as_str()) {
                continue;
            }
            let full = echo(&format!("{}{name}", self.path));
            let message = match nearest(name, self.known.iter().copied()) {
                Some(meant) => format!("{full} is not known here; did you mean '{}{meant}'?", self.path),
                None => format!("{full} is not known here; known are {}", self.known.join(", ")),
            };
            let param: String = format!("{}{name}", self.path).chars().take(PARAM_CHARS_MAX).collect();
            self.faults.push(Fault::new(param, message));
        }
        self.faults
    }

    /// Notes that a field is wrong. `wanted` follows its name.
    pub(crate) fn wrong(&mut self, name: &str, wanted: &str) {
        let param = format!("{}{name}", self.path);
        let message = format!("'{param}' {wanted}");
        self.faults.push(Fault::new(param, message));
    }

    /// A field; `read` says what its value is, or what it must be.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a Value) -> Result<T, String>,
    ) -> Given<T> {
        self.known.push(name);
        match self.given.get(name) {
            None => Given::Absent,
            Some(Value::Null) => Given::Null,
            Some(value) => match read(value) {
                Ok(value) => Given::Set(value),
                Err(wanted) => {
                    self.wrong(name, &wanted);
                    Given::Wrong
                }
            },
        }
    }

    /// The value of a field that cannot be left out. `wanted` says what it must be.
    pub(crate) fn required<T>(&mut self, name: &str, given: Given<T>, wanted: &str) -> Option<T> {
        if matches!(given, Given::Absent | Given::Null) {
            self.wrong(name, &format!("is missing: it {wanted}"));
        }
        given.value()
    }

    /// The value of a field that may be left out, but has no empty value.
    pub(crate) fn not_null<T>(&mut self, name: &str, given: Given<T>) -> Option<T> {
        if matches!(given, Given::Null) {
            self.wrong(name, "cannot be null");
        }
        given.value()
    }

    /// A field that stands here for its error alone.
    pub(crate) fn refused(&mut self, name: &'static str, why: &str) {
        self.known.push(name);
        if self.given.get(name).is_some_and(|value| !value.is_null()) {
            self.wrong(name, why);
        }
    }

    /// A line of text.
    pub(crate) fn text(&mut self, name: &'static str, chars_max: usize) -> Given<String> {
        self.read(name, |value| {
            let text = value.as_str().map(str::trim).unwrap_or_default();
            let fits = (1..=chars_max).contains(&text.chars().count());
            if fits && !text.contains(char::is_control) {
                return Ok(text.to_owned());
            }
            Err(format!("must be a line of text of 1 to {chars_max} characters"))
        })
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Given<i64> {
        self.read(name, |value| {
            let number = value.as_i64().filter(|number| range.contains(number));
            number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Given<bool> {
        self.read(name, |value| {
            value.as_bool().ok_or_else(|| "must be true or false".to_owned())
        })
    }

    /// One of few words.
    pub(crate) fn choice<T: Copy>(&mut self, name: &'static str, legal: &[(&str, T)]) -> Given<T> {
        self.read(name, |value| {
            let found = legal.iter().find(|(word, _)| value == word);
            let words = || legal.iter().map(|(word, _)| format!("'{word}'")).collect::<Vec<_>>();
            found
                .map(|(_, meant)| *meant)
                .ok_or_else(|| format!("must be {}", words().join(" or ")))
        })
    }

    /// An amount of dollars, in millionths.
    pub(crate) fn dollars(&mut self, name: &'static str, sign: Sign) -> Given<i64> {
        self.read(name, |value| micros(value, sign))
    }

    /// A list of texts without repetitions. `read` says what an entry means, or what is wrong with it.
    pub(crate) fn list<T: PartialEq>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&str) -> Result<T, String>,
    ) -> Given<Vec<T>> {
        let given = self.read(name, |value| {
            let texts: Option<Vec<&str>> = value
                .as_array()
                .and_then(|items| items.iter().map(Value::as_str).collect());
            texts
                .filter(|texts| texts.len() <= LIST_MAX)
                .ok_or_else(|| format!("must be a list of at most {LIST_MAX} texts"))
        });
        let texts = match given {
            Given::Set(texts) => texts,
            other => return other.map(|_| Vec::new()),
        };
        let mut found = Vec::new();
        let before = self.faults.len();
        for text in texts {
            match read(text) {
                Ok(item) if found.contains(&item) => {}
                Ok(item) => found.push(item),
                Err(message) => {
                    let param = format!("{}{name}", self.path);
                    let message = format!("'{param}': {message}");
                    self.faults.push(Fault::new(param, message));
                }
            }
        }
        if self.faults.len() > before {
            Given::Wrong
        } else {
            Given::Set(found)
        }
    }

    /// A field with a reader of its own, whose faults tell their fields themselves.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a Value) -> (T, Vec<Fault>),
    ) -> Given<T> {
        let mut faults = Vec::new();
        let given = self.read(name, |value| {
            let (found, wrong) = read(value);
            faults = wrong;
            Ok(found)
        });
        if faults.is_empty() {
            return given;
        }
        self.faults.append(&mut faults);
        Given::Wrong
    }

    /// An object within this one.
    pub(crate) fn object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Fields<'a>) -> T) -> Given<T> {
        let path = format!("{}{name}.", self.path);
        let mut faults = Vec::new();
        let given = self.read(name, |value| {
            let given = value.as_object().ok_or("must be an object")?;
            let mut inner = Fields {
                path,
                ..Fields::new(given)
            };
            let found = read(&mut inner);
            faults = inner.finish();
            Ok(found)
        });
        self.faults.append(&mut faults);
        given
    }
}

/// Longest name of an unknown field that is repeated as an error's `param`.
const PARAM_CHARS_MAX: usize = 80;

/// An amount of dollars by the digits that were sent, never through binary fractions.
fn micros(value: &Value, sign: Sign) -> Result<i64, String> {
    let number = value
        .as_number()
        .ok_or("must be an amount of dollars, a number such as 12.5")?;
    let dollars = decimal(&number.to_string())
        .filter(|dollars| dollars.abs() <= Decimal::from(AMOUNT_USD_MAX))
        .ok_or_else(|| format!("must be an amount of at most {AMOUNT_USD_MAX} dollars"))?;
    if dollars.normalize().scale() > 6 {
        return Err("must have at most 6 decimals: amounts are exact to a millionth of a dollar".to_owned());
    }
    let legal = match sign {
        Sign::NotNegative => !dollars.is_sign_negative() || dollars.is_zero(),
        Sign::Positive => dollars > Decimal::ZERO,
        Sign::NotZero => !dollars.is_zero(),
    };
    let wanted = match sign {
        Sign::NotNegative => "must not be negative",
        Sign::Positive => "must be more than zero",
        Sign::NotZero => "must not be zero",
    };
    if legal {
        Ok(Micros::from_dollars(dollars).0)
    } else {
        Err(wanted.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_by_their_digits() {
        for (text, expected) in [
            ("12.5", 12_500_000),
            ("0.000001", 1),
            ("1e-6", 1),
            ("2.50", 2_500_000),
            ("1E3", 1_000_000_000),
            ("0", 0),
            ("-0.0", 0),
            ("1000000000", 1_000_000_000_000_000),
        ] {
            let value: Value = serde_json::from_str(text).expect("a number");
            assert_eq!(micros(&value, Sign::NotNegative), Ok(expected), "{text}");
        }
        for (text, says) in [
            ("0.0000001", "6 decimals"),
            ("1e-7", "6 decimals"),
            ("1.2345678", "6 decimals"),
            ("-0.01", "negative"),
            ("1000000000.01", "at most"),
            ("1e300", "at most"),
            ("\"5\"", "a number"),
            ("true", "a number"),
        ] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            let message = micros(&value, Sign::NotNegative).expect_err(text);
            assert!(message.contains(says), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn what_answers_show_is_read_back(micros in -1_000_000_000_000_000_i64..=1_000_000_000_000_000) {
            prop_assume!(micros != 0);
            let shown = Value::from(Micros(micros).as_json_dollars());
            prop_assert_eq!(super::micros(&shown, Sign::NotZero), Ok(micros));
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let body =
            json!({ "nmae": "x", "limit": 7, "inner": { "day_usd": -1, "moth_usd": 2 }, "list": ["a", "b", "a"] });
        let mut fields = Fields::new(body.as_object().expect("an object"));
        assert_eq!(fields.text("name", 5), Given::Absent);
        assert_eq!(fields.integer("limit", 1..=5), Given::Wrong);
        fields.object("inner", |inner| {
            inner.dollars("day_usd", Sign::NotNegative);
            inner.dollars("month_usd", Sign::NotNegative);
        });
        assert_eq!(
            fields.list("list", |text| Ok(text.to_owned())),
            Given::Set(vec!["a".to_owned(), "b".to_owned()])
        );
        let messages: Vec<String> = fields.finish().into_iter().map(|fault| fault.message).collect();
        let expected = [
            "'limit' must be a whole number from 1 to 5",
            "'inner.day_usd' must not be negative",
            "'inner.moth_usd' is not known here; did you mean 'inner.month_usd'?",
            "'nmae' is not known here; did you mean 'name'?",
        ];
        assert_eq!(messages, expected);
    }
}
