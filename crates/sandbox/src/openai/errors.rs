//! Error bodies of the OpenAI API.

use super::{ORGANIZATION, ratelimit};
use crate::faults::{Moderation, RefusalFault};
use crate::refused::Refused;
use axum::http::Method;
use serde_json::json;
use std::time::Duration;

/// The kind of most refusals.
const INVALID_REQUEST: &str = "invalid_request_error";
/// The kind of refusals by the image models themselves.
const IMAGE_USER_ERROR: &str = "image_generation_user_error";
/// What a rate limit says when the fault does not: a moment.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(12);
/// The name of the proxy in its pages.
const HOST: &str = "api.openai.com";

fn error(status: u16, kind: &str, message: &str, param: Option<&str>, code: Option<&str>) -> Refused {
    let error = json!({"message": message, "type": kind, "param": param, "code": code});
    Refused::new(status, json!({ "error": error }))
}

/// A refusal that names no field.
fn invalid(message: &str, code: Option<&str>) -> Refused {
    error(400, INVALID_REQUEST, message, None, code)
}

/// A field that is refused.
fn field(name: &str, code: &str, message: &str) -> Refused {
    error(400, INVALID_REQUEST, message, Some(name), Some(code))
}

pub(super) fn no_key() -> Refused {
    let message = "You didn't provide an API key. Send it in the Authorization header, as in \
                   'Authorization: Bearer YOUR_KEY'.";
    error(401, INVALID_REQUEST, message, None, None)
}

pub(super) fn wrong_key(key: &str) -> Refused {
    let message = format!("Incorrect API key provided: {}.", mask(key));
    error(401, INVALID_REQUEST, &message, None, Some("invalid_api_key"))
}

pub(super) fn unknown_url(method: &Method, path: &str) -> Refused {
    let message = format!("Invalid URL ({method} {path})");
    error(404, INVALID_REQUEST, &message, None, Some("unknown_url"))
}

pub(super) fn wrong_method(method: &Method, path: &str) -> Refused {
    let message = format!("Not allowed to {method} on {path}.");
    error(405, INVALID_REQUEST, &message, None, Some("method_not_supported"))
}

pub(super) fn model_not_found(model: &str) -> Refused {
    let message = format!("The model '{model}' does not exist or you do not have access to it.");
    error(404, INVALID_REQUEST, &message, Some("model"), Some("model_not_found"))
}

pub(super) fn too_large() -> Refused {
    error(413, INVALID_REQUEST, "The request body is too large.", None, None)
}

pub(super) fn unreadable_body(what: &str) -> Refused {
    invalid(&format!("The body of the request could not be read: {what}."), None)
}

pub(super) fn wrong_content_type() -> Refused {
    let message = "Unsupported content type: send application/json or multipart/form-data.";
    invalid(message, Some("unsupported_content_type"))
}

pub(super) fn unknown_parameter(name: &str) -> Refused {
    field(name, "unknown_parameter", &format!("Unknown parameter: '{name}'."))
}

pub(super) fn missing(name: &str) -> Refused {
    let message = format!("Missing required parameter: '{name}'.");
    field(name, "missing_required_parameter", &message)
}

pub(super) fn wrong_type(name: &str, wanted: &str, got: &str) -> Refused {
    let message = format!("Invalid type for '{name}': expected {wanted}, but got {got} instead.");
    field(name, "invalid_type", &message)
}

pub(super) fn not_listed(name: &str, value: &str, listed: &[&str]) -> Refused {
    let quoted: Vec<_> = listed.iter().map(|value| format!("'{value}'")).collect();
    let listed = match quoted.as_slice() {
        [first, second] => format!("{first} and {second}"),
        [most @ .., last] if !most.is_empty() => format!("{}, and {last}", most.join(", ")),
        other => other.concat(),
    };
    let message = format!("Invalid value: '{value}'. Supported values are: {listed}.");
    field(name, "invalid_value", &message)
}

pub(super) fn below(name: &str, least: i64, got: i64) -> Refused {
    let message =
        format!("Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {got} instead.");
    field(name, "integer_below_min_value", &message)
}

pub(super) fn above(name: &str, most: i64, got: i64) -> Refused {
    let message =
        format!("Invalid '{name}': integer above maximum value. Expected a value <= {most}, but got {got} instead.");
    field(name, "integer_above_max_value", &message)
}

pub(super) fn empty_text(name: &str) -> Refused {
    let message = format!(
        "Invalid '{name}': empty string. Expected a string with minimum length 1, but got an empty string instead."
    );
    field(name, "empty_string", &message)
}

pub(super) fn long_text(name: &str, most: usize, got: usize) -> Refused {
    let message = format!(
        "Invalid '{name}': string too long. Expected a string with maximum length {most}, but got a string with length {got} instead."
    );
    field(name, "string_above_max_length", &message)
}

pub(super) fn short_list(name: &str) -> Refused {
    let message = format!(
        "Invalid '{name}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    );
    field(name, "empty_array", &message)
}

pub(super) fn long_list(name: &str, most: usize, got: usize) -> Refused {
    let message = format!(
        "Invalid '{name}': array too long. Expected an array with maximum length {most}, but got an array with length {got} instead."
    );
    field(name, "array_above_max_length", &message)
}

/// A value that the model refuses, though its type is right.
pub(super) fn value(name: &str, message: &str) -> Refused {
    error(400, IMAGE_USER_ERROR, message, Some(name), Some("invalid_value"))
}

pub(super) fn input_fidelity(model: &str) -> Refused {
    let message = format!("The model '{model}' does not support the 'input_fidelity' parameter.");
    field("input_fidelity", "invalid_input_fidelity_model", &message)
}

pub(super) fn mimetype(name: &str, got: &str) -> Refused {
    let message = format!(
        "Invalid file '{name}': unsupported mimetype ('{got}'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'."
    );
    field(name, "unsupported_file_mimetype", &message)
}

pub(super) fn invalid_image(number: usize) -> Refused {
    let message = format!("Invalid image file or mode for image {number}, please check your image file.");
    error(400, IMAGE_USER_ERROR, &message, None, Some("invalid_image_file"))
}

pub(super) fn invalid_url(name: &str, why: &str) -> Refused {
    let message = format!("Invalid '{name}': the image could not be loaded: {why}.");
    field(name, "invalid_image_url", &message)
}

pub(super) fn moderation(stage: Moderation) -> Refused {
    let message = "Your request was rejected by the safety system. If you believe this is an \
                   error, contact the provider with the request id.";
    let mut refused = error(400, IMAGE_USER_ERROR, message, None, Some("moderation_blocked"));
    // One category is enough for a client to show; the sandbox judges nothing.
    refused.body["error"]["moderation_details"] = json!({"moderation_stage": stage.name(), "categories": ["violence"]});
    refused
}

pub(super) fn server_error() -> Refused {
    let message = "The server had an error while processing your request. Sorry about that!";
    error(500, "server_error", message, None, None)
}

/// The refusal that a fault asks for, in OpenAI's words.
pub(super) fn by_fault(refusal: &RefusalFault, model: &str) -> Refused {
    let status = refusal.status.unwrap_or(429);
    let no_money = "You exceeded your current quota, please check your plan and billing details.";
    let usual = match status {
        _ if refusal.quota => error(429, "insufficient_quota", no_money, None, Some("insufficient_quota")),
        401 => wrong_key("sk-sandbox-fault"),
        403 => {
            let message = format!("Your organization must be verified to use the model '{model}'.");
            error(403, INVALID_REQUEST, &message, None, None)
        }
        404 => model_not_found(model),
        413 => too_large(),
        429 => limited(model, refusal.retry_after.unwrap_or(DEFAULT_RETRY_AFTER)),
        500..=599 => server_error(),
        _ => invalid(&format!("The request was refused with status {status}."), None),
    };
    let mut refused = Refused::by_fault(refusal, HOST, &["/error/message"], Refused { status, ..usual });
    if let Some(after) = refused.retry_after.take() {
        let is_page = refused.is_page();
        let headers = refused.headers.get_or_insert_default();
        if is_page {
            ratelimit::retry_after(headers, after);
        } else {
            ratelimit::exhausted(headers, after);
        }
    }
    refused
}

fn limited(model: &str, after: Duration) -> Refused {
    let message = format!(
        "Rate limit reached for {model} in organization {ORGANIZATION} on input-images per min: \
         Limit 5, Requested 10. Please try again in {}s.",
        after.as_secs_f64()
    );
    error(429, "input-images", &message, None, Some("rate_limit_exceeded")).after(after)
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
        let text = |listed: &[&str]| {
            let refused = not_listed("x", "y", listed);
            refused.body["error"]["message"].as_str().unwrap_or_default().to_owned()
        };
        assert!(text(&["a"]).ends_with("are: 'a'."));
        assert!(text(&["a", "b"]).ends_with("are: 'a' and 'b'."));
        assert!(text(&["a", "b", "c"]).ends_with("are: 'a', 'b', and 'c'."));
    }
}
