//! Error bodies of Stability AI, and the refusals that faults ask for.

use crate::faults::Refusal;
use crate::names::random_hex;
use crate::wire;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// The name of the proxy in its pages.
const HOST: &str = "api.stability.ai";

/// An error of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: u16,
    name: &'static str,
    errors: Vec<String>,
    retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn new(status: u16, name: &'static str, error: &str) -> Self {
        Self {
            status,
            name,
            errors: vec![error.to_owned()],
            retry_after: None,
        }
    }

    pub(super) fn bad_request(error: &str) -> Self {
        Self::new(400, "bad_request", error)
    }

    /// Everything that is wrong with the fields, told together.
    pub(super) fn fields(errors: Vec<String>) -> Self {
        Self {
            errors,
            ..Self::bad_request("")
        }
    }

    pub(super) fn unauthorized(error: &str) -> Self {
        Self::new(401, "unauthorized", error)
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "not_found", "The requested resource was not found.")
    }

    pub(super) fn no_generation() -> Self {
        let error = "id: the generation either does not exist or has expired.";
        Self::new(404, "generation_not_found", error)
    }

    pub(super) fn too_large() -> Self {
        let error = "body: payloads cannot be larger than 10MiB in size";
        Self::new(413, "payload_too_large", error)
    }

    pub(super) fn flagged() -> Self {
        let error = "Your request was flagged by our content moderation system, as a result your request was denied \
                     and you were not charged.";
        Self::new(403, "content_moderation", error)
    }

    pub(super) fn internal() -> Self {
        let error = "An unexpected server error has occurred, please try again later.";
        Self::new(500, "internal_error", error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        // The limiter in front gives no id of its own.
        let id = if self.status == 429 {
            self.name.to_owned()
        } else {
            random_hex(16)
        };
        let mut response = wire::json(status, &json!({"id": id, "name": self.name, "errors": self.errors}));
        retry_after(&mut response, self.retry_after);
        response
    }
}

fn retry_after(response: &mut Response, after: Option<Duration>) {
    if let Some(after) = after {
        let seconds = after.as_millis().div_ceil(1_000).to_string();
        if let Ok(value) = HeaderValue::from_str(&seconds) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
}

/// The refusal that a fault asks for, in Stability's words.
pub(super) fn refusal(refusal: &Refusal) -> Response {
    let status = refusal.status.unwrap_or(if refusal.quota { 402 } else { 429 });
    if wire::is_proxy_status(status) {
        let mut response = wire::proxy_page(status, HOST);
        retry_after(&mut response, refusal.retry_after);
        return response;
    }
    let mut error = match status {
        _ if refusal.quota => no_credits(status),
        402 => no_credits(status),
        401 => ApiError::unauthorized("authorization: invalid or missing header value"),
        403 => ApiError::new(403, "forbidden", "This service is not available to your organization."),
        404 => ApiError::not_found(),
        413 => ApiError::too_large(),
        429 => ApiError::new(
            429,
            "rate_limit_exceeded",
            "You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out for \
             60 seconds.",
        ),
        500..=599 => ApiError::internal(),
        _ => ApiError::bad_request("The request was refused, as asked for by a fault."),
    };
    error.status = status;
    error.retry_after = refusal.retry_after;
    if let Some(message) = &refusal.message {
        error.errors = vec![message.clone()];
    }
    error.into_response()
}

fn no_credits(status: u16) -> ApiError {
    let error = "You lack sufficient credits to make this request. Please purchase more credits and try again.";
    ApiError::new(status, "payment_required", error)
}
