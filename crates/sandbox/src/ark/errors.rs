//! The API's errors: code, message with the request's id, parameter and type.

use crate::faults::{Refusal, Stage};
use crate::wire;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::Duration;

/// Who answers in the provider's place when it is down.
const HOST: &str = "ark.ap-southeast.bytepluses.com";
/// The account that the sandbox's keys belong to.
const ACCOUNT: &str = "2100000000";

/// A call that was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// An answer of the API itself.
    Error {
        status: u16,
        code: String,
        message: String,
        param: &'static str,
        retry_after: Option<Duration>,
    },
    /// A page of the proxy in front.
    Page { status: u16 },
}

impl Refused {
    fn new(status: u16, code: &str, message: &str) -> Self {
        Self::Error {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            param: "",
            retry_after: None,
        }
    }

    pub(super) fn credential(message: &str) -> Self {
        Self::new(401, "AuthenticationError", message)
    }

    /// A parameter that is absent.
    pub(super) fn missing(name: &'static str) -> Self {
        let message = format!("The request failed because it is missing the parameter `{name}`.");
        Self::new(400, "MissingParameter", &message).param(name)
    }

    /// A parameter with a wrong value.
    pub(super) fn invalid(name: &'static str, why: &str) -> Self {
        let message = format!("The parameter `{name}` specified in the request is not valid: {why}.");
        Self::new(400, "InvalidParameter", &message).param(name)
    }

    /// A body that is none.
    pub(super) fn unreadable(why: &str) -> Self {
        let message = format!("One or more parameters specified in the request are not valid: {why}.");
        Self::new(400, "InvalidParameter", &message)
    }

    pub(super) fn no_model(model: &str) -> Self {
        let message = format!("The model or endpoint {model} does not exist or you do not have access to it.");
        Self::new(404, "InvalidEndpointOrModel.NotFound", &message)
    }

    pub(super) fn moderated(stage: Stage) -> Self {
        let (code, what) = match stage {
            Stage::Input => ("InputTextSensitiveContentDetected", "input text"),
            Stage::Output => ("OutputImageSensitiveContentDetected", "output image"),
        };
        let message = format!("The request failed because the {what} may contain sensitive information.");
        Self::new(400, code, &message)
    }

    pub(super) fn server_error() -> Self {
        let message = "The service encountered an unexpected internal error.";
        Self::new(500, "InternalServiceError", message)
    }

    fn param(mut self, name: &'static str) -> Self {
        if let Self::Error { param, .. } = &mut self {
            *param = name;
        }
        self
    }

    /// A refusal asked for by a fault, in the API's words.
    pub(super) fn by_fault(refusal: &Refusal, model: &str) -> Self {
        let status = refusal.status.unwrap_or(if refusal.quota { 403 } else { 429 });
        let overdue = "The request failed because your account has an overdue balance.";
        let mut usual = match status {
            _ if refusal.quota => Self::new(status, "AccountOverdueError", overdue),
            402 => Self::new(402, "AccountOverdueError", overdue),
            429 => {
                let message =
                    "The Images Per Minute (IPM) limit of the associated model for your account has been exceeded.";
                Self::new(429, "ModelAccountIpmRateLimitExceeded", message)
            }
            401 => Self::credential("The API key does not exist."),
            403 => Self::new(403, "AccessDenied", "Your account may not access this resource."),
            404 => {
                let message = format!("Your account {ACCOUNT} has not activated the model {model}.");
                Self::new(404, "ModelNotOpen", &message)
            }
            500 => Self::server_error(),
            status if wire::is_proxy_status(status) => return Self::Page { status },
            status => Self::new(status, "InvalidParameter", "The request was refused."),
        };
        if let Self::Error {
            message, retry_after, ..
        } = &mut usual
        {
            if let Some(own) = &refusal.message {
                message.clone_from(own);
            }
            *retry_after = refusal.retry_after;
        }
        usual
    }

    /// The error of one image among others.
    pub(super) fn item(&self, request_id: &str) -> Value {
        match self {
            Self::Page { .. } => Value::Null,
            Self::Error { code, message, .. } => {
                json!({"code": code, "message": format!("{message} Request id: {request_id}")})
            }
        }
    }

    /// The answer.
    pub(super) fn to_response(&self, request_id: &str) -> Response {
        match self {
            Self::Page { status } => wire::proxy_page(*status, HOST),
            Self::Error {
                status,
                param,
                retry_after,
                ..
            } => {
                let mut error = self.item(request_id);
                error["param"] = json!(param);
                error["type"] = json!(kind(*status));
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = wire::json(status, &json!({ "error": error }));
                if let Some(after) = retry_after {
                    let seconds = HeaderValue::from(after.as_secs_f64().ceil() as u64);
                    response.headers_mut().insert("retry-after", seconds);
                }
                response
            }
        }
    }
}

fn kind(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        429 => "TooManyRequests",
        500.. => "InternalServerError",
        _ => "BadRequest",
    }
}
