//! Callers' bodies as the endpoints read them, for who tries bytes of every kind.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use futures_util::stream;
use providers::{Blob, Spool, SpoolLimits};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::body::{Kind, Pieces, Received, Room, Source, kind, read_json_with_images, read_multipart};
use crate::problem::Problem;
use crate::settings::limits::Limits;

/// Reads a body that comes in pieces of so many bytes, at least one. What was read as one value, by which two readings can be
/// compared.
///
/// # Errors
/// The status with which it is refused.
///
/// # Panics
/// Without a runtime of the system.
pub fn read_body(content_type: &str, body: &[u8], piece_bytes: usize) -> Result<Value, u16> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return Err(500) };
    let pieces: Vec<_> = body.chunks(piece_bytes.max(1)).map(Bytes::copy_from_slice).collect();
    let received = runtime.block_on(read(content_type, pieces));
    received.map_err(|problem| problem.status.as_u16())
}

async fn read(content_type: &str, pieces: Vec<Bytes>) -> Result<Value, Problem> {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    let limits = Limits::default();
    let spool = Spool::new(SpoolLimits::default());
    let room = Room {
        scope: &spool.scope(),
        limits: &limits,
    };
    let pieces = pieces.into_iter().map(Ok::<_, std::convert::Infallible>);
    let body = Body::from_stream(stream::iter(pieces));
    let received = match kind(&headers)? {
        Kind::Json => read_json_with_images(Pieces::json(body, &headers, &limits)?, &room).await?,
        Kind::Multipart(boundary) => {
            read_multipart(Pieces::multipart(body, &headers, &limits)?, boundary, &room).await?
        }
    };
    Ok(told(&received))
}

fn told(received: &Received) -> Value {
    let faults: Vec<String> = received.faults.iter().map(ToString::to_string).collect();
    json!({
        "fields": received.fields,
        "images": received.images.iter().map(source).collect::<Vec<_>>(),
        "mask": received.mask.as_ref().map(source),
        "faults": faults,
        "bytes": received.size_bytes,
    })
}

fn source(source: &Source) -> Value {
    match source {
        Source::File { param, blob } => json!([param, blob.len(), hash(blob)]),
        Source::Link { param, url } => json!([param, url]),
    }
}

fn hash(blob: &Blob) -> String {
    let bytes = blob.read_all().unwrap_or_default();
    hex::encode(Sha256::digest(&bytes))
}
