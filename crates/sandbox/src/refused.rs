//! What every emulator answers to a call that it refuses: a body in the provider's own words, or the page of the proxy in front.

use crate::faults::{Moderation, RefusalFault};
use crate::wire;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// How a call ends that was taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Held back by the safety check.
    Moderated(Moderation),
    /// The work failed, by a fault.
    Failed,
    /// It broke down by itself, which is no success at any provider.
    Broken,
}

/// A call that was refused, or that came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<Duration>,
    /// What stands in the headers beside it.
    pub(crate) headers: Option<Box<HeaderMap>>,
    /// How it ended, where it had been taken on.
    pub(crate) end: Option<End>,
    /// Who is behind the proxy, where its page is the answer.
    pub(crate) host: Option<&'static str>,
}

impl Refused {
    /// An answer of the API itself.
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            retry_after: None,
            headers: None,
            end: None,
            host: None,
        }
    }

    /// The page of the proxy in front of this host.
    pub(crate) fn page(status: u16, host: &'static str) -> Self {
        Self {
            host: Some(host),
            ..Self::new(status, Value::Null)
        }
    }

    /// The same, with a time after which to come back.
    pub(crate) fn after(self, after: Duration) -> Self {
        Self {
            retry_after: Some(after),
            ..self
        }
    }

    /// The same, with a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        let headers = self.headers.get_or_insert_default();
        headers.insert(HeaderName::from_static(name), value.into());
        self
    }

    /// Whether the provider itself does not answer.
    pub(crate) fn is_page(&self) -> bool {
        self.host.is_some()
    }

    /// What a fault asks for: the usual answer of its status, with the message and the time that it names. `host` stands in
    /// the proxy's pages, and one of `places` is where a body has its message.
    pub(crate) fn by_fault(refusal: &RefusalFault, host: &'static str, places: &[&str], usual: Self) -> Self {
        let mut refused = usual;
        refused.retry_after = refused.retry_after.or(refusal.retry_after);
        if wire::is_proxy_status(refused.status) {
            refused.host = Some(host);
        } else {
            refused.reword(refusal, places);
        }
        refused
    }

    /// Says what a fault wants to be said, in one of these places of the body.
    pub(crate) fn reword(&mut self, refusal: &RefusalFault, places: &[&str]) {
        if let Some(message) = &refusal.message {
            let place = places.iter().find(|place| self.body.pointer(place).is_some());
            if let Some(text) = place.and_then(|place| self.body.pointer_mut(place)) {
                *text = json!(message);
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = match self.host {
            Some(host) => wire::proxy_page(self.status, host),
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
