//! One argument against the declaration of its parameter. Requests are checked here and nowhere else; the schema of a
//! model says the same in JSON Schema.

use std::sync::Arc;

use serde_json::Value;

use crate::catalog::parameter::{Kind, Parameter};
use crate::fault::{Fault, echo};

/// The value in the parameter's own type. Form fields are all text, a switch may be given as a boolean, and a whole
/// number may be written with a fraction of zero.
#[must_use]
pub fn typed(parameter: &Parameter, value: &Value, from_form: bool) -> Value {
    retyped(parameter, value, from_form).unwrap_or_else(|| value.clone())
}

/// The same of a value that is kept once: one that is right as it is, is not copied.
pub(crate) fn typed_shared(parameter: &Parameter, value: &Arc<Value>, from_form: bool) -> Arc<Value> {
    retyped(parameter, value, from_form).map_or_else(|| Arc::clone(value), Arc::new)
}

/// The value in the parameter's own type, when it is given in another.
fn retyped(parameter: &Parameter, value: &Value, from_form: bool) -> Option<Value> {
    let of_form = match value {
        Value::String(text) if from_form => from_text(parameter, text.trim()),
        _ => None,
    };
    let own = match (of_form.as_ref().unwrap_or(value), &parameter.booleans, parameter.kind()) {
        (Value::Bool(flag), Some(words), _) => Some(Value::from(words.word(*flag))),
        (Value::Number(number), _, Kind::Integer | Kind::Number) => whole(number),
        _ => None,
    };
    own.or(of_form)
}

fn from_text(parameter: &Parameter, text: &str) -> Option<Value> {
    match parameter.kind() {
        Kind::String if parameter.booleans.is_some() => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
        Kind::String => None,
        // Python writes a switch as `True`.
        Kind::Boolean => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
        Kind::Integer | Kind::Number | Kind::Array | Kind::Object => serde_json::from_str(text).ok(),
    }
}

/// `7.0` is a whole number too.
fn whole(number: &serde_json::Number) -> Option<Value> {
    /// Up to here every whole number has a floating-point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64()?;
    let is_whole = !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() <= EXACT;
    is_whole.then(|| Value::from(float as i64))
}

/// What is wrong with a [`typed`] value of parameter `name`. `whose` ends a list of values, such as
/// " for model 'x'"; it may be empty.
#[must_use]
pub fn fault(name: &str, parameter: &Parameter, value: &Value, whose: &str) -> Option<Fault> {
    let message = wrong_type(parameter, value)
        .or_else(|| out_of_bounds(parameter, value))
        .or_else(|| not_understood(parameter, value, whose))?;
    Some(Fault::new(name, format!("'{name}' {message}")))
}

fn wrong_type(parameter: &Parameter, value: &Value) -> Option<String> {
    let (fits, wanted) = match parameter.kind() {
        Kind::String => (value.is_string(), "text"),
        Kind::Integer => (value.is_i64() || value.is_u64(), "a whole number"),
        Kind::Number => (value.is_number(), "a number"),
        Kind::Boolean => (value.is_boolean(), "true or false"),
        Kind::Array => (value.is_array(), "a list"),
        Kind::Object => (value.is_object(), "an object"),
    };
    let bounds = match (parameter.min, parameter.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        _ => String::new(),
    };
    (!fits).then(|| format!("must be {wanted}{bounds}, not {}", kind_of(value)))
}

fn out_of_bounds(parameter: &Parameter, value: &Value) -> Option<String> {
    if let (Value::String(text), Some(max)) = (value, parameter.max_chars) {
        let chars = text.chars().count();
        return (chars > max).then(|| format!("has {chars} characters; at most {max} are taken"));
    }
    let number = value.as_f64()?;
    let below = parameter.min.is_some_and(|min| number < min);
    let above = parameter.max.is_some_and(|max| number > max);
    let bounds = match (parameter.min, parameter.max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, max) => format!("at most {}", max.unwrap_or(f64::MAX)),
    };
    (below || above).then(|| format!("must be {bounds}, not {}", echo(&value.to_string())))
}

fn not_understood(parameter: &Parameter, value: &Value, whose: &str) -> Option<String> {
    let legal = parameter.understood()?;
    if legal.contains(value) {
        return None;
    }
    let names: Vec<String> = legal.iter().map(crate::catalog::offer::key_of).collect();
    let given = if parameter.is_secret() {
        "this value".to_owned()
    } else {
        echo(&crate::catalog::offer::key_of(value))
    };
    Some(format!("must be one of {}{whose}, not {given}", names.join(", ")))
}

/// The JSON type of a value, as an error names it.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
