//! Ark's errors: `{"error": {code, message, param, type}}` for a call, and `{code, message}` for one image of it.

use planner::failure::{Failure, FailureKind, Moderation, Spent};
use serde_json::Value;

use crate::adapter::{
    ProviderRequest, Reply,
    verdict::{Said, described, kind_of_status, param_named_in, text_of},
};

/// Codes that mean money; the first part decides, as in `SetLimitExceeded.Inference`.
const QUOTA_CODES: [&str; 4] = [
    "AccountOverdueError",
    "ServiceOverdue",
    "QuotaExceeded",
    "SetLimitExceeded",
];
/// Codes that mean that the account may not use the model.
const PERMISSION_CODES: [&str; 5] = [
    "ModelNotOpen",
    "ServiceNotOpen",
    "InvalidEndpointOrModel.ModelIDAccessDisabled",
    "AccessDenied",
    "InvalidAccountStatus",
];
/// Codes that mean that the model is not there.
const MODEL_CODES: [&str; 3] = ["UnsupportedModel", "InvalidEndpointOrModel", "InvalidEndpoint"];

/// What an error answer means.
pub(super) fn judge(request: &ProviderRequest, reply: &Reply) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    judge_error(request, reply, &json["error"])
}

/// What it means that all images failed, by the error of the first. Such images are free.
pub(super) fn judge_item(request: &ProviderRequest, reply: &Reply, error: &Value) -> Failure {
    let mut failure = judge_error(request, reply, error);
    failure.spent = Spent::No;
    failure
}

fn judge_error(request: &ProviderRequest, reply: &Reply, error: &Value) -> Failure {
    let provider = &request.endpoint.provider;
    let code = text_of(&error["code"]);
    let (message, request_id) = match text_of(&error["message"]) {
        Some(message) => split_request_id(message),
        None => ("", None),
    };
    let kind = kind(reply, code.unwrap_or_default());
    let named = || text_of(&error["param"]).or_else(|| param_named_in(message, &request.native));
    let said = Said {
        code,
        message: Some(message),
        param: (kind == FailureKind::InvalidArgument).then(named).flatten(),
        moderation: moderation(code.unwrap_or_default()),
        retry_after: None,
    };
    let mut failure = described(provider, kind, reply, said);
    failure.upstream_request_id = failure.upstream_request_id.or_else(|| request_id.map(str::to_owned));
    failure
}

/// Messages end with `Request id: ...`.
fn split_request_id(message: &str) -> (&str, Option<&str>) {
    let at = message.to_ascii_lowercase().rfind("request id:");
    match at.and_then(|at| Some((message.get(..at)?, message.get(at + "request id:".len()..)?))) {
        Some((said, id)) => {
            let id = id.trim().trim_end_matches('.');
            (said.trim_end(), Some(id).filter(|id| !id.is_empty()))
        }
        None => (message, None),
    }
}

fn kind(reply: &Reply, code: &str) -> FailureKind {
    let is_any = |codes: &[&str]| {
        codes.iter().any(|known| {
            code.strip_prefix(known)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    if is_policy(code) {
        return FailureKind::ContentPolicy;
    }
    if is_any(&QUOTA_CODES) {
        return FailureKind::QuotaExhausted;
    }
    // Before the models: one of its codes is below one of theirs.
    if is_any(&PERMISSION_CODES) {
        return FailureKind::NotPermitted;
    }
    if is_any(&MODEL_CODES) {
        return FailureKind::ModelGone;
    }
    if is_any(&["ServerOverloaded"]) {
        return FailureKind::Overloaded;
    }
    match reply.status {
        // An error in a success: the work was begun and failed.
        200..300 => FailureKind::JobFailed,
        status => kind_of_status(status, reply.document().is_some()),
    }
}

fn is_policy(code: &str) -> bool {
    let first = code.split('.').next().unwrap_or_default();
    first.ends_with("SensitiveContentDetected")
        || first.ends_with("RiskDetection")
        || matches!(first, "PolicyViolation" | "PrivacyInformation")
}

/// The code names the stage, and after a dot the category.
fn moderation(code: &str) -> Moderation {
    let stage = if code.starts_with("Output") { "output" } else { "input" };
    let category = code.split_once('.').map(|(_, category)| category.to_owned());
    Moderation {
        stage: Some(stage.to_owned()),
        categories: category.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16) -> Reply {
        Reply::of(status, json!({}))
    }

    #[test]
    fn codes_have_one_meaning() {
        for (status, code, expected) in [
            (400, "InvalidParameter", FailureKind::InvalidArgument),
            (400, "MissingParameter", FailureKind::InvalidArgument),
            (400, "InputTextSensitiveContentDetected", FailureKind::ContentPolicy),
            (
                400,
                "InputImageSensitiveContentDetected.PrivacyInformation",
                FailureKind::ContentPolicy,
            ),
            (400, "OutputImageRiskDetection", FailureKind::ContentPolicy),
            (400, "InvalidEndpoint.ClosedEndpoint", FailureKind::ModelGone),
            (401, "AuthenticationError", FailureKind::BadCredential),
            (403, "AccountOverdueError", FailureKind::QuotaExhausted),
            (403, "AccessDenied", FailureKind::NotPermitted),
            (404, "ModelNotOpen", FailureKind::NotPermitted),
            (
                404,
                "InvalidEndpointOrModel.ModelIDAccessDisabled",
                FailureKind::NotPermitted,
            ),
            (404, "InvalidEndpointOrModel.NotFound", FailureKind::ModelGone),
            (404, "UnsupportedModel", FailureKind::ModelGone),
            (429, "RateLimitExceeded.EndpointRPMExceeded", FailureKind::RateLimited),
            (429, "ModelAccountIpmRateLimitExceeded", FailureKind::RateLimited),
            (429, "SetLimitExceeded", FailureKind::QuotaExhausted),
            (429, "QuotaExceeded", FailureKind::QuotaExhausted),
            (429, "ServerOverloaded", FailureKind::Overloaded),
            (500, "InternalServiceError", FailureKind::ServerError),
            (200, "InternalServiceError", FailureKind::JobFailed),
        ] {
            assert_eq!(kind(&reply(status), code), expected, "{status} {code}");
        }
    }

    #[test]
    fn the_id_at_the_end_of_a_message_is_taken_out() {
        assert_eq!(
            split_request_id("The parameter `size` is not valid. Request id: 0217abc"),
            ("The parameter `size` is not valid.", Some("0217abc"))
        );
        assert_eq!(split_request_id("It failed. Request ID: "), ("It failed.", None));
        assert_eq!(split_request_id("It failed."), ("It failed.", None));
    }

    #[test]
    fn a_block_names_stage_and_category() {
        let output = moderation("OutputImageSensitiveContentDetected");
        assert_eq!((output.stage.as_deref(), output.categories.len()), (Some("output"), 0));
        let input = moderation("SensitiveContentDetected.Violence");
        assert_eq!(
            (input.stage.as_deref(), input.categories),
            (Some("input"), vec!["Violence".to_owned()])
        );
    }
}
