//! Typed access to the fields of JSON objects. Null is as good as absent, and each provider has its own words for what is wrong.
//!
//! It ends at the first mistake. Who tells all of them at once reads otherwise: fal and Black Forest Labs in pydantic's way
//! (`details.rs`), Replicate by its schemas, Stability from a form's texts; `mock-image` takes whatever can be understood.

use crate::refused::Refused;
use serde_json::{Map, Value};

/// What is wrong with a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong<'a> {
    /// There is no such field.
    Unknown,
    /// It is of another type than this.
    Type(Type, &'a Value),
    /// It is none of the listed words.
    Word(&'a str, &'a [&'static str]),
    /// It is not within the bounds of this type.
    Range(f64, Type),
}

/// Types of fields, numbers with the least and most that they may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Type {
    Text,
    Integer(i64, i64),
    Number(f64, f64),
    Flag,
    Object,
}

impl Type {
    /// As most providers name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer(..) => "an integer",
            Self::Number(..) => "a number",
            Self::Flag => "a boolean",
            Self::Object => "an object",
        }
    }

    /// The least and most that it may be, where it has such.
    pub(crate) fn bounds(self) -> (f64, f64) {
        match self {
            Self::Integer(least, most) => (least as f64, most as f64),
            Self::Number(least, most) => (least, most),
            Self::Text | Self::Flag | Self::Object => (f64::MIN, f64::MAX),
        }
    }
}

/// A provider's refusal of the field at a place: `outer.inner`, by the names of the body.
pub(crate) type Words = fn(&str, Wrong<'_>) -> Refused;

/// One object of a body, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'f> {
    fields: &'f Map<String, Value>,
    /// Empty for the body itself.
    place: String,
    words: Words,
    /// Whether a text of a number is as good as the number.
    is_lenient: bool,
}

impl<'f> Fields<'f> {
    /// The body itself.
    pub(crate) fn new(fields: &'f Map<String, Value>, words: Words) -> Self {
        Self {
            fields,
            place: String::new(),
            words,
            is_lenient: false,
        }
    }

    /// The same, for services whose clients send numbers as texts, too.
    pub(crate) fn lenient(self) -> Self {
        Self {
            is_lenient: true,
            ..self
        }
    }

    fn text_of<'v>(&self, value: &'v Value) -> Option<&'v str> {
        value.as_str().filter(|_| self.is_lenient)
    }

    /// A value that must be an object, at a place.
    pub(crate) fn of(value: &'f Value, place: String, words: Words) -> Result<Self, Refused> {
        match value {
            Value::Object(fields) => Ok(Self {
                place,
                ..Self::new(fields, words)
            }),
            other => Err(words(&place, Wrong::Type(Type::Object, other))),
        }
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Where a field of it stands.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        }
    }

    fn refuse(&self, name: &str, wrong: Wrong<'_>) -> Refused {
        (self.words)(&self.path(name), wrong)
    }

    /// Refuses every field of another name.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), Refused> {
        match self.fields.keys().find(|name| !names.contains(&name.as_str())) {
            Some(unknown) => Err(self.refuse(unknown, Wrong::Unknown)),
            None => Ok(()),
        }
    }

    /// A field as it is.
    pub(crate) fn get(&self, name: &str) -> Option<&'f Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &self,
        name: &str,
        kind: Type,
        read: impl FnOnce(&'f Value) -> Option<T>,
    ) -> Result<Option<T>, Refused> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let read = read(value).ok_or_else(|| self.refuse(name, Wrong::Type(kind, value)));
        read.map(Some)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'f str>, Refused> {
        self.typed(name, Type::Text, Value::as_str)
    }

    /// A flag.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        self.typed(name, Type::Flag, Value::as_bool)
    }

    /// A whole number between two bounds.
    pub(crate) fn integer(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refused> {
        let kind = Type::Integer(least, most);
        let read = |value: &Value| value.as_i64().or_else(|| self.text_of(value)?.parse().ok());
        match self.typed(name, kind, read)? {
            Some(number) if !(least..=most).contains(&number) => {
                Err(self.refuse(name, Wrong::Range(number as f64, kind)))
            }
            number => Ok(number),
        }
    }

    /// Any number between two bounds.
    pub(crate) fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Refused> {
        let kind = Type::Number(least, most);
        let read = |value: &Value| value.as_f64().or_else(|| self.text_of(value)?.parse().ok());
        match self.typed(name, kind, read)? {
            Some(number) if !(least..=most).contains(&number) => Err(self.refuse(name, Wrong::Range(number, kind))),
            number => Ok(number),
        }
    }

    /// One of a few words.
    pub(crate) fn choice(&self, name: &str, listed: &[&'static str]) -> Result<Option<&'static str>, Refused> {
        self.word(name, listed, |listed, given| listed == given)
    }

    /// The same, in whatever case: documentation and clients write some words differently.
    pub(crate) fn any_case(&self, name: &str, listed: &[&'static str]) -> Result<Option<&'static str>, Refused> {
        self.word(name, listed, str::eq_ignore_ascii_case)
    }

    fn word(
        &self,
        name: &str,
        listed: &[&'static str],
        is_same: impl Fn(&str, &str) -> bool,
    ) -> Result<Option<&'static str>, Refused> {
        let Some(given) = self.text(name)? else { return Ok(None) };
        match listed.iter().find(|listed| is_same(listed, given)) {
            Some(found) => Ok(Some(found)),
            None => Err(self.refuse(name, Wrong::Word(given, listed))),
        }
    }

    /// An object inside.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Refused> {
        let value = self.get(name);
        value
            .map(|value| Self::of(value, self.path(name), self.words))
            .transpose()
    }

    /// The items of a list, or a single one that stands for itself; none when absent.
    pub(crate) fn items(&self, name: &str) -> &'f [Value] {
        match self.get(name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => std::slice::from_ref(other),
        }
    }
}
