//! Typed access to JSON fields; null is as good as absent.

use super::errors::ApiError;
use serde_json::{Map, Value};

/// The fields of one object.
pub(super) struct Fields<'f>(pub(super) &'f Map<String, Value>);

impl<'f> Fields<'f> {
    pub(super) fn get(&self, name: &str) -> Option<&'f Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'f str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ApiError::invalid(name, "expected a string")),
        }
    }

    pub(super) fn integer(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value
            .as_i64()
            .ok_or_else(|| ApiError::invalid(name, "expected an integer"))?;
        if (least..=most).contains(&number) {
            Ok(Some(number))
        } else {
            let why = format!("{number} is not between {least} and {most}");
            Err(ApiError::invalid(name, &why))
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ApiError::invalid(name, "expected a boolean")),
        }
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Fields<'f>>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Fields(fields))),
            Some(_) => Err(ApiError::invalid(name, "expected an object")),
        }
    }

    pub(super) fn choice(&self, name: &str, listed: &'static [&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(value) = self.text(name)? else {
            return Ok(None);
        };
        let found = listed.iter().copied().find(|listed| *listed == value);
        let why = || format!("'{value}' is none of {}", listed.join(", "));
        found.map(Some).ok_or_else(|| ApiError::invalid(name, &why()))
    }
}
