//! The request that one provider shall get, described without any wire format.

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

impl std::fmt::Debug for NativeValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(value) => write!(f, "Json({value})"),
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Image(index, form) => write!(f, "Image({index}, {form:?})"),
            Self::Images(indices, form) => write!(f, "Images({indices:?}, {form:?})"),
            Self::Mask(form) => write!(f, "Mask({form:?})"),
        }
    }
}
