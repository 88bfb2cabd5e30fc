//! Answer bodies with images in base64, encoded while they are sent, so that large answers stay small in memory.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

/// Image bytes encoded at a time: a multiple of three, so that only the last chunk is padded.
const CHUNK_BYTES: usize = 48 * 1024;

/// A piece of a body.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Text(String),
    /// Image bytes, sent as base64.
    Base64(Bytes),
    /// Nothing is sent for a while.
    Pause(Duration),
}

impl Segment {
    /// How many bytes are sent for it.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Base64(bytes) => bytes.len().div_ceil(3) * 4,
            Self::Pause(_) => 0,
        }
    }
}

/// How many bytes are sent for all segments.
pub(crate) fn size_bytes(segments: &[Segment]) -> usize {
    segments.iter().map(Segment::size_bytes).sum()
}

/// A JSON answer of these segments.
pub(crate) fn json(segments: Vec<Segment>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_LENGTH, HeaderValue::from(size_bytes(&segments))),
    ];
    (headers, body(segments)).into_response()
}

/// The body of these segments.
pub(crate) fn body(segments: Vec<Segment>) -> Body {
    let rest = VecDeque::from(segments);
    Body::from_stream(stream::unfold(rest, |mut rest| async move {
        loop {
            let sent = match rest.pop_front()? {
                Segment::Text(text) => Bytes::from(text),
                Segment::Base64(mut bytes) => {
                    let chunk = bytes.split_to(bytes.len().min(CHUNK_BYTES));
                    if !bytes.is_empty() {
                        rest.push_front(Segment::Base64(bytes));
                    }
                    Bytes::from(STANDARD.encode(chunk))
                }
                Segment::Pause(pause) => {
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            return Some((Ok::<_, Infallible>(sent), rest));
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn chunks_join_to_the_base64_of_the_whole() {
        for count in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES - 1] {
            let image = Bytes::from(vec![b'a'; count]);
            let segments = vec![
                Segment::Text("<".to_owned()),
                Segment::Base64(image.clone()),
                Segment::Pause(Duration::ZERO),
                Segment::Text(">".to_owned()),
            ];
            let expected = format!("<{}>", STANDARD.encode(&image));
            assert_eq!(size_bytes(&segments), expected.len());
            let sent = body(segments).collect().await.expect("it cannot fail");
            assert_eq!(sent.to_bytes(), expected.as_bytes());
        }
    }
}
