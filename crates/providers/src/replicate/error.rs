//! Replicate's errors: problem bodies over HTTP, and texts in predictions that failed.

use std::time::Duration;

use planner::failure::{Failure, FailureKind, Moderation, Spent};
use serde_json::Value;

use crate::adapter::{
    Reply, Stage,
    verdict::{Said, described, failed, kind_of_status, text_of, wait_in_text, words},
};

/// What an error answer means.
pub(super) fn judge(provider: &str, reply: &Reply, stage: Stage) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let title = text_of(&json["title"]);
    let detail = text_of(&json["detail"]);
    let kind = match reply.status {
        404 | 410 if matches!(stage, Stage::Poll | Stage::Fetch) => FailureKind::JobLost,
        422 if title.is_some_and(|title| title.contains("not permitted")) => FailureKind::NotPermitted,
        status => kind_of_status(status, reply.document().is_some()),
    };
    let param = param(&json["invalid_fields"], detail);
    let said = Said {
        code: title,
        message: detail.or(title),
        param: param.as_deref(),
        retry_after: json["retry_after"]
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        ..Said::default()
    };
    described(provider, kind, reply, said)
}

/// `- input.prompt is required` names the argument after the dot.
fn param(fields: &Value, detail: Option<&str>) -> Option<String> {
    let first = &fields[0];
    let named = text_of(first)
        .or_else(|| text_of(&first["field"]))
        .or_else(|| text_of(&first["name"]));
    let after = named
        .map(|name| name.trim_start_matches("input."))
        .or_else(|| Some(detail?.split_once("input.")?.1))?;
    let end = after
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(after.len());
    (end > 0).then(|| after[..end].to_owned())
}

/// What a prediction that ended without success means.
pub(super) fn judge_end(provider: &str, reply: &Reply) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let status = text_of(&json["status"]).unwrap_or_default();
    let text = text_of(&json["error"]).unwrap_or_default();
    let (kind, spent) = match status {
        "aborted" => (FailureKind::JobFailed, Some(Spent::No)),
        "canceled" => (FailureKind::JobFailed, None),
        _ => kind_of_text(text),
    };
    let mut failure = failed(provider, kind, reply);
    failure.message = words(provider, kind, reply.status);
    failure.spent = spent.unwrap_or(failure.spent);
    failure.code = code(text).or_else(|| Some(status.to_owned()).filter(|status| status != "failed"));
    failure.upstream_request_id = text_of(&json["id"]).map(str::to_owned).or(failure.upstream_request_id);
    failure.excerpt = Some(text.to_owned()).filter(|text| !text.is_empty());
    match kind {
        FailureKind::ContentPolicy => {
            failure.moderation = Some(Moderation::default());
            failure.message = text.to_owned();
        }
        FailureKind::RateLimited => failure.retry_after = wait_in_text(text),
        _ => {}
    }
    failure
}

/// The text of a failed prediction is all there is; models of OpenAI pass OpenAI's words through.
fn kind_of_text(text: &str) -> (FailureKind, Option<Spent>) {
    let lower = text.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    if says(&[
        "e005",
        "sensitive",
        "nsfw",
        "content policy",
        "content_policy",
        "moderation",
        "safety system",
        "flagged",
    ]) {
        (FailureKind::ContentPolicy, None)
    } else if says(&[
        "insufficient_quota",
        "exceeded your current quota",
        "billing_hard_limit",
        "insufficient credit",
    ]) {
        (FailureKind::QuotaExhausted, None)
    } else if says(&["incorrect api key", "invalid_api_key"]) {
        (FailureKind::BadCredential, None)
    } else if says(&["rate limit reached", "rate_limit_exceeded"]) {
        (FailureKind::RateLimited, None)
    } else if says(&["e6716", "e9243"]) {
        // The model did not start.
        (FailureKind::JobFailed, Some(Spent::No))
    } else {
        (FailureKind::JobFailed, None)
    }
}

/// The code in the text: `(E005)`, `(code: PA)`.
fn code(text: &str) -> Option<String> {
    let inside = text.rsplit_once('(')?.1.split_once(')')?.0;
    let code = inside.strip_prefix("code: ").unwrap_or(inside);
    let plain = !code.is_empty() && code.len() <= 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_named() {
        assert_eq!(
            param(&Value::Null, Some("- input.prompt is required\n")).as_deref(),
            Some("prompt")
        );
        assert_eq!(param(&json!([{"field": "input.seed"}]), None).as_deref(), Some("seed"));
        assert_eq!(param(&Value::Null, Some("Bad.")), None);
        assert_eq!(param(&Value::Null, None), None);
    }

    #[test]
    fn texts_of_failed_predictions_are_told_apart() {
        for (text, kind, spent, found) in [
            (
                "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
                FailureKind::ContentPolicy,
                None,
                Some("E005"),
            ),
            ("NSFW content detected.", FailureKind::ContentPolicy, None, None),
            (
                "Prediction interrupted; please retry (code: PA)",
                FailureKind::JobFailed,
                None,
                Some("PA"),
            ),
            (
                "Director: failed to start (E9243)",
                FailureKind::JobFailed,
                Some(Spent::No),
                Some("E9243"),
            ),
            (
                "CUDA out of memory (E1001)",
                FailureKind::JobFailed,
                None,
                Some("E1001"),
            ),
            (
                "Rate limit reached for gpt-image-1. Please try again in 12s.",
                FailureKind::RateLimited,
                None,
                None,
            ),
            (
                "You exceeded your current quota",
                FailureKind::QuotaExhausted,
                None,
                None,
            ),
        ] {
            assert_eq!(kind_of_text(text), (kind, spent), "{text}");
            assert_eq!(code(text).as_deref(), found, "{text}");
        }
    }
}
