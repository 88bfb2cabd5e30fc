//! Stopping: what is under way is finished first.

use gateway::db::generations::Status;
use reqwest::Method;
use serde_json::json;

use super::hang_up::until_upstream_is_called;
use super::harness::{GENERATIONS, TestGateway, send, try_send};

fn slow() -> serde_json::Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=400ms]]", "quality": "low", "response_format": "b64_json" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_generation_is_answered_before_the_gateway_stops() {
    let mut gateway = TestGateway::start().await;
    let caller = tokio::spawn(send(gateway.request(Method::POST, GENERATIONS).json(&slow())));
    until_upstream_is_called(&gateway, 1).await;
    gateway.take_running().shutdown().await;
    // Had it not waited, the connection would have been cut.
    let answer = caller.await.expect("the caller got an answer").ok();
    gateway.image(&answer, 0).await;
    let refused = try_send(gateway.anonymous(Method::GET, "/healthz")).await;
    assert!(
        refused.is_err_and(|error| error.is_connect()),
        "nobody listens any more"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_whose_caller_has_gone_is_finished_too() {
    let mut gateway = TestGateway::start().await;
    let request = gateway
        .request(Method::POST, GENERATIONS)
        .header("x-request-id", "gone")
        .json(&slow());
    let caller = tokio::spawn(try_send(request));
    until_upstream_is_called(&gateway, 1).await;
    caller.abort();
    gateway.take_running().shutdown().await;
    let filter = gateway::db::generations::Filter::of("client_request_id", "gone");
    let rows = gateway
        .database
        .generations(gateway::db::DEFAULT_ACCOUNT, &filter, 2)
        .await
        .expect("the database answers");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].status, Status::Completed);
    let media = gateway
        .database
        .media_of(&rows[0].start.id)
        .await
        .expect("the database answers");
    assert_eq!(media.len(), 1, "the image was kept for its caller");
    gateway.finish().await;
}
