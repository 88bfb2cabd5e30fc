//! Bodies built from text and blobs, streamed piece by piece: a base64 image is encoded while it is sent.

mod multipart;
mod node;

use std::{io, sync::Arc};

use base64::Engine as _;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

pub use multipart::Multipart;
pub use node::Node;

use crate::{
    engine::BASE64,
    spool::{Blob, STREAM_CHUNK_BYTES},
};

/// A part of a body.
#[derive(Debug, Clone)]
pub enum Segment {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A blob as it is.
    Blob(Blob),
    /// A blob as base64.
    Base64(Blob),
    /// A JSON value, and the size of its text, which is written only while it is sent.
    Json(Arc<Value>, u64),
    /// A string of JSON, as its bare text.
    Text(Arc<Value>),
}

impl Segment {
    /// The text of a JSON value.
    pub(crate) fn json(value: &Arc<Value>) -> Self {
        let mut count = Count(0);
        // Counting cannot fail, nor can writing a value whose keys are texts.
        let written = serde_json::to_writer(&mut count, value.as_ref());
        written.expect("a JSON value has a text");
        Self::Json(Arc::clone(value), count.0)
    }

    /// Size on the wire, in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Blob(blob) => blob.len(),
            Self::Base64(blob) => base64_len(blob.len()),
            Self::Json(_, size_bytes) => *size_bytes,
            Self::Text(text) => bare(text).len() as u64,
        }
    }

    /// Whether nothing will be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Size of base64 with padding, in bytes.
#[must_use]
pub fn base64_len(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(3) * 4
}

/// A request or answer body. Clones share the blobs, so that it can be sent again.
#[derive(Debug, Clone)]
pub struct Body {
    segments: Vec<Segment>,
    content_type: String,
}

impl Body {
    /// A body of these parts.
    #[must_use]
    pub fn new(segments: Vec<Segment>, content_type: impl Into<String>) -> Self {
        Self {
            segments,
            content_type: content_type.into(),
        }
    }

    /// A JSON body.
    #[must_use]
    pub fn json(node: &Node) -> Self {
        Self::new(node.segments(), "application/json")
    }

    /// A body that is one blob.
    #[must_use]
    pub fn blob(blob: Blob, content_type: impl Into<String>) -> Self {
        Self::new(vec![Segment::Blob(blob)], content_type)
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Exact size on the wire, in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.segments.iter().map(Segment::len).sum()
    }

    /// Whether nothing will be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its parts.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The bytes in bounded pieces.
    pub fn stream(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        stream::iter(self.segments.clone()).flat_map(|segment| match segment {
            Segment::Bytes(bytes) => stream::once(std::future::ready(Ok(bytes))).boxed(),
            Segment::Blob(blob) => blob.stream().boxed(),
            Segment::Base64(blob) => base64_stream(&blob).boxed(),
            Segment::Json(value, _) => in_pieces(value.to_string().into()).boxed(),
            Segment::Text(text) => in_pieces(Bytes::copy_from_slice(bare(&text).as_bytes())).boxed(),
        })
    }
}

/// How many bytes are written.
struct Count(u64);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text of a string of JSON; nothing of anything else.
fn bare(text: &Value) -> &str {
    text.as_str().unwrap_or_default()
}

fn in_pieces(mut text: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::iter(std::iter::from_fn(move || {
        let most = text.len().min(STREAM_CHUNK_BYTES);
        (most > 0).then(|| Ok(text.split_to(most)))
    }))
}

/// A blob as base64 text with padding, in bounded pieces.
pub fn base64_stream(blob: &Blob) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    // Pieces of a blob are a multiple of three bytes, so that their texts join without padding.
    const { assert!(STREAM_CHUNK_BYTES.is_multiple_of(3)) };
    stream::try_unfold((blob.clone(), 0), move |(blob, offset)| async move {
        if offset >= blob.len() {
            return Ok(None);
        }
        let text = match blob.base64_piece(offset) {
            Some(text) => text,
            None => Bytes::from(encoded(&blob.piece(offset).await?)),
        };
        Ok(Some((text, (blob, offset + STREAM_CHUNK_BYTES as u64))))
    })
}

/// The text as bytes: `encode` would look through it once more, for it to be called a string.
fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut text = vec![0; bytes.len().div_ceil(3) * 4];
    BASE64
        .encode_slice(bytes, &mut text)
        .expect("the buffer has the size of the text");
    text
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::spool::{Spool, SpoolLimits};

    async fn collect(body: &Body) -> Vec<u8> {
        let pieces: Vec<Bytes> = body.stream().try_collect().await.expect("readable");
        assert!(pieces.iter().all(|piece| piece.len() <= 64 * 1024));
        pieces.concat()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
    }

    #[tokio::test]
    async fn json_with_images_is_json() {
        let scope = Spool::new(SpoolLimits::default()).scope();
        let blob = scope.store(&[7; 100_000]).expect("fits");
        let node = Node::Object(vec![
            ("prompt".to_owned(), Node::Json(json!("a \"fox\"\n"))),
            ("key".to_owned(), Node::Secret("hidden".to_owned())),
            (
                "images".to_owned(),
                Node::List(vec![Node::data_uri("image/png", blob.clone()), Node::Json(json!("x"))]),
            ),
            ("raw".to_owned(), Node::Base64(blob)),
            ("empty".to_owned(), Node::List(Vec::new())),
        ]);
        assert!(!format!("{node:?}").contains("hidden"));
        let body = Body::json(&node);
        let bytes = collect(&body).await;
        assert_eq!(bytes.len() as u64, body.len());
        let parsed: Value = serde_json::from_slice(&bytes).expect("JSON");
        let base64 = STANDARD.encode([7; 100_000]);
        assert_eq!(parsed["prompt"], "a \"fox\"\n");
        assert_eq!(parsed["key"], "hidden");
        assert_eq!(
            parsed["images"],
            json!([format!("data:image/png;base64,{base64}"), "x"])
        );
        assert_eq!(parsed["raw"], base64);
        assert_eq!(parsed["empty"], json!([]));
        let keys: Vec<&String> = parsed.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["prompt", "key", "images", "raw", "empty"]);
    }

    #[tokio::test]
    async fn multipart_keeps_order_names_and_types() {
        let scope = Spool::new(SpoolLimits::default()).scope();
        let mut form = Multipart::new(0xabc);
        form.text("prompt", "two\r\nlines");
        form.file(
            "image[]",
            "image-1.png",
            "image/png",
            scope.store(b"PNG").expect("fits"),
        );
        form.text("a\"b\r\n", "x");
        let body = form.finish();
        let text = String::from_utf8(collect(&body).await).expect("text");
        assert_eq!(text.len() as u64, body.len());
        let boundary = body
            .content_type()
            .strip_prefix("multipart/form-data; boundary=")
            .expect("a boundary");
        assert_eq!(
            text,
            format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\ntwo\r\nlines\r\n\
                 --{boundary}\r\ncontent-disposition: form-data; name=\"image[]\"; filename=\"image-1.png\"\r\n\
                 content-type: image/png\r\n\r\nPNG\r\n\
                 --{boundary}\r\ncontent-disposition: form-data; name=\"a%22b%0D%0A\"\r\n\r\nx\r\n\
                 --{boundary}--\r\n"
            )
        );
    }

    proptest! {
        #[test]
        fn the_length_is_exact_and_base64_is_right(
            sizes in prop::collection::vec(0..150_000_usize, 0..4),
            in_file in any::<bool>(),
        ) {
            let limits = SpoolLimits {
                memory_per_generation_bytes: if in_file { 0 } else { 1 << 30 },
                ..SpoolLimits::default()
            };
            let scope = Spool::new(limits).scope();
            let mut segments = Vec::new();
            let mut expected = Vec::new();
            for (index, size) in sizes.iter().enumerate() {
                let bytes = vec![u8::try_from(index * 77 % 256).expect("below 256"); *size];
                let blob = scope.store(&bytes).expect("fits");
                expected.extend_from_slice(STANDARD.encode(&bytes).as_bytes());
                expected.extend_from_slice(&bytes);
                segments.push(Segment::Base64(blob.clone()));
                segments.push(Segment::Blob(blob));
            }
            let body = Body::new(segments, "x/y");
            let bytes = runtime().block_on(collect(&body));
            prop_assert_eq!(bytes.len() as u64, body.len());
            prop_assert!(bytes == expected);
        }
    }
}
