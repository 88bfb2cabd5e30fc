//! An operator's policy as a server of its own, on loopback, and what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// The secret of these tests.
pub(super) const SECRET: &str = "whsec_c29tZSBieXRlcyB0aGF0IG5vYm9keSBndWVzc2Vz";
/// Longer than anything here takes on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// How it answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Allow,
    Deny(&'static str),
    Status(u16),
    Text(&'static str),
    Redirect,
    /// Never.
    Silence,
    /// More and more.
    Endless,
    /// Half of an answer.
    Cut,
}

/// A question as it came.
pub(super) struct Call {
    pub(super) path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Checks the signature as a receiver does, by the words of the convention.
    pub(super) fn check_signature(&self) {
        let header = |name: &str| self.headers[name].to_str().expect("a text").to_owned();
        let key = STANDARD
            .decode(SECRET.strip_prefix("whsec_").expect("a secret"))
            .expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
        mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let signed = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(header("webhook-signature"), signed);
    }
}

type Shared = (UnboundedSender<Call>, Arc<Mutex<Answer>>);

pub(super) struct Hook {
    port: u16,
    answer: Arc<Mutex<Answer>>,
    calls: AsyncMutex<UnboundedReceiver<Call>>,
    server: JoinHandle<()>,
}

impl Hook {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, calls) = unbounded_channel();
        let answer = Arc::new(Mutex::new(answer));
        let shared: Shared = (sender, Arc::clone(&answer));
        let router = Router::new().fallback(take).with_state(shared);
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            port,
            answer,
            calls: AsyncMutex::new(calls),
            server,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it answers from now on.
    pub(super) fn answer(&self, answer: Answer) {
        *self.answer.lock().expect("no test panics here") = answer;
    }

    pub(super) async fn next(&self) -> Call {
        let mut calls = self.calls.lock().await;
        let call = tokio::time::timeout(PATIENCE, calls.recv()).await;
        call.expect("a question comes").expect("the hook lives")
    }

    /// Its address, at which nobody listens any more.
    pub(super) async fn gone(self) -> String {
        self.server.abort();
        let _ = self.server.await;
        format!("http://127.0.0.1:{}/", self.port)
    }
}

async fn take(State((calls, answer)): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let answer = *answer.lock().expect("no test panics here");
    let path = uri.path().to_owned();
    // A test that does not listen any more is over.
    let _ = calls.send(Call { path, headers, body });
    let text = |text: &'static str| Ok::<_, std::io::Error>(Bytes::from_static(text.as_bytes()));
    match answer {
        Answer::Allow => axum_json(&json!({ "decision": "allow" })),
        Answer::Deny(reason) => axum_json(&json!({ "decision": "deny", "reason": reason, "categories": ["test"] })),
        Answer::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Answer::Text(text) => text.into_response(),
        Answer::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/other")]).into_response(),
        Answer::Silence => std::future::pending().await,
        Answer::Endless => {
            let more = futures_util::stream::repeat_with(move || text("{\"decision\": \"allow\", "));
            Body::from_stream(more).into_response()
        }
        Answer::Cut => {
            let half = [text("{\"decision\":"), Err(std::io::Error::other("cut"))];
            Body::from_stream(futures_util::stream::iter(half)).into_response()
        }
    }
}

fn axum_json(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
