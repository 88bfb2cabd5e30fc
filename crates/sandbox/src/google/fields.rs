//! JSON objects read as strictly as Google's parser does: every name known, every type right.

use super::errors;
use crate::refused::Refused;
use crate::wire::{BodyError, MAX_JSON_BYTES, read_body};
use axum::body::Body;
use serde_json::{Map, Value};

/// A body that must be a JSON object, its names in camel case.
pub(crate) async fn parse_json(body: Body) -> Result<Map<String, Value>, Refused> {
    let bytes = read_body(body, MAX_JSON_BYTES).await.map_err(|error| match error {
        BodyError::TooLarge => errors::invalid(format!(
            "Request payload size exceeds the limit: {MAX_JSON_BYTES} bytes."
        )),
        BodyError::Broken => errors::invalid("The connection broke off."),
    })?;
    match serde_json::from_slice(&bytes).map(camel_keys) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(errors::invalid(
            "Invalid JSON payload received. The root must be an object.",
        )),
        Err(_) => Err(errors::invalid(
            "Invalid JSON payload received. Parsing terminated before end of input.",
        )),
    }
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
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// One object and where it stands. Null is as good as absent.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'f> {
    fields: &'f Map<String, Value>,
    /// In snake case; empty for the body itself.
    place: String,
}

impl<'f> Fields<'f> {
    /// The body itself.
    pub(crate) fn root(fields: &'f Map<String, Value>) -> Self {
        Self {
            fields,
            place: String::new(),
        }
    }

    /// An object somewhere in a list.
    pub(crate) fn of(value: &'f Value, place: String) -> Result<Self, Refused> {
        match value {
            Value::Object(fields) => Ok(Self { fields, place }),
            other => Err(errors::value(&place, "TYPE_MESSAGE", other)),
        }
    }

    /// Refuses every other name.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), Refused> {
        match self.fields.keys().find(|name| !names.contains(&name.as_str())) {
            Some(unknown) => Err(errors::unknown_name(unknown, &self.place)),
            None => Ok(()),
        }
    }

    /// Where it stands itself.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Where a field of this object stands.
    pub(crate) fn path(&self, name: &str) -> String {
        let name = snake(name);
        if self.place.is_empty() {
            name
        } else {
            format!("{}.{name}", self.place)
        }
    }

    /// A field as it is.
    pub(crate) fn get(&self, name: &str) -> Option<&'f Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'f str>, Refused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(errors::value(&self.path(name), "TYPE_STRING", other)),
        }
    }

    /// A whole number between two bounds.
    pub(crate) fn int(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refused> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value
            .as_i64()
            .ok_or_else(|| errors::value(&self.path(name), "TYPE_INT32", value))?;
        if (least..=most).contains(&number) {
            return Ok(Some(number));
        }
        let path = self.path(name);
        let message = format!("{path} must be in the range [{least}, {most}], but got {number}.");
        Err(errors::field(&path, message))
    }

    /// Any number between two bounds.
    pub(crate) fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Refused> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value
            .as_f64()
            .ok_or_else(|| errors::value(&self.path(name), "TYPE_FLOAT", value))?;
        if (least..=most).contains(&number) {
            return Ok(Some(number));
        }
        let path = self.path(name);
        let message = format!("{path} must be in the range [{least}, {most}], but got {number}.");
        Err(errors::field(&path, message))
    }

    /// A flag.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(errors::value(&self.path(name), "TYPE_BOOL", other)),
        }
    }

    /// One of a few texts.
    pub(crate) fn choice(&self, name: &str, listed: &[&'static str]) -> Result<Option<&'static str>, Refused> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if let Some(found) = listed.iter().find(|listed| **listed == text) {
            return Ok(Some(found));
        }
        let path = self.path(name);
        let message = format!("{path} must be one of [{}], but got '{text}'.", listed.join(", "));
        Err(errors::field(&path, message))
    }

    /// The same, in whatever case: documentation and clients write some words differently.
    pub(crate) fn word(&self, name: &str, listed: &[&'static str]) -> Result<Option<&'static str>, Refused> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match listed.iter().find(|listed| listed.eq_ignore_ascii_case(text)) {
            Some(found) => Ok(Some(found)),
            None => self.choice(name, listed),
        }
    }

    /// The items of a list, or a single one that stands for itself; none when absent.
    pub(crate) fn items(&self, name: &str) -> &'f [Value] {
        match self.get(name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => std::slice::from_ref(other),
        }
    }

    /// An object inside.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Refused> {
        self.get(name)
            .map(|value| Fields::of(value, self.path(name)))
            .transpose()
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
