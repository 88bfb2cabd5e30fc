//! Error bodies of Stability AI, and the refusals that faults ask for.

use crate::faults::RefusalFault;
use crate::names::random_hex;
use crate::refused::Refused;
use serde_json::json;

/// The name of the proxy in its pages.
const HOST: &str = "api.stability.ai";

/// Everything that is wrong with a request, told together.
fn errors(status: u16, name: &str, errors: &[String]) -> Refused {
    // The limiter in front gives no id of its own.
    let id = match status {
        429 => name.to_owned(),
        _ => random_hex(16),
    };
    Refused::new(status, json!({"id": id, "name": name, "errors": errors}))
}

pub(super) fn error(status: u16, name: &str, text: &str) -> Refused {
    errors(status, name, &[text.to_owned()])
}

pub(super) fn bad_request(text: &str) -> Refused {
    error(400, "bad_request", text)
}

/// Everything that is wrong with the fields.
pub(super) fn fields(texts: &[String]) -> Refused {
    errors(400, "bad_request", texts)
}

pub(super) fn unauthorized(text: &str) -> Refused {
    error(401, "unauthorized", text)
}

pub(super) fn not_found() -> Refused {
    error(404, "not_found", "The requested resource was not found.")
}

pub(super) fn no_generation() -> Refused {
    let text = "id: the generation either does not exist or has expired.";
    error(404, "generation_not_found", text)
}

pub(super) fn too_large() -> Refused {
    let text = "body: payloads cannot be larger than 10MiB in size";
    error(413, "payload_too_large", text)
}

pub(super) fn flagged() -> Refused {
    let text = "Your request was flagged by our content moderation system, as a result your request was denied \
                and you were not charged.";
    error(403, "content_moderation", text)
}

pub(super) fn internal() -> Refused {
    let text = "An unexpected server error has occurred, please try again later.";
    error(500, "internal_error", text)
}

/// The refusal that a fault asks for, in Stability's words.
pub(super) fn by_fault(refusal: &RefusalFault) -> Refused {
    let status = refusal.status.unwrap_or(if refusal.quota { 402 } else { 429 });
    let no_credits = "You lack sufficient credits to make this request. Please purchase more credits and try again.";
    let limited = "You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out \
                   for 60 seconds.";
    let usual = match status {
        _ if refusal.quota || status == 402 => error(status, "payment_required", no_credits),
        401 => unauthorized("authorization: invalid or missing header value"),
        403 => error(403, "forbidden", "This service is not available to your organization."),
        404 => not_found(),
        413 => too_large(),
        429 => error(429, "rate_limit_exceeded", limited),
        500..=599 => internal(),
        _ => bad_request("The request was refused, as asked for by a fault."),
    };
    Refused::by_fault(refusal, HOST, &["/errors/0"], Refused { status, ..usual })
}
