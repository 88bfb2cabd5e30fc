//! A provider that streams what the test says, when the test says it: OpenAI's protocol over plain TCP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// Waits for calls.
pub(crate) struct LiveProvider(TcpListener);

/// A call that a gateway made, whose answer has begun.
pub(crate) struct LiveCall {
    stream: TcpStream,
    /// What was asked.
    pub(crate) body: Value,
}

impl LiveProvider {
    pub(crate) async fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port"))
    }

    /// What stands for the provider's address in the settings.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.0.local_addr().expect("it listens"))
    }

    /// The next call.
    pub(crate) async fn call(&self) -> LiveCall {
        let (mut stream, _) = self.0.accept().await.expect("the gateway calls");
        let mut bytes = Vec::new();
        let body = loop {
            assert_ne!(
                stream.read_buf(&mut bytes).await.expect("the request comes"),
                0,
                "the whole request comes"
            );
            if let Some(body) = body_of(&bytes) {
                break body;
            }
        };
        stream.write_all(HEAD).await.expect("the gateway listens");
        LiveCall { stream, body }
    }
}

/// The JSON body of a request, when all of it is there.
fn body_of(bytes: &[u8]) -> Option<Value> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("bodies have an exact length");
    let length: usize = length.trim().parse().expect("a number");
    let body = bytes.get(end + 4..end + 4 + length)?;
    Some(serde_json::from_slice(body).expect("JSON"))
}

impl LiveCall {
    /// Sends an event; done when the gateway has taken it, or the system for it.
    pub(crate) async fn say(&mut self, kind: &str, fields: Value) {
        let mut data = json!({ "type": kind });
        data.as_object_mut()
            .expect("an object")
            .extend(fields.as_object().cloned().expect("an object"));
        let event = format!("event: {kind}\ndata: {data}\n\n");
        self.stream
            .write_all(event.as_bytes())
            .await
            .expect("the gateway reads on");
    }

    /// Sends a partial image.
    pub(crate) async fn partial(&mut self, index: u32, image: &[u8]) {
        let fields = json!({ "b64_json": STANDARD.encode(image), "partial_image_index": index });
        self.say("image_generation.partial_image", fields).await;
    }

    /// Sends the image, and ends.
    pub(crate) async fn completed(self, image: &[u8]) {
        let usage = json!({ "input_tokens": 10, "output_tokens": 272, "total_tokens": 282 });
        self.completed_with(image, usage).await;
    }

    /// The same with this usage.
    pub(crate) async fn completed_with(mut self, image: &[u8], usage: Value) {
        let fields = json!({ "b64_json": STANDARD.encode(image), "usage": usage });
        self.say("image_generation.completed", fields).await;
    }
}
