//! Input images as callers write them: a link, a data URI, base64, or an object that holds one of these.

use std::io::Read as _;

use planner::fault::Fault;
use providers::{Blob, Document, SplitError, SplitLimits, Splitter, SpoolError, SpoolScope};
use serde_json::Value;

use super::Source;
use crate::api::neighbours::is_nested;

/// Bytes of a part that are looked at together.
const PIECE_BYTES: usize = 64 << 10;
/// What a text in the place of a file begins with.
const BEGINNINGS: [&str; 3] = ["https://", "http://", "data:"];

/// The image that `value` stands for.
///
/// # Errors
/// A fault that says what would be right.
pub(super) fn source(param: &str, value: &Value, document: &Document) -> Result<Source, Fault> {
    let wanted = || {
        Fault::new(
            param,
            format!("'{param}' must be an object with an 'image_url' that is an https:// or data: URL"),
        )
    };
    if value.get("file_id").is_some_and(|id| !id.is_null()) {
        return Err(Fault::new(
            param,
            "'file_id' is not supported, as Pictor has no files API; send the image itself, or an 'image_url'",
        ));
    }
    let text = text_of(value).ok_or_else(wanted)?;
    let given = text.as_str().ok_or_else(wanted)?.trim();
    let begins = |with: &str| {
        given
            .get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if begins("https://") || begins("http://") {
        return Ok(Source::Link {
            param: param.to_owned(),
            url: given.to_owned(),
        });
    }
    match document.image(text) {
        Ok(Some(blob)) => Ok(Source::File {
            param: param.to_owned(),
            blob,
        }),
        Ok(None) | Err(_) => Err(wanted()),
    }
}

/// The text in an image's place: itself, or what an object holds, such as `{"image_url": {"url": "..."}}`.
fn text_of(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(fields) => {
            let (_, inner) = fields
                .iter()
                .find(|(name, inner)| is_nested(name) && !inner.is_null())?;
            text_of(inner)
        }
        Value::String(_) => Some(value),
        _ => None,
    }
}

/// The text of a form's part that has no file's name, if it is a link or a data URI; a data URI stays in the spool.
///
/// # Errors
/// What the text's reading ends with.
pub(super) fn linked(blob: &Blob, scope: &SpoolScope) -> Result<Option<Document>, SplitError> {
    let mut reader = blob.reader();
    let mut piece = vec![0; PIECE_BYTES];
    let mut count = reader.read(&mut piece).map_err(SpoolError::from)?;
    let begins = |with: &str| {
        piece[..count]
            .get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    if !BEGINNINGS.iter().any(|with| begins(with)) {
        return Ok(None);
    }
    // Neither a link nor a data URI holds anything that JSON would escape.
    let mut splitter = Splitter::new(scope.clone(), SplitLimits::of_answer(blob.len()));
    splitter.push(b"\"")?;
    while count > 0 {
        splitter.push(&piece[..count])?;
        count = reader.read(&mut piece).map_err(SpoolError::from)?;
    }
    splitter.push(b"\"")?;
    splitter.finish().map(Some)
}
