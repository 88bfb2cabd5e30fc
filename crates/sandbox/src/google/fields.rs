//! JSON objects read as strictly as Google's parser does: every name known, every type right.

use super::errors;
use crate::fields::{Type, Wrong};
use crate::refused::Refused;
use crate::wire::{self, MAX_JSON_BYTES, ObjectError};
use axum::body::Body;
use serde_json::{Map, Value};

/// A body that must be a JSON object, its names in camel case.
pub(crate) async fn parse_json(body: Body) -> Result<Map<String, Value>, Refused> {
    let fields = wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge => errors::invalid(format!(
            "Request payload size exceeds the limit: {MAX_JSON_BYTES} bytes."
        )),
        ObjectError::Broken => errors::invalid("The connection broke off."),
        ObjectError::NotAnObject => errors::invalid("Invalid JSON payload received. The root must be an object."),
        ObjectError::NotJson => {
            errors::invalid("Invalid JSON payload received. Parsing terminated before end of input.")
        }
    })?;
    let camel = fields
        .into_iter()
        .map(|(name, value)| (camel(&name), camel_keys(value)));
    Ok(camel.collect())
}

/// Names may come in snake case too.
fn camel_keys(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (camel(&name), camel_keys(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(camel_keys).collect(),
        other => other,
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}

/// As errors write names.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Google's words for what is wrong with a field, whose place they write in snake case.
pub(crate) fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    let at = snake(path);
    match wrong {
        Wrong::Unknown => {
            let (place, name) = path.rsplit_once('.').unwrap_or(("", path));
            errors::unknown_name(name, &snake(place))
        }
        Wrong::Type(kind, value) => {
            let kind = match kind {
                Type::Text => "TYPE_STRING",
                Type::Integer(..) => "TYPE_INT32",
                Type::Number(..) => "TYPE_FLOAT",
                Type::Flag => "TYPE_BOOL",
                Type::Object => "TYPE_MESSAGE",
            };
            errors::value(&at, kind, value)
        }
        Wrong::Range(number, kind) => {
            let (least, most) = kind.bounds();
            let message = format!("{at} must be in the range [{least}, {most}], but got {number}.");
            errors::field(&at, message)
        }
        Wrong::Word(given, listed) => {
            let message = format!("{at} must be one of [{}], but got '{given}'.", listed.join(", "));
            errors::field(&at, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_come_in_both_spellings() {
        let value = camel_keys(json!({"generation_config": [{"image_config": {"aspectRatio": "a_b"}}]}));
        assert_eq!(
            value,
            json!({"generationConfig": [{"imageConfig": {"aspectRatio": "a_b"}}]})
        );
        assert_eq!(snake("aspectRatio"), "aspect_ratio");
    }
}
