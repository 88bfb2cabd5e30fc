//! Error bodies of OpenRouter, and the refusals that faults ask for.

use crate::faults::{Refusal, Stage};
use crate::wire;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// What the message says when the words are those of the model's own provider.
const RELAYED: &str = "Provider returned error";
/// The name of the proxy in its pages.
const HOST: &str = "openrouter.ai";

/// An error of the API.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    code: u16,
    message: String,
    metadata: Option<Value>,
    retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn new(code: u16, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            metadata: None,
            retry_after: None,
        }
    }

    /// A value that a field does not take.
    pub(super) fn invalid(name: &str, why: &str) -> Self {
        Self::new(400, &format!("Invalid value for '{name}': {why}"))
    }

    /// A field that no host of the model takes.
    pub(super) fn unsupported(name: &str, model: &str) -> Self {
        Self::new(400, &format!("Parameter '{name}' is not supported by {model}"))
    }

    /// An error of the model's own provider, in its words.
    pub(super) fn relayed(code: u16, provider: &str, raw: &str) -> Self {
        Self {
            metadata: Some(json!({"raw": raw, "provider_name": provider})),
            ..Self::new(code, RELAYED)
        }
    }

    /// A prompt that was flagged before it went to a model: it is quoted, cut in the middle.
    pub(super) fn flagged(model: &str, provider: &str, prompt: &str) -> Self {
        let message = format!("{model} requires moderation on {provider}. Your input was flagged for \"violence\".");
        Self {
            metadata: Some(json!({
                "reasons": ["violence"], "flagged_input": shortened(prompt), "provider_name": provider, "model_slug": model,
            })),
            ..Self::new(403, &message)
        }
    }

    /// The `error` object itself.
    pub(super) fn object(&self) -> Value {
        let mut object = json!({"message": self.message, "code": self.code});
        if let Some(metadata) = &self.metadata {
            object["metadata"] = metadata.clone();
        }
        object
    }
}

/// At most 100 characters of a text, its middle left out.
fn shortened(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= 100 {
        return text.to_owned();
    }
    let (head, tail) = (&chars[..48], &chars[chars.len() - 49..]);
    head.iter().chain(&['.', '.', '.']).chain(tail).collect()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({"error": self.object(), "user_id": "user_sandbox"});
        let mut response = wire::json(status, &body);
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

/// The refusal that a fault asks for, in OpenRouter's words.
pub(super) fn refusal(refusal: &Refusal, model: &str, provider: &str) -> Response {
    let status = refusal.status.unwrap_or(if refusal.quota { 402 } else { 429 });
    // 502 and 503 are OpenRouter's own words for a provider that is down; its proxy speaks for itself past that.
    if wire::is_proxy_status(status) && !matches!(status, 502 | 503 | 524) {
        let mut response = wire::proxy_page(status, HOST);
        retry_after(&mut response, refusal.retry_after);
        return response;
    }
    let mut error = match status {
        _ if refusal.quota => no_credits(status),
        402 => no_credits(status),
        401 => ApiError::new(status, "User not found."),
        403 => ApiError::new(status, "This key may not use the requested model."),
        404 => ApiError::new(status, &format!("No endpoints found for {model}.")),
        408 => ApiError::new(status, "The request timed out."),
        429 => ApiError::relayed(
            status,
            provider,
            &format!("{model} is temporarily rate-limited upstream. Please retry shortly."),
        ),
        502 => ApiError::relayed(status, provider, "upstream connect error or disconnect before headers"),
        503 => ApiError::new(
            status,
            "There is no available model provider that meets your routing requirements",
        ),
        524 => ApiError::new(status, "The request timed out at the edge of the network"),
        529 => ApiError::new(status, "Provider overloaded"),
        500..=599 => ApiError::new(status, "Internal Server Error"),
        _ => ApiError::new(status, &format!("The request was refused with status {status}.")),
    };
    error.retry_after = refusal.retry_after;
    if let Some(message) = &refusal.message {
        error.message.clone_from(message);
        error.metadata = None;
    }
    error.into_response()
}

fn no_credits(status: u16) -> ApiError {
    let message = "Insufficient credits. Add more using https://openrouter.ai/settings/credits";
    ApiError::new(status, message)
}

/// The refusal by the safety check of the model's own provider, after it drew.
pub(super) fn blocked(provider: &str) -> ApiError {
    let raw = json!({"error": {
        "message": "Your request was rejected by the safety system.", "type": "image_generation_user_error",
        "param": null, "code": "moderation_blocked", "moderation_details": {"moderation_stage": Stage::Output.name()},
    }});
    ApiError::relayed(400, provider, &raw.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flagged_prompts_are_cut_in_the_middle() {
        assert_eq!(shortened("a fox"), "a fox");
        let long = format!("{}{}", "a".repeat(100), "b".repeat(100));
        let short = shortened(&long);
        assert_eq!(short.chars().count(), 100);
        assert!(short.starts_with("aaa") && short.contains("a...b") && short.ends_with("bbb"));
    }
}
