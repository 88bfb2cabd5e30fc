//! What is wrong with a body as pydantic tells it, on which two of the providers are built: entries of a `detail` list, each with
//! a place, a kind and a sentence. What else stands in an entry, each provider says itself.

use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// One entry of a `detail` list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Detail {
    /// Where, below `body`.
    pub(crate) at: Vec<Value>,
    pub(crate) msg: String,
    pub(crate) kind: &'static str,
    pub(crate) ctx: Option<Value>,
    pub(crate) input: Option<Value>,
}

impl Detail {
    /// An entry about one field.
    pub(crate) fn field(name: &str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self {
            at: vec![json!(name)],
            msg: msg.into(),
            kind,
            ctx: None,
            input: None,
        }
    }

    /// Says which item of the field's list is meant.
    pub(crate) fn item(mut self, index: usize) -> Self {
        self.at.push(json!(index));
        self
    }

    /// What the rule was.
    pub(crate) fn with_ctx(self, ctx: Value) -> Self {
        Self { ctx: Some(ctx), ..self }
    }

    /// Repeats the value.
    pub(crate) fn with_input(self, input: &Value) -> Self {
        Self {
            input: Some(input.clone()),
            ..self
        }
    }

    /// The whole place.
    pub(crate) fn loc(&self) -> Value {
        std::iter::once(json!("body")).chain(self.at.iter().cloned()).collect()
    }
}

/// What is said of a value that is no object.
pub(crate) const NO_OBJECT: &str = "Input should be a valid dictionary or object to extract fields from";

/// A whole number of any usual spelling, or what is wrong with it.
pub(crate) fn whole_number(value: &Value) -> Result<i64, (&'static str, &'static str)> {
    match value {
        Value::Number(number) => number.as_i64().map_or_else(
            || match number.as_f64() {
                Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Ok(float as i64),
                _ => Err((
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                )),
            },
            Ok,
        ),
        Value::String(text) => text.trim().parse().map_err(|_| {
            (
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
            )
        }),
        _ => Err(("int_type", "Input should be a valid integer")),
    }
}

/// What is wrong with a number outside its range.
pub(crate) fn outside<N: PartialOrd + Display + Serialize>(
    name: &str,
    number: N,
    range: &RangeInclusive<N>,
) -> Option<Detail> {
    let (least, most) = (range.start(), range.end());
    if number < *least {
        let msg = format!("Input should be greater than or equal to {least}");
        return Some(Detail::field(name, "greater_than_equal", msg).with_ctx(json!({ "ge": least })));
    }
    (number > *most).then(|| {
        let msg = format!("Input should be less than or equal to {most}");
        Detail::field(name, "less_than_equal", msg).with_ctx(json!({ "le": most }))
    })
}
