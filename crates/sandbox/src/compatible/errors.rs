//! Refusals, in each server's own words.

use super::servers::Dress;
use crate::faults::Refusal;
use crate::wire;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

/// Why a call is refused.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    status: u16,
    message: String,
    /// The field at fault.
    field: Option<String>,
    /// By a filter before the model.
    filtered: bool,
}

impl Refused {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            field: None,
            filtered: false,
        }
    }

    pub(super) fn field(name: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(name.to_owned()),
            ..Self::new(400, message)
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    pub(super) fn bad_key(message: &str) -> Self {
        Self::new(401, message)
    }

    pub(super) fn filtered() -> Self {
        Self {
            filtered: true,
            ..Self::new(400, "Your request was rejected as a result of our safety system.")
        }
    }

    /// The answer.
    pub(super) fn dressed(self, dress: Dress) -> Response {
        // A validation that fails has a status of its own there.
        let status = match dress {
            Dress::FastApi if self.field.is_some() => 422,
            _ => self.status,
        };
        let body = match dress {
            Dress::Go => json!({"error": {"code": status, "message": self.message, "type": ""}}),
            Dress::Text => json!({"error": self.message}),
            Dress::FastApi => json!({"detail": match &self.field {
                Some(field) => json!([{"type": "value_error", "loc": ["body", field], "msg": self.message}]),
                None => Value::from(self.message),
            }}),
            Dress::Azure if self.filtered => json!({"error": {
                "code": "content_policy_violation", "message": self.message,
                "inner_error": {"code": "ResponsibleAIPolicyViolation", "content_filter_results": {
                    "hate": {"filtered": false, "severity": "safe"},
                    "violence": {"filtered": true, "severity": "medium"},
                }},
            }}),
            Dress::Azure => {
                json!({"error": {"code": status.to_string(), "message": self.message, "param": self.field}})
            }
        };
        wire::json(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), &body)
    }
}

/// The refusal that a fault asks for.
pub(super) fn refusal(refusal: &Refusal, dress: Dress) -> Response {
    let status = refusal.status.unwrap_or(429);
    let message = refusal.message.clone().unwrap_or_else(|| words(status).to_owned());
    // Servers at home have no proxy before them that shows pages.
    let mut response = match dress {
        Dress::Azure if wire::is_proxy_status(status) => wire::proxy_page(status, "azure"),
        _ => Refused::new(status, message).dressed(dress),
    };
    if let Some(after) = refusal.retry_after {
        let seconds = HeaderValue::from(after.as_millis().div_ceil(1000).min(u128::from(u32::MAX)) as u64);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn words(status: u16) -> &'static str {
    match status {
        401 => "Invalid API key",
        403 => "Forbidden",
        404 => "The model does not exist",
        429 => "Too many requests",
        503 => "No engine is ready to take the request",
        500..=599 => "The image could not be generated",
        _ => "The request was refused",
    }
}
