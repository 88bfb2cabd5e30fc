//! OpenAI's errors: `{"error": {message, type, param, code}}`, the `{"detail"}` of servers in Python, or whatever a proxy
//! before them says.

use planner::failure::{Failure, FailureKind, Moderation};
use serde_json::Value;

use crate::adapter::{
    Reply,
    verdict::{Said, described, kind_of_status, text_of},
};

/// Codes and types that mean money, not rate.
const QUOTA_CODES: [&str; 6] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "project_spend_limit_exceeded",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
];
/// Codes that mean that the model is not there.
const MODEL_CODES: [&str; 3] = ["model_not_found", "model_deprecated", "unsupported_model"];
/// Code of an input image that cannot be read, which comes without the name of its field.
const IMAGE_CODE: &str = "invalid_image_file";
/// Codes of a safety block: OpenAI's newer and older one, and those of the filter that Azure puts before it.
const POLICY_CODES: [&str; 5] = [
    "moderation_blocked",
    "content_policy_violation",
    "content_filter",
    "contentFilter",
    "ResponsibleAIPolicyViolation",
];

/// Codes that mean the credential.
const CREDENTIAL_CODES: [&str; 1] = ["invalid_api_key"];
/// Codes that mean the rate.
const RATE_CODES: [&str; 1] = ["rate_limit_exceeded"];
/// Types of what the caller got wrong. In an error answer the status says it.
const ARGUMENT_TYPES: [&str; 2] = ["invalid_request_error", "image_generation_user_error"];

/// What an error answer means.
pub(super) fn judge(provider: &str, reply: &Reply) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    judge_error(provider, reply, &json["error"], &json["detail"])
}

/// What an error object means that came with `reply`, or FastAPI's `detail` in its place; either may be null.
pub(super) fn judge_error(provider: &str, reply: &Reply, error: &Value, told: &Value) -> Failure {
    let code = text_of(&error["code"]).or_else(|| text_of(&inner(error)["code"]));
    let class = text_of(&error["type"]);
    let (detail, detail_param) = detail(told);
    let message = text_of(&error["message"]).or_else(|| text_of(error)).or(detail);
    let kind = kind(reply, code, class);
    let param = text_of(&error["param"])
        .or(detail_param)
        .or_else(|| code.filter(|code| *code == IMAGE_CODE).and(Some("image")));
    let said = Said {
        code: code.or(class),
        message,
        param,
        moderation: moderation(error),
        retry_after: None,
    };
    let mut failure = described(provider, kind, reply, said);
    failure.param = param.map(str::to_owned);
    failure
}

/// What Azure's filter says beside the error itself, in either spelling.
fn inner(error: &Value) -> &Value {
    match &error["inner_error"] {
        Value::Null => &error["innererror"],
        inner => inner,
    }
}

/// The text of FastAPI's `detail`, or of the first item of its list, with the name of the argument there.
fn detail(detail: &Value) -> (Option<&str>, Option<&str>) {
    let first = &detail[0];
    let place = first["loc"].as_array().map(Vec::as_slice).unwrap_or_default();
    let param = place
        .iter()
        .rev()
        .find_map(Value::as_str)
        .filter(|name| *name != "body");
    (text_of(detail).or_else(|| text_of(&first["msg"])), param)
}

fn kind(reply: &Reply, code: Option<&str>, class: Option<&str>) -> FailureKind {
    let any_of = |codes: &[&str]| [code, class].into_iter().flatten().any(|text| codes.contains(&text));
    if any_of(&POLICY_CODES) {
        return FailureKind::ContentPolicy;
    }
    if any_of(&QUOTA_CODES) {
        return FailureKind::QuotaExhausted;
    }
    match reply.status {
        // The account, not the model, is what a 403 is about.
        403 => FailureKind::NotPermitted,
        _ if any_of(&MODEL_CODES) => FailureKind::ModelGone,
        // An error object in a success, such as a stream: there is no status that says what it is about.
        200..300 if any_of(&CREDENTIAL_CODES) => FailureKind::BadCredential,
        200..300 if any_of(&RATE_CODES) => FailureKind::RateLimited,
        200..300 if any_of(&ARGUMENT_TYPES) => FailureKind::InvalidArgument,
        // Something broke after the work began.
        200..300 => FailureKind::ServerError,
        status => kind_of_status(status, reply.document().is_some()),
    }
}

fn moderation(error: &Value) -> Moderation {
    let details = &error["moderation_details"];
    let stage = text_of(&details["moderation_stage"]).filter(|stage| matches!(*stage, "input" | "output"));
    let listed = details["categories"].as_array().map(Vec::as_slice).unwrap_or_default();
    let listed = listed.iter().filter_map(Value::as_str).map(str::to_owned);
    let filters = inner(error)["content_filter_results"].as_object();
    let filtered = filters
        .into_iter()
        .flatten()
        .filter(|(_, result)| result["filtered"] == true)
        .map(|(category, _)| category.clone());
    Moderation {
        stage: stage.map(str::to_owned),
        categories: listed.chain(filtered).collect(),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::{
        adapter::ReplyBody,
        splitter::Document,
        spool::{Spool, SpoolLimits},
    };

    fn reply(status: u16, error: Option<Value>) -> Reply {
        answer(status, error.map(|error| json!({ "error": error })))
    }

    fn answer(status: u16, json: Option<Value>) -> Reply {
        let scope = Spool::new(SpoolLimits::default()).scope();
        let body = match json {
            Some(json) => ReplyBody::Document(Document::from_json(json, scope)),
            None => ReplyBody::Text("<html>".to_owned()),
        };
        Reply {
            status,
            headers: HeaderMap::new(),
            retry_after: None,
            body,
        }
    }

    #[test]
    fn statuses_and_codes_have_one_meaning() {
        let coded = |code: &str| Some(json!({"message": "m", "type": "t", "param": null, "code": code}));
        let typed = |class: &str| Some(json!({"message": "m", "type": class, "param": null, "code": null}));
        for (status, error, kind) in [
            (400, coded("content_policy_violation"), FailureKind::ContentPolicy),
            (400, coded("moderation_blocked"), FailureKind::ContentPolicy),
            (400, coded("billing_hard_limit_reached"), FailureKind::QuotaExhausted),
            (400, coded("unknown_parameter"), FailureKind::InvalidArgument),
            (400, coded("invalid_input_fidelity_model"), FailureKind::InvalidArgument),
            (400, coded("model_not_found"), FailureKind::ModelGone),
            (400, None, FailureKind::UnreadableAnswer),
            (401, coded("invalid_api_key"), FailureKind::BadCredential),
            (403, coded("unsupported_model"), FailureKind::NotPermitted),
            (
                403,
                coded("unsupported_country_region_territory"),
                FailureKind::NotPermitted,
            ),
            (404, coded("model_not_found"), FailureKind::ModelGone),
            (404, None, FailureKind::ModelGone),
            (413, None, FailureKind::InvalidArgument),
            (429, coded("rate_limit_exceeded"), FailureKind::RateLimited),
            (429, typed("insufficient_quota"), FailureKind::QuotaExhausted),
            (429, coded("project_spend_limit_exceeded"), FailureKind::QuotaExhausted),
            (429, None, FailureKind::RateLimited),
            (500, typed("server_error"), FailureKind::ServerError),
            (503, typed("server_error"), FailureKind::Overloaded),
            (503, None, FailureKind::ServerError),
            (520, None, FailureKind::ServerError),
            (524, None, FailureKind::ServerError),
            (200, typed("server_error"), FailureKind::ServerError),
            (200, coded("invalid_api_key"), FailureKind::BadCredential),
            (200, coded("rate_limit_exceeded"), FailureKind::RateLimited),
            (200, typed("image_generation_user_error"), FailureKind::InvalidArgument),
            (200, coded("insufficient_quota"), FailureKind::QuotaExhausted),
            (302, None, FailureKind::UnreadableAnswer),
        ] {
            let reply = reply(status, error);
            assert_eq!(judge("test", &reply).kind, kind, "{status} {:?}", reply.body);
        }
    }

    #[test]
    fn what_a_refusal_says_is_kept() {
        let details = json!({"moderation_stage": "output", "categories": ["violence", 7]});
        let error =
            json!({"message": "No.", "code": "moderation_blocked", "param": "prompt", "moderation_details": details});
        let failure = judge("test", &reply(400, Some(error)));
        let expected = Moderation {
            stage: Some("output".to_owned()),
            categories: vec!["violence".to_owned()],
        };
        assert_eq!(failure.moderation, Some(expected));
        assert_eq!(
            (failure.message.as_str(), failure.param.as_deref()),
            ("No.", Some("prompt"))
        );
        let unknown = json!({"code": "moderation_blocked", "moderation_details": {"moderation_stage": "unknown"}});
        let failure = judge("test", &reply(400, Some(unknown)));
        assert_eq!(failure.moderation, Some(Moderation::default()));
    }

    #[test]
    fn a_filter_before_the_model_is_a_refusal() {
        let results = json!({"violence": {"filtered": true, "severity": "high"}, "hate": {"filtered": false}});
        for inner in ["inner_error", "innererror"] {
            let mut error = json!({"message": "Blocked by the filter.", "code": null});
            error[inner] = json!({"code": "ResponsibleAIPolicyViolation", "content_filter_results": results});
            let failure = judge("test", &reply(400, Some(error)));
            assert_eq!(failure.kind, FailureKind::ContentPolicy);
            let moderation = failure.moderation.expect("told");
            assert_eq!(
                (moderation.stage, moderation.categories),
                (None, vec!["violence".to_owned()])
            );
        }
    }

    #[test]
    fn details_of_python_servers_are_read() {
        let item = json!({"type": "int_parsing", "loc": ["body", "n"], "msg": "Input should be a valid integer"});
        for (status, json, kind, message, param) in [
            (
                422,
                json!({"detail": [item]}),
                FailureKind::InvalidArgument,
                Some("Input should be a valid integer"),
                Some("n"),
            ),
            (
                422,
                json!({"detail": [{"loc": ["body"], "msg": "Field required"}]}),
                FailureKind::InvalidArgument,
                Some("Field required"),
                None,
            ),
            (
                400,
                json!({"detail": "Unsupported size"}),
                FailureKind::InvalidArgument,
                Some("Unsupported size"),
                None,
            ),
            (404, json!({"detail": "Not Found"}), FailureKind::ModelGone, None, None),
            (503, json!({"detail": "No engine"}), FailureKind::Overloaded, None, None),
            (
                500,
                json!({"error": {"code": 500, "message": "out of memory", "type": ""}}),
                FailureKind::ServerError,
                None,
                None,
            ),
            (
                200,
                json!({"error": "out of memory"}),
                FailureKind::ServerError,
                None,
                None,
            ),
        ] {
            let failure = judge("test", &answer(status, Some(json.clone())));
            assert_eq!(failure.kind, kind, "{json}");
            assert_eq!(failure.param.as_deref(), param, "{json}");
            if let Some(message) = message {
                assert_eq!(failure.message, message);
            }
        }
    }

    #[test]
    fn words_about_our_account_are_ours() {
        let error = json!({"message": "Incorrect API key provided: sk-x", "code": "invalid_api_key"});
        assert_eq!(
            judge("test", &reply(401, Some(error))).message,
            "test does not accept the gateway's credential"
        );
        let error = json!({"message": "Rate limit reached. Please try again in 12s.", "code": "rate_limit_exceeded"});
        assert_eq!(
            judge("test", &reply(429, Some(error))).retry_after,
            Some(std::time::Duration::from_secs(12))
        );
    }
}
