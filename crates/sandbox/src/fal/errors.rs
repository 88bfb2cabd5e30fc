//! fal's two error shapes, and the plain one of its front door.

use crate::faults::Refusal;
use crate::names::random_uuid;
use crate::wire;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

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

/// One entry of a model error's `detail` list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Detail {
    /// Where, below `body`.
    pub(super) at: Vec<Value>,
    pub(super) msg: String,
    pub(super) kind: &'static str,
    pub(super) ctx: Option<Value>,
    pub(super) input: Option<Value>,
}

impl Detail {
    /// An entry about one field.
    pub(super) fn field(name: &str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self {
            at: vec![json!(name)],
            msg: msg.into(),
            kind,
            ctx: None,
            input: None,
        }
    }

    /// Says which item of the field's list is meant.
    pub(super) fn item(mut self, index: usize) -> Self {
        self.at.push(json!(index));
        self
    }

    pub(super) fn with_ctx(self, ctx: Value) -> Self {
        Self { ctx: Some(ctx), ..self }
    }

    pub(super) fn with_input(self, input: &Value) -> Self {
        Self {
            input: Some(input.clone()),
            ..self
        }
    }

    fn to_json(&self) -> Value {
        let mut loc = vec![json!("body")];
        loc.extend(self.at.iter().cloned());
        let mut entry = Map::new();
        entry.insert("loc".to_owned(), Value::Array(loc));
        entry.insert("msg".to_owned(), json!(self.msg));
        entry.insert("type".to_owned(), json!(self.kind));
        if DOCUMENTED.contains(&self.kind) {
            let link = format!("https://docs.fal.ai/errors/#{}", self.kind);
            entry.insert("url".to_owned(), json!(link));
        }
        if let Some(ctx) = &self.ctx {
            entry.insert("ctx".to_owned(), ctx.clone());
        }
        if let Some(input) = &self.input {
            entry.insert("input".to_owned(), input.clone());
        }
        Value::Object(entry)
    }
}

/// How a call failed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// The model's own error: a list of details and whether trying again may help.
    Model {
        status: u16,
        details: Vec<Detail>,
        retryable: bool,
    },
    /// The platform's error around the model.
    Platform {
        status: u16,
        kind: &'static str,
        detail: String,
        /// Whether the caller's own `x-fal-request-timeout` was the reason.
        by_caller: bool,
    },
    /// Authentication, unknown apps, limits and account trouble: a text alone.
    Plain { status: u16, detail: String },
    /// An error page of the proxy in front.
    Page { status: u16 },
}

impl Failure {
    /// Invalid input: HTTP 422 that no repetition cures.
    pub(super) fn invalid(details: Vec<Detail>) -> Self {
        Self::Model {
            status: 422,
            details,
            retryable: false,
        }
    }

    /// The refusal of a content checker.
    pub(super) fn refused() -> Self {
        Self::invalid(vec![Detail::field(
            "prompt",
            "content_policy_violation",
            "The content could not be processed because it contained material flagged by a content checker.",
        )])
    }

    /// A model that ended without a picture.
    pub(super) fn no_media() -> Self {
        Self::invalid(vec![Detail::field(
            "prompt",
            "no_media_generated",
            "No media was generated for this request.",
        )])
    }

    /// A model that broke down.
    pub(super) fn broken() -> Self {
        Self::Model {
            status: 500,
            details: vec![Detail {
                at: Vec::new(),
                msg: "Internal server error".to_owned(),
                kind: "internal_server_error",
                ctx: None,
                input: None,
            }],
            retryable: true,
        }
    }

    pub(super) fn plain(status: u16, detail: impl Into<String>) -> Self {
        Self::Plain {
            status,
            detail: detail.into(),
        }
    }

    /// The HTTP status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        let (Self::Model { status, .. }
        | Self::Platform { status, .. }
        | Self::Plain { status, .. }
        | Self::Page { status }) = self;
        StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The JSON body; none of a page.
    pub(super) fn body(&self) -> Value {
        match self {
            Self::Model { details, .. } => {
                json!({ "detail": details.iter().map(Detail::to_json).collect::<Vec<_>>() })
            }
            Self::Platform { kind, detail, .. } => json!({ "detail": detail, "error_type": kind }),
            Self::Plain { detail, .. } => json!({ "detail": detail }),
            Self::Page { .. } => Value::Null,
        }
    }

    /// `error` and `error_type` of a queue status. Model errors leave both out, as has been seen of fal: only the
    /// result tells.
    pub(super) fn status_fields(&self) -> Option<(String, &'static str)> {
        match self {
            Self::Platform { kind, detail, .. } => Some((detail.clone(), kind)),
            Self::Model { .. } | Self::Plain { .. } | Self::Page { .. } => None,
        }
    }

    /// The answer. `request_id` is told when fal's own server answers, not its proxy.
    pub(super) fn to_response(&self, request_id: Option<&str>) -> Response {
        if let Self::Page { status } = self {
            return wire::proxy_page(*status, "fal.run");
        }
        let mut response = wire::json(self.status(), &self.body());
        let headers = response.headers_mut();
        match self {
            Self::Model { retryable, .. } => {
                let value = if *retryable { "true" } else { "false" };
                headers.insert("x-fal-retryable", HeaderValue::from_static(value));
            }
            Self::Platform { kind, by_caller, .. } => {
                headers.insert("x-fal-error-type", HeaderValue::from_static(kind));
                if *by_caller {
                    headers.insert("x-fal-request-timeout-type", HeaderValue::from_static("user"));
                }
            }
            Self::Plain { .. } | Self::Page { .. } => {}
        }
        stamp(&mut response, request_id);
        response
    }
}

/// A refusal asked for by a fault, in fal's words.
pub(super) fn refuse(refusal: &Refusal, endpoint_id: &str) -> Response {
    let failure = refusal_failure(refusal, endpoint_id);
    let mut response = failure.to_response(None);
    if let Some(after) = refusal.retry_after {
        let seconds = after.as_secs_f64().ceil() as u64;
        response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
    }
    response
}

fn refusal_failure(refusal: &Refusal, endpoint_id: &str) -> Failure {
    let told = |usual: String| refusal.message.clone().unwrap_or(usual);
    let status = match refusal.status {
        // A bare `retry-after` is a rate limit.
        None if !refusal.quota => 429,
        None => 403,
        Some(status) => status,
    };
    if refusal.quota {
        let usual = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.";
        return Failure::plain(status, told(usual.to_owned()));
    }
    match status {
        status if wire::is_proxy_status(status) => Failure::Page { status },
        400 => Failure::Platform {
            status,
            kind: "bad_request",
            detail: told("Bad request".to_owned()),
            by_caller: false,
        },
        401 => Failure::plain(401, told(UNAUTHENTICATED.to_owned())),
        403 => Failure::plain(403, told("You do not have access to this app".to_owned())),
        404 => Failure::plain(404, told(format!("Application \"{endpoint_id}\" not found"))),
        422 => Failure::invalid(vec![Detail::field(
            "prompt",
            "value_error",
            told("Value error".to_owned()),
        )]),
        429 => Failure::plain(429, told("Too many concurrent requests".to_owned())),
        500 => {
            let mut failure = Failure::broken();
            if let Failure::Model { details, .. } = &mut failure {
                details[0].msg = told(details[0].msg.clone());
            }
            failure
        }
        other => Failure::plain(other, told("The request was refused".to_owned())),
    }
}

/// The text of HTTP 401.
pub(super) const UNAUTHENTICATED: &str = "Authentication is required to access this application";

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
        let failure = Failure::invalid(vec![
            Detail::field("image_urls", "image_load_error", "no image")
                .item(1)
                .with_input(&json!("data:,x")),
        ]);
        assert_eq!(
            failure.body(),
            json!({"detail": [{
                "loc": ["body", "image_urls", 1], "msg": "no image", "type": "image_load_error",
                "url": "https://docs.fal.ai/errors/#image_load_error", "input": "data:,x",
            }]})
        );
        let response = failure.to_response(Some("id-1"));
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers()["x-fal-retryable"], "false");
        assert_eq!(response.headers()["x-fal-request-id"], "id-1");
    }

    #[test]
    fn a_platform_error_names_its_type_twice() {
        let failure = Failure::Platform {
            status: 504,
            kind: "request_timeout",
            detail: "too late".to_owned(),
            by_caller: true,
        };
        assert_eq!(
            failure.body(),
            json!({"detail": "too late", "error_type": "request_timeout"})
        );
        let response = failure.to_response(None);
        assert_eq!(response.headers()["x-fal-error-type"], "request_timeout");
        assert_eq!(response.headers()["x-fal-request-timeout-type"], "user");
        assert!(response.headers().contains_key("x-fal-request-id"));
    }
}
