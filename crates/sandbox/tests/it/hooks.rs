//! A receiver of webhooks on a loopback port.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// One received message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).expect("the header is there");
        value.to_str().expect("the header is a text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the message is JSON")
    }
}

#[derive(Clone)]
struct Desk {
    answers: Arc<Mutex<VecDeque<u16>>>,
    out: mpsc::UnboundedSender<Message>,
}

/// A running receiver.
pub(crate) struct Hooks {
    pub(crate) url: String,
    received: mpsc::UnboundedReceiver<Message>,
}

impl Hooks {
    /// Starts one that answers with the given statuses, then always with 200.
    pub(crate) async fn start(answers: &[u16]) -> Self {
        let (out, received) = mpsc::unbounded_channel();
        let desk = Desk {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            out,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().route("/hook", post(receive)).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/hook"),
            received,
        }
    }

    /// The next message, in the order of arrival.
    pub(crate) async fn next(&mut self) -> Message {
        self.received.recv().await.expect("the receiver runs")
    }
}

async fn receive(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> StatusCode {
    desk.out.send(Message { headers, body }).expect("the test listens");
    let answer = desk.answers.lock().expect("not poisoned").pop_front();
    StatusCode::from_u16(answer.unwrap_or(200)).expect("a status")
}
