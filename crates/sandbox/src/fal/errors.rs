//! fal's two error shapes, and the plain one of its front door.

pub(super) use crate::details::Detail;
use crate::faults::RefusalFault;
use crate::names::random_uuid;
use crate::refused::Refused;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// Who answers in the provider's place when it is down.
const HOST: &str = "fal.run";
/// The text of HTTP 401.
pub(super) const UNAUTHENTICATED: &str = "Authentication is required to access this application";
/// Codes that fal documents itself; only their entries carry a link.
const DOCUMENTED: [&str; 22] = [
    "internal_server_error",
    "generation_timeout",
    "downstream_service_error",
    "downstream_service_unavailable",
    "content_policy_violation",
    "no_media_generated",
    "image_too_small",
    "image_too_large",
    "image_load_error",
    "file_download_error",
    "file_too_large",
    "unsupported_image_format",
    "feature_not_supported",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "multiple_of",
    "sequence_too_short",
    "sequence_too_long",
    "one_of",
    "missing",
];

fn entry(detail: &Detail) -> Value {
    let mut entry = Map::new();
    entry.insert("loc".to_owned(), detail.loc());
    entry.insert("msg".to_owned(), json!(detail.msg));
    entry.insert("type".to_owned(), json!(detail.kind));
    if DOCUMENTED.contains(&detail.kind) {
        let link = format!("https://docs.fal.ai/errors/#{}", detail.kind);
        entry.insert("url".to_owned(), json!(link));
    }
    if let Some(ctx) = &detail.ctx {
        entry.insert("ctx".to_owned(), ctx.clone());
    }
    if let Some(input) = &detail.input {
        entry.insert("input".to_owned(), input.clone());
    }
    Value::Object(entry)
}

/// The model's own error: a list of details and whether trying again may help.
fn of_model(status: u16, details: &[Detail], retryable: bool) -> Refused {
    let details: Vec<Value> = details.iter().map(entry).collect();
    let retryable = if retryable { "true" } else { "false" };
    Refused::new(status, json!({ "detail": details })).header("x-fal-retryable", HeaderValue::from_static(retryable))
}

/// The platform's error around the model.
pub(super) fn of_platform(status: u16, kind: &'static str, detail: &str) -> Refused {
    Refused::new(status, json!({ "detail": detail, "error_type": kind }))
        .header("x-fal-error-type", HeaderValue::from_static(kind))
}

/// Authentication, unknown apps, limits and account trouble: a text alone.
pub(super) fn plain(status: u16, detail: impl Into<String>) -> Refused {
    Refused::new(status, json!({ "detail": detail.into() }))
}

/// Invalid input: HTTP 422 that no repetition cures.
pub(super) fn invalid(details: &[Detail]) -> Refused {
    of_model(422, details, false)
}

/// The refusal of a content checker.
pub(super) fn flagged() -> Refused {
    invalid(&[Detail::field(
        "prompt",
        "content_policy_violation",
        "The content could not be processed because it contained material flagged by a content checker.",
    )])
}

/// A model that ended without a picture.
pub(super) fn no_media() -> Refused {
    let text = "No media was generated for this request.";
    invalid(&[Detail::field("prompt", "no_media_generated", text)])
}

/// A model that broke down.
pub(super) fn broken() -> Refused {
    let whole = Detail {
        at: Vec::new(),
        ..Detail::field("", "internal_server_error", "Internal server error")
    };
    of_model(500, &[whole], true)
}

/// A caller's own limit of time that passed before a worker began.
pub(super) fn not_started() -> Refused {
    let detail = "Request timed out before a runner could start it";
    of_platform(504, "request_timeout", detail).header("x-fal-request-timeout-type", HeaderValue::from_static("user"))
}

/// `error` and `error_type` of a queue status. Model errors leave both out, as has been seen of fal: only the
/// result tells.
pub(super) fn status_fields(refused: &Refused) -> Option<(&Value, &Value)> {
    Some((refused.body.get("detail")?, refused.body.get("error_type")?))
}

/// The answer. `request_id` is told when fal's own server answers, not its proxy.
pub(super) fn respond(refused: Refused, request_id: Option<&str>) -> Response {
    let is_page = refused.is_page();
    let mut response = refused.into_response();
    if !is_page {
        stamp(&mut response, request_id);
    }
    response
}

/// A refusal asked for by a fault, in fal's words.
pub(super) fn by_fault(refusal: &RefusalFault, endpoint_id: &str) -> Refused {
    // A bare `retry-after` is a rate limit.
    let status = refusal.status.unwrap_or(if refusal.quota { 403 } else { 429 });
    let exhausted = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.";
    let usual = match status {
        _ if refusal.quota => plain(status, exhausted),
        400 => of_platform(400, "bad_request", "Bad request"),
        401 => plain(401, UNAUTHENTICATED),
        403 => plain(403, "You do not have access to this app"),
        404 => plain(404, format!("Application \"{endpoint_id}\" not found")),
        422 => invalid(&[Detail::field("prompt", "value_error", "Value error")]),
        429 => plain(429, "Too many concurrent requests"),
        500 => broken(),
        other => plain(other, "The request was refused"),
    };
    Refused::by_fault(refusal, HOST, &["/detail/0/msg", "/detail"], usual)
}

/// Names the request in the answer; without an id of its own, by a fresh one.
pub(super) fn stamp(response: &mut Response, request_id: Option<&str>) {
    let id = request_id.map_or_else(random_uuid, str::to_owned);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-fal-request-id", value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_error_is_a_list_with_places() {
        let refused = invalid(&[Detail::field("image_urls", "image_load_error", "no image")
            .item(1)
            .with_input(&json!("data:,x"))]);
        assert_eq!(
            refused.body,
            json!({"detail": [{
                "loc": ["body", "image_urls", 1], "msg": "no image", "type": "image_load_error",
                "url": "https://docs.fal.ai/errors/#image_load_error", "input": "data:,x",
            }]})
        );
        let response = respond(refused, Some("id-1"));
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers()["x-fal-retryable"], "false");
        assert_eq!(response.headers()["x-fal-request-id"], "id-1");
    }

    #[test]
    fn a_platform_error_names_its_type_twice() {
        let refused = not_started();
        assert_eq!(
            refused.body,
            json!({"detail": "Request timed out before a runner could start it", "error_type": "request_timeout"})
        );
        let response = respond(refused, None);
        assert_eq!(response.headers()["x-fal-error-type"], "request_timeout");
        assert_eq!(response.headers()["x-fal-request-timeout-type"], "user");
        assert!(response.headers().contains_key("x-fal-request-id"));
    }
}
