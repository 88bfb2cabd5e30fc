use serde_json::json;

use super::*;
use crate::adapter::sample;

fn request() -> ProviderRequest {
    let access = sample::access("https://a.example/api/v1", "sk-or-x", &[]);
    sample::named(
        access,
        "maker/model",
        &["prompt", "quality", "image_config.aspect_ratio"],
    )
}

fn judged(status: u16, error: Value) -> Failure {
    let reply = Reply::of(status, json!({ "error": error }));
    judge(&request(), &reply)
}

#[test]
fn statuses_and_metadata_have_one_meaning() {
    let plain = |code: u16, message: &str| json!({"code": code, "message": message});
    let relayed = |code: u16, raw: &str| json!({"code": code, "message": RELAYED, "metadata": {"provider_name": "X", "raw": raw}});
    for (status, error, kind) in [
        (400, plain(400, "x is not a valid model ID"), FailureKind::ModelGone),
        (400, plain(400, "'n' is too large"), FailureKind::InvalidArgument),
        (
            400,
            relayed(400, "{\"error\":{\"code\":\"moderation_blocked\"}}"),
            FailureKind::ContentPolicy,
        ),
        (400, relayed(400, "size is not supported"), FailureKind::InvalidArgument),
        (401, plain(401, "User not found."), FailureKind::BadCredential),
        (402, plain(402, "Insufficient credits"), FailureKind::QuotaExhausted),
        (
            403,
            plain(403, "Key limit exceeded (total limit)."),
            FailureKind::QuotaExhausted,
        ),
        (403, plain(403, "Not allowed here"), FailureKind::NotPermitted),
        (404, plain(404, "No endpoints found for x."), FailureKind::ModelGone),
        (408, plain(408, "Timed out"), FailureKind::TimedOut),
        (429, plain(429, "Slow down"), FailureKind::RateLimited),
        (502, plain(502, "Bad gateway"), FailureKind::ServerError),
        (503, plain(503, "No provider"), FailureKind::Overloaded),
        (524, plain(524, "Edge timeout"), FailureKind::ServerError),
        (529, plain(529, "Provider overloaded"), FailureKind::Overloaded),
        (200, plain(502, "Bad gateway"), FailureKind::ServerError),
        (200, plain(503, "No provider"), FailureKind::ServerError),
        (200, plain(429, "Slow down"), FailureKind::RateLimited),
        (200, json!({"message": "?"}), FailureKind::ServerError),
        (
            200,
            json!({"code": "server_error", "message": "?"}),
            FailureKind::ServerError,
        ),
    ] {
        let shown = error.to_string();
        assert_eq!(judged(status, error).kind, kind, "{status} {shown}");
    }
}

#[test]
fn a_flagged_prompt_is_told_without_being_quoted() {
    let error = json!({"code": 403, "message": "Your input was flagged", "metadata": {
        "reasons": ["violence", 7], "flagged_input": "a very...evil deed", "provider_name": "OpenAI", "model_slug": "x",
    }});
    let failure = judged(403, error);
    let expected = Moderation {
        stage: Some("input".to_owned()),
        categories: vec!["violence".to_owned()],
    };
    assert_eq!(failure.moderation, Some(expected));
    assert!(!format!("{failure:?}").contains("evil deed"));
    let typed = json!({"code": 400, "message": "No.", "metadata": {"error_type": "content_policy_violation"}});
    let failure = judged(400, typed);
    assert_eq!(failure.moderation, Some(Moderation::default()));
    assert_eq!(failure.code.as_deref(), Some("content_policy_violation"));
}

#[test]
fn the_argument_at_fault_is_found() {
    let param = |message: &str| judged(400, json!({"code": 400, "message": message})).param;
    assert_eq!(
        param("Invalid value for 'quality': 'ultra'").as_deref(),
        Some("quality")
    );
    assert_eq!(
        param("the prompt and its `aspect_ratio`").as_deref(),
        Some("image_config.aspect_ratio")
    );
    assert_eq!(param("prompt: is too long").as_deref(), Some("prompt"));
    assert_eq!(param("something else is wrong"), None);
    let issues = json!([{"code": "invalid_value", "path": ["provider", "only", 0], "message": "Unknown provider"}]);
    let failure = judged(400, json!({"code": 400, "message": issues.to_string()}));
    assert_eq!(
        (failure.param.as_deref(), failure.message.as_str()),
        (Some("provider.only"), "Unknown provider")
    );
    let raw = json!({"error": {"message": "Bad size", "param": "size", "code": "invalid_value"}}).to_string();
    let failure = judged(400, json!({"code": 400, "message": RELAYED, "metadata": {"raw": raw}}));
    assert_eq!(
        (failure.param.as_deref(), failure.message.as_str()),
        (Some("size"), "Bad size")
    );
}

#[test]
fn words_about_our_account_are_ours() {
    let failure = judged(401, json!({"code": 401, "message": "No auth credentials found"}));
    assert_eq!(failure.message, "test does not accept the gateway's credential");
    let failure = judged(429, json!({"code": 429, "message": "Limited. Try again in 12s."}));
    assert_eq!(failure.retry_after, Some(std::time::Duration::from_secs(12)));
}
