//! `multipart/form-data` (RFC 7578) from texts and blobs.

use std::sync::Arc;

use planner::native::NativeValue;
use serde_json::Value;

use super::{Body, Segment};
use crate::spool::Blob;

/// A form that is being filled.
#[derive(Debug)]
pub struct Multipart {
    boundary: String,
    segments: Vec<Segment>,
}

impl Multipart {
    /// An empty form. `nonce` must be random: whoever knows the boundary could hide further fields in an image.
    #[must_use]
    pub fn new(nonce: u128) -> Self {
        Self {
            boundary: format!("pictor-{nonce:032x}"),
            segments: Vec::new(),
        }
    }

    /// Adds a text field.
    pub fn text(&mut self, name: &str, value: &str) {
        self.field(name, Segment::Bytes(value.to_owned().into()));
    }

    /// Adds a value of a request: a string as its bare text, anything else as JSON; null and images add nothing.
    pub(crate) fn value(&mut self, name: &str, value: &NativeValue) {
        match value {
            NativeValue::Json(Value::String(text)) | NativeValue::Secret(text) => self.text(name, text),
            NativeValue::Json(Value::Null) => {}
            NativeValue::Json(json) => self.text(name, &json.to_string()),
            NativeValue::Shared(shared) => {
                let content = if shared.is_string() {
                    Segment::Text(Arc::clone(shared))
                } else {
                    Segment::json(shared)
                };
                self.field(name, content);
            }
            NativeValue::Image(..) | NativeValue::Images(..) | NativeValue::Mask(_) => {}
        }
    }

    fn field(&mut self, name: &str, content: Segment) {
        let head = format!("content-disposition: form-data; name=\"{}\"", quoted(name));
        self.part(&head, content);
    }

    /// Adds a file of the media type `mime`.
    pub fn file(&mut self, name: &str, filename: &str, mime: &str, blob: Blob) {
        let head = format!(
            "content-disposition: form-data; name=\"{}\"; filename=\"{}\"\r\ncontent-type: {mime}",
            quoted(name),
            quoted(filename)
        );
        self.part(&head, Segment::Blob(blob));
    }

    /// The complete body.
    #[must_use]
    pub fn finish(mut self) -> Body {
        self.segments
            .push(Segment::Bytes(format!("--{}--\r\n", self.boundary).into()));
        Body::new(
            self.segments,
            format!("multipart/form-data; boundary={}", self.boundary),
        )
    }

    fn part(&mut self, head: &str, content: Segment) {
        self.segments
            .push(Segment::Bytes(format!("--{}\r\n{head}\r\n\r\n", self.boundary).into()));
        self.segments.push(content);
        self.segments.push(Segment::Bytes("\r\n".into()));
    }
}

/// Escapes a name as browsers do.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
