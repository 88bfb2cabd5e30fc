//! A receiver of webhooks on loopback, and what came to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::PATIENCE;

/// A webhook as it came.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The generation that it is about.
    pub(super) fn request_id(&self) -> String {
        let id = self.json()["data"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(self.header("webhook-id"), format!("msg_{id}"));
        id
    }

    pub(super) fn at_s(&self) -> i64 {
        self.header("webhook-timestamp").parse().expect("a time")
    }

    /// Checks the signature as a receiver does, by the words of the convention.
    pub(super) fn check_signature(&self, secret: &str) {
        assert_eq!(self.header("webhook-signature"), self.signature(secret));
    }

    /// The message's signature by a secret.
    pub(super) fn signature(&self, secret: &str) -> String {
        let key = STANDARD
            .decode(secret.strip_prefix("whsec_").expect("a secret of webhooks"))
            .expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
        mac.update(format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// How a receiver answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Status(u16),
    Redirect,
    /// Never.
    Silence,
}

/// A receiver on loopback. What it is not told to answer otherwise is taken with 204.
pub(super) struct Receiver {
    pub(super) port: u16,
    calls: AsyncMutex<UnboundedReceiver<Call>>,
}

type Shared = (UnboundedSender<Call>, Arc<Mutex<VecDeque<Answer>>>);

impl Receiver {
    pub(super) async fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, calls) = unbounded_channel();
        let answers = Arc::new(Mutex::new(answers.iter().copied().collect()));
        let router = Router::new().fallback(take).with_state((sender, answers));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            port,
            calls: AsyncMutex::new(calls),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    pub(super) async fn next(&self) -> Call {
        let mut calls = self.calls.lock().await;
        let call = tokio::time::timeout(PATIENCE, calls.recv()).await;
        call.expect("a webhook comes").expect("the receiver lives")
    }

    /// Nothing more has come. To be asked when nothing more can.
    pub(super) async fn expect_nothing(&self) {
        if let Ok(call) = self.calls.lock().await.try_recv() {
            panic!("nothing more was to come: {call:?}");
        }
    }
}

async fn take(State((calls, answers)): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    // Only the main path is answered by order: others are what tests use to have the gateway look.
    let is_main = uri.path().starts_with("/hook");
    let answer = if is_main {
        answers.lock().expect("no test panics here").pop_front()
    } else {
        None
    };
    let call = Call {
        path: uri.path().to_owned(),
        headers,
        body,
    };
    calls.send(call).expect("the test listens");
    match answer {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Answer::Status(status)) => StatusCode::from_u16(status).expect("a status").into_response(),
        Some(Answer::Redirect) => (StatusCode::FOUND, [(header::LOCATION, "/other")]).into_response(),
        Some(Answer::Silence) => std::future::pending().await,
    }
}
