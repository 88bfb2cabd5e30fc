//! Error bodies of the OpenAI API.

use super::{ORGANIZATION, ratelimit};
use crate::faults::{Refusal, Stage};
use crate::wire;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// The kind of most refusals.
const INVALID_REQUEST: &str = "invalid_request_error";
/// The kind of refusals by the image models themselves.
const IMAGE_USER_ERROR: &str = "image_generation_user_error";
/// What a rate limit says when the fault does not: a moment.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(12);
/// The name of the proxy in its pages.
const HOST: &str = "api.openai.com";

/// An error of the API.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
    kind: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
    moderation: Option<Stage>,
    retry_after: Option<Duration>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: String) -> Self {
        Self {
            status,
            message,
            kind,
            param: None,
            code: None,
            moderation: None,
            retry_after: None,
        }
    }

    fn invalid(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, message)
    }

    fn of_image(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, IMAGE_USER_ERROR, message)
    }

    fn param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn no_key() -> Self {
        let message = "You didn't provide an API key. Send it in the Authorization header, as in \
                       'Authorization: Bearer YOUR_KEY'.";
        Self::new(StatusCode::UNAUTHORIZED, INVALID_REQUEST, message.to_owned())
    }

    pub(super) fn wrong_key(key: &str) -> Self {
        let message = format!("Incorrect API key provided: {}.", mask(key));
        Self::new(StatusCode::UNAUTHORIZED, INVALID_REQUEST, message).code("invalid_api_key")
    }

    pub(super) fn unknown_url(method: &Method, path: &str) -> Self {
        let message = format!("Invalid URL ({method} {path})");
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, message).code("unknown_url")
    }

    pub(super) fn wrong_method(method: &Method, path: &str) -> Self {
        let message = format!("Not allowed to {method} on {path}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, INVALID_REQUEST, message).code("method_not_supported")
    }

    pub(super) fn model_not_found(model: &str) -> Self {
        let message = format!("The model '{model}' does not exist or you do not have access to it.");
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, message)
            .param("model")
            .code("model_not_found")
    }

    pub(super) fn too_large() -> Self {
        let message = "The request body is too large.".to_owned();
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, message)
    }

    pub(super) fn unreadable_body(what: &str) -> Self {
        Self::invalid(format!("The body of the request could not be read: {what}."))
    }

    pub(super) fn wrong_content_type() -> Self {
        Self::invalid("Unsupported content type: send application/json or multipart/form-data.".to_owned())
            .code("unsupported_content_type")
    }

    pub(super) fn unknown_parameter(name: &str) -> Self {
        Self::invalid(format!("Unknown parameter: '{name}'."))
            .param(name)
            .code("unknown_parameter")
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::invalid(format!("Missing required parameter: '{name}'."))
            .param(name)
            .code("missing_required_parameter")
    }

    pub(super) fn wrong_type(name: &str, wanted: &str, got: &str) -> Self {
        Self::invalid(format!(
            "Invalid type for '{name}': expected {wanted}, but got {got} instead."
        ))
        .param(name)
        .code("invalid_type")
    }

    pub(super) fn not_listed(name: &str, value: &str, listed: &[&str]) -> Self {
        let quoted: Vec<_> = listed.iter().map(|value| format!("'{value}'")).collect();
        let listed = match quoted.as_slice() {
            [first, second] => format!("{first} and {second}"),
            [most @ .., last] if !most.is_empty() => format!("{}, and {last}", most.join(", ")),
            other => other.concat(),
        };
        Self::invalid(format!("Invalid value: '{value}'. Supported values are: {listed}."))
            .param(name)
            .code("invalid_value")
    }

    pub(super) fn below(name: &str, least: i64, got: i64) -> Self {
        Self::invalid(format!(
            "Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {got} instead."
        ))
        .param(name)
        .code("integer_below_min_value")
    }

    pub(super) fn above(name: &str, most: i64, got: i64) -> Self {
        Self::invalid(format!(
            "Invalid '{name}': integer above maximum value. Expected a value <= {most}, but got {got} instead."
        ))
        .param(name)
        .code("integer_above_max_value")
    }

    pub(super) fn empty_text(name: &str) -> Self {
        Self::invalid(format!(
            "Invalid '{name}': empty string. Expected a string with minimum length 1, but got an empty string instead."
        ))
        .param(name)
        .code("empty_string")
    }

    pub(super) fn long_text(name: &str, most: usize, got: usize) -> Self {
        Self::invalid(format!(
            "Invalid '{name}': string too long. Expected a string with maximum length {most}, but got a string with length {got} instead."
        ))
        .param(name)
        .code("string_above_max_length")
    }

    pub(super) fn short_list(name: &str) -> Self {
        Self::invalid(format!(
            "Invalid '{name}': empty array. Expected an array with minimum length 1, but got an empty array instead."
        ))
        .param(name)
        .code("empty_array")
    }

    pub(super) fn long_list(name: &str, most: usize, got: usize) -> Self {
        Self::invalid(format!(
            "Invalid '{name}': array too long. Expected an array with maximum length {most}, but got an array with length {got} instead."
        ))
        .param(name)
        .code("array_above_max_length")
    }

    /// A value that the model refuses, though its type is right.
    pub(super) fn value(name: &str, message: String) -> Self {
        Self::of_image(message).param(name).code("invalid_value")
    }

    pub(super) fn input_fidelity(model: &str) -> Self {
        let message = format!("The model '{model}' does not support the 'input_fidelity' parameter.");
        Self::invalid(message)
            .param("input_fidelity")
            .code("invalid_input_fidelity_model")
    }

    pub(super) fn mimetype(name: &str, got: &str) -> Self {
        Self::invalid(format!(
            "Invalid file '{name}': unsupported mimetype ('{got}'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'."
        ))
        .param(name)
        .code("unsupported_file_mimetype")
    }

    pub(super) fn invalid_image(number: usize) -> Self {
        let message = format!("Invalid image file or mode for image {number}, please check your image file.");
        Self::of_image(message).code("invalid_image_file")
    }

    pub(super) fn invalid_url(name: &str, why: &str) -> Self {
        Self::invalid(format!("Invalid '{name}': the image could not be loaded: {why}."))
            .param(name)
            .code("invalid_image_url")
    }

    pub(super) fn moderation(stage: Stage) -> Self {
        let message = "Your request was rejected by the safety system. If you believe this is an \
                       error, contact the provider with the request id.";
        let mut error = Self::of_image(message.to_owned()).code("moderation_blocked");
        error.moderation = Some(stage);
        error
    }

    pub(super) fn server_error() -> Self {
        let message = "The server had an error while processing your request. Sorry about that!";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message.to_owned())
    }

    /// The `error` object itself.
    pub(super) fn object(&self) -> Value {
        let mut object = json!({
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        });
        if let Some(stage) = self.moderation {
            // One category is enough for a client to show; the sandbox judges nothing.
            object["moderation_details"] = json!({"moderation_stage": stage.name(), "categories": ["violence"]});
        }
        object
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = wire::json(self.status, &json!({"error": self.object()}));
        if let Some(retry_after) = self.retry_after {
            ratelimit::exhausted(response.headers_mut(), retry_after);
        }
        response
    }
}

/// The refusal that a fault asks for, in OpenAI's words.
pub(super) fn refusal(refusal: &Refusal, model: &str) -> Response {
    let status = refusal.status.unwrap_or(429);
    if refusal.status.is_some_and(wire::is_proxy_status) {
        let mut response = wire::proxy_page(status, HOST);
        if let Some(retry_after) = refusal.retry_after {
            ratelimit::retry_after(response.headers_mut(), retry_after);
        }
        return response;
    }
    let mut error = if refusal.quota {
        no_money()
    } else {
        of_status(status, model, refusal.retry_after)
    };
    error.retry_after = error.retry_after.or(refusal.retry_after);
    if let Ok(status) = StatusCode::from_u16(status) {
        error.status = status;
    }
    if let Some(message) = &refusal.message {
        error.message.clone_from(message);
    }
    error.into_response()
}

fn no_money() -> ApiError {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", message.to_owned()).code("insufficient_quota")
}

fn of_status(status: u16, model: &str, retry_after: Option<Duration>) -> ApiError {
    match status {
        401 => ApiError::wrong_key("sk-sandbox-fault"),
        403 => {
            let message = format!("Your organization must be verified to use the model '{model}'.");
            ApiError::new(StatusCode::FORBIDDEN, INVALID_REQUEST, message)
        }
        404 => ApiError::model_not_found(model),
        413 => ApiError::too_large(),
        429 => {
            let retry_after = retry_after.unwrap_or(DEFAULT_RETRY_AFTER);
            let message = format!(
                "Rate limit reached for {model} in organization {ORGANIZATION} on input-images per min: \
                 Limit 5, Requested 10. Please try again in {}s.",
                retry_after.as_secs_f64()
            );
            let mut error =
                ApiError::new(StatusCode::TOO_MANY_REQUESTS, "input-images", message).code("rate_limit_exceeded");
            error.retry_after = Some(retry_after);
            error
        }
        500..=599 => ApiError::server_error(),
        _ => ApiError::invalid(format!("The request was refused with status {status}.")),
    }
}

/// A key as the service shows it: its first and last characters.
fn mask(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    if chars.len() < 12 {
        return "*".repeat(chars.len());
    }
    let (head, tail) = (&chars[..8], &chars[chars.len() - 4..]);
    let stars = "*".repeat(chars.len() - 12);
    format!(
        "{}{stars}{}",
        head.iter().collect::<String>(),
        tail.iter().collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_masked() {
        assert_eq!(mask("sk-1"), "****");
        assert_eq!(mask("sk-proj-0123456789"), "sk-proj-******6789");
    }

    #[test]
    fn lists_read_as_prose() {
        let text = |listed: &[&str]| ApiError::not_listed("x", "y", listed).message;
        assert!(text(&["a"]).ends_with("are: 'a'."));
        assert!(text(&["a", "b"]).ends_with("are: 'a' and 'b'."));
        assert!(text(&["a", "b", "c"]).ends_with("are: 'a', 'b', and 'c'."));
    }
}
