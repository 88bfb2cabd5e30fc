//! The API's errors: code, message with the request's id, parameter and type.

use crate::faults::{Moderation, RefusalFault};
use crate::refused::Refused;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Who answers in the provider's place when it is down.
const HOST: &str = "ark.ap-southeast.bytepluses.com";
/// The account that the sandbox's keys belong to.
const ACCOUNT: &str = "2100000000";

fn error(status: u16, code: &str, message: &str, param: &str) -> Refused {
    let error = json!({"code": code, "message": message, "param": param, "type": kind(status)});
    Refused::new(status, json!({ "error": error }))
}

pub(super) fn credential(message: &str) -> Refused {
    error(401, "AuthenticationError", message, "")
}

/// A parameter that is absent.
pub(super) fn missing(name: &str) -> Refused {
    let message = format!("The request failed because it is missing the parameter `{name}`.");
    error(400, "MissingParameter", &message, name)
}

/// A parameter with a wrong value.
pub(super) fn invalid(name: &str, why: &str) -> Refused {
    let message = format!("The parameter `{name}` specified in the request is not valid: {why}.");
    error(400, "InvalidParameter", &message, name)
}

/// A body that is none.
pub(super) fn unreadable(why: &str) -> Refused {
    let message = format!("One or more parameters specified in the request are not valid: {why}.");
    error(400, "InvalidParameter", &message, "")
}

pub(super) fn no_model(model: &str) -> Refused {
    let message = format!("The model or endpoint {model} does not exist or you do not have access to it.");
    error(404, "InvalidEndpointOrModel.NotFound", &message, "")
}

pub(super) fn moderated(stage: Moderation) -> Refused {
    let (code, what) = match stage {
        Moderation::Input => ("InputTextSensitiveContentDetected", "input text"),
        Moderation::Output => ("OutputImageSensitiveContentDetected", "output image"),
    };
    let message = format!("The request failed because the {what} may contain sensitive information.");
    error(400, code, &message, "")
}

pub(super) fn server_error() -> Refused {
    let message = "The service encountered an unexpected internal error.";
    error(500, "InternalServiceError", message, "")
}

/// A refusal asked for by a fault, in the API's words.
pub(super) fn by_fault(refusal: &RefusalFault, model: &str) -> Refused {
    let status = refusal.status.unwrap_or(if refusal.quota { 403 } else { 429 });
    let overdue = "The request failed because your account has an overdue balance.";
    let limited = "The Images Per Minute (IPM) limit of the associated model for your account has been exceeded.";
    let inactive = format!("Your account {ACCOUNT} has not activated the model {model}.");
    let usual = match status {
        _ if refusal.quota || status == 402 => error(status, "AccountOverdueError", overdue, ""),
        429 => error(429, "ModelAccountIpmRateLimitExceeded", limited, ""),
        401 => credential("The API key does not exist."),
        403 => error(403, "AccessDenied", "Your account may not access this resource.", ""),
        404 => error(404, "ModelNotOpen", &inactive, ""),
        500 => server_error(),
        status => error(status, "InvalidParameter", "The request was refused.", ""),
    };
    Refused::by_fault(refusal, HOST, &["/error/message"], usual)
}

/// The error of one image among others.
pub(super) fn item(refused: &Refused, request_id: &str) -> Value {
    let error = &refused.body["error"];
    let message = error["message"].as_str().unwrap_or_default();
    json!({"code": error["code"], "message": format!("{message} Request id: {request_id}")})
}

/// The answer.
pub(super) fn respond(mut refused: Refused, request_id: &str) -> Response {
    if !refused.is_page() {
        refused.body["error"]["message"] = item(&refused, request_id)["message"].take();
    }
    refused.into_response()
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
