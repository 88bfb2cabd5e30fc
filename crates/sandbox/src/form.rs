//! Multipart bodies, read whole and within limits.

use crate::wire::MAX_MULTIPART_BYTES;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use multer::{Constraints, Multipart, SizeLimit};

/// Parts of one form: more than all fields and 16 images, and no place to hide a flood of tiny parts.
const MAX_PARTS: usize = 256;
/// One part: past the largest input image any provider takes, so that each can refuse it in its own words.
const MAX_PART_BYTES: u64 = 128 * 1024 * 1024;

/// A file part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormFile {
    pub(crate) name: String,
    pub(crate) file_name: String,
    /// As sent, without parameters; None if the part had no type.
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// A form: parts with a file name are files, all others are texts. Both in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) files: Vec<FormFile>,
}

/// Why a form could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    NotMultipart,
    TooLarge,
    Broken,
}

/// Whether the headers announce a multipart form.
pub(crate) fn is_multipart(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|kind| {
        kind.get(..19)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data"))
    })
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// Reads a whole form.
pub(crate) async fn read_form(headers: &HeaderMap, body: Body) -> Result<Form, FormError> {
    let boundary = content_type(headers)
        .and_then(|kind| multer::parse_boundary(kind).ok())
        .ok_or(FormError::NotMultipart)?;
    let limits = SizeLimit::new()
        .whole_stream(MAX_MULTIPART_BYTES as u64)
        .per_field(MAX_PART_BYTES);
    let constraints = Constraints::new().size_limit(limits);
    let stream = body.into_data_stream();
    let mut parts = Multipart::with_constraints(stream, boundary, constraints);
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await.map_err(|error| reason(&error))? {
        if form.texts.len() + form.files.len() == MAX_PARTS {
            return Err(FormError::TooLarge);
        }
        let name = part.name().ok_or(FormError::Broken)?.to_owned();
        let Some(file_name) = part.file_name().map(str::to_owned) else {
            let text = part.text().await.map_err(|error| reason(&error))?;
            form.texts.push((name, text));
            continue;
        };
        let content_type = part.content_type().map(|kind| kind.essence_str().to_ascii_lowercase());
        let bytes = part.bytes().await.map_err(|error| reason(&error))?;
        form.files.push(FormFile {
            name,
            file_name,
            content_type,
            bytes,
        });
    }
    Ok(form)
}

fn reason(error: &multer::Error) -> FormError {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => FormError::TooLarge,
        _ => FormError::Broken,
    }
}
