//! Runware's errors: entries of a list, each about one task.

use crate::faults::{Refusal, Stage};
use crate::wire;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::Duration;

/// What is wrong with one task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TaskError {
    /// The status of the answer when no task of the list did better.
    pub(super) http: u16,
    pub(super) code: String,
    message: String,
    parameter: Option<String>,
    pub(super) retry_after: Option<Duration>,
    /// Not the provider's own words but a page of the proxy in front.
    pub(super) page: bool,
}

impl TaskError {
    pub(super) fn new(http: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            http,
            code: code.to_owned(),
            message: message.into(),
            parameter: None,
            retry_after: None,
            page: false,
        }
    }

    fn about(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.to_owned());
        self
    }

    /// A value that is not allowed, and what is.
    pub(super) fn invalid(parameter: &str, expected: &str) -> Self {
        let code = format!("invalid{}", capital(last(parameter)));
        let message = format!("Invalid value for '{parameter}' parameter. {expected}");
        Self::new(400, &code, message).about(parameter)
    }

    /// A parameter that has to be there.
    pub(super) fn missing(parameter: &str) -> Self {
        let code = format!("missing{}", capital(last(parameter)));
        let message = format!("Missing required parameter '{parameter}'.");
        Self::new(400, &code, message).about(parameter)
    }

    /// A parameter that this model, or no model, has.
    pub(super) fn unsupported(parameter: &str) -> Self {
        let message =
            format!("Unsupported use of '{parameter}' parameter. This parameter is not supported for this model.");
        Self::new(400, "unsupportedParameter", message).about(parameter)
    }

    pub(super) fn no_model() -> Self {
        let message = "Invalid value for 'model' parameter. The model does not exist or is not available to you.";
        Self::new(400, "invalidModel", message).about("model")
    }

    pub(super) fn bad_key() -> Self {
        let message = "Invalid API key. Get one at https://my.runware.ai/signup";
        Self::new(401, "invalidApiKey", message).about("apiKey")
    }

    pub(super) fn conflict() -> Self {
        let message = "The 'taskUUID' has been used before. Each task needs a UUID of its own.";
        Self::new(409, "conflictTaskUUID", message).about("taskUUID")
    }

    /// The safety check of the model behind. What strikes after the work began comes with HTTP 200.
    pub(super) fn content(stage: Stage) -> Self {
        let (http, what) = match stage {
            Stage::Input => (400, "The prompt was refused"),
            Stage::Output => (200, "The result was withheld"),
        };
        let message = format!("Invalid content detected by provider. {what} by the safety system of the model.");
        Self::new(http, "invalidProviderContent", message).about("positivePrompt")
    }

    pub(super) fn failed() -> Self {
        let message = "The external provider did not respond within the timeout window.";
        Self::new(500, "timeoutProvider", message)
    }

    /// A refusal asked for by a fault, in Runware's words.
    pub(super) fn by_fault(refusal: &Refusal) -> Self {
        let mut error = match refusal.status {
            None | Some(402) if refusal.quota || refusal.status.is_some() => Self::new(
                402,
                "insufficientCredits",
                "Insufficient credits. Add credits to your account to continue.",
            ),
            None | Some(429) => Self::new(429, "rateLimitExceeded", "Too many requests. Please slow down."),
            Some(400) => Self::new(400, "invalidRequest", "The request is not acceptable."),
            Some(401) => Self::bad_key(),
            Some(403) => Self::new(
                403,
                "forbidden",
                "The API key does not have permissions to perform the request.",
            ),
            Some(404) => Self::no_model(),
            Some(500) => Self::new(500, "internalServerError", "Something went wrong on our end."),
            Some(status) => Self {
                page: wire::is_proxy_status(status),
                ..Self::new(status, "error", "The request failed.")
            },
        };
        // A task that is refused for its model comes with the status that was asked for.
        error.http = refusal.status.unwrap_or(error.http);
        if let Some(message) = &refusal.message {
            error.message.clone_from(message);
        }
        error.retry_after = refusal.retry_after;
        error
    }

    /// The entry of the list.
    pub(super) fn entry(&self, task_type: Option<&str>, task_uuid: Option<&str>) -> Value {
        let mut entry = json!({"code": self.code, "message": self.message});
        let optional = [
            ("parameter", self.parameter.as_deref()),
            ("taskType", task_type),
            ("taskUUID", task_uuid),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                entry[name] = json!(value);
            }
        }
        entry
    }

    /// The answer when there is nothing else to tell.
    pub(super) fn to_response(&self) -> Response {
        self.with_body(&json!({"errors": [self.entry(None, None)]}))
    }

    /// The answer with the status of this error.
    pub(super) fn with_body(&self, body: &Value) -> Response {
        if self.page {
            return wire::proxy_page(self.http, "api.runware.ai");
        }
        let status = StatusCode::from_u16(self.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = wire::json(status, body);
        if let Some(after) = self.retry_after {
            let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
            response.headers_mut().insert("retry-after", seconds);
        }
        response
    }
}

/// The last part of a dotted name.
fn last(parameter: &str) -> &str {
    parameter.rsplit('.').next().unwrap_or(parameter)
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}", first.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_name_the_parameter() {
        let error = TaskError::invalid("providerSettings.openai.quality", "It is low, medium or high.");
        assert_eq!(error.code, "invalidQuality");
        let entry = error.entry(Some("imageInference"), None);
        assert_eq!(entry["parameter"], "providerSettings.openai.quality");
        assert!(entry.get("taskUUID").is_none());
        assert_eq!(TaskError::missing("taskUUID").code, "missingTaskUUID");
    }
}
