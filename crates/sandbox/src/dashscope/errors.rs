//! DashScope's errors: a request id, a code and a text; and its check of API keys.

use crate::faults::{Refusal, Stage};
use crate::names::random_uuid;
use crate::wire;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;
use std::time::Duration;

/// A call, or a task, that was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    retry_after: Option<Duration>,
    /// Not the provider's own words but a page of the proxy in front.
    page: bool,
}

impl Refused {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            page: false,
        }
    }

    /// An argument that is not allowed.
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameter", message)
    }

    /// An address that is not there, or not there for this model.
    pub(super) fn url() -> Self {
        Self::parameter("url error, please check url!")
    }

    pub(super) fn no_model() -> Self {
        Self::new(404, "ModelNotFound", "Model not exist.")
    }

    fn bad_key() -> Self {
        Self::new(401, "InvalidApiKey", "Invalid API-key provided.")
    }

    /// The safety check. What strikes after the work began comes with HTTP 200.
    pub(super) fn inspection(stage: Stage) -> Self {
        let (status, what) = match stage {
            Stage::Input => (400, "Input"),
            Stage::Output => (200, "Output"),
        };
        let message = format!("{what} data may contain inappropriate content.");
        Self::new(status, "DataInspectionFailed", message)
    }

    pub(super) fn internal() -> Self {
        Self::new(
            500,
            "InternalError.Algo",
            "An internal error has occured during algorithm execution.",
        )
    }

    /// A refusal asked for by a fault, in DashScope's words.
    pub(super) fn by_fault(refusal: &Refusal) -> Self {
        let mut refused = match refusal.status {
            None if refusal.quota => Self::new(
                400,
                "Arrearage",
                "Access denied, please make sure your account is in good standing.",
            ),
            Some(402) => Self::new(
                402,
                "Arrearage",
                "Access denied, please make sure your account is in good standing.",
            ),
            None | Some(429) if refusal.quota => Self::new(
                429,
                "insufficient_quota",
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            None | Some(429) => Self::new(
                429,
                "Throttling.RateQuota",
                "Requests rate limit exceeded, please try again later.",
            ),
            Some(400) => Self::parameter("Required parameter is missing or invalid."),
            Some(401) => Self::bad_key(),
            Some(403) => Self::new(
                403,
                "AccessDenied.Unpurchased",
                "Access to model denied. Please make sure you are eligible for using the model.",
            ),
            Some(404) => Self::no_model(),
            Some(500) => Self::internal(),
            Some(status) => Self {
                page: wire::is_proxy_status(status),
                ..Self::new(status, "InternalError", "Internal server error!")
            },
        };
        if let Some(message) = &refusal.message {
            refused.message.clone_from(message);
        }
        refused.retry_after = refusal.retry_after;
        refused
    }

    /// The answer.
    pub(super) fn to_response(&self) -> Response {
        if self.page {
            return wire::proxy_page(self.status, "dashscope-intl.aliyuncs.com");
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({"request_id": random_uuid(), "code": self.code, "message": self.message});
        let mut response = wire::json(status, &body);
        if let Some(after) = self.retry_after {
            let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
            response.headers_mut().insert("retry-after", seconds);
        }
        response
    }
}

/// Checks the key: one that begins with `sk-` and is not called invalid.
pub(super) fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    match wire::bearer(headers) {
        Some(key) if wire::is_key(key, "sk-") => Ok(()),
        Some(_) => Err(Refused::bad_key()),
        None => Err(Refused::new(401, "InvalidApiKey", "No API-key provided.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked() {
        for (value, allowed) in [
            ("Bearer sk-sandbox", true),
            ("bearer sk-sandbox", true),
            ("Bearer sk-", false),
            ("Bearer sk-invalid", false),
            ("Key sk-sandbox", false),
            ("sk-sandbox", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", HeaderValue::from_static(value));
            assert_eq!(authorize(&headers).is_ok(), allowed, "{value}");
        }
        assert!(authorize(&HeaderMap::new()).is_err());
    }
}
