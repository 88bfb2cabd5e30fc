//! Runware's errors: entries of a list, each about one task.

use crate::faults::{Moderation, RefusalFault};
use crate::refused::Refused;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Who answers in the provider's place when it is down.
const HOST: &str = "api.runware.ai";

/// What is wrong with one task: its entry, and the status of the answer when no task of the list did better.
pub(super) fn error(status: u16, code: &str, message: impl Into<String>) -> Refused {
    Refused::new(status, json!({"code": code, "message": message.into()}))
}

fn about(parameter: &str, mut refused: Refused) -> Refused {
    refused.body["parameter"] = json!(parameter);
    refused
}

/// A value that is not allowed, and what is.
pub(super) fn invalid(parameter: &str, expected: &str) -> Refused {
    let code = format!("invalid{}", capital(last(parameter)));
    let message = format!("Invalid value for '{parameter}' parameter. {expected}");
    about(parameter, error(400, &code, message))
}

/// A parameter that has to be there.
pub(super) fn missing(parameter: &str) -> Refused {
    let code = format!("missing{}", capital(last(parameter)));
    let message = format!("Missing required parameter '{parameter}'.");
    about(parameter, error(400, &code, message))
}

/// A parameter that this model, or no model, has.
pub(super) fn unsupported(parameter: &str) -> Refused {
    let message =
        format!("Unsupported use of '{parameter}' parameter. This parameter is not supported for this model.");
    about(parameter, error(400, "unsupportedParameter", message))
}

/// A model that is not there.
pub(super) fn no_model() -> Refused {
    let message = "Invalid value for 'model' parameter. The model does not exist or is not available to you.";
    about("model", error(400, "invalidModel", message))
}

pub(super) fn bad_key() -> Refused {
    let message = "Invalid API key. Get one at https://my.runware.ai/signup";
    about("apiKey", error(401, "invalidApiKey", message))
}

pub(super) fn conflict() -> Refused {
    let message = "The 'taskUUID' has been used before. Each task needs a UUID of its own.";
    about("taskUUID", error(409, "conflictTaskUUID", message))
}

/// The safety check of the model behind. What strikes after the work began comes with HTTP 200.
pub(super) fn content(stage: Moderation) -> Refused {
    let (status, what) = match stage {
        Moderation::Input => (400, "The prompt was refused"),
        Moderation::Output => (200, "The result was withheld"),
    };
    let message = format!("Invalid content detected by provider. {what} by the safety system of the model.");
    about("positivePrompt", error(status, "invalidProviderContent", message))
}

pub(super) fn failed() -> Refused {
    let message = "The external provider did not respond within the timeout window.";
    error(500, "timeoutProvider", message)
}

/// A refusal asked for by a fault, in Runware's words.
pub(super) fn by_fault(refusal: &RefusalFault) -> Refused {
    let status = refusal.status.unwrap_or(if refusal.quota { 402 } else { 429 });
    let no_credits = "Insufficient credits. Add credits to your account to continue.";
    let forbidden = "The API key does not have permissions to perform the request.";
    let usual = match status {
        402 => error(402, "insufficientCredits", no_credits),
        429 => error(429, "rateLimitExceeded", "Too many requests. Please slow down."),
        400 => error(400, "invalidRequest", "The request is not acceptable."),
        401 => bad_key(),
        403 => error(403, "forbidden", forbidden),
        404 => no_model(),
        500 => error(500, "internalServerError", "Something went wrong on our end."),
        status => error(status, "error", "The request failed."),
    };
    // A task that is refused for its model comes with the status that was asked for.
    let usual = Refused { status, ..usual };
    Refused::by_fault(refusal, HOST, &["/message"], usual)
}

/// The entry of the list.
pub(super) fn entry(refused: &Refused, task_type: Option<&str>, task_uuid: Option<&str>) -> Value {
    let mut entry = refused.body.clone();
    for (name, value) in [("taskType", task_type), ("taskUUID", task_uuid)] {
        if let Some(value) = value {
            entry[name] = json!(value);
        }
    }
    entry
}

/// The answer when there is nothing else to tell.
pub(super) fn respond(refused: Refused) -> Response {
    let body = json!({"errors": [refused.body]});
    Refused { body, ..refused }.into_response()
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
        let error = invalid("providerSettings.openai.quality", "It is low, medium or high.");
        assert_eq!(error.body["code"], "invalidQuality");
        let entry = entry(&error, Some("imageInference"), None);
        assert_eq!(entry["parameter"], "providerSettings.openai.quality");
        assert!(entry.get("taskUUID").is_none());
        assert_eq!(missing("taskUUID").body["code"], "missingTaskUUID");
    }
}
