//! Multipart bodies.

use axum::http::StatusCode;
use planner::fault::Fault;
use providers::Blob;

use super::form;
use super::json::check_text;
use super::parts::{Head, Parts, PartsError};
use super::pictures;
use super::{Pieces, Received, Room, Source, spool_problem};
use crate::api::neighbours::{Picture, picture};
use crate::problem::Problem;

/// All form fields that are not files, together: prompts have at most tens of kilobytes.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Parts of one form: sixteen images, a mask and some dozens of parameters.
const PARTS_MAX: usize = 256;

/// What the texts of a form took so far.
#[derive(Debug, Default)]
struct Texts {
    bytes: usize,
    /// Values, if they are read as JSON.
    nodes: usize,
}

impl From<PartsError> for Problem {
    fn from(error: PartsError) -> Self {
        match error {
            PartsError::Body(error) => error.into(),
            PartsError::Broken(_) => Self::invalid(
                StatusCode::BAD_REQUEST,
                format!("The body is not valid multipart/form-data: {error}."),
            ),
        }
    }
}

/// Reads a form; files go to the spool as they arrive.
pub(in super::super) async fn read(pieces: Pieces, boundary: String, room: &Room<'_>) -> Result<Received, Problem> {
    let mut form = Parts::new(pieces, &boundary);
    let mut received = Received {
        is_form: true,
        ..Received::default()
    };
    let mut texts = Texts::default();
    let mut parts = 0;
    while let Some(head) = form.next().await? {
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Problem::invalid(
                StatusCode::BAD_REQUEST,
                format!("The form has more than {PARTS_MAX} parts."),
            ));
        }
        take(&head, &mut form, &mut received, &mut texts, room).await?;
    }
    received.size_bytes = form.received();
    Ok(received)
}

async fn take(
    head: &Head,
    form: &mut Parts,
    received: &mut Received,
    texts: &mut Texts,
    room: &Room<'_>,
) -> Result<(), Problem> {
    let name = head.name.as_str();
    if let Some(kind) = picture(name) {
        let blob = spool(form, room).await?;
        // Browsers and SDKs send a file that was not chosen as an empty one.
        if blob.is_empty() {
            return Ok(());
        }
        let param = match kind {
            Picture::Images => "image",
            Picture::Mask => "mask",
        };
        return match source(param, head.is_file, blob, room) {
            Ok(source) => keep(kind, source, received),
            Err(fault) => {
                received.faults.push(fault);
                Ok(())
            }
        };
    }
    if head.is_file {
        if form.data().await?.is_some() {
            let message = format!("'{name}' must not be a file; images go into 'image' and 'mask'");
            received.faults.push(Fault::new(name, message));
        }
        return Ok(());
    }
    let text = text(form, name, &mut texts.bytes).await?;
    check_text(&text, &mut texts.nodes, room)?;
    if let Err(fault) = form::put(&mut received.fields, name, text) {
        received.faults.push(fault);
    }
    Ok(())
}

fn keep(kind: Picture, source: Source, received: &mut Received) -> Result<(), Problem> {
    match kind {
        Picture::Images => received.images.push(source),
        Picture::Mask => {
            if received.mask.is_some() {
                received.faults.push(Fault::new("mask", "'mask' was sent twice"));
            }
            received.mask = Some(source);
        }
    }
    Ok(())
}

/// The image of a part: its bytes, or where a text says it is. Some clients send a file without a file's name.
fn source(param: &str, is_file: bool, blob: Blob, room: &Room<'_>) -> Result<Source, Fault> {
    if !is_file {
        let linked = pictures::linked(&blob, room.scope);
        let wanted = |_| Fault::new(param, format!("'{param}' is neither a file nor a link nor a data: URL"));
        if let Some(document) = linked.map_err(wanted)? {
            return pictures::source(param, &document.json, &document);
        }
    }
    Ok(Source::File {
        param: param.to_owned(),
        blob,
    })
}

async fn text(form: &mut Parts, name: &str, text_bytes: &mut usize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = form.data().await? {
        *text_bytes += piece.len();
        if *text_bytes > TEXT_BYTES_MAX {
            return Err(Problem::invalid(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The form has more than {TEXT_BYTES_MAX} bytes of text."),
            ));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Problem::faults(&[Fault::new(name, format!("'{name}' is not UTF-8 text"))]))
}

async fn spool(form: &mut Parts, room: &Room<'_>) -> Result<Blob, Problem> {
    let limit = room.limits.input_image_bytes;
    let mut writer = room.scope.writer();
    let mut size = 0;
    while let Some(piece) = form.data().await? {
        size += piece.len() as u64;
        if size > limit {
            let message = format!("an input image is larger than input_image_bytes allows: {limit} bytes");
            return Err(Problem::faults(&[Fault::new("image", message)]));
        }
        writer.write(&piece).map_err(|error| spool_problem(&error))?;
    }
    writer.finish().map_err(|error| spool_problem(&error))
}
