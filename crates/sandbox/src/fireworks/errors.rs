//! Fireworks' errors: an object in `error`; and its check of API keys.

use crate::faults::Refusal;
use crate::wire;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;
use std::time::Duration;

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: u16,
    code: &'static str,
    message: String,
    retry_after: Option<Duration>,
    /// Not the provider's own words but a page of the proxy in front.
    page: bool,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            page: false,
        }
    }

    /// A body or field that is not allowed.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub(super) fn no_model() -> Self {
        Self::new(404, "NOT_FOUND", "Model not found, inaccessible, and/or not deployed")
    }

    fn unauthorized() -> Self {
        Self::new(401, "UNAUTHORIZED", "The API key you provided is invalid.")
    }

    pub(super) fn internal() -> Self {
        Self::new(500, "internal_server_error", "Internal server error")
    }

    /// The check of prompts. Of results another sign is given: a header, or the state of the job.
    pub(super) fn flagged() -> Self {
        Self::invalid("The prompt was flagged by the safety check.")
    }

    /// A refusal asked for by a fault, in Fireworks' words.
    pub(super) fn by_fault(refusal: &Refusal) -> Self {
        let mut error = match refusal.status {
            None | Some(412) if refusal.quota || refusal.status.is_some() => Self::new(
                412,
                "PRECONDITION_FAILED",
                "Account is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
            ),
            None | Some(429) => Self::new(
                429,
                "RATE_LIMIT_EXCEEDED",
                "Rate limit exceeded, please try again later",
            ),
            Some(400) => Self::invalid("The request is invalid."),
            Some(401) => Self::unauthorized(),
            Some(402) => Self::new(402, "PAYMENT_REQUIRED", "The account is not on a paid plan."),
            Some(403) => Self::new(403, "FORBIDDEN", "You do not have access to this resource."),
            Some(404) => Self::no_model(),
            Some(500) => Self::internal(),
            Some(status) => Self {
                page: wire::is_proxy_status(status),
                ..Self::new(status, "ERROR", "The request failed.")
            },
        };
        if let Some(message) = &refusal.message {
            error.message.clone_from(message);
        }
        error.retry_after = refusal.retry_after;
        error
    }

    /// The answer.
    pub(super) fn to_response(&self) -> Response {
        if self.page {
            return wire::proxy_page(self.status, "api.fireworks.ai");
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = json!({"object": "error", "type": self.code, "code": self.code, "message": self.message});
        let mut response = wire::json(status, &json!({ "error": error }));
        if let Some(after) = self.retry_after {
            let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
            response.headers_mut().insert("retry-after", seconds);
        }
        response
    }
}

/// Checks the key: one that begins with `fw_` and is not called invalid.
pub(super) fn authorize(headers: &HeaderMap) -> Result<(), ApiError> {
    match wire::bearer(headers) {
        Some(key) if wire::is_key(key, "fw_") => Ok(()),
        _ => Err(ApiError::unauthorized()),
    }
}
