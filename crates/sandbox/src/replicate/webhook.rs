//! Replicate's webhooks: which events are told, in order, and how they are signed.

use super::Replicate;
use super::errors::authorize;
use crate::delivery::{Message, target};
use crate::names::random_hex;
use crate::wire;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Tries of the last event of a prediction; all others are told once, as documented.
const FINAL_TRIES: u32 = 8;
/// Bytes of a signing secret.
const SECRET_BYTES: usize = 24;

/// What a webhook can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Start,
    Output,
    Logs,
    Completed,
}

impl Event {
    /// The event of a name in `webhook_events_filter`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "start" => Some(Self::Start),
            "output" => Some(Self::Output),
            "logs" => Some(Self::Logs),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// Without a filter, new output and the end are told.
pub(super) const DEFAULT_EVENTS: [Event; 2] = [Event::Output, Event::Completed];

/// Signs messages, as the Standard Webhooks convention has it.
pub(super) struct Secret {
    bytes: Vec<u8>,
}

impl Secret {
    /// A new secret, for the life of the sandbox.
    pub(super) fn generate() -> Self {
        let random: [u8; SECRET_BYTES] = rand::random();
        Self { bytes: random.to_vec() }
    }

    fn told(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.bytes))
    }

    /// Base64 of the HMAC-SHA256 of some text.
    fn sign(&self, text: &[u8]) -> String {
        STANDARD.encode(self.mac(text).finalize().into_bytes())
    }

    /// Whether a signature, in base64, is that of some text.
    pub(super) fn verify(&self, text: &[u8], signature: &str) -> bool {
        let signature = STANDARD.decode(signature);
        signature.is_ok_and(|signature| self.mac(text).verify_slice(&signature).is_ok())
    }

    fn mac(&self, text: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).expect("HMAC takes keys of any length");
        mac.update(text);
        mac
    }

    fn headers(&self, id: &str, at_s: i64, body: &[u8]) -> Vec<(&'static str, String)> {
        let mut signed = format!("{id}.{at_s}.").into_bytes();
        signed.extend_from_slice(body);
        vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", at_s.to_string()),
            ("webhook-signature", format!("v1,{}", self.sign(&signed))),
        ]
    }
}

/// `GET /replicate/v1/webhooks/default/secret`.
pub(super) async fn secret(State(replicate): State<Arc<Replicate>>, headers: HeaderMap) -> Response {
    match authorize(&headers) {
        Err(refused) => refused.into_response(),
        Ok(()) => wire::json(StatusCode::OK, &json!({ "key": replicate.secret.told() })),
    }
}

/// Where a prediction's events go.
pub(super) struct Hook {
    events: Vec<Event>,
    queue: mpsc::UnboundedSender<(Event, Bytes)>,
}

impl Hook {
    /// A hook to `url`; its messages are delivered one after the other. None if it is no web address.
    pub(super) fn new(replicate: &Arc<Replicate>, url: &str, events: Vec<Event>) -> Option<Self> {
        let url = target(url)?.to_string();
        // A prediction has four events at most: the queue is bounded by that.
        let (queue, mut waiting) = mpsc::unbounded_channel::<(Event, Bytes)>();
        let of_task = Arc::clone(replicate);
        replicate.core.tasks.spawn(async move {
            while let Some((event, body)) = waiting.recv().await {
                let id = format!("msg_{}", random_hex(12));
                let at_s = of_task.core.now().as_second();
                let message = Message {
                    url: url.clone(),
                    headers: of_task.secret.headers(&id, at_s, &body),
                    body,
                    tries: if event == Event::Completed { FINAL_TRIES } else { 1 },
                };
                of_task.courier.deliver(&message).await;
            }
        });
        Some(Self { events, queue })
    }

    /// Tells an event, if it is among those asked for.
    pub(super) fn tell(&self, event: Event, prediction: &Value) {
        if self.events.contains(&event) {
            // It fails only when the sandbox is going down.
            self.queue.send((event, prediction.to_string().into())).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_follow_the_convention() {
        // The example of the Standard Webhooks reference implementation.
        let secret = Secret {
            bytes: STANDARD
                .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
                .expect("it is base64"),
        };
        let body = br#"{"test": 2432232314}"#;
        let headers = secret.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret.told(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }
}
