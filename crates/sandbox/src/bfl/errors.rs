//! The three shapes of the API's errors: a code with a message, a detail, and a list of faulty fields.

use crate::details::Detail;
use crate::faults::RefusalFault;
use crate::refused::Refused;
use axum::http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;

/// Who answers in the provider's place when it is down.
const HOST: &str = "api.bfl.ai";
/// Tasks of one account at a time, as the headers of a refusal tell it.
const ACTIVE_TASKS: u64 = 24;

/// A code and a message.
pub(super) fn coded(status: u16, code: &str, message: &str) -> Refused {
    Refused::new(status, json!({"error": code, "message": message, "details": null}))
}

/// A detail alone.
pub(super) fn detail(status: u16, detail: &str) -> Refused {
    Refused::new(status, json!({ "detail": detail }))
}

/// Faulty fields.
pub(super) fn fields(faults: &[Detail]) -> Refused {
    let entry =
        |fault: &Detail| json!({"type": fault.kind, "loc": fault.loc(), "msg": fault.msg, "input": fault.input});
    let detail: Vec<Value> = faults.iter().map(entry).collect();
    Refused::new(422, json!({ "detail": detail }))
}

fn limited(after: Duration) -> Refused {
    let seconds = after.as_secs_f64().ceil() as u64;
    let message = "Too many concurrent requests";
    let body = json!({"error": "rate_limit_exceeded", "message": message, "retry_after": seconds});
    Refused::new(429, body).after(after)
}

/// A refusal asked for by a fault, in the API's words.
pub(super) fn by_fault(refusal: &RefusalFault) -> Refused {
    let status = refusal.status.unwrap_or(if refusal.quota { 402 } else { 429 });
    let usual = match status {
        _ if refusal.quota || status == 402 => {
            coded(status, "insufficient_credits", "Your account has insufficient credits")
        }
        429 => limited(refusal.retry_after.unwrap_or(Duration::from_secs(5))),
        401 => coded(401, "invalid_api_key", "The provided API key is invalid"),
        403 => coded(
            403,
            "forbidden",
            "Your API key does not have permission to access the specified resource",
        ),
        404 => detail(404, "Not Found"),
        422 => fields(&[Detail::field("prompt", "value_error", "Value error, refused")]),
        500 => coded(500, "internal_server_error", "An unexpected error occurred"),
        status => coded(status, "bad_request", "The request was refused"),
    };
    let mut refused = Refused::by_fault(refusal, HOST, &["/detail", "/message"], usual);
    if refused.retry_after.is_some() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from(ACTIVE_TASKS));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
        refused.headers = Some(Box::new(headers));
    }
    refused
}
