//! Error bodies of Google's APIs: a code, a message, a status, and details that say more.

use crate::faults::Refusal;
use crate::wire;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// What a rate limit says when the fault does not: a moment.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(12);
/// The domain of most reasons.
const DOMAIN: &str = "googleapis.com";

/// An error of the API.
#[derive(Clone, Debug)]
pub(crate) struct GoogleError {
    code: u16,
    status: &'static str,
    message: String,
    details: Vec<Value>,
}

impl GoogleError {
    fn new(code: u16, status: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            message: message.into(),
            details: Vec::new(),
        }
    }

    fn detail(mut self, name: &str, mut fields: Value) -> Self {
        fields["@type"] = json!(format!("type.googleapis.com/google.rpc.{name}"));
        self.details.push(fields);
        self
    }

    fn reason(self, reason: &str) -> Self {
        self.detail("ErrorInfo", json!({"reason": reason, "domain": DOMAIN}))
    }

    /// A bad request.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// A bad value of a field, by its path in snake case.
    pub(crate) fn field(path: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let violation = json!({"field": path, "description": message});
        Self::invalid(message).detail("BadRequest", json!({"fieldViolations": [violation]}))
    }

    /// A value of another type or outside an enumeration.
    pub(crate) fn value(path: &str, kind: &str, value: &Value) -> Self {
        Self::field(path, format!("Invalid value at '{path}' ({kind}), {value}"))
    }

    /// A field that does not exist at `place`, which is empty for the body itself.
    pub(crate) fn unknown_name(name: &str, place: &str) -> Self {
        let at = if place.is_empty() {
            String::new()
        } else {
            format!(" at '{place}'")
        };
        let message = format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.");
        Self::field(place, message)
    }

    /// A key that is none. It comes with 400.
    pub(crate) fn bad_key() -> Self {
        Self::invalid("API key not valid. Please pass a valid API key.").reason("API_KEY_INVALID")
    }

    /// No key at all.
    pub(crate) fn no_key() -> Self {
        let message = "Method doesn't allow unregistered callers (callers without established identity). Please use \
                       API Key or other form of API consumer identity to call this API.";
        Self::new(403, "PERMISSION_DENIED", message)
    }

    /// A missing, wrong or expired access token.
    pub(crate) fn unauthenticated(reason: &str) -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                       other valid authentication credential.";
        Self::new(401, "UNAUTHENTICATED", message).reason(reason)
    }

    /// A model that is not there.
    pub(crate) fn no_model(model: &str, verb: &str) -> Self {
        let message = format!(
            "models/{model} is not found for API version v1beta, or is not supported for {verb}. Call ListModels to \
             see the list of available models and their supported methods."
        );
        Self::new(404, "NOT_FOUND", message)
    }

    /// A file that is not there, or somebody else's.
    pub(crate) fn no_file(id: &str) -> Self {
        let message = format!("You do not have permission to access the File {id} or it may not exist.");
        Self::new(403, "PERMISSION_DENIED", message)
    }

    /// A path that is not there.
    pub(crate) fn no_path() -> Self {
        Self::new(404, "NOT_FOUND", "Requested entity was not found.")
    }

    /// A failure of the service's own.
    pub(crate) fn internal() -> Self {
        let message = "An internal error has occurred. Please retry or report in the troubleshooting guide.";
        Self::new(500, "INTERNAL", message)
    }
}

impl IntoResponse for GoogleError {
    fn into_response(self) -> Response {
        let mut error = json!({"code": self.code, "message": self.message, "status": self.status});
        if !self.details.is_empty() {
            error["details"] = Value::Array(self.details);
        }
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        wire::json(status, &json!({ "error": error }))
    }
}

/// The refusal that a fault asks for, in Google's words. An overload and a passed deadline come from the API itself, the
/// other failures of that kind from the proxy before it.
pub(crate) fn refusal(refusal: &Refusal, model: &str) -> Response {
    let code = refusal.status.unwrap_or(429);
    if wire::is_proxy_status(code) && !matches!(code, 503 | 504) {
        return wire::proxy_page(code, "www.google.com");
    }
    let mut error = if refusal.quota {
        used_up()
    } else {
        of_status(code, model, refusal.retry_after)
    };
    error.code = code;
    if let Some(message) = &refusal.message {
        error.message.clone_from(message);
    }
    error.into_response()
}

fn used_up() -> GoogleError {
    limited(
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        Duration::from_secs(35),
    )
}

fn limited(quota: &str, after: Duration) -> GoogleError {
    let message = format!(
        "You exceeded your current quota, please check your plan and billing details. Please retry in {}s.",
        after.as_secs_f64()
    );
    let violation = json!({
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests", "quotaId": quota,
    });
    GoogleError::new(429, "RESOURCE_EXHAUSTED", message)
        .detail("QuotaFailure", json!({"violations": [violation]}))
        .detail("RetryInfo", json!({"retryDelay": format!("{}s", after.as_secs_f64())}))
}

fn of_status(code: u16, model: &str, retry_after: Option<Duration>) -> GoogleError {
    match code {
        401 => GoogleError::unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        403 => GoogleError::new(403, "PERMISSION_DENIED", "Permission denied on the resource.")
            .reason("IAM_PERMISSION_DENIED"),
        404 => GoogleError::no_model(model, "generateContent"),
        429 => limited(
            "GenerateRequestsPerMinutePerProjectPerModel",
            retry_after.unwrap_or(DEFAULT_RETRY_AFTER),
        ),
        503 => {
            let error = GoogleError::new(503, "UNAVAILABLE", "The model is overloaded. Please try again later.");
            match retry_after {
                Some(after) => error.detail("RetryInfo", json!({"retryDelay": format!("{}s", after.as_secs_f64())})),
                None => error,
            }
        }
        504 => GoogleError::new(
            504,
            "DEADLINE_EXCEEDED",
            "Deadline expired before operation could complete.",
        ),
        500..=599 => GoogleError::internal(),
        _ => GoogleError::invalid(format!("The request was refused with status {code}.")),
    }
}
