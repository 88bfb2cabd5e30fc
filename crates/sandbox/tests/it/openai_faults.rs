//! Faults in OpenAI's own shapes.

use super::harness::{World, measure, send, try_send};
use imaging::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

fn body(prompt: &str) -> Value {
    json!({"model": "gpt-image-1", "prompt": prompt, "quality": "low"})
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let world = World::start().await;
    let reply = world.generate(body("x [[fault: status=429 retry-after=2.5]]")).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    let error = &reply.json()["error"];
    assert_eq!(error["code"], "rate_limit_exceeded");
    assert_eq!(error["type"], "input-images");
    assert_eq!(reply.header("retry-after"), "3");
    assert_eq!(reply.header("retry-after-ms"), "2500");
    assert_eq!(reply.header("x-ratelimit-remaining-input-images"), "0");
    assert_eq!(reply.header("x-ratelimit-reset-requests"), "3s");
    assert_eq!(world.bill("openai").await["entries"], json!([]));
}

#[tokio::test]
async fn statuses_come_in_the_providers_words() {
    let world = World::start().await;
    for (words, status, kind, code) in [
        ("quota", 429, "insufficient_quota", json!("insufficient_quota")),
        ("status=401", 401, "invalid_request_error", json!("invalid_api_key")),
        ("status=403", 403, "invalid_request_error", Value::Null),
        ("status=404", 404, "invalid_request_error", json!("model_not_found")),
        ("status=500", 500, "server_error", Value::Null),
        ("failed", 500, "server_error", Value::Null),
        ("status=413", 413, "invalid_request_error", Value::Null),
        ("nonsense", 400, "invalid_request_error", Value::Null),
    ] {
        let reply = world.generate(body(&format!("x [[fault: {words}]]"))).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        let error = &reply.json()["error"];
        assert_eq!(error["type"], kind, "{words}");
        assert_eq!(error["code"], code, "{words}");
    }
    for status in [502, 503, 520, 524] {
        let reply = world.generate(body(&format!("x [[fault: status={status}]]"))).await;
        assert_eq!(reply.status.as_u16(), status);
        assert!(reply.header("content-type").starts_with("text/html"));
        assert!(reply.text().contains("<html>"));
    }
}

#[tokio::test]
async fn moderation_tells_its_stage() {
    let world = World::start().await;
    for (words, stage) in [
        ("moderation", "input"),
        ("moderation stage=output", "output"),
        ("stage=output moderation", "output"),
    ] {
        let reply = world.generate(body(&format!("x [[fault: {words}]]"))).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        let error = &reply.json()["error"];
        assert_eq!(error["type"], "image_generation_user_error");
        assert_eq!(error["code"], "moderation_blocked");
        assert_eq!(error["moderation_details"]["moderation_stage"], stage);
        assert!(error["moderation_details"]["categories"].is_array());
    }
    assert_eq!(world.bill("openai").await["entries"], json!([]));
}

#[tokio::test]
async fn a_cut_answer_breaks_off_and_is_charged() {
    let world = World::start().await;
    let request = world.openai(Method::POST, "/images/generations");
    let response = request.json(&body("x [[fault: cut]]")).send().await;
    let mut response = response.expect("the head comes whole");
    assert_eq!(response.status(), StatusCode::OK);
    let promised = response.content_length().expect("a promised length");
    let mut received = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => received += chunk.len() as u64,
            Ok(None) => panic!("the body ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert!(received > 0 && received < promised, "{received} of {promised}: {error}");
    assert_eq!(world.bill("openai").await["total_micros"], 10_880 + 4 * 5);
}

#[tokio::test]
async fn garbage_is_no_json_and_empty_has_no_image() {
    let world = World::start().await;
    let garbage = world.generate(body("x [[fault: garbage]]")).await;
    assert_eq!(garbage.status, StatusCode::OK);
    assert!(serde_json::from_slice::<Value>(&garbage.body).is_err());
    let charged = world.bill("openai").await["entries"].as_array().map(Vec::len);
    assert_eq!(charged, Some(1));
    let empty = world.generate(body("x [[fault: empty]]")).await;
    assert_eq!(empty.status, StatusCode::OK);
    assert_eq!(empty.json()["data"], json!([]));
    let charged = world.bill("openai").await["entries"].as_array().map(Vec::len);
    assert_eq!(charged, Some(1));
}

#[tokio::test]
async fn a_hanging_answer_outlasts_the_client_and_is_charged() {
    let world = World::start().await;
    let request = world.openai(Method::POST, "/images/generations");
    let hanging = request.json(&body("x [[fault: hang]]"));
    // The charge is written when the work is done; the answer never comes.
    let charged = async {
        loop {
            if world.bill("openai").await["total_micros"] != 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        reply = hanging.send() => panic!("an answer came: {reply:?}"),
        () = charged => {}
    }
    let calls = world.calls("openai").await;
    assert_eq!(calls[0]["status"], Value::Null);
    let request = world.openai(Method::POST, "/images/generations");
    let impatient = request
        .json(&body("x [[fault: hang]]"))
        .timeout(Duration::from_millis(300));
    let error = try_send(impatient).await.expect_err("it hangs");
    assert!(error.is_timeout());
}

#[tokio::test]
async fn a_stalled_body_times_out() {
    let world = World::start().await;
    let request = world.openai(Method::POST, "/images/generations");
    let mut response = request
        .json(&body("x [[fault: stall]]"))
        .send()
        .await
        .expect("the head comes");
    let promised = response.content_length().expect("a promised length");
    let mut received = 0;
    while received < promised / 2 {
        let chunk = response.chunk().await.expect("the first half comes");
        received += chunk.expect("the body goes on").len() as u64;
    }
    let more = tokio::time::timeout(Duration::from_millis(100), response.chunk()).await;
    assert!(more.is_err(), "nothing more comes");
}

#[tokio::test]
async fn a_huge_image_is_huge_and_valid() {
    let world = World::start().await;
    let reply = world.generate(body("x [[fault: huge=6MiB]]")).await;
    let image = reply.image(0);
    assert_eq!(image.len(), 6 * 1024 * 1024);
    assert_eq!(measure(&image), (1024, 1024, ImageFormat::Png));
}

#[tokio::test]
async fn a_delay_delays_and_billed_refusals_are_billed() {
    let world = World::start().await;
    let started = std::time::Instant::now();
    let reply = world.generate(body("x [[fault: delay=150ms status=500 billed]]")).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(started.elapsed() >= Duration::from_millis(150));
    assert!(world.bill("openai").await["total_micros"].as_i64() > Some(10_000));
}

#[tokio::test]
async fn once_strikes_once_and_providers_can_be_named() {
    let world = World::start().await;
    let prompt = "a lake [[fault: status=503 once]] [[fault: status=500 provider=fal]]";
    assert_eq!(
        world.generate(body(prompt)).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(world.generate(body(prompt)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_call_of_a_client_that_hung_up_is_charged() {
    let world = World::start().await;
    let request = world.openai(Method::POST, "/images/generations");
    let request = request
        .json(&body("x [[fault: delay=200ms]]"))
        .timeout(Duration::from_millis(100));
    let error = try_send(request).await.expect_err("the client is impatient");
    assert!(error.is_timeout());
    while world.bill("openai").await["total_micros"] == 0 {
        tokio::task::yield_now().await;
    }
    let calls = world.calls("openai").await;
    assert_eq!(calls.len(), 1);
    assert_eq!(
        send(world.request(Method::GET, "/_sandbox/health")).await.status,
        StatusCode::OK
    );
}
