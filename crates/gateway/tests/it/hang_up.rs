//! Callers who hang up: what they paid for is made, kept and found again.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, info, send, try_send};

/// Far longer than a picture takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until the providers have got `count` calls.
pub(crate) async fn until_upstream_is_called(gateway: &TestGateway, count: usize) {
    let called = async { while gateway.upstream_calls().await.len() < count {} };
    tokio::time::timeout(PATIENCE, called)
        .await
        .expect("the gateway calls a provider");
}

/// Asks for a request by the caller's own id until it is done, has an image, and tells its times, which are written last.
pub(crate) async fn until_kept(gateway: &TestGateway, id: &str) -> Value {
    let mut found = Value::Null;
    let kept = async {
        loop {
            let reply = gateway.get(&format!("/v1/requests/{id}")).await;
            if reply.status == StatusCode::OK {
                found = reply.json();
            }
            let has_image = found["result"]["data"].as_array().is_some_and(|data| !data.is_empty());
            let is_timed = found["timings"].as_array().is_some_and(|stages| !stages.is_empty());
            if has_image && is_timed && found["status"] == "completed" {
                return;
            }
        }
    };
    if tokio::time::timeout(PATIENCE, kept).await.is_err() {
        panic!("the image is not kept: {found}");
    }
    found
}

async fn hangs_up(fields: Value, id: &str) {
    let gateway = TestGateway::start().await;
    let mut body =
        json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=300ms]]", "quality": "low" });
    body.as_object_mut()
        .expect("an object")
        .extend(fields.as_object().cloned().expect("an object"));
    let request = gateway
        .request(Method::POST, GENERATIONS)
        .header("x-request-id", id)
        .json(&body);
    let caller = tokio::spawn(try_send(request));
    until_upstream_is_called(&gateway, 1).await;
    caller.abort();
    assert!(
        caller.await.is_err_and(|error| error.is_cancelled()),
        "the caller is gone before the answer"
    );

    let found = until_kept(&gateway, id).await;
    assert_eq!(found["client_request_id"], id);
    assert!(
        found["cost"].as_f64().is_some_and(|cost| cost > 0.0),
        "it was made and is paid for"
    );
    let image = send(
        gateway
            .client
            .get(found["result"]["data"][0]["url"].as_str().expect("a link")),
    )
    .await;
    assert_eq!(image.status, StatusCode::OK);
    assert_eq!(info(&image.body).width_px, 1024);
    assert_eq!(gateway.bill().await.len(), 1, "it was made once");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_wanted_a_link_finds_it_later() {
    hangs_up(json!({ "response_format": "url" }), "gone-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_wanted_bytes_finds_a_link_later() {
    hangs_up(json!({ "response_format": "b64_json" }), "gone-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_listened_to_events_finds_a_link_later() {
    hangs_up(json!({ "stream": true }), "gone-3").await;
}
