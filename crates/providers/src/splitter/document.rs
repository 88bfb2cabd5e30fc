//! A small JSON document whose images are in the spool.

use serde_json::Value;

use super::{
    base64::{BadBase64, decode},
    text::data_prefix,
};
use crate::spool::{Blob, SpoolError, SpoolScope};

/// A JSON document with handles in the place of its blobs.
#[derive(Debug)]
pub struct Document {
    /// The document. A handle is a string that only [`Document::blob`] can read.
    pub json: Value,
    blobs: Vec<DocumentBlob>,
    scope: SpoolScope,
}

#[derive(Debug)]
pub(super) struct DocumentBlob {
    pub(super) handle: String,
    pub(super) blob: Blob,
    pub(super) mime: Option<String>,
}

/// Why a string gives no image.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Neither an address nor base64.
    #[error("a string is neither an address nor base64")]
    BadBase64,
    /// The spool refused.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl From<BadBase64> for DocumentError {
    fn from(_: BadBase64) -> Self {
        Self::BadBase64
    }
}

impl Document {
    pub(super) fn new(json: Value, blobs: Vec<DocumentBlob>, scope: SpoolScope) -> Self {
        Self { json, blobs, scope }
    }

    /// A document without blobs; images in it are short text, if any.
    #[must_use]
    pub fn from_json(json: Value, scope: SpoolScope) -> Self {
        Self {
            json,
            blobs: Vec::new(),
            scope,
        }
    }

    /// The blob that `value` is the handle of.
    #[must_use]
    pub fn blob(&self, value: &Value) -> Option<&Blob> {
        self.entry(value).map(|entry| &entry.blob)
    }

    /// The media type that came with the blob, when it was a data URI.
    #[must_use]
    pub fn blob_mime(&self, value: &Value) -> Option<&str> {
        self.entry(value).and_then(|entry| entry.mime.as_deref())
    }

    /// The image that `value` holds as base64 or as a data URI, whether long or short; `None` when it is an address or
    /// no string at all.
    ///
    /// # Errors
    /// [`DocumentError`] when the string is neither an address nor base64, or the spool refuses.
    pub fn image(&self, value: &Value) -> Result<Option<Blob>, DocumentError> {
        if let Some(blob) = self.blob(value) {
            return Ok(Some(blob.clone()));
        }
        let Some(text) = value.as_str() else { return Ok(None) };
        let base64 = match data_prefix(text.as_bytes()) {
            Some((_, start)) => &text[start..],
            None if text.contains("://") || text.is_empty() => return Ok(None),
            None => text,
        };
        Ok(Some(self.scope.store(&decode(base64.as_bytes())?)?))
    }

    fn entry(&self, value: &Value) -> Option<&DocumentBlob> {
        let handle = value.as_str()?;
        self.blobs.iter().find(|entry| entry.handle == handle)
    }
}
