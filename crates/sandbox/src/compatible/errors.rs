//! Refusals, in each server's own words.

use super::servers::Dress;
use crate::faults::RefusalFault;
use crate::refused::Refused;
use crate::wire;
use serde_json::{Value, json};

/// Why a call is refused, before a server puts it in its own words.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    status: u16,
    message: String,
    /// The field at fault.
    field: Option<String>,
    /// By a filter before the model.
    filtered: bool,
}

impl Reason {
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

    /// The refusal in a server's words.
    pub(super) fn dressed(self, dress: Dress) -> Refused {
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
        Refused::new(status, body)
    }
}

/// The refusal that a fault asks for.
pub(super) fn by_fault(refusal: &RefusalFault, dress: Dress) -> Refused {
    let status = refusal.status.unwrap_or(429);
    let message = refusal.message.clone().unwrap_or_else(|| words(status).to_owned());
    // Servers at home have no proxy before them that shows pages.
    let refused = match dress {
        Dress::Azure if wire::is_proxy_status(status) => Refused::page(status, "azure"),
        _ => Reason::new(status, message).dressed(dress),
    };
    Refused {
        retry_after: refusal.retry_after,
        ..refused
    }
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
