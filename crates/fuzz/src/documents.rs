//! Providers' answers and events.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use providers::sse::{SseData, SseEvent, SseParser};
use providers::{Document, SplitLimits, Splitter, Spool, SpoolLimits};
use serde_json::{Value, json};

use crate::PIECES;

/// Image bytes of one answer.
const BLOB_BYTES: u64 = 1 << 20;

/// A document is the same however it comes, and its images are what a plain decoder makes of the texts in their places.
pub(crate) fn split(data: &[u8]) {
    let whole = document(data, data.len().max(1));
    for bytes in PIECES {
        let pieces = document(data, bytes).map(|document| shown(&document));
        assert_eq!(whole.as_ref().map(shown), pieces, "in pieces of {bytes} bytes");
    }
    if let Some(document) = &whole {
        let bare = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
        let plain: Value = serde_json::from_slice(bare).unwrap_or_else(|error| panic!("{error} was read"));
        compare(document, &document.json, &plain);
    }
}

fn document(data: &[u8], piece_bytes: usize) -> Option<Document> {
    let spool = Spool::new(SpoolLimits::default());
    let mut splitter = Splitter::new(spool.scope(), SplitLimits::of_answer(BLOB_BYTES));
    for piece in data.chunks(piece_bytes) {
        splitter.push(piece).ok()?;
    }
    splitter.finish().ok()
}

/// A document with its images as base64 in their places: handles differ from one reading to the next.
fn shown(document: &Document) -> Value {
    show(document, &document.json)
}

fn show(document: &Document, value: &Value) -> Value {
    if let Some(blob) = document.blob(value) {
        let bytes = blob.read_all().unwrap_or_else(|error| panic!("{error}"));
        return json!({ "blob": base64::engine::general_purpose::STANDARD.encode(bytes), "mime": document.blob_mime(value) });
    }
    match value {
        Value::Array(items) => items.iter().map(|item| show(document, item)).collect(),
        Value::Object(fields) => {
            let shown = fields.iter().map(|(name, value)| (name.clone(), show(document, value)));
            Value::Object(shown.collect())
        }
        other => other.clone(),
    }
}

/// Holds a document against the same text as the JSON parser reads it.
fn compare(document: &Document, ours: &Value, plain: &Value) {
    if let Some(blob) = document.blob(ours) {
        let text = plain
            .as_str()
            .unwrap_or_else(|| panic!("an image in the place of {plain}"));
        let base64 = match text.split_once("base64,") {
            Some((_, rest)) if text.starts_with("data:") => rest,
            _ => text,
        };
        let base64: String = base64.chars().filter(|sign| !sign.is_ascii_whitespace()).collect();
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded = GeneralPurpose::new(&STANDARD, lenient).decode(base64);
        let bytes = blob.read_all().unwrap_or_else(|error| panic!("{error}"));
        // What the plain decoder refuses, such as the other alphabet, tells nothing.
        assert!(
            decoded.is_err() || decoded.is_ok_and(|decoded| decoded == bytes),
            "an image is another"
        );
        return;
    }
    match (ours, plain) {
        (Value::Array(ours), Value::Array(plain)) => {
            assert_eq!(ours.len(), plain.len());
            ours.iter()
                .zip(plain)
                .for_each(|(ours, plain)| compare(document, ours, plain));
        }
        (Value::Object(ours), Value::Object(plain)) => {
            assert!(ours.keys().eq(plain.keys()));
            ours.values()
                .zip(plain.values())
                .for_each(|(ours, plain)| compare(document, ours, plain));
        }
        (ours, plain) => assert_eq!(ours, plain),
    }
}

/// Events are the same however they come.
pub(crate) fn events(data: &[u8]) {
    let whole = heard(data, data.len().max(1));
    for bytes in PIECES {
        assert_eq!(whole, heard(data, bytes), "in pieces of {bytes} bytes");
    }
}

/// The events up to the first mistake, and whether there is one.
fn heard(data: &[u8], piece_bytes: usize) -> (Vec<Value>, bool) {
    let spool = Spool::new(SpoolLimits::default());
    let mut parser = SseParser::new(spool.scope(), SplitLimits::of_answer(BLOB_BYTES));
    let mut heard = Vec::new();
    for mut piece in data.chunks(piece_bytes) {
        while !piece.is_empty() {
            match parser.push(&mut piece) {
                Ok(Some(event)) => heard.push(told(&event)),
                Ok(None) => break,
                Err(_) => return (heard, true),
            }
        }
    }
    (heard, false)
}

fn told(event: &SseEvent) -> Value {
    let data = match &event.data {
        SseData::Json(document) => shown(document),
        SseData::Done => "(done)".into(),
    };
    json!({ "name": event.name, "data": data })
}
