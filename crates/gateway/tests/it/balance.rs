//! `GET /v1/balance`, and whether the process says that it is well.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::hang_up::until_upstream_is_called;
use super::harness::{GENERATIONS, TestGateway, send};

fn balance_of(billing_type: &str, available: Value, held: f64) -> Value {
    json!({
        "object": "balance", "billing_type": billing_type,
        // A key without a budget may spend what its account may.
        "available": { "amount": available, "currency": "usd" }, "left": { "amount": available, "currency": "usd" },
        "held": { "amount": held, "currency": "usd" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postpaid_account_has_no_amount() {
    let gateway = TestGateway::start().await;
    assert_eq!(
        gateway.get("/v1/balance").await.ok(),
        balance_of("postpaid", Value::Null, 0.0)
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_under_way_may_cost_is_held_and_what_it_cost_is_gone() {
    let gateway = TestGateway::start().await;
    let post = async |path: &str, body: Value| {
        let reply = send(gateway.request(Method::POST, path).json(&body)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        reply.json()
    };
    post("/v1/accounts", json!({ "id": "team", "billing_type": "prepaid" })).await;
    post(
        "/v1/accounts/team/postings",
        json!({ "kind": "top_up", "amount_usd": 0.1 }),
    )
    .await;
    let key = post("/v1/keys", json!({ "account_id": "team" })).await["key"]
        .as_str()
        .expect("a secret")
        .to_owned();
    let balance = async || {
        let request = gateway.anonymous(Method::GET, "/v1/balance").bearer_auth(&key);
        send(request).await.ok()
    };
    assert_eq!(balance().await, balance_of("prepaid", json!(0.1), 0.0));
    // A flat price of $0.02, and time to look before it is charged.
    let body = json!({ "model": "xai/grok-imagine-image", "prompt": "dunes [[fault: delay=1s]]", "size": "1024x1024" });
    let call = async {
        let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&key);
        send(request.json(&body)).await.ok()
    };
    let look = async {
        until_upstream_is_called(&gateway, 1).await;
        assert_eq!(balance().await, balance_of("prepaid", json!(0.08), 0.02));
    };
    tokio::join!(call, look);
    assert_eq!(balance().await, balance_of("prepaid", json!(0.08), 0.0));
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
