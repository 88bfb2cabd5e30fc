//! `GET /v1/balance`, and whether the process says that it is well.

use reqwest::Method;
use serde_json::json;

use super::harness::{TestGateway, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_postpaid_account_has_no_amount() {
    let gateway = TestGateway::start().await;
    let balance = gateway.get("/v1/balance").await.ok();
    let expected =
        json!({ "object": "balance", "billing_type": "postpaid", "available": { "amount": null, "currency": "usd" } });
    assert_eq!(balance, expected);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_gateway_says_so_to_anybody() {
    let gateway = TestGateway::start().await;
    assert_eq!(
        send(gateway.anonymous(Method::GET, "/healthz")).await.ok(),
        json!({ "status": "ok" })
    );
    let ready = send(gateway.anonymous(Method::GET, "/readyz")).await.ok();
    assert_eq!(ready, json!({ "status": "ready", "database": true, "stopping": false }));
    gateway.finish().await;
}
