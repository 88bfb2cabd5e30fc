//! What happened can be told: where a request went and why, who paid, what providers said, where the time went.

use std::collections::BTreeSet;

use gateway::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, log_lines, send, until};

/// What the first provider says when it fails.
const FAILS: &str = "[[fault: provider=openai status=503]]";

fn failing_over() -> Value {
    json!({ "model": "gpt-image-1.5", "prompt": format!("dunes {FAILS}"), "quality": "low", "size": "1024x1024" })
}

/// The request with all its timings: the last are written just after the answer.
async fn recorded(gateway: &TestGateway, id: &str) -> Value {
    until("the timings", async || {
        let request = gateway.recorded(id).await;
        (request["timings"] != json!([])).then_some(request)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_over_request_is_told_in_words() {
    let gateway = TestGateway::start().await;
    let done = gateway.generate(failing_over()).await;
    let metadata = done.ok()["metadata"].clone();
    let request = recorded(&gateway, &done.id()).await;
    let story = gateway.pictor(&["requests", &done.id(), "--key", &gateway.key]).await;
    let story = story.ok();
    let attempts = request["attempts"].as_array().expect("a list");
    let served = metadata["provider"].as_str().expect("a provider");
    let failed = &attempts[0];
    // Where it was to go and why, in the order of the plan.
    for (index, candidate) in request["plan"].as_array().expect("a list").iter().enumerate() {
        let line = format!(
            "{}. {} ({}): {}",
            index + 1,
            candidate["provider"].as_str().expect("a provider"),
            candidate["native_model"].as_str().expect("a model"),
            candidate["reason"].as_str().expect("a reason")
        );
        assert!(story.contains(&line), "{line} in {story}");
    }
    // What happened there, and what was said.
    assert!(story.contains("1. openai failed after"), "{story}");
    assert!(
        story.contains("server_error (HTTP 503); whether it was spent is not known"),
        "{story}"
    );
    let said = failed["excerpt"].as_str().expect("the operator sees it");
    assert!(story.contains(&format!("it said: {said}")), "{story}");
    let message = failed["message"].as_str().expect("what it means");
    assert!(story.contains(message), "{story}");
    assert!(
        story.contains(&format!("{}. {served} succeeded after", attempts.len())),
        "{story}"
    );
    // Who paid, and how much.
    let cost = metadata["cost"].as_f64().expect("a cost");
    let key_id = request["key_id"].as_str().expect("a key");
    let paid = format!("account 'default', by its API key {key_id}: ${cost}");
    assert!(story.contains(&paid), "{paid} in {story}");
    // Where the time went.
    for stage in ["receive", "parse", "plan", "hold", "convert", "store", "settle"] {
        assert!(
            story.lines().any(|line| line.trim().starts_with(&format!("{stage} "))),
            "{stage} in {story}"
        );
    }
    assert!(story.contains("attempt 1 openai") && story.contains(&format!("attempt {} {served}", attempts.len())));
    let as_json = gateway
        .pictor(&["requests", &done.id(), "--json", "--key", &gateway.key])
        .await;
    let shown: Value = serde_json::from_str(as_json.ok()).expect("JSON");
    assert_eq!(shown["attempts"], request["attempts"]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_timed_in_the_order_of_a_requests_life() {
    let gateway = TestGateway::start().await;
    let done = gateway.generate(failing_over()).await;
    done.ok();
    let request = recorded(&gateway, &done.id()).await;
    let timings = request["timings"].as_array().expect("a list");
    let stages: Vec<&str> = timings
        .iter()
        .map(|timing| timing["stage"].as_str().expect("a name"))
        .collect();
    let attempts = request["attempts"].as_array().expect("a list").len();
    let mut expected = vec!["receive", "parse", "plan", "hold"];
    expected.extend(vec!["attempt"; attempts]);
    expected.extend(["convert", "store", "settle"]);
    assert_eq!(stages, expected);
    let places: Vec<u64> = timings.iter().filter_map(|timing| timing["attempt"].as_u64()).collect();
    assert_eq!(places, (0..attempts as u64).collect::<Vec<_>>());
    let number = |timing: &Value, name: &str| timing[name].as_f64().expect("milliseconds");
    for pair in timings.windows(2) {
        let ended = number(&pair[0], "started_ms") + number(&pair[0], "duration_ms");
        assert!(
            number(&pair[1], "started_ms") + 0.002 >= ended,
            "one after the other: {pair:?}"
        );
    }
    let refused = gateway
        .generate(json!({ "model": "gpt-image-1.5", "prompt": "dunes", "n": 0 }))
        .await;
    refused.error(400, "INVALID_REQUEST");
    let request = recorded(&gateway, &refused.id()).await;
    let stages = request["timings"].as_array().expect("a list").iter();
    let stages: Vec<&str> = stages.map(|timing| timing["stage"].as_str().expect("a name")).collect();
    assert_eq!(stages, ["receive", "parse", "plan"]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_sees_a_providers_own_words() {
    let gateway = TestGateway::start().await;
    let done = gateway.generate(failing_over()).await;
    done.ok();
    let reader = gateway.new_key(&[Scope::Read], None).await.token;
    let path = format!("/v1/requests/{}", done.id());
    let seen = send(gateway.anonymous(Method::GET, &path).bearer_auth(reader))
        .await
        .ok();
    assert!(seen["attempts"][0]["message"].is_string());
    assert_eq!(seen["attempts"][0].get("excerpt"), None);
    assert!(gateway.recorded(&done.id()).await["attempts"][0]["excerpt"].is_string());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_about_a_request_has_its_id() {
    let gateway = TestGateway::start().await;
    let mark = "every-line-has-it";
    let request = gateway
        .request(Method::POST, GENERATIONS)
        .header("idempotency-key", mark)
        .json(&failing_over());
    let done = send(request).await;
    done.ok();
    until("the last line", async || {
        let lines = log_lines(&done.id());
        lines
            .iter()
            .any(|line| line.contains("\"message\":\"request\""))
            .then_some(())
    })
    .await;
    let lines: Vec<Value> = log_lines(&done.id())
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let told: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["fields"]["message"].as_str())
        .collect();
    for message in ["an attempt failed", "what the provider said", "request"] {
        assert!(told.contains(message), "{message} in {told:?}");
    }
    let failed = lines
        .iter()
        .find(|line| line["fields"]["message"] == "an attempt failed");
    let failed = failed.expect("it was told");
    assert_eq!(failed["level"], "INFO");
    assert_eq!(failed["fields"]["error.code"], "server_error");
    let spans = failed["spans"].as_array().expect("spans");
    assert_eq!(
        (&spans[0]["name"], &spans[0]["request.id"]),
        (&json!("request"), &json!(done.id()))
    );
    assert_eq!(spans.last().expect("one")["provider.id"], "openai");
    let said = lines
        .iter()
        .find(|line| line["fields"]["message"] == "what the provider said");
    assert_eq!(said.expect("it was told")["level"], "DEBUG");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_the_gateway_leaves_no_lines_and_strangers_leave_their_address() {
    let gateway = TestGateway::start().await;
    for path in ["/healthz", "/readyz"] {
        let reply = send(gateway.anonymous(Method::GET, path)).await;
        for line in log_lines(&reply.id()) {
            assert!(!line.contains("\"INFO\""), "{line}");
        }
    }
    let stranger = send(gateway.anonymous(Method::GET, "/v1/balance")).await;
    stranger.error(401, "AUTHENTICATION_FAILED");
    let lines = log_lines(&stranger.id());
    assert!(
        lines
            .iter()
            .any(|line| line.contains("\"client.address\":\"127.0.0.1\"")),
        "{lines:?}"
    );
    let known = gateway.get("/v1/balance").await;
    assert!(
        log_lines(&known.id())
            .iter()
            .all(|line| !line.contains("client.address"))
    );
    gateway.finish().await;
}
