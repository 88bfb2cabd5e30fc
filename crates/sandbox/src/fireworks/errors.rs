//! Fireworks' errors: an object in `error`; and its check of API keys.

use crate::faults::RefusalFault;
use crate::refused::Refused;
use crate::wire;
use axum::http::HeaderMap;
use serde_json::json;

/// Who answers in the provider's place when it is down.
const HOST: &str = "api.fireworks.ai";

pub(super) fn error(status: u16, code: &str, message: impl Into<String>) -> Refused {
    let error = json!({"object": "error", "type": code, "code": code, "message": message.into()});
    Refused::new(status, json!({ "error": error }))
}

/// A body or field that is not allowed.
pub(super) fn invalid(message: impl Into<String>) -> Refused {
    error(400, "invalid_request_error", message)
}

pub(super) fn no_model() -> Refused {
    error(404, "NOT_FOUND", "Model not found, inaccessible, and/or not deployed")
}

fn unauthorized() -> Refused {
    error(401, "UNAUTHORIZED", "The API key you provided is invalid.")
}

pub(super) fn internal() -> Refused {
    error(500, "internal_server_error", "Internal server error")
}

/// The check of prompts. Of results another sign is given: a header, or the state of the job.
pub(super) fn flagged() -> Refused {
    invalid("The prompt was flagged by the safety check.")
}

/// A refusal asked for by a fault, in Fireworks' words.
pub(super) fn by_fault(refusal: &RefusalFault) -> Refused {
    let status = refusal.status.unwrap_or(if refusal.quota { 412 } else { 429 });
    let suspended =
        "Account is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.";
    let limited = "Rate limit exceeded, please try again later";
    let usual = match status {
        412 => error(412, "PRECONDITION_FAILED", suspended),
        429 => error(429, "RATE_LIMIT_EXCEEDED", limited),
        400 => invalid("The request is invalid."),
        401 => unauthorized(),
        402 => error(402, "PAYMENT_REQUIRED", "The account is not on a paid plan."),
        403 => error(403, "FORBIDDEN", "You do not have access to this resource."),
        404 => no_model(),
        500 => internal(),
        status => error(status, "ERROR", "The request failed."),
    };
    Refused::by_fault(refusal, HOST, &["/error/message"], usual)
}

/// Checks the key: one that begins with `fw_` and is not called invalid.
pub(super) fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    match wire::bearer(headers) {
        Some(key) if wire::is_key(key, "fw_") => Ok(()),
        _ => Err(unauthorized()),
    }
}
