//! xAI's errors, in three shapes: `{"error": {message, type, param, code}}`, `{"code", "error"}` and `{"error"}` alone.

use planner::failure::{Failure, FailureKind, Moderation};
use serde_json::Value;

use crate::adapter::{
    ProviderRequest, Reply,
    verdict::{Said, described, kind_of_status, param_named_in, text_of},
};

/// What is said of an account without money. The status is 403 or 429, so that the text must tell.
const MONEY_TEXTS: [&str; 4] = [
    "any credits",
    "available credits",
    "spending limit",
    "insufficient credit",
];
/// What is said of a key that is none. The status may be 400.
const KEY_TEXTS: [&str; 3] = ["incorrect api key", "invalid api key", "no api key"];
/// What is said of blocked content. The status is 400 or 403.
const POLICY_TEXTS: [&str; 3] = ["content moderation", "usage guidelines", "safety_check"];

/// What an error answer means.
pub(super) fn judge(request: &ProviderRequest, reply: &Reply) -> Failure {
    let json = reply.document().map_or(&Value::Null, |document| &document.json);
    let error = &json["error"];
    let message = text_of(&error["message"]).or_else(|| text_of(error));
    let code = text_of(&error["code"])
        .or_else(|| text_of(&json["code"]))
        .or_else(|| text_of(&error["type"]));
    let kind = kind(reply, message.unwrap_or_default());
    let said = match kind {
        // The rest of such a text names our account and is not told.
        FailureKind::ContentPolicy => Said {
            code,
            moderation: moderation(message.unwrap_or_default()),
            ..Said::default()
        },
        FailureKind::InvalidArgument => Said {
            code,
            message,
            param: text_of(&error["param"]).or_else(|| param_named_in(message.unwrap_or_default(), &request.native)),
            ..Said::default()
        },
        _ => Said {
            code,
            ..Said::default()
        },
    };
    let mut failure = described(&request.endpoint.provider, kind, reply, said);
    if kind == FailureKind::ContentPolicy {
        failure.spent = super::spent(json);
    }
    failure
}

fn kind(reply: &Reply, message: &str) -> FailureKind {
    let message = message.to_ascii_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    match reply.status {
        400 | 401 | 403 if says(&KEY_TEXTS) => FailureKind::BadCredential,
        400 | 403 | 422 if says(&POLICY_TEXTS) => FailureKind::ContentPolicy,
        402 | 403 | 429 if says(&MONEY_TEXTS) => FailureKind::QuotaExhausted,
        // An error in a success: something broke after the work began.
        200..300 if says(&POLICY_TEXTS) => FailureKind::ContentPolicy,
        200..300 => FailureKind::ServerError,
        status => kind_of_status(status, reply.document().is_some()),
    }
}

/// `Generated image rejected by content moderation.`, or `Content violates usage guidelines. ... Failed check: X`; the
/// rest of such a text names our account and is not told.
fn moderation(message: &str) -> Moderation {
    let stage = if message.to_ascii_lowercase().contains("generated") {
        "output"
    } else {
        "input"
    };
    let check = message.split_once("Failed check: ").map(|(_, check)| check.trim());
    Moderation {
        stage: Some(stage.to_owned()),
        categories: check.map(str::to_owned).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use planner::failure::Spent;
    use serde_json::json;

    use super::*;
    use crate::adapter::sample;

    fn judged(status: u16, json: Value) -> Failure {
        let reply = Reply::of(status, json);
        let access = sample::access("https://api.example/v1", "xai-secret", &[]);
        let request = sample::named(access, "grok-imagine-image", &["prompt", "quality"]);
        judge(&request, &reply)
    }

    #[test]
    fn texts_tell_what_statuses_do_not() {
        let coded = |text: &str| json!({"code": "Client specified an invalid argument", "error": text});
        for (status, body, kind) in [
            (
                400,
                coded("Incorrect API key provided: xa***ey."),
                FailureKind::BadCredential,
            ),
            (400, coded("quality must be one of low"), FailureKind::InvalidArgument),
            (
                400,
                coded("Generated image rejected by content moderation."),
                FailureKind::ContentPolicy,
            ),
            (
                403,
                coded("Content violates usage guidelines."),
                FailureKind::ContentPolicy,
            ),
            (
                403,
                coded("Your team doesn't have any credits yet."),
                FailureKind::QuotaExhausted,
            ),
            (403, coded("Your account is blocked."), FailureKind::NotPermitted),
            (404, json!({"error": "Not Found"}), FailureKind::ModelGone),
            (
                422,
                json!({"error": "Failed to deserialize"}),
                FailureKind::InvalidArgument,
            ),
            (
                429,
                coded("Your team has used all available credits or reached its monthly spending limit"),
                FailureKind::QuotaExhausted,
            ),
            (
                429,
                json!({"error": {"message": "Too many requests"}}),
                FailureKind::RateLimited,
            ),
            (200, json!({"error": "Internal error"}), FailureKind::ServerError),
        ] {
            assert_eq!(judged(status, body.clone()).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn arguments_are_named_in_every_shape() {
        let object = json!({"error": {"message": "No.", "param": "n", "code": "invalid_value"}});
        let failure = judged(400, object);
        assert_eq!(
            (failure.param.as_deref(), failure.code.as_deref()),
            (Some("n"), Some("invalid_value"))
        );
        let bare = judged(
            400,
            json!({"error": "Argument quality: \"ultra\" is not one of low, medium"}),
        );
        assert_eq!(bare.param.as_deref(), Some("quality"));
        assert!(bare.message.contains("ultra"));
    }

    #[test]
    fn a_block_says_its_stage_its_check_and_its_price() {
        let text = "Content violates usage guidelines. Team: t1, Model: grok, Failed check: SAFETY_CHECK_TYPE_BIO";
        let input = judged(403, json!({"code": "x", "error": text}));
        let moderation = input.moderation.expect("a block");
        assert_eq!(
            (moderation.stage.as_deref(), moderation.categories),
            (Some("input"), vec!["SAFETY_CHECK_TYPE_BIO".to_owned()])
        );
        assert!(!input.message.contains("t1"));
        assert_eq!(input.spent, Spent::No);
        let usage = json!({"cost_in_usd_ticks": 200_000_000});
        let output = judged(
            400,
            json!({"error": "Generated image rejected by content moderation.", "usage": usage}),
        );
        assert_eq!(output.spent, Spent::Yes);
        assert_eq!(output.moderation.expect("a block").stage.as_deref(), Some("output"));
    }
}
