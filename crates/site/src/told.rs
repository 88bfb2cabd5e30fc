//! Reading what the API answers: pages of the desk and the command line tell the same answers.

use jiff::Timestamp;
use planner::money::{Micros, decimal};
use serde_json::Value;

/// The text of a field; nothing where there is none.
#[must_use]
pub fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

/// The elements of a field.
#[must_use]
pub fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name].as_array().map_or(&[], Vec::as_slice)
}

/// The whole number of a field.
#[must_use]
pub fn number(object: &Value, name: &str) -> u64 {
    object[name].as_u64().unwrap_or_default()
}

/// An amount in dollars.
#[must_use]
pub fn dollars(value: &Value) -> Option<Micros> {
    decimal(&value.as_number()?.to_string()).map(Micros::from_dollars)
}

/// The moment of a field.
#[must_use]
pub fn moment(object: &Value, name: &str) -> Option<Timestamp> {
    text(object, name).parse().ok()
}

/// A value as one would type it.
#[must_use]
pub fn typed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(dollars(&json!(0.050306)), Some(Micros(50_306)));
        assert_eq!(dollars(&json!(1e-6)), Some(Micros(1)));
        assert_eq!(dollars(&json!(null)), None);
    }
}
