//! Errors of the mock server.

use super::MODEL;
use crate::faults::Stage;
use crate::wire;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error in OpenAI's shape.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
        }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub(super) fn no_model(model: &str) -> Self {
        let message = format!("There is no model '{model}' here, only '{MODEL}'.");
        Self::new(StatusCode::NOT_FOUND, "model_not_found", &message)
    }

    pub(super) fn failed() -> Self {
        let message = "The image could not be made.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message)
    }

    pub(super) fn moderation(stage: Stage) -> Self {
        let message = format!("The {} was flagged by the safety check.", stage.name());
        Self::new(StatusCode::BAD_REQUEST, "content_policy_violation", &message)
    }

    pub(super) fn object(&self) -> Value {
        let kind = if self.status.is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        };
        json!({"message": self.message, "type": kind, "param": null, "code": self.code})
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        wire::json(self.status, &json!({"error": self.object()}))
    }
}
