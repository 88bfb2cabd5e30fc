//! Clients that cannot be changed: pages in browsers, Azure's SDKs, programs with a path of their own, and proxies that cut
//! what takes long.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Reply, TestGateway, send, until};

const ORIGIN: &str = "https://app.example";

fn cheap() -> Value {
    json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" })
}

fn from_page(request: RequestBuilder) -> RequestBuilder {
    request.header("origin", ORIGIN)
}

async fn preflight(gateway: &TestGateway, path: &str) -> Reply {
    let request = from_page(gateway.anonymous(Method::OPTIONS, path));
    let request = request.header("access-control-request-method", "POST");
    send(request.header("access-control-request-headers", "authorization,x-stainless-os")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_named_origins_may_call_the_api() {
    let gateway = TestGateway::embedded_with(|settings| settings.cors_origins = vec![ORIGIN.to_owned()]).await;
    let reply = preflight(&gateway, GENERATIONS).await;
    assert!(reply.status.is_success());
    assert_eq!(reply.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(
        reply.header("access-control-allow-headers"),
        "authorization,x-stainless-os"
    );
    let post = || from_page(gateway.request(Method::POST, GENERATIONS));
    for request in [
        post().json(&cheap()),
        post().json(&json!({})),
        from_page(gateway.anonymous(Method::POST, GENERATIONS)).json(&cheap()),
        from_page(gateway.request(Method::GET, "/v1/nothing")),
    ] {
        let reply = send(request).await;
        assert_eq!(reply.header("access-control-allow-origin"), ORIGIN, "{}", reply.status);
        assert!(reply.header("access-control-expose-headers").contains("x-pictor-cost"));
    }
    let other = send(post().header("origin", "https://other.example").json(&cheap())).await;
    assert_ne!(
        other
            .headers
            .get("access-control-allow-credentials")
            .map(|value| value.as_bytes()),
        Some(&b"true"[..])
    );
    let site = send(from_page(gateway.anonymous(Method::GET, "/healthz"))).await;
    assert!(
        !site.headers.contains_key("access-control-allow-origin"),
        "the API alone"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_no_page_may() {
    let gateway = TestGateway::embedded().await;
    let reply = preflight(&gateway, GENERATIONS).await;
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azures_header_and_paths_lead_to_the_model() {
    let gateway = TestGateway::embedded_with(|settings| settings.api_aliases = vec!["/proxy/openai".to_owned()]).await;
    let body = json!({ "prompt": "dunes", "size": "64x64" });
    let path = "/openai/deployments/mock-image/images/generations";
    let request = gateway.anonymous(Method::POST, path).header("api-key", &gateway.key);
    let answer = send(request.json(&body)).await.ok();
    assert_eq!(answer["metadata"]["model"], "mock-image");
    let wrong = gateway.anonymous(Method::POST, path).header("api-key", "pk_a.b");
    send(wrong.json(&body)).await.error(401, "AUTHENTICATION_FAILED");
    send(
        gateway
            .request(Method::POST, "/proxy/openai/images/generations")
            .json(&cheap()),
    )
    .await
    .ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_some_seconds_is_told_where_the_answer_will_be() {
    let gateway = TestGateway::start().await;
    let slow = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" });
    gateway
        .fault(json!({ "provider": "fal", "fault": "delay=1500ms", "times": 1 }))
        .await;
    let request = gateway.request(Method::POST, GENERATIONS).header("prefer", "wait=0");
    let reply = send(request.json(&slow)).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("preference-applied")),
        (202, "wait=0")
    );
    let path = reply.header("location").to_owned();
    let result = until("the image is there", async || {
        let found = gateway.get(&path).await.ok();
        (found["status"] == "completed").then(|| found["result"].clone())
    })
    .await;
    assert!(result["data"][0]["url"].is_string() && result["data"][0]["b64_json"].is_null());
    let quick = gateway.request(Method::POST, GENERATIONS).header("prefer", "wait=60");
    let reply = send(quick.json(&cheap())).await;
    let answer = reply.ok();
    assert_eq!(reply.header("x-litellm-response-cost"), reply.header("x-pictor-cost"));
    assert!(answer["data"][0]["url"].is_string());
    let told = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "async": true }))
        .await;
    assert_eq!(told.status.as_u16(), 202);
    let path = told.header("location").to_owned();
    until("the other one too", async || {
        (gateway.get(&path).await.ok()["status"] == "completed").then_some(())
    })
    .await;
    gateway.finish().await;
}
