//! Multipart bodies.

use axum::http::StatusCode;
use futures_util::TryStreamExt;
use multer::{Field, Multipart};
use planner::fault::Fault;
use providers::Blob;
use serde_json::Value;

use super::{BodyError, Pieces, Received, Room, Source, spool_problem};
use crate::problem::Problem;

/// All form fields that are not files, together: prompts have at most tens of kilobytes.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Parts of one form: sixteen images, a mask and some dozens of parameters.
const PARTS_MAX: usize = 256;

fn problem(error: multer::Error) -> Problem {
    if let multer::Error::StreamReadFailed(cause) = &error
        && let Some(body) = cause.downcast_ref::<BodyError>()
    {
        return body.clone().into();
    }
    Problem::invalid(
        StatusCode::BAD_REQUEST,
        format!("The body is not valid multipart/form-data: {error}"),
    )
}

/// Reads a form; files go to the spool as they arrive.
pub(in super::super) async fn read(pieces: Pieces, boundary: String, room: &Room<'_>) -> Result<Received, Problem> {
    let size = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = std::sync::Arc::clone(&size);
    let stream = pieces.into_stream().inspect_ok(move |piece| {
        counter.fetch_add(piece.len() as u64, std::sync::atomic::Ordering::Relaxed);
    });
    let mut form = Multipart::new(stream, boundary);
    let mut received = Received {
        is_form: true,
        ..Received::default()
    };
    let mut text_bytes = 0;
    let mut parts = 0;
    while let Some(field) = form.next_field().await.map_err(problem)? {
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Problem::invalid(
                StatusCode::BAD_REQUEST,
                format!("The form has more than {PARTS_MAX} parts."),
            ));
        }
        take(field, &mut received, &mut text_bytes, room).await?;
    }
    received.size_bytes = size.load(std::sync::atomic::Ordering::Relaxed);
    Ok(received)
}

async fn take(
    field: Field<'_>,
    received: &mut Received,
    text_bytes: &mut usize,
    room: &Room<'_>,
) -> Result<(), Problem> {
    let Some(name) = field.name().map(ToOwned::to_owned) else {
        return Err(Problem::invalid(
            StatusCode::BAD_REQUEST,
            "A part of the form has no name.",
        ));
    };
    let is_file = field.file_name().is_some();
    let base = name.split('[').next().unwrap_or(&name);
    match base {
        "image" | "images" => {
            let blob = spool(field, room).await?;
            received.images.push(Source::File {
                param: "image".to_owned(),
                blob,
            });
        }
        "mask" => {
            let blob = spool(field, room).await?;
            if received.mask.is_some() {
                received.faults.push(Fault::new("mask", "'mask' was sent twice"));
            }
            received.mask = Some(Source::File {
                param: "mask".to_owned(),
                blob,
            });
        }
        _ if is_file => received.faults.push(Fault::new(
            &name,
            format!("'{name}' must not be a file; images go into 'image' and 'mask'"),
        )),
        _ => {
            let value = text(field, &name, text_bytes).await?;
            match received.fields.get(&name) {
                Some(other) if *other != value => received.faults.push(Fault::new(
                    &name,
                    format!("'{name}' was sent twice with different values"),
                )),
                _ => {
                    received.fields.insert(name, value);
                }
            }
        }
    }
    Ok(())
}

async fn text(mut field: Field<'_>, name: &str, text_bytes: &mut usize) -> Result<Value, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(problem)? {
        *text_bytes += chunk.len();
        if *text_bytes > TEXT_BYTES_MAX {
            return Err(Problem::invalid(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The form has more than {TEXT_BYTES_MAX} bytes of text."),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Problem::faults(&[Fault::new(name, format!("'{name}' is not UTF-8 text"))]))?;
    Ok(Value::String(text))
}

async fn spool(mut field: Field<'_>, room: &Room<'_>) -> Result<Blob, Problem> {
    let limit = room.limits.input_image_bytes;
    let mut writer = room.scope.writer();
    let mut size = 0;
    while let Some(chunk) = field.chunk().await.map_err(problem)? {
        size += chunk.len() as u64;
        if size > limit {
            let message = format!("an input image is larger than input_image_bytes allows: {limit} bytes");
            return Err(Problem::faults(&[Fault::new("image", message)]));
        }
        writer.write(&chunk).map_err(|error| spool_problem(&error))?;
    }
    writer.finish().map_err(|error| spool_problem(&error))
}
