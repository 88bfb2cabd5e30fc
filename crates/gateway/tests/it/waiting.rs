//! `Prefer: wait=N` and requests that come again: who does not wait to the end is told where the answer will be.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Reply, TestGateway, send};

/// A request that its provider takes eight seconds for, longer than a busy machine takes to ask again. The answer holds no
/// link.
async fn slow(gateway: &TestGateway) -> Value {
    gateway
        .fault(json!({ "provider": "fal", "fault": "delay=8s", "times": 1 }))
        .await;
    json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512", "response_format": "b64_json" })
}

fn waiting(gateway: &TestGateway, wait: &str, body: &Value) -> RequestBuilder {
    let request = gateway.request(Method::POST, GENERATIONS);
    request.header("prefer", format!("wait={wait}")).json(body)
}

/// Checks a 202 and gives the place that it tells.
fn place(reply: &Reply) -> String {
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text());
    assert_eq!(reply.header("preference-applied"), "wait=0");
    reply.header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_waits_as_long_as_it_says_and_is_told_to_come_back() {
    let gateway = TestGateway::start().await;
    let body = slow(&gateway).await;
    let ask = |wait: &str| waiting(&gateway, wait, &body).header("idempotency-key", "order-1");
    let path = place(&send(ask("0")).await);
    let busy = send(ask("0")).await;
    let error = busy.error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(error["metadata"]["url"], path);
    assert!(
        busy.header("retry-after")
            .parse::<u64>()
            .is_ok_and(|seconds| seconds > 0)
    );
    assert_eq!(busy.header("x-should-retry"), "false");
    let later = send(ask("60")).await;
    assert_eq!(later.header("idempotent-replayed"), "true");
    gateway.image(&later.ok(), 0).await;
    assert_eq!(gateway.bill().await.len(), 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sdks_own_retry_is_the_same_call_going_on() {
    let gateway = TestGateway::start().await;
    let body = slow(&gateway).await;
    let ask = |wait: &str, count: &str| waiting(&gateway, wait, &body).header("x-stainless-retry-count", count);
    let path = place(&send(ask("0", "0")).await);
    assert_eq!(place(&send(ask("0", "1")).await), path);
    // The same counter once more would be another caller's retry.
    let later = send(ask("60", "2")).await;
    gateway.image(&later.ok(), 0).await;
    assert_eq!(gateway.bill().await.len(), 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_leave_before_the_end_is_refused_when_nothing_can_be_kept() {
    let gateway = TestGateway::embedded_with(|settings| settings.limits.media_bytes = 1).await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "b64_json" });
    // What is kept takes the room.
    let kept = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" });
    gateway.generate(kept).await.ok();
    gateway.generate(body.clone()).await.ok();
    let error = send(waiting(&gateway, "1", &body)).await.error(503, "OVERLOADED");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("media_bytes")),
        "{error}"
    );
    gateway.finish().await;
}
