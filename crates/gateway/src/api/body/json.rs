//! JSON bodies.

use axum::http::StatusCode;
use planner::fault::Fault;
use providers::splitter::TEXT_BYTES;
use providers::{Document, SplitError, SplitLimits, Splitter};
use serde_json::{Map, Value};

use super::{Pieces, Received, Room, Source, spool_problem};
use crate::problem::Problem;

fn not_json(detail: &str) -> Problem {
    Problem::invalid(StatusCode::BAD_REQUEST, format!("The body is not valid JSON: {detail}"))
}

fn object(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Problem::invalid(
            StatusCode::BAD_REQUEST,
            "The body must be a JSON object.",
        )),
    }
}

/// Reads a body without images.
pub(in super::super) async fn read(pieces: Pieces, room: &Room<'_>) -> Result<Received, Problem> {
    let (document, size_bytes) = split(pieces, room).await?;
    let fields = object(document.json.clone())?;
    let mut received = Received {
        size_bytes,
        ..Received::default()
    };
    keep_texts(fields, &document, &mut received);
    Ok(received)
}

/// The document, with long data URLs in the spool.
async fn split(mut pieces: Pieces, room: &Room<'_>) -> Result<(Document, u64), Problem> {
    let limits = SplitLimits {
        text_bytes: TEXT_BYTES,
        blob_bytes: room.limits.json_body_bytes,
    };
    let mut splitter = Splitter::new(room.scope.clone(), limits).data_uris_only();
    while let Some(piece) = pieces.next().await? {
        splitter.push(&piece).map_err(|error| split_problem(&error))?;
    }
    let document = splitter.finish().map_err(|error| split_problem(&error))?;
    Ok((document, pieces.received()))
}

/// Keeps the fields that are text. An image in any other field than those for images is refused: it could only be
/// passed on by holding it in memory.
fn keep_texts(mut fields: Map<String, Value>, document: &Document, received: &mut Received) {
    fields.retain(|name, value| {
        let legal = !holds_blob(value, document);
        if !legal {
            let message =
                format!("'{name}' holds an image; images go into 'images' and 'mask' of /openai/v1/images/edits");
            received.faults.push(Fault::new(name.as_str(), message));
        }
        legal
    });
    received.fields = fields;
}

fn holds_blob(value: &Value, document: &Document) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| holds_blob(item, document)),
        Value::Object(fields) => fields.values().any(|field| holds_blob(field, document)),
        other => document.blob(other).is_some(),
    }
}

/// Reads a body whose images stand in it as data URLs or links.
pub(in super::super) async fn read_split(pieces: Pieces, room: &Room<'_>) -> Result<Received, Problem> {
    let (document, size_bytes) = split(pieces, room).await?;
    let mut fields = object(document.json.clone())?;
    let mut received = Received {
        size_bytes,
        ..Received::default()
    };
    for name in ["images", "image"] {
        if let Some(value) = fields.remove(name) {
            take_images(name, &value, &document, &mut received);
        }
    }
    if let Some(value) = fields.remove("mask").filter(|value| !value.is_null()) {
        match source("mask", &value, &document) {
            Ok(source) => received.mask = Some(source),
            Err(fault) => received.faults.push(fault),
        }
    }
    keep_texts(fields, &document, &mut received);
    Ok(received)
}

fn split_problem(error: &SplitError) -> Problem {
    match error {
        SplitError::Spool(error) => spool_problem(error),
        SplitError::Syntax(_) | SplitError::Cut | SplitError::TooDeep | SplitError::BadBase64 => {
            not_json(&error.to_string())
        }
        SplitError::TextTooLong { .. } | SplitError::BlobTooLong { .. } => {
            Problem::invalid(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is too large: {error}"))
        }
    }
}

fn take_images(name: &str, value: &Value, document: &Document, received: &mut Received) {
    let one = std::slice::from_ref(value);
    for item in value.as_array().map_or(one, Vec::as_slice) {
        match source(name, item, document) {
            Ok(source) => received.images.push(source),
            Err(fault) => received.faults.push(fault),
        }
    }
}

/// `{"image_url": "..."}`, or the text alone.
fn source(param: &str, value: &Value, document: &Document) -> Result<Source, Fault> {
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
    let text = match value {
        Value::Object(fields) => fields.get("image_url").ok_or_else(wanted)?,
        other => other,
    };
    let given = text.as_str().ok_or_else(wanted)?;
    match document.image(text) {
        _ if given.starts_with("https://") || given.starts_with("http://") => Ok(Source::Link {
            param: param.to_owned(),
            url: given.to_owned(),
        }),
        Ok(Some(blob)) => Ok(Source::File {
            param: param.to_owned(),
            blob,
        }),
        Ok(None) | Err(_) => Err(wanted()),
    }
}
