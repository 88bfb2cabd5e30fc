//! Error bodies of Google's APIs: a code, a message, a status, and details that say more.

use crate::faults::RefusalFault;
use crate::refused::Refused;
use crate::wire;
use serde_json::{Value, json};
use std::time::Duration;

/// What a rate limit says when the fault does not: a moment.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(12);
/// The domain of most reasons.
const DOMAIN: &str = "googleapis.com";

fn error(code: u16, status: &str, message: impl Into<String>) -> Refused {
    let error = json!({"code": code, "message": message.into(), "status": status});
    Refused::new(code, json!({ "error": error }))
}

fn detail(mut refused: Refused, name: &str, mut fields: Value) -> Refused {
    fields["@type"] = json!(format!("type.googleapis.com/google.rpc.{name}"));
    match &mut refused.body["error"]["details"] {
        Value::Array(details) => details.push(fields),
        none => *none = json!([fields]),
    }
    refused
}

fn reason(refused: Refused, reason: &str) -> Refused {
    detail(refused, "ErrorInfo", json!({"reason": reason, "domain": DOMAIN}))
}

fn retry_info(refused: Refused, after: Duration) -> Refused {
    let delay = format!("{}s", after.as_secs_f64());
    detail(refused, "RetryInfo", json!({ "retryDelay": delay }))
}

/// A bad request.
pub(crate) fn invalid(message: impl Into<String>) -> Refused {
    error(400, "INVALID_ARGUMENT", message)
}

/// A bad value of a field, by its path in snake case.
pub(crate) fn field(path: &str, message: impl Into<String>) -> Refused {
    let message = message.into();
    let violation = json!({"field": path, "description": message});
    detail(invalid(message), "BadRequest", json!({"fieldViolations": [violation]}))
}

/// A value of another type or outside an enumeration.
pub(crate) fn value(path: &str, kind: &str, value: &Value) -> Refused {
    field(path, format!("Invalid value at '{path}' ({kind}), {value}"))
}

/// A field that does not exist at `place`, which is empty for the body itself.
pub(crate) fn unknown_name(name: &str, place: &str) -> Refused {
    let at = if place.is_empty() {
        String::new()
    } else {
        format!(" at '{place}'")
    };
    let message = format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.");
    field(place, message)
}

/// A key that is none. It comes with 400.
pub(crate) fn bad_key() -> Refused {
    let message = "API key not valid. Please pass a valid API key.";
    reason(invalid(message), "API_KEY_INVALID")
}

/// No key at all.
pub(crate) fn no_key() -> Refused {
    let message = "Method doesn't allow unregistered callers (callers without established identity). Please use \
                   API Key or other form of API consumer identity to call this API.";
    error(403, "PERMISSION_DENIED", message)
}

/// A missing, wrong or expired access token.
pub(crate) fn unauthenticated(why: &str) -> Refused {
    let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                   other valid authentication credential.";
    reason(error(401, "UNAUTHENTICATED", message), why)
}

/// A model that is not there.
pub(crate) fn no_model(model: &str, verb: &str) -> Refused {
    let message = format!(
        "models/{model} is not found for API version v1beta, or is not supported for {verb}. Call ListModels to \
         see the list of available models and their supported methods."
    );
    error(404, "NOT_FOUND", message)
}

/// A file that is not there, or somebody else's.
pub(crate) fn no_file(id: &str) -> Refused {
    let message = format!("You do not have permission to access the File {id} or it may not exist.");
    error(403, "PERMISSION_DENIED", message)
}

/// A path that is not there.
pub(crate) fn no_path() -> Refused {
    error(404, "NOT_FOUND", "Requested entity was not found.")
}

/// A failure of the service's own.
pub(crate) fn internal() -> Refused {
    let message = "An internal error has occurred. Please retry or report in the troubleshooting guide.";
    error(500, "INTERNAL", message)
}

/// The refusal that a fault asks for, in Google's words. An overload and a passed deadline come from the API itself, the
/// other failures of that kind from the proxy before it.
pub(crate) fn by_fault(refusal: &RefusalFault, model: &str) -> Refused {
    let code = refusal.status.unwrap_or(429);
    let usual = match code {
        _ if refusal.quota => limited(
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            Duration::from_secs(35),
        ),
        401 => unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        403 => reason(
            error(403, "PERMISSION_DENIED", "Permission denied on the resource."),
            "IAM_PERMISSION_DENIED",
        ),
        404 => no_model(model, "generateContent"),
        429 => limited(
            "GenerateRequestsPerMinutePerProjectPerModel",
            refusal.retry_after.unwrap_or(DEFAULT_RETRY_AFTER),
        ),
        503 => {
            let overloaded = error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.");
            match refusal.retry_after {
                Some(after) => retry_info(overloaded, after),
                None => overloaded,
            }
        }
        504 => error(
            504,
            "DEADLINE_EXCEEDED",
            "Deadline expired before operation could complete.",
        ),
        _ if wire::is_proxy_status(code) => return Refused::page(code, "www.google.com"),
        500..=599 => internal(),
        _ => invalid(format!("The request was refused with status {code}.")),
    };
    let mut refused = Refused { status: code, ..usual };
    refused.body["error"]["code"] = json!(code);
    refused.reword(refusal, &["/error/message"]);
    refused
}

fn limited(quota: &str, after: Duration) -> Refused {
    let message = format!(
        "You exceeded your current quota, please check your plan and billing details. Please retry in {}s.",
        after.as_secs_f64()
    );
    let violation = json!({
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests", "quotaId": quota,
    });
    let failure = json!({"violations": [violation]});
    retry_info(
        detail(error(429, "RESOURCE_EXHAUSTED", message), "QuotaFailure", failure),
        after,
    )
}
