//! Circuits of offers: failures that open them, probes that close them, and rests that are asked for.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::harness::{TestGateway, with};
use super::{asked, body, expected, faulty, planned, served, tried};

/// What is known of one offer, if it was tried.
async fn health(gateway: &TestGateway, provider: &str, native_model: &str) -> Option<Value> {
    let all = gateway.get("/v1/health/providers").await.ok();
    let providers = all["data"].as_array().expect("a list");
    let own = providers.iter().find(|one| one["id"] == provider).expect("a provider");
    let mut offers = own["offers"].as_array().expect("offers").iter();
    offers.find(|offer| offer["native_model"] == native_model).cloned()
}

async fn openai(gateway: &TestGateway) -> Value {
    health(gateway, "openai", "gpt-image-1.5").await.expect("it was tried")
}

/// Calls of OpenAI alone that fail, each of them one attempt.
async fn fail_at_openai(gateway: &TestGateway, calls: usize) {
    for _ in 0..calls {
        let reply = gateway
            .generate(faulty("openai/gpt-image-1.5", "[[fault: status=500]]"))
            .await;
        let error = reply.error(502, "UPSTREAM_ERROR");
        assert_eq!(tried(&error), expected(&[("openai", "server_error")]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_a_row_open_a_circuit_and_a_probe_closes_it() {
    let gateway = TestGateway::start().await;
    fail_at_openai(&gateway, 3).await;
    assert_eq!(
        served(&gateway, body(json!({}))).await,
        expected(&[("openai", "ok")]),
        "three are no outage"
    );
    fail_at_openai(&gateway, 3).await;
    assert_eq!(openai(&gateway).await["state"], "closed", "a success came between");
    fail_at_openai(&gateway, 1).await;
    let known = openai(&gateway).await;
    let until = gateway.clock.now() + jiff::SignedDuration::from_secs(10);
    for (name, value) in [
        ("state", json!("open")),
        ("healthy", json!(false)),
        ("until", json!(until.to_string())),
        ("cause", json!("server_error")),
        ("samples", json!(8)),
        ("success_rate", json!(0.125)),
    ] {
        assert_eq!(known[name], value, "{name}");
    }
    assert_eq!(served(&gateway, body(json!({}))).await, expected(&[("fal", "ok")]));
    let explanation = asked(&gateway, "explain", &body(json!({}))).await;
    let last = &explanation["offers"][2];
    assert_eq!(
        (&last["provider"], &last["health"]["state"]),
        (&json!("openai"), &json!("open"))
    );
    let reason = last["reason"].as_str().expect("a reason");
    assert!(reason.contains("failed too often and is given up until"), "{reason}");
    // Other models of the provider have circuits of their own.
    let other = with(
        body(json!({})),
        json!({ "model": "gpt-image-1-mini", "route": { "only": ["openai"] } }),
    );
    assert_eq!(served(&gateway, other).await, expected(&[("openai", "ok")]));

    gateway.clock.advance_s(9);
    assert_eq!(served(&gateway, body(json!({}))).await, expected(&[("fal", "ok")]));
    gateway.clock.advance_s(1);
    assert_eq!(openai(&gateway).await["state"], "half_open");
    assert_eq!(
        served(&gateway, body(json!({}))).await,
        expected(&[("openai", "ok")]),
        "the probe"
    );
    let known = openai(&gateway).await;
    assert_eq!((&known["state"], &known["cause"]), (&json!("closed"), &Value::Null));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fails_opens_the_circuit_for_longer() {
    let gateway = TestGateway::start().await;
    fail_at_openai(&gateway, 4).await;
    gateway.clock.advance_s(10);
    let probed = faulty("gpt-image-1.5", "[[fault: provider=openai status=500]]");
    let order = expected(&[("openai", "server_error"), ("fal", "ok")]);
    assert_eq!(served(&gateway, probed).await, order);
    gateway.clock.advance_s(19);
    assert_eq!(openai(&gateway).await["state"], "open");
    assert_eq!(served(&gateway, body(json!({}))).await, expected(&[("fal", "ok")]));
    gateway.clock.advance_s(1);
    assert_eq!(served(&gateway, body(json!({}))).await, expected(&[("openai", "ok")]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unhealthy_offers_are_tried_last_and_never_left_out() {
    let gateway = TestGateway::start().await;
    fail_at_openai(&gateway, 4).await;
    let outage = faulty(
        "gpt-image-1.5",
        "[[fault: provider=fal status=401]] [[fault: provider=replicate status=401]]",
    );
    let order = expected(&[
        ("fal", "bad_credential"),
        ("replicate", "bad_credential"),
        ("openai", "ok"),
    ]);
    assert_eq!(served(&gateway, outage).await, order);
    assert_eq!(
        openai(&gateway).await["state"],
        "closed",
        "it works again, though nobody waited for its probe"
    );
    // What no other try repairs is out for a quarter of an hour.
    assert_eq!(planned(&gateway, &body(json!({}))).await[0], "openai");
    let refused = health(&gateway, "fal", "fal-ai/gpt-image-1.5")
        .await
        .expect("it was tried");
    assert_eq!(
        (&refused["state"], &refused["cause"]),
        (&json!("open"), &json!("bad_credential"))
    );
    let until = gateway.clock.now() + jiff::SignedDuration::from_secs(900);
    assert_eq!(refused["until"], until.to_string());
    // The caller who wants nobody else gets it all the same.
    assert_eq!(
        served(&gateway, faulty("fal/gpt-image-1.5", "")).await,
        expected(&[("fal", "ok")])
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_be_left_alone_is() {
    let gateway = TestGateway::start().await;
    let limited = faulty("gpt-image-1.5", "[[fault: provider=openai status=429 retry-after=30]]");
    let order = expected(&[("openai", "rate_limited"), ("fal", "ok")]);
    assert_eq!(served(&gateway, limited).await, order);
    let known = openai(&gateway).await;
    let until = gateway.clock.now() + jiff::SignedDuration::from_secs(30);
    assert_eq!((&known["state"], &known["healthy"]), (&json!("closed"), &json!(false)));
    assert_eq!(known["resting_until"], until.to_string());
    assert_eq!(served(&gateway, body(json!({}))).await, expected(&[("fal", "ok")]));
    gateway.clock.advance_s(30);
    assert_eq!(served(&gateway, body(json!({}))).await, expected(&[("openai", "ok")]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_faults_and_safety_blocks_open_no_circuit() {
    let gateway = TestGateway::start().await;
    for switches in ["[[fault: moderation]]", "[[fault: status=400]]"] {
        for _ in 0..5 {
            let reply = gateway.generate(faulty("openai/gpt-image-1.5", switches)).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text());
        }
    }
    let known = openai(&gateway).await;
    assert_eq!((&known["state"], &known["samples"]), (&json!("closed"), &json!(0)));
    assert_eq!(known["success_rate"], Value::Null);
    gateway.finish().await;
}
