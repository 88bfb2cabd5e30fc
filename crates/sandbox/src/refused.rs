//! What every emulator answers to a call that it refuses: a body in the provider's own words, or the page of the proxy in front.

use crate::faults::Refusal;
use crate::wire;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// A call that was refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<Duration>,
    /// What stands in the headers beside it.
    pub(crate) headers: Option<Box<HeaderMap>>,
    /// Who is behind the proxy, where its page is the answer.
    host: Option<&'static str>,
}

impl Refused {
    /// An answer of the API itself.
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            retry_after: None,
            headers: None,
            host: None,
        }
    }

    /// The same, with a time after which to come back.
    pub(crate) fn after(self, after: Duration) -> Self {
        Self {
            retry_after: Some(after),
            ..self
        }
    }

    /// What a fault asks for: the usual answer of its status, with the message and the time that it names. `host` stands in
    /// the proxy's pages, and one of `places` is where a body has its message.
    pub(crate) fn by_fault(refusal: &Refusal, host: &'static str, places: &[&str], usual: Self) -> Self {
        if wire::is_proxy_status(usual.status) {
            return Self {
                host: Some(host),
                ..usual
            };
        }
        let mut refused = usual;
        if let Some(message) = &refusal.message {
            let place = places.iter().find(|place| refused.body.pointer(place).is_some());
            if let Some(text) = place.and_then(|place| refused.body.pointer_mut(place)) {
                *text = json!(message);
            }
        }
        refused.retry_after = refused.retry_after.or(refusal.retry_after);
        refused
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = match self.host {
            Some(host) => return wire::proxy_page(self.status, host),
            None => {
                let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                wire::json(status, &self.body)
            }
        };
        let headers = response.headers_mut();
        if let Some(after) = self.retry_after {
            let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
            headers.insert(header::RETRY_AFTER, seconds);
        }
        headers.extend(self.headers.map(|more| *more).unwrap_or_default());
        response
    }
}
