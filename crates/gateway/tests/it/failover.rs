//! What follows a provider's failure: another try, another provider, or the failure itself.

mod refusals;

use planner::failure::WhenMaybeBilled;
use serde_json::{Value, json};

use super::harness::{Reply, TestGateway, micros, names};

/// Longer than any failure keeps an offer from being asked first.
pub(crate) const FORGIVEN_S: i64 = 1000;

/// A body for the three offers of one model; their order by price is OpenAI, fal, Replicate.
fn body(model: &str, faults: &[&str]) -> Value {
    let switches: String = faults.iter().map(|fault| format!(" [[fault: {fault}]]")).collect();
    let prompt = format!("dunes at noon{switches}");
    json!({ "model": model, "prompt": prompt, "quality": "low", "size": "1024x1024", "output_format": "jpeg", "response_format": "b64_json" })
}

/// Attempts as (provider, code or "ok", spent).
fn attempts(list: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let told = |attempt: &Value| {
        let code = attempt.get("code").map_or_else(|| "ok".to_owned(), text);
        (text(&attempt["provider"]), code, text(&attempt["spent"]))
    };
    list.as_array().expect("a list of attempts").iter().map(told).collect()
}

fn expected(list: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    list.iter()
        .map(|(provider, code, spent)| ((*provider).to_owned(), (*code).to_owned(), (*spent).to_owned()))
        .collect()
}

fn of_error(error: &Value) -> Vec<(String, String, String)> {
    attempts(&error["metadata"]["attempts"])
}

/// Checks that an answer by the second provider tells of the first one's failure, and costs what the second one costs.
async fn fails_over(gateway: &TestGateway, fault: &str, code: &str, spent: &str, status: Option<u16>) {
    // What failed before is forgiven by now.
    gateway.clock.advance_s(FORGIVEN_S);
    let reply = gateway
        .generate(body("gpt-image-1.5", &[&format!("provider=openai {fault}")]))
        .await;
    let answer = reply.ok();
    let metadata = &answer["metadata"];
    let told = attempts(&metadata["attempts"]);
    assert_eq!(
        told,
        expected(&[("openai", code, spent), ("fal", "ok", "yes")]),
        "{fault}"
    );
    let first = &metadata["attempts"][0];
    assert_eq!(first["http_status"].as_u64(), status.map(u64::from), "{fault}");
    let message = first["message"].as_str().expect("a message");
    assert!(
        !message.contains("dunes") && !message.contains("sk-sandbox"),
        "{message}"
    );
    assert_eq!(
        (&metadata["provider"], &metadata["executed_model"]),
        (&json!("fal"), &json!("fal/fal-ai/gpt-image-1.5"))
    );
    assert_eq!(reply.header("x-pictor-provider"), "fal");
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(
        attempts(&without_nulls(&recorded["attempts"])),
        told,
        "the record tells the same"
    );
    assert_eq!(recorded["cost"], metadata["cost"]);
}

fn without_nulls(list: &Value) -> Value {
    let strip = |attempt: &Value| -> Value {
        let fields = attempt
            .as_object()
            .expect("an object")
            .iter()
            .filter(|(_, value)| !value.is_null());
        fields.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    list.as_array().expect("a list").iter().map(strip).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_the_first_provider_is_served_by_the_second() {
    let gateway = TestGateway::start().await;
    for (fault, code, spent, status) in [
        ("status=429 retry-after=10", "rate_limited", "no", Some(429)),
        ("status=500", "server_error", "unknown", Some(500)),
        ("status=502", "server_error", "unknown", Some(502)),
        ("status=503", "server_error", "unknown", Some(503)),
        ("status=401", "bad_credential", "no", Some(401)),
        ("status=403", "not_permitted", "no", Some(403)),
        ("status=404", "model_gone", "no", Some(404)),
        ("quota", "quota_exhausted", "no", Some(429)),
        ("failed", "server_error", "unknown", Some(500)),
        ("cut", "interrupted", "unknown", None),
        ("garbage", "unreadable_answer", "unknown", Some(200)),
        ("empty", "empty_answer", "unknown", Some(200)),
        ("half", "unreadable_answer", "yes", None),
    ] {
        fails_over(&gateway, fault, code, spent, status).await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_queues_that_fails_is_followed_by_the_next() {
    let gateway = TestGateway::start().await;
    for (fault, code) in [
        ("failed", "server_error"),
        ("status=500", "job_failed"),
        ("garbage", "unreadable_answer"),
        ("empty", "empty_answer"),
        ("media=410", "job_lost"),
        ("half", "unreadable_answer"),
    ] {
        gateway.clock.advance_s(FORGIVEN_S);
        let prompt = format!("dunes [[fault: provider=fal {fault}]]");
        let body = json!({ "model": "flux.1-schnell", "prompt": prompt, "aspect_ratio": "1:1", "resolution": "0.25" });
        let answer = gateway.generate(body).await.ok();
        let told = attempts(&answer["metadata"]["attempts"]);
        let (first, last) = (&told[0], &told[told.len() - 1]);
        assert_eq!((first.0.as_str(), first.1.as_str()), ("fal", code), "{fault}");
        assert_eq!((last.0.as_str(), last.1.as_str()), ("replicate", "ok"), "{fault}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hiccups_while_a_job_runs_are_waited_out() {
    let gateway = TestGateway::start().await;
    for at in ["status", "result"] {
        let prompt = format!("dunes [[fault: provider=fal status=503 at={at} once]]");
        let answer = gateway
            .generate(json!({ "model": "fal/flux.1-schnell", "prompt": prompt, "size": "512x512" }))
            .await
            .ok();
        let told = attempts(&answer["metadata"]["attempts"]);
        assert_eq!(
            told,
            expected(&[("fal", "ok", "yes")]),
            "{at}: polling again is part of the same attempt"
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_wait_is_waited_at_the_same_provider() {
    let gateway = TestGateway::start().await;
    let reply = gateway
        .generate(body(
            "gpt-image-1.5",
            &["provider=openai status=429 retry-after=10ms once"],
        ))
        .await;
    let told = attempts(&reply.ok()["metadata"]["attempts"]);
    assert_eq!(
        told,
        expected(&[("openai", "rate_limited", "no"), ("openai", "ok", "yes")])
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_walked_in_the_order_of_price() {
    let gateway = TestGateway::start().await;
    let answer = gateway
        .generate(body(
            "gpt-image-1.5",
            &["provider=openai status=401", "provider=fal status=401"],
        ))
        .await
        .ok();
    let told = attempts(&answer["metadata"]["attempts"]);
    let order = [
        ("openai", "bad_credential", "no"),
        ("fal", "bad_credential", "no"),
        ("replicate", "ok", "yes"),
    ];
    assert_eq!(told, expected(&order));
    // At high quality Replicate is no longer the dearest of all: the plan follows the price, not the file.
    let high = json!({ "model": "gpt-image-2", "prompt": "dunes", "quality": "high", "size": "1024x1024" });
    let path = "/openai/v1/images/generations?dryRun=true";
    let plan = super::harness::send(gateway.request(reqwest::Method::POST, path).json(&high))
        .await
        .ok();
    let prices: Vec<i64> = plan["candidates"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["total_cost_micros"].as_i64())
        .collect();
    assert_eq!(prices.len(), 3);
    assert!(prices.is_sorted(), "{prices:?}");
    assert_eq!(plan["candidates"][0]["provider"], "replicate");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_walked_once_more_when_nothing_was_spent() {
    let gateway = TestGateway::start().await;
    let answer = gateway
        .generate(body("gpt-image-1.5", &["status=429 retry-after=10 times=3"]))
        .await
        .ok();
    let told = attempts(&answer["metadata"]["attempts"]);
    let limited = |provider| (provider, "rate_limited", "no");
    assert_eq!(
        told,
        expected(&[
            limited("openai"),
            limited("fal"),
            limited("replicate"),
            ("openai", "ok", "yes")
        ])
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_provider_fails_all_attempts_are_told() {
    let gateway = TestGateway::start().await;
    let reply = gateway.generate(body("gpt-image-1.5", &["status=401"])).await;
    let error = reply.error(502, "ALL_PROVIDERS_EXHAUSTED");
    assert_eq!(error["type"], "upstream_error");
    let refused = |provider| (provider, "bad_credential", "no");
    assert_eq!(
        of_error(&error),
        expected(&[refused("openai"), refused("fal"), refused("replicate")])
    );
    assert_eq!(names(&error["metadata"]["attempts"][0]).len(), 9);
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("operator") && !message.contains("key"),
        "our provider's 401 is not the caller's: {message}"
    );
    assert_eq!(
        reply.header("x-should-retry"),
        "",
        "nothing was spent, so the SDK may do as it likes"
    );
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(
        (&recorded["status"], &recorded["error_code"]),
        (&json!("upstream_failure"), &json!("ALL_PROVIDERS_EXHAUSTED"))
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_billed_is_tried_once_more_by_default() {
    let gateway = TestGateway::start().await;
    let reply = gateway
        .generate(body("gpt-image-1.5", &["provider=openai cut", "provider=fal garbage"]))
        .await;
    let error = reply.error(502, "OUTCOME_UNKNOWN");
    let told = [
        ("openai", "interrupted", "unknown"),
        ("fal", "unreadable_answer", "unknown"),
    ];
    assert_eq!(of_error(&error), expected(&told), "Replicate is not asked any more");
    assert_eq!(reply.header("x-should-retry"), "false");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_decides_about_tries_after_what_may_have_been_billed() {
    let never = TestGateway::with(|settings| settings.when_maybe_billed = WhenMaybeBilled::Never).await;
    let reply = never.generate(body("gpt-image-1.5", &["provider=openai cut"])).await;
    let error = reply.error(502, "OUTCOME_UNKNOWN");
    assert_eq!(of_error(&error), expected(&[("openai", "interrupted", "unknown")]));
    assert_eq!(reply.header("x-should-retry"), "false");
    // What was not billed for certain still fails over.
    never
        .generate(body("gpt-image-1.5", &["provider=openai status=401"]))
        .await
        .ok();
    never.finish().await;

    let always = TestGateway::with(|settings| settings.when_maybe_billed = WhenMaybeBilled::Always).await;
    let reply = always
        .generate(body("gpt-image-1.5", &["provider=openai cut", "provider=fal garbage"]))
        .await;
    let told = attempts(&reply.ok()["metadata"]["attempts"]);
    assert_eq!(told.last(), expected(&[("replicate", "ok", "yes")]).last());
    assert_eq!(told.len(), 3);
    always.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_provider_has_no_failover_and_its_failure_is_the_answer() {
    let gateway = TestGateway::start().await;
    for (fault, status, code, retry) in [
        ("status=500", 502, "UPSTREAM_ERROR", "false"),
        ("status=503", 502, "UPSTREAM_ERROR", "false"),
        ("status=401", 502, "UPSTREAM_ERROR", ""),
        ("status=403", 502, "UPSTREAM_ERROR", ""),
        ("status=404", 502, "UPSTREAM_ERROR", ""),
        ("quota", 502, "UPSTREAM_ERROR", ""),
        ("status=429 retry-after=30", 429, "UPSTREAM_ERROR", "true"),
        ("cut", 502, "UPSTREAM_ERROR", "false"),
        ("empty", 502, "UPSTREAM_ERROR", "false"),
    ] {
        let reply: Reply = gateway.generate(body("openai/gpt-image-1.5", &[fault])).await;
        let error = reply.error(status, code);
        assert_eq!(error["type"], "upstream_error", "{fault}");
        assert_eq!(reply.header("x-should-retry"), retry, "{fault}");
        assert!(
            of_error(&error).iter().all(|(provider, ..)| provider == "openai"),
            "{fault}"
        );
        assert_eq!(
            reply.header("retry-after"),
            if status == 429 { "30" } else { "" },
            "{fault}"
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_never_answers_is_given_up_at_the_deadline() {
    let gateway = TestGateway::with(|settings| settings.limits.generation_deadline_s = 1).await;
    let reply = gateway.generate(body("gpt-image-1.5", &["provider=openai hang"])).await;
    let error = reply.error(504, "UPSTREAM_TIMEOUT");
    assert_eq!(
        of_error(&error),
        expected(&[("openai", "timed_out", "unknown")]),
        "no time is left for another"
    );
    assert_eq!(reply.header("x-should-retry"), "false");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_costs_nothing() {
    let gateway = TestGateway::with(|settings| {
        let openai = settings.providers.get_mut("openai").expect("OpenAI is set up");
        // Port 9 on loopback: nobody listens, so the connection is refused at once.
        openai.base_url = Some("http://127.0.0.1:9/v1".to_owned());
    })
    .await;
    let answer = gateway.generate(body("gpt-image-1.5", &[])).await.ok();
    let told = attempts(&answer["metadata"]["attempts"]);
    let refused = ("openai", "unreachable", "no");
    assert_eq!(
        told,
        expected(&[refused, refused, refused, ("fal", "ok", "yes")]),
        "twice more, then the next"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_pays_for_what_is_delivered_only() {
    let gateway = TestGateway::start().await;
    // The first provider does the work and charges for it, but its answer is lost.
    let reply = gateway
        .generate(body("gpt-image-1.5", &["provider=openai garbage"]))
        .await;
    let cost = micros(&reply.ok()["metadata"]["cost"]);
    let bill = gateway.bill().await;
    let of = |provider: &str| bill.iter().filter(|entry| entry["provider"] == provider).count();
    assert_eq!((of("openai"), of("fal")), (1, 1), "both charged the gateway");
    let fal = bill
        .iter()
        .find(|entry| entry["provider"] == "fal")
        .expect("fal's charge");
    let total: i64 = bill.iter().filter_map(|entry| entry["micros"].as_i64()).sum();
    assert!(
        cost >= fal["micros"].as_i64().expect("an amount") && cost < total,
        "{cost} of {total}"
    );
    gateway.finish().await;
}
