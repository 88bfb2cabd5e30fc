//! A running sandbox, a client, and short words for what tests do all the time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use imaging::{Bitmap, DecodeLimits, ImageFormat, decode, encode, inspect};
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use std::io::Cursor;
use std::time::Duration;

/// Longer than any call in these tests takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// One sandbox of its own for each test, and a client.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
}

impl World {
    /// A sandbox on a free port, without TLS and latency.
    pub(crate) async fn start() -> Self {
        Self::with(SandboxConfig::default()).await
    }

    pub(crate) async fn with(config: SandboxConfig) -> Self {
        install_crypto();
        let sandbox = sandbox::start(config).await.expect("a free loopback port");
        let client = Client::builder().timeout(TIMEOUT).build();
        Self {
            sandbox,
            client: client.expect("a plain client"),
        }
    }

    /// A path of the sandbox as a URL.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    /// A request without any authorization.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A request with the OpenAI key.
    pub(crate) fn openai(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/openai/v1{path}"))
            .bearer_auth(sandbox::OPENAI_CREDENTIAL)
    }

    /// `POST /images/generations` of the OpenAI emulator.
    pub(crate) async fn generate(&self, body: Value) -> Reply {
        send(self.openai(Method::POST, "/images/generations").json(&body)).await
    }

    /// `POST /images/edits` of the OpenAI emulator, as a form.
    pub(crate) async fn edit(&self, form: Form) -> Reply {
        send(self.openai(Method::POST, "/images/edits").multipart(form)).await
    }

    /// The bill, of one provider or of all.
    pub(crate) async fn bill(&self, provider: &str) -> Value {
        self.control_get(&format!("/bill?provider={provider}")).await
    }

    /// The log of calls of one provider.
    pub(crate) async fn calls(&self, provider: &str) -> Vec<Value> {
        let calls = self.control_get(&format!("/calls?provider={provider}")).await;
        calls["calls"].as_array().cloned().expect("a list of calls")
    }

    /// Orders a fault by the control route.
    pub(crate) async fn fault(&self, order: Value) {
        let reply = send(self.request(Method::POST, "/_sandbox/faults").json(&order)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    }

    /// Lets the sandbox believe that this much time has passed.
    pub(crate) async fn advance_clock(&self, advance_s: u64) {
        let advance = json!({"advance_s": advance_s});
        let reply = send(self.request(Method::POST, "/_sandbox/clock").json(&advance)).await;
        assert_eq!(reply.status, StatusCode::OK);
    }

    pub(crate) async fn control_get(&self, path: &str) -> Value {
        let reply = send(self.request(Method::GET, &format!("/_sandbox{path}"))).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()
    }
}

/// The TLS library wants to be told once which cryptography to use.
pub(crate) fn install_crypto() {
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The image at a place of `data`, in base64.
    pub(crate) fn image(&self, index: usize) -> Vec<u8> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        let answer = self.json();
        from_base64(&answer["data"][index]["b64_json"])
    }
}

/// How long an answer is waited for that is never to come, once it could.
const QUIET: Duration = Duration::from_millis(300);

/// Sends a call whose work is done and charged, while its answer, or the rest of it, never comes.
pub(crate) async fn stays_silent(world: &World, request: RequestBuilder) {
    let charges = async || {
        let bill = world.control_get("/bill").await;
        bill["entries"].as_array().map(Vec::len)
    };
    let before = charges().await;
    let answer = tokio::spawn(try_send(request));
    while charges().await == before {
        assert!(!answer.is_finished(), "the call ended without a charge");
    }
    assert!(tokio::time::timeout(QUIET, answer).await.is_err(), "an answer came");
}

/// Sends and reads the whole answer.
pub(crate) async fn send(request: RequestBuilder) -> Reply {
    try_send(request).await.expect("the sandbox answers")
}

/// Sends and reads the whole answer, which may break off.
pub(crate) async fn try_send(request: RequestBuilder) -> Result<Reply, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await?;
    Ok(Reply { status, headers, body })
}

/// The bytes behind a base64 text.
pub(crate) fn from_base64(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("base64 is a text");
    STANDARD.decode(text).expect("it is base64")
}

/// A `data:` URL.
pub(crate) fn data_url(content_type: &str, bytes: &[u8]) -> String {
    format!("data:{content_type};base64,{}", STANDARD.encode(bytes))
}

/// Width, height and format, as the file's own header says.
pub(crate) fn measure(bytes: &[u8]) -> (u32, u32, ImageFormat) {
    let info = inspect(Cursor::new(bytes)).expect("an image");
    (info.width_px, info.height_px, info.format)
}

/// The pixels of an image.
pub(crate) fn pixels(bytes: &[u8]) -> Bitmap {
    decode(bytes, &DecodeLimits::default()).expect("an image")
}

/// How far two pictures of one size are apart: the mean difference of a channel, 0 to 255.
pub(crate) fn distance(a: &Bitmap, b: &Bitmap) -> f64 {
    assert_eq!((a.width_px(), a.height_px()), (b.width_px(), b.height_px()));
    let pairs = a.rgba().iter().zip(b.rgba());
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgba().len() as f64
}

/// An encoded image of one color.
pub(crate) fn plain(size_px: (u32, u32), rgba: [u8; 4], format: ImageFormat) -> Vec<u8> {
    let count = size_px.0 as usize * size_px.1 as usize;
    let bitmap = Bitmap::new(size_px.0, size_px.1, rgba.repeat(count)).expect("right size");
    encode(&bitmap, format, Some(90)).expect("a plain image encodes")
}

/// A PNG mask whose left half is to be edited.
pub(crate) fn left_half_mask(size_px: (u32, u32)) -> Vec<u8> {
    let rgba = (0..size_px.1)
        .flat_map(|_| 0..size_px.0)
        .flat_map(|x| [0, 0, 0, if x < size_px.0 / 2 { 0 } else { 255 }])
        .collect();
    let bitmap = Bitmap::new(size_px.0, size_px.1, rgba).expect("right size");
    encode(&bitmap, ImageFormat::Png, None).expect("a mask encodes")
}

/// A file part with its true type.
pub(crate) fn file(bytes: Vec<u8>, content_type: &str) -> Part {
    Part::bytes(bytes)
        .file_name("image")
        .mime_str(content_type)
        .expect("a type")
}
