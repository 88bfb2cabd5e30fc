//! Fireworks' errors: an object with type, code and message, or a text, in `error`.

use planner::failure::{Failure, FailureKind, Moderation};
use serde_json::Value;

use crate::adapter::{
    ProviderRequest, Reply, Stage,
    verdict::{Said, described, failed, kind_of_status, param_named_in, text_of},
};

/// What an error answer means.
pub(super) fn judge(request: &ProviderRequest, reply: &Reply, stage: Stage) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let error = &json["error"];
    let code = text_of(&error["code"]).or_else(|| text_of(&error["type"]));
    let message = text_of(&error["message"])
        .or_else(|| text_of(error))
        .or_else(|| text_of(&json["message"]))
        .or_else(|| text_of(&json["detail"]))
        .unwrap_or_default();
    let kind = match kind(reply, message) {
        // Only the job's id was sent.
        FailureKind::ModelGone | FailureKind::InvalidArgument if stage == Stage::Poll => FailureKind::JobLost,
        kind => kind,
    };
    let named = || text_of(&error["param"]).or_else(|| param_named_in(message, &request.native));
    let said = Said {
        code,
        message: Some(message),
        param: (kind == FailureKind::InvalidArgument).then(named).flatten(),
        ..Said::default()
    };
    described(&request.endpoint.provider, kind, reply, said)
}

fn kind(reply: &Reply, message: &str) -> FailureKind {
    // The name of an argument is no verdict on a picture.
    let is_prose = |word: &&str| !word.contains(['_', '\'', '"', '`']);
    let prose: Vec<&str> = message.split_whitespace().filter(is_prose).collect();
    let lower = prose.join(" ").to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    match reply.status {
        400 | 422
            if says(&[
                "moderat",
                "nsfw",
                "safety",
                "content policy",
                "content filter",
                "flagged",
            ]) =>
        {
            FailureKind::ContentPolicy
        }
        // The account is suspended, mostly for its bills.
        412 => FailureKind::QuotaExhausted,
        429 if says(&["quota", "spending limit", "credit"]) => FailureKind::QuotaExhausted,
        status => kind_of_status(status, reply.document().is_some()),
    }
}

/// A safety block that is told by a state, without words.
pub(super) fn refused(request: &ProviderRequest, reply: &Reply, stage: &str) -> Failure {
    let mut failure = failed(&request.endpoint.provider, FailureKind::ContentPolicy, reply);
    failure.moderation = Some(Moderation {
        stage: Some(stage.to_owned()),
        categories: Vec::new(),
    });
    failure
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16) -> Reply {
        Reply::of(status, json!({"error": "x"}))
    }

    #[test]
    fn statuses_and_texts_have_one_meaning() {
        for (status, message, expected) in [
            (400, "Extra inputs are not permitted", FailureKind::InvalidArgument),
            (400, "safety_tolerance: must be at most 6", FailureKind::InvalidArgument),
            (400, "Unknown argument 'safety'", FailureKind::InvalidArgument),
            (
                400,
                "The prompt was flagged by the safety check",
                FailureKind::ContentPolicy,
            ),
            (401, "unauthorized", FailureKind::BadCredential),
            (402, "pay", FailureKind::QuotaExhausted),
            (403, "forbidden", FailureKind::NotPermitted),
            (
                404,
                "Model not found, inaccessible, and/or not deployed",
                FailureKind::ModelGone,
            ),
            (412, "Account is suspended", FailureKind::QuotaExhausted),
            (429, "Too many requests", FailureKind::RateLimited),
            (
                429,
                "You have reached your monthly spending limit",
                FailureKind::QuotaExhausted,
            ),
            (503, "busy", FailureKind::Overloaded),
        ] {
            assert_eq!(kind(&reply(status), message), expected, "{status} {message}");
        }
    }
}
