//! Stability AI's errors: `{"id", "name", "errors": [...]}`, each text often beginning with the name of a field.

use std::time::Duration;

use planner::failure::{Failure, FailureKind, Moderation, Spent};
use serde_json::Value;

use crate::adapter::{
    ProviderRequest, Reply, Stage,
    verdict::{Said, described, kind_of_status, param_named_in, text_of},
};

/// Names of a safety block, of the whole request or of a face in an image.
const POLICY_NAMES: [&str; 2] = ["content_moderation", "public_figure"];
/// What comes before the time for which too many requests are punished.
const PENALTY: &str = "timed out for ";

/// What an error answer means.
pub(super) fn judge(request: &ProviderRequest, reply: &Reply, stage: Stage) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let name = text_of(&json["name"]);
    let errors = json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<&str> = errors.iter().filter_map(text_of).collect();
    let text = texts.join("; ");
    let kind = kind(reply, name, stage);
    let param = param(request, reply.status, &texts);
    let said = Said {
        code: name,
        message: Some(&text),
        param: param.as_deref(),
        moderation: Moderation {
            stage: Some("input".to_owned()),
            categories: Vec::new(),
        },
        retry_after: penalty(&text),
    };
    let mut failure = described(&request.endpoint.provider, kind, reply, said);
    if let Some(id) = text_of(&json["id"]).filter(|id| Some(*id) != name) {
        failure.upstream_request_id = Some(id.to_owned());
    }
    // What fails is not charged; a proxy's page does not say what failed.
    if kind == FailureKind::ServerError && is_own(reply) {
        failure.spent = Spent::No;
    }
    failure
}

/// Whether the provider's own code wrote the answer.
pub(super) fn is_own(reply: &Reply) -> bool {
    reply
        .document()
        .is_some_and(|document| document.json["name"].is_string())
}

fn kind(reply: &Reply, name: Option<&str>, stage: Stage) -> FailureKind {
    match (reply.status, name) {
        (400..500, Some(name)) if POLICY_NAMES.contains(&name) => FailureKind::ContentPolicy,
        (404 | 410, _) if matches!(stage, Stage::Poll | Stage::Fetch) => FailureKind::JobLost,
        (status, _) => kind_of_status(status, reply.document().is_some()),
    }
}

/// The field at fault: texts begin with it, as in `strength: is required`.
fn param(request: &ProviderRequest, status: u16, texts: &[&str]) -> Option<String> {
    if status == 413 {
        return Some("image".to_owned());
    }
    let first = texts.first()?;
    let head = first.split_once(": ").map(|(head, _)| head);
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    head.filter(is_name)
        .or_else(|| param_named_in(first, &request.native))
        .map(str::to_owned)
}

/// How long too many requests are punished, such as `timed out for 60 seconds`.
fn penalty(text: &str) -> Option<Duration> {
    let (_, after) = text.split_once(PENALTY)?;
    let (number, unit) = after.split_once(' ')?;
    let seconds: u64 = number.parse().ok()?;
    unit.starts_with("second").then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
