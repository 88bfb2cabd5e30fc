//! The log of received requests, so that a test can tell how many upstream calls were made and what was sent.

use crate::names::sha256_hex;
use crate::provider::Provider;
use axum::extract::Request;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Calls remembered; older ones are dropped.
const MAX_CALLS: usize = 10_000;
/// Longer texts in a body are told by their length only, in bytes.
const MAX_TEXT_BYTES: usize = 256;
/// List items shown of one list.
const MAX_ITEMS: usize = 32;

/// One received request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CallRecord {
    seq: u64,
    at: Timestamp,
    method: String,
    path: String,
    query_names: Vec<String>,
    user_agent: Option<String>,
    provider: Option<Provider>,
    model: Option<String>,
    /// None while the call is running, and for good when the caller hung up.
    status: Option<u16>,
    duration_ms: Option<u64>,
    /// Fields and values, with prompts, images and secrets left out.
    body: Option<Value>,
}

/// The last calls, oldest first.
#[derive(Default)]
pub(crate) struct CallLog {
    state: Mutex<LogState>,
}

#[derive(Default)]
struct LogState {
    calls: VecDeque<CallRecord>,
    received: u64,
}

/// A running call's place in the log; handlers find it among the request's extensions.
#[derive(Clone)]
pub(crate) struct CallHandle {
    log: Arc<CallLog>,
    seq: u64,
}

impl CallHandle {
    /// Tells what the call was about, once the body is understood. Prompts and images in `body` are left out.
    pub(crate) fn note(&self, provider: Provider, model: &str, body: &Value) {
        self.write(provider, model, elide(body));
    }

    /// The same, for a body that is known to be an object.
    pub(crate) fn note_fields(&self, provider: Provider, model: &str, fields: &Map<String, Value>) {
        self.write(provider, model, elide_fields(fields));
    }

    fn write(&self, provider: Provider, model: &str, body: Value) {
        self.log.change(self.seq, |call| {
            call.provider = Some(provider);
            call.model = Some(model.to_owned());
            call.body = Some(body);
        });
    }
}

impl CallLog {
    pub(crate) fn begin(self: &Arc<Self>, record: CallRecord) -> CallHandle {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.received += 1;
        let seq = state.received;
        if state.calls.len() == MAX_CALLS {
            state.calls.pop_front();
        }
        state.calls.push_back(CallRecord { seq, ..record });
        CallHandle {
            log: Arc::clone(self),
            seq,
        }
    }

    /// Notes how a call ended.
    pub(crate) fn end(&self, handle: &CallHandle, status: u16, duration_ms: u64) {
        self.change(handle.seq, |call| {
            call.status = Some(status);
            call.duration_ms = Some(duration_ms);
        });
    }

    fn change(&self, seq: u64, change: impl FnOnce(&mut CallRecord)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Sequence numbers grow along the log, so that a call is found without a map.
        if let Ok(at) = state.calls.binary_search_by_key(&seq, |call| call.seq) {
            change(&mut state.calls[at]);
        }
    }

    /// The remembered calls, of one provider or all, and how many were ever received.
    pub(crate) fn calls(&self, provider: Option<Provider>) -> (Vec<CallRecord>, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = state
            .calls
            .iter()
            .filter(|call| provider.is_none() || call.provider == provider)
            .cloned()
            .collect();
        (calls, state.received)
    }

    /// Forgets the calls; numbering goes on.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls.clear();
    }
}

impl CallRecord {
    /// The beginning of a call that came at `at`.
    pub(crate) fn begun(request: &Request, at: Timestamp) -> Self {
        let path = request.uri().path();
        let query_names = request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split('=').next())
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let user_agent = request.headers().get("user-agent");
        Self {
            seq: 0,
            at,
            method: request.method().to_string(),
            path: path.to_owned(),
            query_names,
            user_agent: user_agent.and_then(|agent| agent.to_str().ok()).map(str::to_owned),
            provider: Provider::of_path(path),
            model: None,
            status: None,
            duration_ms: None,
            body: None,
        }
    }
}

/// A body without prompts, secrets, images and other long texts.
fn elide(body: &Value) -> Value {
    match body {
        Value::Object(fields) => elide_fields(fields),
        Value::Array(items) => items.iter().take(MAX_ITEMS).map(elide).collect(),
        Value::String(text) if text.starts_with("data:") => {
            let kind = text.split([';', ',']).next().unwrap_or("data:");
            json!(format!("<{kind}, {} characters>", text.len()))
        }
        Value::String(text) if text.len() > MAX_TEXT_BYTES => {
            json!(format!("<{} characters>", text.chars().count()))
        }
        other => other.clone(),
    }
}

fn elide_fields(fields: &Map<String, Value>) -> Value {
    let elided = fields.iter();
    Value::Object(
        elided
            .map(|(name, value)| (name.clone(), elide_field(name, value)))
            .collect(),
    )
}

fn elide_field(name: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if name.contains("prompt") => json!(format!(
            "<{} characters, sha256 {}>",
            text.chars().count(),
            &sha256_hex(text)[..16]
        )),
        Value::String(_) if name.contains("api_key") || name.contains("secret") => {
            json!("<secret>")
        }
        other => elide(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_images_and_secrets_are_left_out() {
        let long = "x".repeat(300);
        let body = json!({
            "prompt": "a cat", "n": 2,
            "input": {"negative_prompt": "dogs", "openai_api_key": "sk-1", "image": long},
            "image_urls": ["data:image/png;base64,AAAA", "https://example.org/a.png"],
        });
        let shown = elide(&body);
        assert_eq!(shown["n"], 2);
        assert!(
            shown["prompt"]
                .as_str()
                .is_some_and(|text| text.starts_with("<5 characters"))
        );
        assert_eq!(shown["input"]["openai_api_key"], "<secret>");
        assert_eq!(shown["input"]["image"], "<300 characters>");
        assert_eq!(shown["image_urls"][0], "<data:image/png, 26 characters>");
        assert_eq!(shown["image_urls"][1], "https://example.org/a.png");
        assert!(!shown.to_string().contains("dogs"));
    }
}
