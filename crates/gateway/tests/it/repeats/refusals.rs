//! Keys that are none, and requests that cannot have one.

use super::super::harness::{GENERATIONS, TestGateway, send, with};
use super::{KEY, REPLAYED, body, is_replay, keyed};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn dry_runs_neither_take_a_key_nor_mind_it() {
    let gateway = TestGateway::start().await;
    let dry = async |prompt: &str| {
        let request = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
        let reply = send(request.header(KEY, "order-1").json(&body(prompt))).await;
        assert_eq!(reply.ok()["estimated"], true);
        assert_eq!(reply.header(REPLAYED), "");
    };
    dry("something else").await;
    let first = send(keyed(&gateway, "order-1", &body("dunes"))).await;
    assert_eq!(first.header(REPLAYED), "");
    first.ok();
    dry("dunes").await;
    dry("something else").await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_none_are_refused() {
    let gateway = TestGateway::start().await;
    let no_text = HeaderValue::from_bytes(b"caf\xe9").expect("a header");
    let keys = [HeaderValue::from_static(""), HeaderValue::from_static("  "), no_text];
    let long = HeaderValue::from_str(&"k".repeat(256)).expect("a header");
    for key in keys.into_iter().chain([long]) {
        let reply = send(
            gateway
                .request(Method::POST, GENERATIONS)
                .header(KEY, key)
                .json(&body("dunes")),
        )
        .await;
        let error = reply.error(400, "INVALID_REQUEST");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("Idempotency-Key")),
            "{error}"
        );
    }
    let longest = "k".repeat(255);
    let first = send(keyed(&gateway, &longest, &body("dunes"))).await;
    first.ok();
    is_replay(&first, &send(keyed(&gateway, &longest, &body("dunes"))).await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_cannot_have_a_key_nor_be_left_alone() {
    let gateway = TestGateway::start().await;
    let stream = with(body("dunes"), json!({ "stream": true }));
    send(keyed(&gateway, "order-1", &stream)).await.fault("stream");
    let left = gateway
        .request(Method::POST, GENERATIONS)
        .header("prefer", "respond-async");
    send(left.json(&stream)).await.fault("stream");
    assert!(gateway.upstream_calls().await.is_empty());
    send(keyed(&gateway, "order-1", &body("dunes"))).await.ok();
    gateway.finish().await;
}
