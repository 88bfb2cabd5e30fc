//! JSON bodies.

use axum::http::StatusCode;
use planner::fault::Fault;
use providers::{Document, SplitError, SplitLimits, Splitter};
use serde_json::{Map, Value};

use super::pictures::source;
use super::{Pieces, Received, Room, spool_problem};
use crate::api::neighbours::{Picture, may_hold_base64, picture};
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
    let (mut document, size_bytes) = split(pieces, room).await?;
    let fields = object(document.json.take())?;
    let mut received = Received {
        size_bytes,
        ..Received::default()
    };
    keep_texts(fields, &document, &mut received);
    Ok(received)
}

fn limits_of(room: &Room<'_>) -> SplitLimits {
    SplitLimits {
        text_bytes: room.limits.json_text_bytes,
        blob_bytes: room.limits.json_body_bytes,
        depth: room.limits.json_depth,
        nodes: room.limits.json_nodes,
    }
}

/// Refuses a form's text that would be too many values if it is read as JSON; `nodes` counts those of the whole form.
///
/// # Errors
/// As for a body that is JSON.
pub(super) fn check_text(text: &str, nodes: &mut usize, room: &Room<'_>) -> Result<(), Problem> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Ok(());
    }
    let limits = limits_of(room);
    let left = limits.nodes.saturating_sub(*nodes);
    let mut splitter = Splitter::new(room.scope.clone(), SplitLimits { nodes: left, ..limits });
    let result = splitter.push(text.as_bytes());
    *nodes += splitter.nodes();
    match result {
        Err(SplitError::TooMany { .. }) => Err(split_problem(&SplitError::TooMany { nodes: limits.nodes })),
        Err(error @ SplitError::TooDeep { .. }) => Err(split_problem(&error)),
        // What else is wrong with it is told where its meaning is known: it may be no JSON at all.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The document, with long data URLs in the spool.
async fn split(mut pieces: Pieces, room: &Room<'_>) -> Result<(Document, u64), Problem> {
    let mut splitter = Splitter::new(room.scope.clone(), limits_of(room)).bare_only_in(may_hold_base64);
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
    let (mut document, size_bytes) = split(pieces, room).await?;
    let mut fields = object(document.json.take())?;
    let mut received = Received {
        size_bytes,
        ..Received::default()
    };
    let named: Vec<(String, Picture)> = fields
        .keys()
        .filter_map(|name| Some((name.clone(), picture(name)?)))
        .collect();
    for (name, kind) in named {
        let value = fields.shift_remove(&name).unwrap_or_default();
        match kind {
            Picture::Images => take_images(&name, &value, &document, &mut received),
            Picture::Mask if is_absent(&value) => {}
            Picture::Mask => match source("mask", &value, &document) {
                Ok(source) => received.mask = Some(source),
                Err(fault) => received.faults.push(fault),
            },
        }
    }
    keep_texts(fields, &document, &mut received);
    Ok(received)
}

fn split_problem(error: &SplitError) -> Problem {
    match error {
        SplitError::Spool(error) => spool_problem(error),
        SplitError::Syntax(_) | SplitError::Cut | SplitError::BadBase64 => not_json(&error.to_string()),
        SplitError::TextTooLong { .. } => too_large(error, "json_text_bytes"),
        SplitError::BlobTooLong { .. } => too_large(error, "json_body_bytes"),
        SplitError::TooMany { .. } => Problem::invalid(
            StatusCode::BAD_REQUEST,
            format!("The body holds more values than json_nodes allows: {error}"),
        ),
        SplitError::TooDeep { .. } => Problem::invalid(
            StatusCode::BAD_REQUEST,
            format!("The body is nested deeper than json_depth allows: {error}"),
        ),
    }
}

fn too_large(error: &SplitError, limit_name: &str) -> Problem {
    Problem::invalid(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("The body is larger than {limit_name} allows: {error}"),
    )
}

fn take_images(name: &str, value: &Value, document: &Document, received: &mut Received) {
    let one = std::slice::from_ref(value);
    let items = value.as_array().map_or(one, Vec::as_slice);
    for item in items.iter().filter(|item| !is_absent(item)) {
        match source(name, item, document) {
            Ok(source) => received.images.push(source),
            Err(fault) => received.faults.push(fault),
        }
    }
}

/// `null` and an empty text are how clients say "not set".
fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}
