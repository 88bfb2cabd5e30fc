//! Answer bodies with images in base64, encoded while they are sent, so that large answers stay small in memory.

use crate::names::random_hex;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

/// Image bytes encoded at a time: a multiple of three, so that only the last chunk is padded.
const CHUNK_BYTES: usize = 48 * 1024;

/// Images that stand in base64 in a JSON text.
pub(crate) struct Images {
    /// What no text of a caller's holds.
    mark: String,
    images: Vec<Bytes>,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            mark: random_hex(16),
            images: Vec::new(),
        }
    }
}

impl Images {
    /// Takes an image, and gives the text that is to stand in its place.
    pub(crate) fn put(&mut self, image: Bytes) -> String {
        self.images.push(image);
        self.mark.clone()
    }

    /// The segments of a value in which every image stands once, in the order in which they were put.
    pub(crate) fn segments(self, value: &Value) -> Vec<Segment> {
        let text = value.to_string();
        let mut segments = Vec::new();
        let mut images = self.images.into_iter();
        for piece in text.split(&self.mark) {
            segments.push(Segment::Text(piece.to_owned()));
            segments.extend(images.next().map(Segment::Base64));
        }
        segments
    }

    /// A JSON answer of that value.
    pub(crate) fn json(self, value: &Value) -> Response {
        json(self.segments(value))
    }
}

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

    #[test]
    fn images_stand_where_they_were_put() {
        let mut images = Images::default();
        let (one, two) = (images.put(Bytes::from("1")), images.put(Bytes::from("2")));
        let value = serde_json::json!({"a": one, "b": [{"c": format!("data:,{two}")}], "d": 3});
        let sent: String = images
            .segments(&value)
            .into_iter()
            .map(|segment| match segment {
                Segment::Text(text) => text,
                Segment::Base64(bytes) => STANDARD.encode(bytes),
                Segment::Pause(_) => String::new(),
            })
            .collect();
        assert_eq!(sent, r#"{"a":"MQ==","b":[{"c":"data:,Mg=="}],"d":3}"#);
    }

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
