//! Runware's errors: a list of them, with any status, beside the data or in its place.

use planner::failure::{Failure, FailureKind, Spent};
use serde_json::Value;

use crate::{
    adapter::{
        ProviderRequest, Reply, Stage,
        verdict::{Said, described, kind_of_status, text_of},
    },
    splitter::Document,
};

/// Whether the answer tells errors.
pub(super) fn has_errors(document: &Document) -> bool {
    !first(&document.json).is_null()
}

/// The first error: one task was sent, so they are all about it.
fn first(json: &Value) -> &Value {
    let errors = if json["errors"].is_null() {
        &json["error"]
    } else {
        &json["errors"]
    };
    match errors {
        Value::Array(errors) => errors.first().unwrap_or(&Value::Null),
        one => one,
    }
}

/// What an error answer means.
pub(super) fn judge(request: &ProviderRequest, reply: &Reply, stage: Stage) -> Failure {
    let provider = &request.endpoint.provider;
    let error = reply.document().map_or(&Value::Null, |document| first(&document.json));
    let code = text_of(&error["code"]);
    let message = text_of(&error["message"])
        .or_else(|| text_of(error))
        .unwrap_or_default();
    let param = match &error["parameter"] {
        Value::Array(names) => names.first().and_then(text_of),
        name => text_of(name),
    };
    let mut kind = code
        .and_then(|code| kind_of_code(code, param))
        .unwrap_or_else(|| match reply.status {
            // The task was taken, and failed.
            200..300 => FailureKind::JobFailed,
            status => kind_of_status(status, reply.document().is_some()),
        });
    if stage == Stage::Poll {
        kind = while_polling(kind);
    }
    let said = Said {
        code,
        message: Some(message),
        param,
        ..Said::default()
    };
    let mut failure = described(provider, kind, reply, said);
    failure.upstream_request_id = text_of(&error["taskUUID"])
        .map(str::to_owned)
        .or(failure.upstream_request_id);
    match kind {
        FailureKind::JobFailed if !message.is_empty() => failure.excerpt = Some(message.to_owned()),
        FailureKind::Overloaded => failure.spent = Spent::No,
        _ => {}
    }
    failure
}

/// Only a UUID is sent when a job is asked for: a refusal of it means that the job is not known.
fn while_polling(kind: FailureKind) -> FailureKind {
    match kind {
        FailureKind::InvalidArgument | FailureKind::ModelGone => FailureKind::JobLost,
        kind => kind,
    }
}

/// What a code means. The provider is still making its codes alike, so they are told by their parts; `None` leaves it to
/// the status.
fn kind_of_code(code: &str, param: Option<&str>) -> Option<FailureKind> {
    let lower = code.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    // An argument that sets the filter may be wrong itself: that is no verdict on a picture.
    let names_a_filter = param.is_some_and(|param| {
        let param = param.to_ascii_lowercase();
        ["safety", "nsfw", "moderation"].iter().any(|word| param.contains(word))
    });
    if says(&["apikey"]) {
        Some(FailureKind::BadCredential)
    } else if says(&["insufficient", "credits", "balance", "payment"]) {
        Some(FailureKind::QuotaExhausted)
    } else if !names_a_filter && says(&["providercontent", "moderation", "contentpolicy", "nsfw", "safety"]) {
        Some(FailureKind::ContentPolicy)
    } else if says(&["ratelimit", "toomanyrequests", "concurren"]) {
        Some(FailureKind::RateLimited)
    } else if says(&["conflicttaskuuid", "overload", "capacity", "unavailable"]) {
        Some(FailureKind::Overloaded)
    } else if says(&["forbidden", "permission", "unauthorized", "accessdenied"]) {
        Some(FailureKind::NotPermitted)
    } else if param == Some("model") || says(&["modelnotfound", "unknownmodel", "invalidmodel"]) {
        Some(FailureKind::ModelGone)
    } else if says(&["timeout", "provider", "internal", "servererror", "inference"]) {
        // It was handed on and came to nothing there.
        None
    } else if param.is_some() || says(&["invalid", "missing", "unsupported", "required", "unknown"]) {
        Some(FailureKind::InvalidArgument)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_by_their_parts() {
        for (code, param, kind) in [
            ("invalidApiKey", Some("apiKey"), Some(FailureKind::BadCredential)),
            ("insufficientCredits", None, Some(FailureKind::QuotaExhausted)),
            ("invalidProviderContent", None, Some(FailureKind::ContentPolicy)),
            ("contentModerationFailed", None, Some(FailureKind::ContentPolicy)),
            ("invalidSafetyMode", Some("safety"), Some(FailureKind::InvalidArgument)),
            ("rateLimitExceeded", None, Some(FailureKind::RateLimited)),
            ("conflictTaskUUID", Some("taskUUID"), Some(FailureKind::Overloaded)),
            ("invalidModel", Some("model"), Some(FailureKind::ModelGone)),
            ("unsupportedArchitecture", Some("model"), Some(FailureKind::ModelGone)),
            ("invalidWidth", Some("width"), Some(FailureKind::InvalidArgument)),
            (
                "unsupportedParameter",
                Some("steps"),
                Some(FailureKind::InvalidArgument),
            ),
            ("missingTaskUUID", None, Some(FailureKind::InvalidArgument)),
            ("timeoutProvider", None, None),
            ("inferenceFailed", None, None),
        ] {
            assert_eq!(kind_of_code(code, param), kind, "{code}");
        }
    }

    #[test]
    fn an_unknown_uuid_is_a_lost_job() {
        assert_eq!(while_polling(FailureKind::InvalidArgument), FailureKind::JobLost);
        assert_eq!(while_polling(FailureKind::ContentPolicy), FailureKind::ContentPolicy);
    }
}
