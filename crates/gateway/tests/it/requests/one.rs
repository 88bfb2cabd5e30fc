//! One request: what it tells, by which ids it is found, and its links.

use super::super::harness::{GENERATIONS, TestGateway, micros, names, send};
use super::{FIELDS, ids};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_tells_what_was_asked_and_what_came_of_it() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "size": "1100x1100", "quality": "low", "user": "somebody" });
    let request = gateway.request(Method::POST, GENERATIONS).json(&body);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = request
        .header("x-request-id", "mine-1")
        .header("x-session-id", "session-1")
        .header("traceparent", trace);
    let reply = send(request).await;
    let answer = reply.ok();
    assert_ne!(reply.id(), "mine-1", "the answer carries Pictor's own id");
    let one = gateway.recorded(&reply.id()).await;
    let mut fields = FIELDS.to_vec();
    fields.extend([
        "account_id",
        "adjustments",
        "attempts",
        "cost_basis",
        "cost_components",
        "estimate",
        "plan",
        "provider",
        "result",
        "timings",
    ]);
    fields.sort_unstable();
    assert_eq!(names(&one), fields);
    for (name, value) in [
        ("object", json!("request")),
        ("status", json!("completed")),
        ("model", json!("gpt-image-1-mini")),
        ("modality", json!("image")),
        ("endpoint", json!("/openai/v1/images/generations")),
        ("currency", json!("usd")),
        ("client_request_id", json!("mine-1")),
        ("session_id", json!("session-1")),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("user", json!("somebody")),
        ("provider", json!("openai")),
        ("error_code", Value::Null),
        ("error_message", Value::Null),
        ("cost", answer["metadata"]["cost"].clone()),
        ("cost_basis", json!("usage")),
        ("adjustments", answer["metadata"]["adjustments"].clone()),
        ("request_size_bytes", json!(body.to_string().len())),
        ("response_size_bytes", answer["metadata"]["images"][0]["bytes"].clone()),
        ("created_at", json!(gateway.clock.now().to_string())),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    assert!(one["estimate"].as_f64() >= one["cost"].as_f64());
    let components = one["cost_components"].as_array().expect("a list");
    assert!(
        !components.is_empty() && components.iter().all(|line| line["total_cost"].is_i64()),
        "{components:?}"
    );
    let attempt = [
        "code",
        "cost",
        "duration_ms",
        "excerpt",
        "http_status",
        "message",
        "model",
        "outcome",
        "provider",
        "spent",
        "started_at",
        "upstream_id",
    ];
    assert_eq!(names(&one["attempts"][0]), attempt);
    assert_eq!(one["attempts"][0]["cost"], one["cost"]);
    assert!(one["attempts"][0]["upstream_id"].is_string() || one["attempts"][0]["upstream_id"].is_null());
    let listed = gateway.get("/v1/requests").await.ok();
    assert_eq!(names(&listed["data"][0]), FIELDS);
    assert!(!one.to_string().contains("dunes"), "prompts are not stored");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_part_of_a_charge_is_told_apart() {
    let gateway = TestGateway::with(|settings| settings.markup_percent = "10".parse().expect("a decimal")).await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "n": 3, "response_format": "b64_json" });
    let reply = gateway.generate(body).await;
    let cost = micros(&reply.ok()["metadata"]["cost"]);
    let one = gateway.recorded(&reply.id()).await;
    let markup = micros(&one["markup"]);
    assert_eq!(micros(&one["cost"]), cost);
    assert_eq!(
        cost - markup,
        gateway.billed_micros().await,
        "the rest is the provider's"
    );
    assert!(markup > 0);
    let usage = gateway.get("/v1/usage?group_by=provider").await.ok();
    assert_eq!(usage["data"][0]["cost_micros"], cost);
    assert_eq!(usage["totals"]["cost_micros"], cost);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_by_the_callers_own_id() {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" });
    let reply = send(
        gateway
            .request(Method::POST, GENERATIONS)
            .header("x-request-id", "job 7/a")
            .json(&body),
    )
    .await;
    let by_own = gateway.get("/v1/requests/job%207%2Fa").await.ok();
    assert_eq!(by_own["id"], reply.id());
    let listed = gateway.get("/v1/requests?client_request_id=job%207%2Fa").await.ok();
    assert_eq!(ids(&listed), [reply.id()]);
    for unknown in ["nothing", "req_000000000000000000000000000", "%ff", "%00"] {
        gateway
            .get(&format!("/v1/requests/{unknown}"))
            .await
            .error(404, "INVALID_REQUEST");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_a_request_are_fresh_while_its_images_live() {
    let gateway = TestGateway::embedded().await;
    let reply = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "n": 2 }))
        .await;
    let answer = reply.ok();
    gateway.clock.advance_s(1_800);
    let result = gateway.recorded(&reply.id()).await["result"].clone();
    let data = &result["data"];
    assert_eq!(data.as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&result["size"], &result["output_format"]),
        (&answer["size"], &answer["output_format"])
    );
    for (item, index) in data.as_array().expect("a list").iter().zip(0..) {
        assert_eq!(names(item), ["url"]);
        let told = &result["metadata"]["images"][index];
        assert_eq!(names(told), ["bytes", "output_format", "size"]);
        let image = send(gateway.client.get(item["url"].as_str().expect("a link"))).await;
        assert_eq!(image.status, StatusCode::OK);
        assert_eq!(
            image.body.to_vec(),
            gateway.image(&answer, index).await,
            "the same image"
        );
        assert_eq!(told["bytes"], image.body.len());
    }
    gateway.clock.advance_s(1_800);
    assert_eq!(
        gateway.recorded(&reply.id()).await["result"]["data"],
        json!([]),
        "they have ended"
    );
    gateway.finish().await;
}
