//! The three shapes of the API's errors: an object, a code with a text, and a text alone.

use crate::faults::RefusalFault;
use crate::refused::Refused;
use serde_json::json;

/// Who answers in the provider's place when it is down.
const HOST: &str = "api.x.ai";
/// The team that the sandbox's keys belong to.
const TEAM: &str = "sandbox-team";
/// Code of an argument that is refused.
const INVALID: &str = "Client specified an invalid argument";
/// Code of an account that may not.
const FORBIDDEN: &str = "The caller does not have permission to execute the specified operation";
/// Code of a limit that is reached.
const EXHAUSTED: &str = "Some resource has been exhausted";

/// A text alone.
pub(super) fn bare(status: u16, text: &str) -> Refused {
    Refused::new(status, json!({ "error": text }))
}

/// A code and a text.
pub(super) fn coded(status: u16, code: &str, text: &str) -> Refused {
    Refused::new(status, json!({"code": code, "error": text}))
}

/// An argument that is refused.
pub(super) fn invalid(text: &str) -> Refused {
    coded(400, INVALID, text)
}

/// A body that is not of the right form.
pub(super) fn unreadable(why: &str) -> Refused {
    let text = format!("Failed to deserialize the JSON body into the target type: {why}");
    bare(422, &text)
}

pub(super) fn wrong_key(key: &str) -> Refused {
    let shown: String = key.chars().take(2).collect();
    let text = format!("Incorrect API key provided: {shown}***. You can obtain an API key from https://console.x.ai.");
    invalid(&text)
}

pub(super) fn no_model(model: &str) -> Refused {
    let text = format!("The model {model} does not exist or your team {TEAM} does not have access to it.");
    coded(404, "Some requested entity was not found", &text)
}

/// A request that the safety check refuses before any work.
pub(super) fn moderated(model: &str) -> Refused {
    let text = format!(
        "Content violates usage guidelines. Team: {TEAM}, API key ID: sandbox, Model: {model}, \
         Failed check: SAFETY_CHECK_TYPE_VIOLENCE"
    );
    coded(403, FORBIDDEN, &text)
}

pub(super) fn server_error() -> Refused {
    let message = "The server had an error while processing your request.";
    let error = json!({"message": message, "type": "server_error", "param": null, "code": null});
    Refused::new(500, json!({ "error": error }))
}

/// A refusal asked for by a fault, in the API's words.
pub(super) fn by_fault(refusal: &RefusalFault, model: &str) -> Refused {
    let status = refusal.status.unwrap_or(429);
    let no_money = format!(
        "Your team {TEAM} has either used all available credits or reached its monthly spending limit. To continue \
         making API requests, please purchase more credits or raise your spending limit."
    );
    let usual = match status {
        _ if refusal.quota || status == 402 => coded(status, EXHAUSTED, &no_money),
        429 => coded(429, EXHAUSTED, &format!("Too many requests for team {TEAM}.")),
        401 => coded(401, "Unauthenticated", "Incorrect API key provided: xa***."),
        403 => coded(403, FORBIDDEN, "Your account is blocked."),
        404 => no_model(model),
        422 => unreadable("the request was refused"),
        500 => server_error(),
        status => coded(status, INVALID, "The request was refused."),
    };
    Refused::by_fault(refusal, HOST, &["/error/message", "/error"], usual)
}
