//! The request that one provider shall get, described without any wire format.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::mode::Mode;

/// One call to one provider: its model and its own field names and values, in the order of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeRequest {
    /// The provider's model id, such as `fal-ai/gpt-image-1.5/edit`.
    pub model: String,
    /// What is asked of the model.
    pub mode: Mode,
    /// The fields to send.
    pub fields: IndexMap<String, NativeValue>,
}

/// The value of one native field.
#[derive(Clone, PartialEq)]
pub enum NativeValue {
    /// Plain JSON. In a multipart body a string is sent bare and anything else as JSON text.
    Json(Value),
    /// The same, kept once however many offers and calls hold it: what a caller gave may be large.
    Shared(Arc<Value>),
    /// A value that must never be logged, stored or echoed.
    Secret(String),
    /// One input image by its index.
    Image(usize, ImageForm),
    /// Several input images by their index, in order.
    Images(Vec<usize>, ImageForm),
    /// The mask.
    Mask(ImageForm),
}

/// How a provider takes the bytes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageForm {
    /// A file part of a multipart body. Several images repeat the field.
    File,
    /// Text that is a URL: a data URI, or a link after an upload when the provider's limit asks for it.
    Link,
}

/// A longer text is kept once.
const TEXT_BYTES_COPIED_MAX: usize = 256;

impl NativeValue {
    /// What a caller gave: copied where that costs nothing, else kept once.
    #[must_use]
    pub fn given(value: &Arc<Value>) -> Self {
        if is_large(value) {
            Self::Shared(Arc::clone(value))
        } else {
            Self::Json(Value::clone(value))
        }
    }

    /// The JSON that it is, if it is nothing else.
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Shared(value) => Some(value),
            Self::Secret(_) | Self::Image(..) | Self::Images(..) | Self::Mask(_) => None,
        }
    }
}

/// Whether a copy of a value takes memory worth speaking of.
pub(crate) fn is_large(value: &Value) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) => true,
        Value::String(text) => text.len() > TEXT_BYTES_COPIED_MAX,
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl std::fmt::Debug for NativeValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(value) => write!(f, "Json({value})"),
            Self::Shared(value) => write!(f, "Json({value})"),
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Image(index, form) => write!(f, "Image({index}, {form:?})"),
            Self::Images(indices, form) => write!(f, "Images({indices:?}, {form:?})"),
            Self::Mask(form) => write!(f, "Mask({form:?})"),
        }
    }
}
