//! JSON to be written, in which a string may be an image.

use std::{fmt, sync::Arc};

use planner::native::NativeValue;
use serde_json::Value;

use super::Segment;
use crate::spool::Blob;

/// A JSON value whose large strings are still blobs.
#[derive(Clone)]
pub enum Node {
    /// Plain JSON.
    Json(Value),
    /// The same, kept once however many bodies hold it.
    Shared(Arc<Value>),
    /// A string that must not be shown.
    Secret(String),
    /// A string: text that needs no escaping, then a blob as base64.
    Prefixed(String, Blob),
    /// A string: a blob as base64.
    Base64(Blob),
    /// An array.
    List(Vec<Node>),
    /// An object, in this order.
    Object(Vec<(String, Node)>),
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(value) => write!(f, "Json({value})"),
            Self::Shared(value) => write!(f, "Json({value})"),
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Prefixed(prefix, blob) => write!(f, "Prefixed({prefix:?}, {} bytes)", blob.len()),
            Self::Base64(blob) => write!(f, "Base64({} bytes)", blob.len()),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Object(pairs) => f
                .debug_map()
                .entries(pairs.iter().map(|(key, node)| (key, node)))
                .finish(),
        }
    }
}

impl Node {
    /// A data URI of `blob`. `mime` must be a plain media type.
    #[must_use]
    pub fn data_uri(mime: &str, blob: Blob) -> Self {
        Self::Prefixed(format!("data:{mime};base64,"), blob)
    }

    /// The node of a value of a request.
    pub(crate) fn of(value: &NativeValue) -> Option<Self> {
        match value {
            NativeValue::Json(value) => Some(Self::Json(value.clone())),
            NativeValue::Shared(value) => Some(Self::Shared(Arc::clone(value))),
            NativeValue::Secret(secret) => Some(Self::Secret(secret.clone())),
            NativeValue::Image(..) | NativeValue::Images(..) | NativeValue::Mask(_) => None,
        }
    }

    /// The text in pieces.
    pub(super) fn segments(&self) -> Vec<Segment> {
        let mut writer = Writer::default();
        writer.node(self);
        writer.cut();
        writer.segments
    }
}

#[derive(Default)]
struct Writer {
    segments: Vec<Segment>,
    text: Vec<u8>,
}

impl Writer {
    fn node(&mut self, node: &Node) {
        match node {
            Node::Json(value) => self.text.extend_from_slice(value.to_string().as_bytes()),
            Node::Shared(value) => {
                self.cut();
                self.segments.push(Segment::json(value));
            }
            Node::Secret(secret) => self.string(secret),
            Node::Prefixed(prefix, blob) => self.base64(prefix, blob),
            Node::Base64(blob) => self.base64("", blob),
            Node::List(items) => {
                self.text.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    self.comma(index);
                    self.node(item);
                }
                self.text.push(b']');
            }
            Node::Object(pairs) => {
                self.text.push(b'{');
                for (index, (key, item)) in pairs.iter().enumerate() {
                    self.comma(index);
                    self.string(key);
                    self.text.push(b':');
                    self.node(item);
                }
                self.text.push(b'}');
            }
        }
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.text.push(b',');
        }
    }

    fn string(&mut self, text: &str) {
        self.text.extend_from_slice(Value::from(text).to_string().as_bytes());
    }

    fn base64(&mut self, prefix: &str, blob: &Blob) {
        self.text.push(b'"');
        self.text.extend_from_slice(prefix.as_bytes());
        self.cut();
        self.segments.push(Segment::Base64(blob.clone()));
        self.text.push(b'"');
    }

    fn cut(&mut self) {
        if !self.text.is_empty() {
            self.segments
                .push(Segment::Bytes(std::mem::take(&mut self.text).into()));
        }
    }
}
