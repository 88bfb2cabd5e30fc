//! The three shapes of the API's errors: a code with a message, a detail, and a list of faulty fields.

use crate::faults::Refusal;
use crate::wire;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::Duration;

/// Who answers in the provider's place when it is down.
const HOST: &str = "api.bfl.ai";
/// Tasks of one account at a time, as the headers of a refusal tell it.
const ACTIVE_TASKS: u64 = 24;

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

    /// A code and a message.
    pub(super) fn coded(status: u16, code: &str, message: &str) -> Self {
        Self::of(status, json!({"error": code, "message": message, "details": null}))
    }

    /// A detail alone.
    pub(super) fn detail(status: u16, detail: &str) -> Self {
        Self::of(status, json!({ "detail": detail }))
    }

    /// Faulty fields.
    pub(super) fn fields(faults: &[FieldFault]) -> Self {
        let detail: Vec<Value> = faults.iter().map(FieldFault::to_json).collect();
        Self::of(422, json!({ "detail": detail }))
    }

    fn limited(after: Duration) -> Self {
        let seconds = after.as_secs_f64().ceil() as u64;
        let message = "Too many concurrent requests";
        Self::Body {
            status: 429,
            body: json!({"error": "rate_limit_exceeded", "message": message, "retry_after": seconds}),
            retry_after: Some(after),
        }
    }

    /// A refusal asked for by a fault, in the API's words.
    pub(super) fn by_fault(refusal: &Refusal) -> Self {
        let status = refusal.status.unwrap_or(if refusal.quota { 402 } else { 429 });
        let mut usual = match status {
            _ if refusal.quota => Self::coded(status, "insufficient_credits", "Your account has insufficient credits"),
            402 => Self::coded(402, "insufficient_credits", "Your account has insufficient credits"),
            429 => Self::limited(refusal.retry_after.unwrap_or(Duration::from_secs(5))),
            401 => Self::coded(401, "invalid_api_key", "The provided API key is invalid"),
            403 => Self::coded(
                403,
                "forbidden",
                "Your API key does not have permission to access the specified resource",
            ),
            404 => Self::detail(404, "Not Found"),
            422 => Self::fields(&[FieldFault::new("prompt", "value_error", "Value error, refused")]),
            500 => Self::coded(500, "internal_server_error", "An unexpected error occurred"),
            status if wire::is_proxy_status(status) => return Self::Page { status },
            status => Self::coded(status, "bad_request", "The request was refused"),
        };
        if let Self::Body { body, retry_after, .. } = &mut usual {
            if let Some(message) = &refusal.message {
                let field = if body.get("detail").is_some() {
                    "detail"
                } else {
                    "message"
                };
                body[field] = json!(message);
            }
            *retry_after = retry_after.or(refusal.retry_after);
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
                    let headers = response.headers_mut();
                    let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
                    headers.insert("retry-after", seconds);
                    headers.insert("x-ratelimit-limit", HeaderValue::from(ACTIVE_TASKS));
                    headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
                }
                response
            }
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldFault {
    pub(super) name: String,
    pub(super) kind: &'static str,
    msg: String,
    input: Value,
}

impl FieldFault {
    pub(super) fn new(name: &str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            msg: msg.into(),
            input: Value::Null,
        }
    }

    /// Repeats the value, as the API does.
    pub(super) fn with_input(self, input: &Value) -> Self {
        Self {
            input: input.clone(),
            ..self
        }
    }

    fn to_json(&self) -> Value {
        json!({"type": self.kind, "loc": ["body", self.name], "msg": self.msg, "input": self.input})
    }
}
