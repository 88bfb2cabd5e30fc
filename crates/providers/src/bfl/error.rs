//! Black Forest Labs' errors: three shapes of bodies over HTTP, and the statuses with which tasks end.

use std::time::Duration;

use planner::failure::{Failure, FailureKind, Moderation};
use serde_json::Value;

use crate::adapter::{
    Reply, Stage,
    verdict::{Said, described, failed, kind_of_status, text_of, words},
};

/// What an error answer means: `{error, message, details}`, `{detail: "..."}` or `{detail: [{loc, msg, type}]}`.
pub(super) fn judge(provider: &str, reply: &Reply, stage: Stage) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let code = text_of(&json["error"]);
    let detail = &json["detail"];
    let message = text_of(&json["message"]).or_else(|| text_of(detail));
    let kind = kind(reply, stage, code, message);
    let faults = faults(detail).filter(|_| kind == FailureKind::InvalidArgument);
    let place = detail[0]["loc"].as_array();
    let param = place.and_then(|path| path.iter().rev().find_map(text_of));
    let said = Said {
        code: code.or_else(|| text_of(&detail[0]["type"])),
        message: faults.as_deref().or(message),
        param: param.filter(|name| *name != "body"),
        moderation: moderation("input", &json["details"]),
        retry_after: json["retry_after"]
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    };
    described(provider, kind, reply, said)
}

fn kind(reply: &Reply, stage: Stage, code: Option<&str>, message: Option<&str>) -> FailureKind {
    let says = |part: &str| {
        [code, message]
            .into_iter()
            .flatten()
            .any(|text| text.to_ascii_lowercase().contains(part))
    };
    match reply.status {
        404 | 410 if matches!(stage, Stage::Poll | Stage::Fetch) => FailureKind::JobLost,
        // An absent or unknown key is told by either status.
        403 if says("not authenticated") || says("api_key") => FailureKind::BadCredential,
        400 | 403 | 422 if says("moderat") => FailureKind::ContentPolicy,
        status => kind_of_status(status, reply.document().is_some()),
    }
}

/// Every fault of a list, with the name of its field.
fn faults(detail: &Value) -> Option<String> {
    let lines: Vec<String> = detail
        .as_array()?
        .iter()
        .filter_map(|fault| {
            let said = text_of(&fault["msg"])?;
            let name = fault["loc"].as_array().and_then(|path| text_of(path.last()?));
            Some(name.map_or_else(|| said.to_owned(), |name| format!("{name}: {said}")))
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// What the status of an ended task means; `None` when it is none that is documented. Blocked tasks are not charged.
pub(super) fn judge_end(provider: &str, reply: &Reply, status: &str) -> Option<Failure> {
    let kind = match status {
        "Request Moderated" | "Content Moderated" => FailureKind::ContentPolicy,
        "Error" | "Failed" => FailureKind::JobFailed,
        "Task not found" => FailureKind::JobLost,
        _ => return None,
    };
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let mut failure = failed(provider, kind, reply);
    failure.message = words(provider, kind, reply.status);
    failure.code = Some(status.to_owned());
    failure.upstream_request_id = text_of(&json["id"]).map(str::to_owned).or(failure.upstream_request_id);
    match kind {
        FailureKind::ContentPolicy => {
            let stage = if status == "Request Moderated" {
                "input"
            } else {
                "output"
            };
            failure.moderation = Some(moderation(stage, &json["details"]));
        }
        FailureKind::JobFailed => {
            let said = text_of(&json["error"]).or_else(|| text_of(&json["details"]["error"]));
            failure.excerpt = said.map(str::to_owned);
        }
        _ => {}
    }
    Some(failure)
}

/// `{"Moderation Reasons": ["..."]}` names the categories.
fn moderation(stage: &str, details: &Value) -> Moderation {
    let reasons = details["Moderation Reasons"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Moderation {
        stage: Some(stage.to_owned()),
        categories: reasons.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, json: Value) -> Reply {
        Reply::of(status, json)
    }

    #[test]
    fn statuses_and_codes_have_one_meaning() {
        for (status, body, kind) in [
            (401, json!({"error": "invalid_api_key"}), FailureKind::BadCredential),
            (403, json!({"detail": "Not authenticated"}), FailureKind::BadCredential),
            (403, json!({"error": "invalid_api_key"}), FailureKind::BadCredential),
            (403, json!({"detail": "Forbidden"}), FailureKind::NotPermitted),
            (
                402,
                json!({"error": "insufficient_credits"}),
                FailureKind::QuotaExhausted,
            ),
            (404, json!({"detail": "Not Found"}), FailureKind::ModelGone),
            (400, json!({"error": "request_moderated"}), FailureKind::ContentPolicy),
            (
                422,
                json!({"detail": [{"loc": ["body", "seed"]}]}),
                FailureKind::InvalidArgument,
            ),
            (
                429,
                json!({"error": "rate_limit_exceeded", "retry_after": 5}),
                FailureKind::RateLimited,
            ),
            (503, json!({}), FailureKind::Overloaded),
        ] {
            let failure = judge("test", &reply(status, body.clone()), Stage::Submit);
            assert_eq!(failure.kind, kind, "{status} {body}");
        }
        let gone = judge("test", &reply(404, json!({})), Stage::Poll);
        assert_eq!(gone.kind, FailureKind::JobLost);
        let limited = reply(429, json!({"error": "rate_limit_exceeded", "retry_after": 5}));
        let limited = judge("test", &limited, Stage::Submit);
        assert_eq!(limited.retry_after, Some(Duration::from_secs(5)));
    }

    #[test]
    fn every_fault_of_a_body_is_told() {
        let detail = json!([
            {"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"},
            {"type": "less_than_equal", "loc": ["body", "steps"], "msg": "Input should be less than or equal to 50"},
        ]);
        let failure = judge("test", &reply(422, json!({ "detail": detail })), Stage::Submit);
        assert_eq!(
            failure.message,
            "prompt: Field required; steps: Input should be less than or equal to 50"
        );
        assert_eq!(
            (failure.param.as_deref(), failure.code.as_deref()),
            (Some("prompt"), Some("missing"))
        );
    }

    #[test]
    fn blocked_tasks_name_their_stage() {
        let details = json!({"Moderation Reasons": ["Violence", 3]});
        for (status, stage) in [("Request Moderated", "input"), ("Content Moderated", "output")] {
            let reply = reply(
                200,
                json!({"id": "t1", "status": status, "result": null, "details": details}),
            );
            let failure = judge_end("test", &reply, status).expect("it ended");
            let moderation = failure.moderation.expect("it was blocked");
            assert_eq!(
                (moderation.stage.as_deref(), moderation.categories),
                (Some(stage), vec!["Violence".to_owned()])
            );
            assert_eq!(failure.spent, planner::failure::Spent::No);
        }
        assert!(judge_end("test", &reply(200, json!({})), "Reticulating").is_none());
    }
}
