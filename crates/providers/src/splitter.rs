//! An incremental JSON reader that decodes long base64 strings into the spool and leaves a small document with handles.
//!
//! It does not parse: it copies the text, puts a handle in the place of each blob, and gives the small rest to the JSON
//! parser. So it accepts exactly what that parser accepts, needs no recursion, and holds no image in memory.

mod base64;
mod document;
mod text;

use document::DocumentBlob;
pub use document::{Document, DocumentError};
use memchr::memchr2;

use self::{
    base64::Decoder,
    text::{Start, Unescape, recognize},
};
use crate::spool::{BlobWriter, SpoolError, SpoolScope};

/// JSON that is not blob, in bytes: image answers carry a few hundred, so a mebibyte is an attack or a mistake.
pub const TEXT_BYTES: usize = 1 << 20;
/// Nesting of objects and arrays; image answers need about five.
pub const DEPTH: usize = 64;
/// Values in a document: each takes many times the memory of its text.
pub const NODES: usize = 100_000;
/// A string shorter than this (as written in the JSON) stays text; longer ones may be blobs, in bytes.
pub const SNIFF_BYTES: usize = 4096;

/// What some writers put before a text; it says nothing.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bounds of one document.
#[derive(Debug, Clone, Copy)]
pub struct SplitLimits {
    /// JSON that is not blob, in bytes.
    pub text_bytes: usize,
    /// All decoded blobs together, in bytes.
    pub blob_bytes: u64,
    /// Nesting of objects and arrays.
    pub depth: usize,
    /// Values of every kind.
    pub nodes: usize,
}

impl SplitLimits {
    /// Those of a provider's answer with at most so many bytes of images.
    #[must_use]
    pub const fn of_answer(blob_bytes: u64) -> Self {
        Self {
            text_bytes: TEXT_BYTES,
            blob_bytes,
            depth: DEPTH,
            nodes: NODES,
        }
    }
}

/// Why a text is not a document.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// Not JSON.
    #[error("not valid JSON: {0}")]
    Syntax(serde_json::Error),
    /// The text ends too early.
    #[error("the JSON ends too early")]
    Cut,
    /// Nested deeper than allowed.
    #[error("the JSON is nested deeper than {depth}")]
    TooDeep {
        /// The bound.
        depth: usize,
    },
    /// More values than allowed.
    #[error("the JSON has more than {nodes} values")]
    TooMany {
        /// The bound.
        nodes: usize,
    },
    /// More text than allowed.
    #[error("the JSON has more than {text_bytes} bytes of text")]
    TextTooLong {
        /// The bound, in bytes.
        text_bytes: usize,
    },
    /// More image bytes than allowed.
    #[error("the JSON has more than {blob_bytes} bytes of images")]
    BlobTooLong {
        /// The bound, in bytes.
        blob_bytes: u64,
    },
    /// A string began as base64 and did not go on so.
    #[error("a base64 string is broken")]
    BadBase64,
    /// The spool refused.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Takes a document in pieces of any size.
#[derive(Debug)]
pub struct Splitter {
    scope: SpoolScope,
    limits: SplitLimits,
    /// In every handle, so that no text of a provider can name a blob.
    nonce: u128,
    text: Vec<u8>,
    depth: usize,
    place: Place,
    blobs: Vec<DocumentBlob>,
    blob_bytes: u64,
    nodes: usize,
    /// Fields whose strings may be bare base64; `None`: any.
    bare: Option<fn(&str) -> bool>,
    /// Where the last short string stands in the text, without its quotes.
    last_string: std::ops::Range<usize>,
    /// Where the name of the last field stands.
    last_name: std::ops::Range<usize>,
}

#[derive(Debug)]
enum Place {
    /// Between strings.
    Outside,
    /// In a string too short to judge yet, held back.
    Sniff { raw: Vec<u8>, escaped: bool },
    /// In a long string that is text.
    Text { escaped: bool },
    /// In a blob.
    Blob(Box<BlobText>),
}

#[derive(Debug)]
struct BlobText {
    writer: BlobWriter,
    decoder: Decoder,
    unescape: Unescape,
    mime: Option<String>,
}

impl Splitter {
    /// A splitter for one document.
    #[must_use]
    pub fn new(scope: SpoolScope, limits: SplitLimits) -> Self {
        Self {
            scope,
            limits,
            nonce: rand::random(),
            text: Vec::new(),
            depth: 0,
            place: Place::Outside,
            blobs: Vec::new(),
            blob_bytes: 0,
            nodes: 0,
            bare: None,
            last_string: 0..0,
            last_name: 0..0,
        }
    }

    /// Takes bare base64 for an image only in the fields of these names, and in lists of theirs: a caller's prompt may
    /// look like it. Data URIs are images anywhere.
    #[must_use]
    pub fn bare_only_in(mut self, names: fn(&str) -> bool) -> Self {
        self.bare = Some(names);
        self
    }

    /// Takes the next piece of the text.
    ///
    /// # Errors
    /// [`SplitError`] as soon as a bound is passed or a blob is broken; other faults of the JSON show at the end.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), SplitError> {
        while !bytes.is_empty() {
            bytes = match std::mem::replace(&mut self.place, Place::Outside) {
                Place::Outside => self.outside(bytes)?,
                Place::Sniff { raw, escaped } => self.sniff(bytes, raw, escaped)?,
                Place::Text { escaped } => self.in_text(bytes, escaped)?,
                Place::Blob(blob) => self.in_blob(bytes, blob)?,
            };
        }
        Ok(())
    }

    /// The document, when the text is complete.
    ///
    /// # Errors
    /// [`SplitError::Cut`] or [`SplitError::Syntax`].
    pub fn finish(self) -> Result<Document, SplitError> {
        if !matches!(self.place, Place::Outside) {
            return Err(SplitError::Cut);
        }
        let text = self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.text);
        let json = serde_json::from_slice(text).map_err(|error| {
            if error.is_eof() {
                SplitError::Cut
            } else {
                SplitError::Syntax(error)
            }
        })?;
        Ok(Document::new(json, self.blobs, self.scope))
    }

    /// Values that have begun so far.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), SplitError> {
        let text_bytes = self.limits.text_bytes;
        if bytes.len() > text_bytes.saturating_sub(self.text.len()) {
            return Err(SplitError::TextTooLong { text_bytes });
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn outside<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], SplitError> {
        let end = bytes.iter().position(|byte| *byte == b'"').unwrap_or(bytes.len());
        let (plain, rest) = bytes.split_at(end);
        let SplitLimits { depth, nodes, .. } = self.limits;
        for byte in plain {
            match byte {
                b'{' | b'[' => {
                    self.depth += 1;
                    self.nodes += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                // Each value but the first of an object or a list stands after one.
                b',' => self.nodes += 1,
                b':' => self.last_name = self.last_string.clone(),
                _ => {}
            }
            if self.depth > depth {
                return Err(SplitError::TooDeep { depth });
            }
            if self.nodes > nodes {
                return Err(SplitError::TooMany { nodes });
            }
        }
        self.keep(plain)?;
        if rest.is_empty() {
            return Ok(rest);
        }
        self.place = Place::Sniff {
            raw: Vec::new(),
            escaped: false,
        };
        Ok(&rest[1..])
    }

    fn sniff<'a>(&mut self, bytes: &'a [u8], mut raw: Vec<u8>, mut escaped: bool) -> Result<&'a [u8], SplitError> {
        let most = SNIFF_BYTES.saturating_sub(raw.len()).min(bytes.len());
        let closing = closing_quote(&bytes[..most], &mut escaped);
        raw.extend_from_slice(&bytes[..closing.unwrap_or(most)]);
        if let Some(closing) = closing {
            self.keep(b"\"")?;
            let start = self.text.len();
            self.keep(&raw)?;
            self.last_string = start..self.text.len();
            self.keep(b"\"")?;
            return Ok(&bytes[closing + 1..]);
        }
        if raw.len() < SNIFF_BYTES {
            self.place = Place::Sniff { raw, escaped };
            return Ok(&bytes[most..]);
        }
        match recognize(&raw).filter(|start| start.mime.is_some() || self.may_be_bare()) {
            Some(start) => self.start_blob(start)?,
            None => {
                self.keep(b"\"")?;
                self.keep(&raw)?;
                self.place = Place::Text { escaped };
            }
        }
        Ok(&bytes[most..])
    }

    /// Whether the string that begins here may be bare base64.
    fn may_be_bare(&self) -> bool {
        let name = self.text.get(self.last_name.clone()).unwrap_or_default();
        self.bare
            .is_none_or(|is_one| std::str::from_utf8(name).is_ok_and(is_one))
    }

    fn start_blob(&mut self, start: Start) -> Result<(), SplitError> {
        let mut blob = Box::new(BlobText {
            writer: self.scope.writer().expecting_base64(),
            decoder: Decoder::default(),
            unescape: start.unescape,
            mime: start.mime,
        });
        self.decode(&mut blob, &start.base64)?;
        self.place = Place::Blob(blob);
        Ok(())
    }

    fn in_text<'a>(&mut self, bytes: &'a [u8], mut escaped: bool) -> Result<&'a [u8], SplitError> {
        match closing_quote(bytes, &mut escaped) {
            Some(closing) => {
                self.keep(&bytes[..=closing])?;
                Ok(&bytes[closing + 1..])
            }
            None => {
                self.keep(bytes)?;
                self.place = Place::Text { escaped };
                Ok(&[])
            }
        }
    }

    fn in_blob<'a>(&mut self, bytes: &'a [u8], mut blob: Box<BlobText>) -> Result<&'a [u8], SplitError> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if blob.unescape.is_open() || *first == b'\\' {
                let character = blob.unescape.push(*first).map_err(|()| SplitError::BadBase64)?;
                rest = &rest[1..];
                if let Some(character) = character {
                    self.decode(&mut blob, &[character])?;
                }
                continue;
            }
            if *first == b'"' {
                self.end_blob(*blob)?;
                return Ok(&rest[1..]);
            }
            let end = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            self.decode(&mut blob, &rest[..end])?;
            rest = &rest[end..];
        }
        self.place = Place::Blob(blob);
        Ok(rest)
    }

    fn decode(&mut self, blob: &mut BlobText, base64: &[u8]) -> Result<(), SplitError> {
        let pushed = blob.decoder.push(base64).map_err(|_| SplitError::BadBase64)?;
        let blob_bytes = self.limits.blob_bytes;
        self.blob_bytes += pushed.bytes.len() as u64;
        if self.blob_bytes > blob_bytes {
            return Err(SplitError::BlobTooLong { blob_bytes });
        }
        match pushed.plain {
            Some(plain) => blob.writer.write_base64(&base64[..plain], pushed.bytes)?,
            None => blob.writer.write(pushed.bytes)?,
        }
        Ok(())
    }

    fn end_blob(&mut self, mut blob: BlobText) -> Result<(), SplitError> {
        let last = blob.decoder.finish().map_err(|_| SplitError::BadBase64)?;
        blob.writer.end_base64(last)?;
        let handle = format!("blob:{:032x}:{}", self.nonce, self.blobs.len());
        self.keep(format!("\"{handle}\"").as_bytes())?;
        self.blobs.push(DocumentBlob {
            handle,
            blob: blob.writer.finish()?,
            mime: blob.mime,
        });
        Ok(())
    }
}

/// Where the string ends, and whether the piece ends inside an escape.
fn closing_quote(bytes: &[u8], escaped: &mut bool) -> Option<usize> {
    let mut from = 0;
    if *escaped && !bytes.is_empty() {
        *escaped = false;
        from = 1;
    }
    while let Some(found) = memchr2(b'"', b'\\', &bytes[from..]) {
        let at = from + found;
        if bytes[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
        if from > bytes.len() {
            *escaped = true;
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests;
