//! Reads the fields of a fal request as fal's own server does: wrong types are told by field, unknown fields ignored.

use super::errors::Detail;
use crate::details::{NO_OBJECT, outside, whole_number};
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

/// The range of one color in a color.
const COLOR: RangeInclusive<i64> = 0..=255;

/// A request body under examination, and what was wrong with it so far.
pub(super) struct Fields<'a> {
    body: &'a Map<String, Value>,
    pub(super) problems: Vec<Detail>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(body: &'a Map<String, Value>) -> Self {
        Self {
            body,
            problems: Vec::new(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name)
    }

    fn missing(&mut self, name: &str) {
        let whole = Value::Object(self.body.clone());
        self.problems
            .push(Detail::field(name, "missing", "Field required").with_input(&whole));
    }

    fn wrong(&mut self, name: &str, kind: &'static str, msg: &str, input: &Value) {
        self.problems.push(Detail::field(name, kind, msg).with_input(input));
    }

    /// The required prompt.
    pub(super) fn prompt(&mut self, most_chars: u64) -> String {
        let Some(text) = self.required_text("prompt") else {
            return String::new();
        };
        let value = Value::String(text.clone());
        if text.is_empty() {
            let problem = Detail::field("prompt", "string_too_short", "String should have at least 1 character");
            let problem = problem.with_ctx(json!({ "min_length": 1 })).with_input(&value);
            self.problems.push(problem);
        } else if text.chars().count() as u64 > most_chars {
            let msg = format!("String should have at most {most_chars} characters");
            let problem = Detail::field("prompt", "string_too_long", msg);
            let problem = problem.with_ctx(json!({ "max_length": most_chars })).with_input(&value);
            self.problems.push(problem);
        }
        text
    }

    /// A required text.
    pub(super) fn required_text(&mut self, name: &str) -> Option<String> {
        let Some(value) = self.get(name) else {
            self.missing(name);
            return None;
        };
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(name, "string_type", "Input should be a valid string", value);
        }
        text
    }

    /// One of some words; without a default it may be null.
    pub(super) fn word(
        &mut self,
        name: &str,
        allowed: &[&'static str],
        default: Option<&'static str>,
    ) -> Option<&'static str> {
        let Some(value) = self.get(name).filter(|value| default.is_some() || !value.is_null()) else {
            return default;
        };
        if let Some(word) = value
            .as_str()
            .and_then(|text| allowed.iter().find(|word| **word == text))
        {
            return Some(word);
        }
        self.problems.push(one_of(name, allowed, value));
        default
    }

    /// A whole number. Like fal's server, takes `"4"` and `4.0` for 4.
    pub(super) fn integer(&mut self, name: &str, range: &RangeInclusive<i64>, default: i64) -> i64 {
        let Some(value) = self.get(name) else {
            return default;
        };
        match whole_number(value) {
            Ok(number) => match outside(name, number, range) {
                Some(problem) => self.problems.push(problem.with_input(value)),
                None => return number,
            },
            Err((kind, msg)) => self.wrong(name, kind, msg, value),
        }
        default
    }

    /// A number within bounds, if one is given.
    pub(super) fn number(&mut self, name: &str, range: &RangeInclusive<f64>) -> Option<f64> {
        let value = self.get(name).filter(|value| !value.is_null())?;
        let number = value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        let Some(number) = number else {
            self.wrong(name, "float_type", "Input should be a valid number", value);
            return None;
        };
        let Some(problem) = outside(name, number, range) else {
            return Some(number);
        };
        self.problems.push(problem.with_input(value));
        None
    }

    /// A yes or no. Like fal's server, takes the usual words and 0 and 1.
    pub(super) fn boolean(&mut self, name: &str, default: bool) -> bool {
        let Some(value) = self.get(name) else {
            return default;
        };
        let answer = match value {
            Value::Bool(answer) => Some(*answer),
            Value::Number(number) => match number.as_f64() {
                Some(1.0) => Some(true),
                Some(0.0) => Some(false),
                _ => None,
            },
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
                "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        answer.unwrap_or_else(|| {
            self.wrong(
                name,
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
                value,
            );
            default
        })
    }

    /// A text or nothing.
    pub(super) fn optional_text(&mut self, name: &str) -> Option<String> {
        let value = self.get(name).filter(|value| !value.is_null())?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(name, "string_type", "Input should be a valid string", value);
        }
        text
    }

    /// A required list of texts.
    pub(super) fn texts(&mut self, name: &str, range: &RangeInclusive<usize>) -> Vec<String> {
        let Some(value) = self.get(name) else {
            self.missing(name);
            return Vec::new();
        };
        let Some(items) = value.as_array() else {
            self.wrong(name, "list_type", "Input should be a valid list", value);
            return Vec::new();
        };
        let (least, most, count) = (*range.start(), *range.end(), items.len());
        if count < least {
            let msg = format!("List should have at least {least} item after validation, not {count}");
            let ctx = json!({ "field_type": "List", "min_length": least, "actual_length": count });
            let problem = Detail::field(name, "sequence_too_short", msg).with_ctx(ctx);
            self.problems.push(problem.with_input(value));
        } else if count > most {
            let msg = format!("List should have at most {most} items after validation, not {count}");
            let ctx = json!({ "field_type": "List", "max_length": most, "actual_length": count });
            let problem = Detail::field(name, "sequence_too_long", msg).with_ctx(ctx);
            self.problems.push(problem);
        }
        let mut texts = Vec::with_capacity(count.min(most));
        for (index, item) in items.iter().enumerate() {
            match item.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.problems.push(
                    Detail::field(name, "string_type", "Input should be a valid string")
                        .item(index)
                        .with_input(item),
                ),
            }
        }
        texts
    }

    /// A list of texts or nothing.
    pub(super) fn optional_texts(&mut self, name: &str) {
        if self.get(name).is_some_and(|value| !value.is_null()) {
            self.texts(name, &(0..=usize::MAX));
        }
    }

    /// An object or nothing, not looked into.
    pub(super) fn object(&mut self, name: &str) {
        if let Some(value) = self.get(name).filter(|value| !value.is_null() && !value.is_object()) {
            self.wrong(name, "model_attributes_type", NO_OBJECT, value);
        }
    }

    /// A list of objects, which are not looked into.
    pub(super) fn objects(&mut self, name: &str) {
        self.each_object(name, |_, _| None);
    }

    /// A list of `{r, g, b}`, each 0 to 255 and 0 if it is missing.
    pub(super) fn colors(&mut self, name: &str) {
        self.each_object(name, |name, color| {
            ["r", "g", "b"].into_iter().find_map(|part| {
                let value = color.get(part)?;
                let problem = match whole_number(value) {
                    Ok(number) => outside(part, number, &COLOR)?,
                    Err((kind, msg)) => Detail::field(part, kind, msg),
                };
                let at = vec![json!(name), json!(part)];
                Some(Detail { at, ..problem }.with_input(value))
            })
        });
    }

    /// Looks at each object of a list; what `look` finds is put at its place.
    fn each_object(&mut self, name: &str, look: impl Fn(&str, &Map<String, Value>) -> Option<Detail>) {
        let Some(value) = self.get(name).filter(|value| !value.is_null()) else {
            return;
        };
        let Some(items) = value.as_array() else {
            self.wrong(name, "list_type", "Input should be a valid list", value);
            return;
        };
        for (index, item) in items.iter().enumerate() {
            let found = match item.as_object() {
                Some(object) => look(name, object),
                None => Some(Detail::field(name, "model_attributes_type", NO_OBJECT).with_input(item)),
            };
            if let Some(mut problem) = found {
                problem.at.insert(1, json!(index));
                self.problems.push(problem);
            }
        }
    }
}

/// The entry of a value that is none of the allowed words.
pub(super) fn one_of(name: &str, allowed: &[&str], value: &Value) -> Detail {
    let quoted: Vec<String> = allowed.iter().map(|word| format!("'{word}'")).collect();
    let listed = match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    };
    Detail::field(name, "one_of", format!("Input should be {listed}"))
        .with_ctx(json!({ "expected": allowed }))
        .with_input(value)
}
