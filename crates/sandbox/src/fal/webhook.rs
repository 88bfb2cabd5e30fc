//! fal's webhooks: what they say, how they are signed, and the key to check them by.

use super::Fal;
use super::work::Outcome;
use crate::delivery::Message;
use crate::names::random_uuid;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Tries of one delivery, as documented; the pauses between them are shorter here.
const TRIES: u32 = 10;

/// Signs webhooks with a key that lives as long as the sandbox.
pub(super) struct Signer {
    key: SigningKey,
    user_id: String,
}

impl Signer {
    /// A signer with a new key.
    pub(super) fn generate() -> Self {
        Self {
            key: SigningKey::from_bytes(&rand::random()),
            user_id: random_uuid(),
        }
    }

    /// The public key as a JSON Web Key Set.
    fn key_set(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "sandbox", "x": x}]})
    }

    /// The headers that prove where `body` comes from.
    fn headers(&self, request_id: &str, at_s: i64, body: &[u8]) -> Vec<(&'static str, String)> {
        let digest = hex::encode(Sha256::digest(body));
        let signed = format!("{request_id}\n{}\n{at_s}\n{digest}", self.user_id);
        let signature = self.key.sign(signed.as_bytes());
        vec![
            ("x-fal-webhook-request-id", request_id.to_owned()),
            ("x-fal-webhook-user-id", self.user_id.clone()),
            ("x-fal-webhook-timestamp", at_s.to_string()),
            ("x-fal-webhook-signature", hex::encode(signature.to_bytes())),
        ]
    }
}

/// `GET /fal/rest/.well-known/jwks.json`.
pub(super) async fn keys(State(fal): State<Arc<Fal>>) -> Response {
    crate::wire::json(StatusCode::OK, &fal.signer.key_set())
}

/// Tells the caller's URL how a call ended.
pub(super) async fn deliver(fal: &Fal, request_id: &str, outcome: &Outcome, url: String) {
    let body = Bytes::from(message(request_id, outcome).to_string());
    let at_s = fal.core.now().as_second();
    fal.courier
        .deliver(&Message {
            url,
            headers: fal.signer.headers(request_id, at_s, &body),
            body,
            tries: TRIES,
        })
        .await;
}

fn message(request_id: &str, outcome: &Outcome) -> Value {
    let mut message = json!({"request_id": request_id, "gateway_request_id": request_id});
    match outcome {
        Ok(done) => {
            message["status"] = json!("OK");
            match serde_json::from_slice::<Value>(&done.body) {
                Ok(payload) => message["payload"] = payload,
                Err(_) => message["payload_error"] = json!("The payload is not JSON"),
            }
        }
        Err(refused) => {
            message["status"] = json!("ERROR");
            message["error"] = json!(format!("Invalid status code: {}", refused.status));
            message["payload"] = refused.body.clone();
        }
    }
    message
}
