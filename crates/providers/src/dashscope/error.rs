//! DashScope's errors: a code and a text, at the top of any answer or in the output of a task that failed.

use planner::failure::{Failure, FailureKind, Moderation, Spent};
use serde_json::Value;

use crate::adapter::{
    ProviderRequest, Reply, Stage,
    verdict::{Said, described, failed, kind_of_status, param_named_in, text_of, words},
};

/// Codes that mean money.
const QUOTA_CODES: [&str; 6] = [
    "Arrearage",
    "insufficient_quota",
    "AllocationQuota.FreeTierOnly",
    "CommodityNotPurchased",
    "PrepaidBillOverdue",
    "PostpaidBillOverdue",
];
/// Codes of a safety block: by the filter of contents, and by that of protected works.
const POLICY_CODES: [&str; 3] = [
    "DataInspectionFailed",
    "data_inspection_failed",
    "IPInfringementSuspect",
];
/// Codes that mean that the model is not there.
const MODEL_CODES: [&str; 3] = ["ModelNotFound", "model_not_found", "model_not_supported"];
/// Codes of a model that is there and takes no more.
const LOAD_CODES: [&str; 3] = ["ModelServingError", "ModelUnavailable", "ServiceUnavailable"];
/// Beginnings of the codes of an argument that is refused.
const ARGUMENT_PREFIXES: [&str; 4] = ["InvalidParameter", "invalid_parameter", "BadRequest", "InvalidURL"];
/// Beginnings of the codes of a rate limit.
const RATE_PREFIXES: [&str; 3] = ["Throttling", "LimitRequests", "limit_requests"];

/// Whether an answer is an error, whatever its status: there is a code at its top and no output.
pub(super) fn is_refusal(reply: &Reply) -> bool {
    reply.document().is_some_and(|document| {
        !document.json["output"].is_object() && text_of(&said(&document.json)["code"]).is_some()
    })
}

/// What an error answer means.
pub(super) fn judge(request: &ProviderRequest, reply: &Reply, stage: Stage) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let fallback = match reply.status {
        200..300 => FailureKind::ServerError,
        status => kind_of_status(status, reply.document().is_some()),
    };
    let mut failure = build(request, reply, said(json), fallback);
    let about_task = matches!(
        failure.kind,
        FailureKind::InvalidArgument | FailureKind::ModelGone | FailureKind::ContentPolicy
    );
    if matches!(stage, Stage::Poll | Stage::Fetch) && about_task {
        // Only the task's id was asked for.
        let lost = failed(&request.endpoint.provider, FailureKind::JobLost, reply);
        failure = Failure {
            code: failure.code,
            upstream_request_id: failure.upstream_request_id,
            ..lost
        };
    }
    failure
}

/// What a task that ended without success means.
pub(super) fn judge_end(request: &ProviderRequest, reply: &Reply) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let output = &json["output"];
    let mut failure = build(request, reply, output, FailureKind::JobFailed);
    if matches!(failure.kind, FailureKind::ServerError | FailureKind::JobFailed) {
        failure.kind = FailureKind::JobFailed;
        failure.message = words(&request.endpoint.provider, FailureKind::JobFailed, reply.status);
    }
    failure.upstream_request_id = text_of(&json["request_id"]).map(str::to_owned);
    failure.excerpt = text_of(&output["message"]).map(str::to_owned);
    failure
}

/// The place of code and message: the top, or the object that the compatible endpoints use.
fn said(json: &Value) -> &Value {
    if json["error"].is_object() {
        &json["error"]
    } else {
        json
    }
}

fn build(request: &ProviderRequest, reply: &Reply, said: &Value, fallback: FailureKind) -> Failure {
    let provider = &request.endpoint.provider;
    let code = text_of(&said["code"]);
    let message = text_of(&said["message"]).unwrap_or_default();
    let kind = code.and_then(|code| kind_of_code(code, message)).unwrap_or(fallback);
    let is_argument = kind == FailureKind::InvalidArgument;
    let told = Said {
        code,
        message: Some(message),
        param: is_argument.then(|| param_named_in(message, &request.native)).flatten(),
        moderation: moderation(message),
        retry_after: None,
    };
    let mut failure = described(provider, kind, reply, told);
    failure.upstream_request_id = text_of(&said["request_id"])
        .map(str::to_owned)
        .or(failure.upstream_request_id);
    // Calls that fail with a code are not billed; what a proxy says tells nothing.
    if code.is_some() {
        failure.spent = Spent::No;
    }
    failure
}

/// What a code means; `None` leaves it to the status.
fn kind_of_code(code: &str, message: &str) -> Option<FailureKind> {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    if POLICY_CODES.contains(&code) {
        Some(FailureKind::ContentPolicy)
    } else if QUOTA_CODES.contains(&code) {
        Some(FailureKind::QuotaExhausted)
    } else if MODEL_CODES.contains(&code) {
        Some(FailureKind::ModelGone)
    } else if LOAD_CODES.contains(&code) {
        Some(FailureKind::Overloaded)
    } else if matches!(code, "InvalidApiKey" | "invalid_api_key") {
        Some(FailureKind::BadCredential)
    } else if code.contains("AccessDenied") || code.contains("access_denied") {
        Some(FailureKind::NotPermitted)
    } else if begins(&RATE_PREFIXES) {
        Some(FailureKind::RateLimited)
    } else if begins(&ARGUMENT_PREFIXES) {
        Some(FailureKind::InvalidArgument)
    } else if code.starts_with("InternalError") {
        // Some models refuse arguments from deep inside.
        let refusal = message.contains("InvalidParameter");
        Some(if refusal {
            FailureKind::InvalidArgument
        } else {
            FailureKind::ServerError
        })
    } else {
        None
    }
}

fn moderation(message: &str) -> Moderation {
    let stage = ["input", "output"]
        .into_iter()
        .find(|stage| message.to_ascii_lowercase().starts_with(stage));
    Moderation {
        stage: stage.map(str::to_owned),
        categories: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_one_meaning() {
        for (code, message, kind) in [
            ("Arrearage", "", Some(FailureKind::QuotaExhausted)),
            ("AllocationQuota.FreeTierOnly", "", Some(FailureKind::QuotaExhausted)),
            ("AccessDenied", "", Some(FailureKind::NotPermitted)),
            ("AccessDenied.Unpurchased", "", Some(FailureKind::NotPermitted)),
            ("Model.AccessDenied", "", Some(FailureKind::NotPermitted)),
            ("Throttling", "", Some(FailureKind::RateLimited)),
            ("Throttling.AllocationQuota", "", Some(FailureKind::RateLimited)),
            ("BadRequest.InputDownloadFailed", "", Some(FailureKind::InvalidArgument)),
            (
                "InvalidParameter.DataInspection",
                "",
                Some(FailureKind::InvalidArgument),
            ),
            (
                "InternalError.Algo",
                "InvalidParameter: size",
                Some(FailureKind::InvalidArgument),
            ),
            ("InternalError.Algo", "crashed", Some(FailureKind::ServerError)),
            ("ModelUnavailable", "", Some(FailureKind::Overloaded)),
            ("RequestTimeOut", "", None),
        ] {
            assert_eq!(kind_of_code(code, message), kind, "{code} {message}");
        }
    }

    #[test]
    fn the_text_of_a_block_tells_its_stage() {
        let stage = |text: &str| moderation(text).stage;
        assert_eq!(
            stage("Input data may contain inappropriate content.").as_deref(),
            Some("input")
        );
        assert_eq!(
            stage("Output data may contain inappropriate content.").as_deref(),
            Some("output")
        );
        assert_eq!(stage("It is not allowed."), None);
    }
}
