//! Native fields as they are put together, each with the parameter that it came from.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::catalog::offer::key_of;
use crate::native::NativeValue;
use crate::secret::is_credential;

/// Native fields in the order in which they are sent.
#[derive(Default)]
pub(super) struct Fields {
    values: IndexMap<String, NativeValue>,
    origins: IndexMap<String, String>,
    /// Whether something is in it that the catalogue does not know.
    has_unknown: bool,
}

impl Fields {
    /// Sets `native` for the sake of `parameter`.
    pub(super) fn set(&mut self, parameter: &str, native: &str, value: impl Into<Value>) {
        self.insert(parameter, native, NativeValue::Json(value.into()));
    }

    /// The same for a value that is more than JSON.
    pub(super) fn insert(&mut self, parameter: &str, native: &str, value: NativeValue) {
        self.values.insert(native.to_owned(), value);
        self.origins.insert(native.to_owned(), parameter.to_owned());
    }

    /// Sets `native` for the sake of no parameter.
    pub(super) fn set_constant(&mut self, native: &str, value: Value) {
        self.values.insert(native.to_owned(), NativeValue::Json(value));
    }

    /// Sets what the caller gave and the catalogue does not know.
    pub(super) fn pass_on(&mut self, name: &str, value: &Arc<Value>) {
        let value = if is_credential(name) {
            NativeValue::Secret(key_of(value))
        } else {
            NativeValue::given(value)
        };
        self.insert(name, name, value);
        self.has_unknown = true;
    }

    /// The names that are set.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Whether something is in it that the catalogue does not know.
    pub(super) const fn has_unknown(&self) -> bool {
        self.has_unknown
    }

    /// The fields, and the parameter of each that has one.
    pub(super) fn into_parts(self) -> (IndexMap<String, NativeValue>, IndexMap<String, String>) {
        (self.values, self.origins)
    }
}
