use serde_json::json;

use super::*;
use crate::adapter::sample;

fn judged(status: u16, stage: Stage, json: Value) -> Failure {
    let access = sample::access("https://a.example/v2beta", "sk-x", &[]);
    let request = sample::named(access, "stable-image/generate/core", &["prompt", "seed"]);
    let reply = Reply::of(status, json);
    judge(&request, &reply, stage)
}

fn named(name: &str, text: &str) -> Value {
    json!({"id": "2bca35116bc5431d", "name": name, "errors": [text]})
}

#[test]
fn statuses_and_names_have_one_meaning() {
    for (status, stage, json, kind, spent) in [
        (
            400,
            Stage::Submit,
            named("bad_request", "seed: must be a number"),
            FailureKind::InvalidArgument,
            Spent::No,
        ),
        (
            401,
            Stage::Submit,
            named("unauthorized", "missing key"),
            FailureKind::BadCredential,
            Spent::No,
        ),
        (
            402,
            Stage::Submit,
            named("payment_required", "no credits"),
            FailureKind::QuotaExhausted,
            Spent::No,
        ),
        (
            403,
            Stage::Submit,
            named("content_moderation", "flagged"),
            FailureKind::ContentPolicy,
            Spent::No,
        ),
        (
            403,
            Stage::Submit,
            named("forbidden", "not yours"),
            FailureKind::NotPermitted,
            Spent::No,
        ),
        (
            404,
            Stage::Submit,
            named("not_found", "x"),
            FailureKind::ModelGone,
            Spent::No,
        ),
        (
            404,
            Stage::Poll,
            named("generation_not_found", "x"),
            FailureKind::JobLost,
            Spent::Unknown,
        ),
        (
            413,
            Stage::Submit,
            named("payload_too_large", "x"),
            FailureKind::InvalidArgument,
            Spent::No,
        ),
        (
            422,
            Stage::Submit,
            named("invalid_language", "English only"),
            FailureKind::InvalidArgument,
            Spent::No,
        ),
        (
            422,
            Stage::Submit,
            named("public_figure", "a face"),
            FailureKind::ContentPolicy,
            Spent::No,
        ),
        (
            429,
            Stage::Submit,
            named("rate_limit_exceeded", "slow"),
            FailureKind::RateLimited,
            Spent::No,
        ),
        (
            500,
            Stage::Submit,
            named("internal_error", "x"),
            FailureKind::ServerError,
            Spent::No,
        ),
        (
            503,
            Stage::Submit,
            named("something", "x"),
            FailureKind::Overloaded,
            Spent::No,
        ),
        (
            502,
            Stage::Submit,
            Value::Null,
            FailureKind::ServerError,
            Spent::Unknown,
        ),
        (
            403,
            Stage::Poll,
            named("content_moderation", "flagged"),
            FailureKind::ContentPolicy,
            Spent::No,
        ),
    ] {
        let failure = judged(status, stage, json);
        assert_eq!((failure.kind, failure.spent), (kind, spent), "{status} {failure:?}");
    }
}

#[test]
fn fields_texts_and_ids_are_kept() {
    let failure = judged(
        400,
        Stage::Submit,
        json!({
            "id": "abc", "name": "bad_request", "errors": ["grow_mask: must be less than 20", "seed: is wrong"],
        }),
    );
    assert_eq!(failure.param.as_deref(), Some("grow_mask"));
    assert_eq!(failure.message, "grow_mask: must be less than 20; seed: is wrong");
    assert_eq!(failure.upstream_request_id.as_deref(), Some("abc"));
    assert_eq!(failure.code.as_deref(), Some("bad_request"));
    let inside = judged(400, Stage::Submit, named("bad_request", "the seed is no number"));
    assert_eq!(inside.param.as_deref(), Some("seed"));
    let large = judged(
        413,
        Stage::Submit,
        named("payload_too_large", "body: payloads cannot be larger than 10MiB"),
    );
    assert_eq!(large.param.as_deref(), Some("image"));
}

#[test]
fn the_penalty_for_too_many_requests_is_waited_out() {
    let text = "You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out for 60 seconds.";
    let failure = judged(
        429,
        Stage::Submit,
        json!({"id": "rate_limit_exceeded", "name": "rate_limit_exceeded", "errors": [text]}),
    );
    assert_eq!(failure.retry_after, Some(Duration::from_secs(60)));
    assert_eq!(failure.upstream_request_id, None);
    let silent = judged(429, Stage::Submit, named("rate_limit_exceeded", "Too many requests."));
    assert_eq!(silent.retry_after, None);
}
