//! Errors of the mock server, in OpenAI's shape.

use super::MODEL;
use crate::faults::{Moderation, RefusalFault};
use crate::refused::Refused;
use serde_json::json;

/// An error with a code.
pub(super) fn error(status: u16, code: &str, message: &str) -> Refused {
    let kind = if status >= 500 {
        "server_error"
    } else {
        "invalid_request_error"
    };
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    Refused::new(status, json!({ "error": error }))
}

pub(super) fn invalid(message: &str) -> Refused {
    error(400, "invalid_request", message)
}

pub(super) fn no_model(model: &str) -> Refused {
    let message = format!("There is no model '{model}' here, only '{MODEL}'.");
    error(404, "model_not_found", &message)
}

pub(super) fn failed() -> Refused {
    error(500, "server_error", "The image could not be made.")
}

pub(super) fn moderation(stage: Moderation) -> Refused {
    let message = format!("The {} was flagged by the safety check.", stage.name());
    error(400, "content_policy_violation", &message)
}

/// A refusal asked for by a fault.
pub(super) fn by_fault(refusal: &RefusalFault) -> Refused {
    let status = refusal.status.unwrap_or(429);
    let code = match status {
        _ if refusal.quota => "insufficient_quota",
        401 => "invalid_api_key",
        403 => "forbidden",
        404 => "model_not_found",
        429 => "rate_limit_exceeded",
        500..=599 => "server_error",
        _ => "invalid_request",
    };
    let usual = error(status, code, "Refused, as asked for by a fault.");
    Refused::by_fault(refusal, "mock.sandbox", &["/error/message"], usual)
}
