//! `Prefer: respond-async`: a request whose caller does not wait.

use super::super::harness::{GENERATIONS, Reply, TestGateway, info, send, with};
use super::{REPLAYED, bare, bill_by, body, image_behind, keyed};
use gateway::db::accounts::Billing;
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn left_alone(request: RequestBuilder) -> RequestBuilder {
    request.header("prefer", "wait=1, respond-async")
}

/// Checks a 202 and gives the id that it tells.
fn accepted(reply: &Reply) -> String {
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text());
    let body = reply.json();
    let id = body["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/requests/{id}");
    assert_eq!(
        body,
        json!({ "id": id, "object": "request", "status": "processing", "url": path })
    );
    assert_eq!(
        (reply.header("location"), reply.header("preference-applied")),
        (path.as_str(), "respond-async")
    );
    id
}

/// Asks for a request until it has ended.
async fn ended(gateway: &TestGateway, id: &str) -> Value {
    let ended = async {
        loop {
            let found = gateway.recorded(id).await;
            if found["status"] != "processing" {
                return found;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), ended)
        .await
        .expect("it ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_wait_is_told_where_to_look() {
    let gateway = TestGateway::start().await;
    for format in ["url", "b64_json"] {
        let body = with(
            body("dunes [[fault: delay=300ms]]"),
            json!({ "response_format": format }),
        );
        let reply = send(left_alone(gateway.request(Method::POST, GENERATIONS).json(&body))).await;
        let id = accepted(&reply);
        assert_eq!(reply.id(), id);
        let found = ended(&gateway, &id).await;
        assert_eq!(found["status"], "completed");
        let image = send(
            gateway
                .client
                .get(found["result"]["data"][0]["url"].as_str().expect("a link")),
        )
        .await;
        assert_eq!(info(&image.body).format, ImageFormat::Jpeg, "{format}");
    }
    // How it failed stands there as well.
    let broken = body("dunes [[fault: cut]]");
    let reply = send(left_alone(gateway.request(Method::POST, GENERATIONS).json(&broken))).await;
    let found = ended(&gateway, &accepted(&reply)).await;
    assert_eq!(
        (&found["status"], &found["error_code"]),
        (&json!("upstream_failure"), &json!("UPSTREAM_ERROR"))
    );
    assert_eq!(found["attempts"][0]["spent"], "unknown");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_at_once_to_those_who_do_not_wait() {
    let gateway = TestGateway::start().await;
    let ask = async |body: &Value| send(left_alone(gateway.request(Method::POST, GENERATIONS).json(body))).await;
    ask(&with(body("dunes"), json!({ "n": 11 }))).await.fault("n");
    ask(&with(body("dunes"), json!({ "model": "nothing-like-it" })))
        .await
        .error(404, "MODEL_NOT_FOUND");
    bill_by(&gateway, Billing::Prepaid).await;
    let refused = ask(&body("dunes")).await;
    refused.error(402, "INSUFFICIENT_BALANCE");
    assert_eq!(refused.header("x-should-retry"), "false");
    bill_by(&gateway, Billing::Postpaid).await;
    assert!(gateway.upstream_calls().await.is_empty());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_one_who_does_not_wait_leads_to_the_same_request() {
    let gateway = TestGateway::start().await;
    let body = body("dunes [[fault: delay=500ms]]");
    let first = send(left_alone(keyed(&gateway, "job-1", &body))).await;
    let id = accepted(&first);
    let again = send(left_alone(keyed(&gateway, "job-1", &body))).await;
    assert_eq!((accepted(&again), again.header(REPLAYED)), (id.clone(), "true"));
    // Who waits now gets the answer.
    let waited = send(keyed(&gateway, "job-1", &body)).await;
    assert_eq!(
        (waited.ok()["id"].as_str(), waited.header(REPLAYED)),
        (Some(id.as_str()), "true")
    );
    image_behind(&gateway, &waited).await;
    let after = send(left_alone(keyed(&gateway, "job-1", &body))).await;
    assert_eq!(
        (accepted(&after), bare(&after)),
        (id, bare(&first)),
        "a replay is what the first answer was"
    );
    send(left_alone(keyed(
        &gateway,
        "job-1",
        &with(body.clone(), json!({ "n": 2 })),
    )))
    .await
    .error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(gateway.upstream_calls().await.len(), 1);
    gateway.finish().await;
}
