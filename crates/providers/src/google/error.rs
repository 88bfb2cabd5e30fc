//! Google's errors: `{"error": {code, message, status, details}}`, whose details say more than the status.

use std::time::Duration;

use planner::failure::{Failure, FailureKind, Moderation};
use serde_json::Value;

use crate::adapter::{
    Reply,
    verdict::{Said, described, kind_of_status, text_of, wait_in_text},
};

/// Reasons that mean the credential. A bad key comes with status 400.
const CREDENTIAL_REASONS: [&str; 7] = [
    "API_KEY_INVALID",
    "API_KEY_EXPIRED",
    "CREDENTIALS_MISSING",
    "ACCESS_TOKEN_EXPIRED",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    "ACCOUNT_STATE_INVALID",
    "SESSION_COOKIE_INVALID",
];
/// The reason that means an account without a way to pay.
const BILLING_REASON: &str = "BILLING_DISABLED";
/// Words of a refusal by the responsible-AI check, which comes as a bad argument.
const POLICY_WORDS: [&str; 3] = ["responsible ai", "responsible-ai", "sensitive words"];

/// What an error answer means. Some of Google's surfaces wrap it in a list.
pub(crate) fn judge(provider: &str, reply: &Reply) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let error = match &json["error"] {
        Value::Null => &json[0]["error"],
        error => error,
    };
    let message = text_of(&error["message"]).unwrap_or_default();
    let kind = kind(reply, error, message);
    let param = param(error, message).filter(|_| kind == FailureKind::InvalidArgument);
    let told = retry_delay(error).or_else(|| wait_in_text(message));
    let said = Said {
        code: reason(error).or_else(|| text_of(&error["status"])),
        message: Some(message),
        param: param.as_deref(),
        moderation: Moderation {
            stage: Some("input".to_owned()),
            categories: Vec::new(),
        },
        retry_after: told,
    };
    let mut failure = described(provider, kind, reply, said);
    if kind == FailureKind::Overloaded {
        failure.retry_after = failure.retry_after.or(told);
    }
    failure
}

/// Whether a text is the responsible-AI check's.
fn is_policy_text(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    POLICY_WORDS.iter().any(|words| lower.contains(words))
}

fn kind(reply: &Reply, error: &Value, message: &str) -> FailureKind {
    let reason = reason(error);
    if reason.is_some_and(|reason| CREDENTIAL_REASONS.contains(&reason)) {
        return FailureKind::BadCredential;
    }
    if reason == Some(BILLING_REASON) {
        return FailureKind::QuotaExhausted;
    }
    match (reply.status, text_of(&error["status"])) {
        // The account's region or billing, not the request.
        (400, Some("FAILED_PRECONDITION")) => FailureKind::NotPermitted,
        (400, _) if says_bad_key(message) => FailureKind::BadCredential,
        (400, _) if is_policy_text(message) => FailureKind::ContentPolicy,
        (429, _) if is_used_up(error, message) => FailureKind::QuotaExhausted,
        // An error object in a success: something broke after the work began.
        (200..300, _) => FailureKind::ServerError,
        (status, _) => kind_of_status(status, error.is_object()),
    }
}

/// Older answers have no details.
fn says_bad_key(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    ["api key not valid", "api key not found", "api key expired"]
        .iter()
        .any(|words| lower.contains(words))
}

/// A day's quota or prepaid credit, rather than a minute's: waiting a little does not help.
fn is_used_up(error: &Value, message: &str) -> bool {
    let by_day = detail(error, "QuotaFailure")
        .and_then(|failure| failure["violations"].as_array())
        .into_iter()
        .flatten()
        .filter_map(|violation| text_of(&violation["quotaId"]))
        .any(|quota| quota.contains("PerDay"));
    by_day || message.to_ascii_lowercase().contains("credits are depleted")
}

/// The detail of this type.
fn detail<'a>(error: &'a Value, name: &str) -> Option<&'a Value> {
    error["details"]
        .as_array()?
        .iter()
        .find(|detail| text_of(&detail["@type"]).is_some_and(|kind| kind.rsplit('.').next() == Some(name)))
}

fn reason(error: &Value) -> Option<&str> {
    text_of(&detail(error, "ErrorInfo")?["reason"])
}

/// `RetryInfo` says how long in seconds, as in `3.3s`.
fn retry_delay(error: &Value) -> Option<Duration> {
    let text = text_of(&detail(error, "RetryInfo")?["retryDelay"])?;
    let seconds = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The field at fault by its native name: Google writes `generation_config.image_config`, the body has
/// `generationConfig.imageConfig`.
fn param(error: &Value, message: &str) -> Option<String> {
    let place = quoted_after(message, " at '", '\'');
    // Of an unknown name the details tell only where it stands.
    let named = match (quoted_after(message, "Unknown name \"", '"'), place) {
        (Some(name), Some(place)) => format!("{place}.{name}"),
        (Some(name), None) => name.to_owned(),
        (None, place) => {
            let violation = detail(error, "BadRequest").map(|request| &request["fieldViolations"][0]["field"]);
            violation.and_then(text_of).or(place)?.to_owned()
        }
    };
    Some(camel(&named)).filter(|name| !name.is_empty())
}

fn quoted_after<'a>(text: &'a str, before: &str, end: char) -> Option<&'a str> {
    let (_, after) = text.split_once(before)?;
    after.split(end).next()
}

fn camel(name: &str) -> String {
    let mut after_underscore = false;
    let mut camel = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '_' => after_underscore = true,
            c if after_underscore => {
                camel.push(c.to_ascii_uppercase());
                after_underscore = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(status: u16, error: Value) -> Failure {
        let reply = Reply::of(status, error);
        judge("test", &reply)
    }

    fn info(reason: &str) -> Value {
        json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"})
    }

    #[test]
    fn statuses_and_details_have_one_meaning() {
        let of = |status: &str, message: &str, details: Value| json!({"error": {"message": message, "status": status, "details": details}});
        let day = json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]);
        let minute = json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}]);
        for (status, body, kind) in [
            (
                400,
                of(
                    "INVALID_ARGUMENT",
                    "API key not valid.",
                    json!([info("API_KEY_INVALID")]),
                ),
                FailureKind::BadCredential,
            ),
            (
                400,
                of(
                    "INVALID_ARGUMENT",
                    "API Key not found. Please pass a valid API key.",
                    Value::Null,
                ),
                FailureKind::BadCredential,
            ),
            (
                400,
                of("INVALID_ARGUMENT", "Request contains an invalid argument.", Value::Null),
                FailureKind::InvalidArgument,
            ),
            (
                400,
                of(
                    "FAILED_PRECONDITION",
                    "User location is not supported for the API use.",
                    Value::Null,
                ),
                FailureKind::NotPermitted,
            ),
            (
                400,
                of(
                    "INVALID_ARGUMENT",
                    "The prompt could not be submitted. It violates Google's Responsible AI practices.",
                    Value::Null,
                ),
                FailureKind::ContentPolicy,
            ),
            (
                401,
                of("UNAUTHENTICATED", "m", json!([info("ACCESS_TOKEN_EXPIRED")])),
                FailureKind::BadCredential,
            ),
            (
                403,
                of("PERMISSION_DENIED", "m", json!([info("SERVICE_DISABLED")])),
                FailureKind::NotPermitted,
            ),
            (
                403,
                of("PERMISSION_DENIED", "m", json!([info("BILLING_DISABLED")])),
                FailureKind::QuotaExhausted,
            ),
            (
                404,
                of("NOT_FOUND", "models/x is not found", Value::Null),
                FailureKind::ModelGone,
            ),
            (429, of("RESOURCE_EXHAUSTED", "m", minute), FailureKind::RateLimited),
            (429, of("RESOURCE_EXHAUSTED", "m", day), FailureKind::QuotaExhausted),
            (
                429,
                of(
                    "RESOURCE_EXHAUSTED",
                    "Your prepayment credits are depleted.",
                    Value::Null,
                ),
                FailureKind::QuotaExhausted,
            ),
            (500, of("INTERNAL", "m", Value::Null), FailureKind::ServerError),
            (
                503,
                of("UNAVAILABLE", "The model is overloaded.", Value::Null),
                FailureKind::Overloaded,
            ),
            (504, of("DEADLINE_EXCEEDED", "m", Value::Null), FailureKind::ServerError),
            (503, json!({"upstream": "down"}), FailureKind::ServerError),
            (404, json!([of("NOT_FOUND", "m", Value::Null)]), FailureKind::ModelGone),
        ] {
            let failure = judged(status, body.clone());
            assert_eq!(failure.kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn delays_are_read_from_the_details_or_the_text() {
        let retry = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.300s"}]);
        let failure = judged(
            429,
            json!({"error": {"status": "RESOURCE_EXHAUSTED", "details": retry}}),
        );
        assert_eq!(failure.retry_after, Some(Duration::from_millis(3300)));
        let failure = judged(
            429,
            json!({"error": {"message": "Quota exceeded. Please retry in 7.5s."}}),
        );
        assert_eq!(failure.retry_after, Some(Duration::from_millis(7500)));
    }

    #[test]
    fn arguments_are_named_as_they_were_sent() {
        let violations = |field: &str| {
            json!([{"@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": field, "description": "no"}]}])
        };
        for (message, details, param) in [
            (
                "m",
                violations("generation_config.image_config.aspect_ratio"),
                Some("generationConfig.imageConfig.aspectRatio"),
            ),
            (
                "Invalid value at 'generation_config.image_config.image_size' (TYPE_STRING), 7",
                Value::Null,
                Some("generationConfig.imageConfig.imageSize"),
            ),
            (
                "Invalid JSON payload received. Unknown name \"foo_bar\" at 'generation_config': Cannot find field.",
                Value::Null,
                Some("generationConfig.fooBar"),
            ),
            (
                "Invalid JSON payload received. Unknown name \"foo\": Cannot find field.",
                Value::Null,
                Some("foo"),
            ),
            (
                "Invalid JSON payload received. Unknown name \"foo\" at 'contents[0]': Cannot find field.",
                violations("contents[0]"),
                Some("contents[0].foo"),
            ),
            ("Request contains an invalid argument.", Value::Null, None),
        ] {
            let failure = judged(
                400,
                json!({"error": {"status": "INVALID_ARGUMENT", "message": message, "details": details}}),
            );
            assert_eq!(failure.param.as_deref(), param, "{message}");
        }
    }
}
