//! Values of a checked input.

use serde_json::{Map, Value};

/// The text of an input, empty where there is none.
pub(super) fn text<'v>(input: &'v Map<String, Value>, name: &str) -> &'v str {
    input.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The number of an input.
pub(super) fn number(input: &Map<String, Value>, name: &str) -> Option<f64> {
    input.get(name).and_then(Value::as_f64)
}
