//! The three shapes of the API's errors: an object, a code with a text, and a text alone.

use crate::faults::Refusal;
use crate::wire;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::Duration;

/// Who answers in the provider's place when it is down.
const HOST: &str = "api.x.ai";
/// The team that the sandbox's keys belong to.
const TEAM: &str = "sandbox-team";
/// Code of an argument that is refused.
const INVALID: &str = "Client specified an invalid argument";
/// Code of an account that may not.
const FORBIDDEN: &str = "The caller does not have permission to execute the specified operation";
/// Code of a limit that is reached.
const EXHAUSTED: &str = "Some resource has been exhausted";

/// A call that was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// An answer of the API itself.
    Body {
        status: u16,
        body: Value,
        retry_after: Option<Duration>,
    },
    /// A page of the proxy in front.
    Page { status: u16 },
}

impl Refused {
    fn of(status: u16, body: Value) -> Self {
        Self::Body {
            status,
            body,
            retry_after: None,
        }
    }

    /// A text alone.
    pub(super) fn bare(status: u16, text: &str) -> Self {
        Self::of(status, json!({ "error": text }))
    }

    /// A code and a text.
    pub(super) fn coded(status: u16, code: &str, text: &str) -> Self {
        Self::of(status, json!({"code": code, "error": text}))
    }

    fn object(status: u16, kind: &str, message: &str) -> Self {
        let error = json!({"message": message, "type": kind, "param": null, "code": null});
        Self::of(status, json!({ "error": error }))
    }

    /// An argument that is refused.
    pub(super) fn invalid(text: &str) -> Self {
        Self::coded(400, INVALID, text)
    }

    /// A body that is not of the right form.
    pub(super) fn unreadable(why: &str) -> Self {
        let text = format!("Failed to deserialize the JSON body into the target type: {why}");
        Self::bare(422, &text)
    }

    pub(super) fn wrong_key(key: &str) -> Self {
        let shown: String = key.chars().take(2).collect();
        let text =
            format!("Incorrect API key provided: {shown}***. You can obtain an API key from https://console.x.ai.");
        Self::invalid(&text)
    }

    pub(super) fn no_model(model: &str) -> Self {
        let text = format!("The model {model} does not exist or your team {TEAM} does not have access to it.");
        Self::coded(404, "Some requested entity was not found", &text)
    }

    /// A request that the safety check refuses before any work.
    pub(super) fn moderated(model: &str) -> Self {
        let text = format!(
            "Content violates usage guidelines. Team: {TEAM}, API key ID: sandbox, Model: {model}, \
             Failed check: SAFETY_CHECK_TYPE_VIOLENCE"
        );
        Self::coded(403, FORBIDDEN, &text)
    }

    pub(super) fn server_error() -> Self {
        Self::object(
            500,
            "server_error",
            "The server had an error while processing your request.",
        )
    }

    /// A refusal asked for by a fault, in the API's words.
    pub(super) fn by_fault(refusal: &Refusal, model: &str) -> Self {
        let status = refusal.status.unwrap_or(429);
        let no_money = format!(
            "Your team {TEAM} has either used all available credits or reached its monthly spending limit. To continue \
             making API requests, please purchase more credits or raise your spending limit."
        );
        let mut usual = match status {
            _ if refusal.quota => Self::coded(status, EXHAUSTED, &no_money),
            402 => Self::coded(402, EXHAUSTED, &no_money),
            429 => Self::coded(429, EXHAUSTED, &format!("Too many requests for team {TEAM}.")),
            401 => Self::coded(401, "Unauthenticated", "Incorrect API key provided: xa***."),
            403 => Self::coded(403, FORBIDDEN, "Your account is blocked."),
            404 => Self::no_model(model),
            422 => Self::unreadable("the request was refused"),
            500 => Self::server_error(),
            status if wire::is_proxy_status(status) => return Self::Page { status },
            status => Self::coded(status, INVALID, "The request was refused."),
        };
        if let Self::Body { body, retry_after, .. } = &mut usual {
            if let Some(message) = &refusal.message {
                if body["error"].is_object() {
                    body["error"]["message"] = json!(message);
                } else {
                    body["error"] = json!(message);
                }
            }
            *retry_after = refusal.retry_after;
        }
        usual
    }

    /// The answer.
    pub(super) fn to_response(&self) -> Response {
        match self {
            Self::Page { status } => wire::proxy_page(*status, HOST),
            Self::Body {
                status,
                body,
                retry_after,
            } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = wire::json(status, body);
                if let Some(after) = retry_after {
                    let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
                    response.headers_mut().insert("retry-after", seconds);
                }
                response
            }
        }
    }
}
