//! Faults in fal's own shapes.

use super::harness::{Reply, World, measure, send, stays_silent, try_send};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

fn run(world: &World, prompt: &str) -> RequestBuilder {
    post(world, "run", prompt)
}

fn post(world: &World, way: &str, prompt: &str) -> RequestBuilder {
    let body = json!({"prompt": prompt, "image_size": "square", "output_format": "png"});
    request(
        world,
        Method::POST,
        &world.url(&format!("/fal/{way}/fal-ai/flux/schnell")),
    )
    .json(&body)
}

fn request(world: &World, method: Method, url: &str) -> RequestBuilder {
    let key = format!("Key {}", sandbox::FAL_CREDENTIAL);
    world.client.request(method, url).header("authorization", key)
}

async fn submit(world: &World, prompt: &str) -> Value {
    let reply = send(post(world, "queue", prompt)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

async fn get(world: &World, job: &Value, link: &str) -> Reply {
    let url = job[link].as_str().expect("a link");
    send(request(world, Method::GET, url)).await
}

/// Waits for the end of a job, without its status route.
async fn ended(world: &World, job: &Value) -> Value {
    let url = format!("{}/stream", job["status_url"].as_str().expect("a link"));
    let reply = send(request(world, Method::GET, &url)).await;
    let text = reply.text();
    let last = text.trim_end().rsplit("data: ").next().expect("an event");
    serde_json::from_str(last).expect("events are JSON")
}

async fn billed(world: &World) -> i64 {
    world.bill("fal").await["total_micros"].as_i64().expect("a sum")
}

#[tokio::test]
async fn refusals_come_in_fals_words() {
    let world = World::start().await;
    for way in ["run", "queue"] {
        for (words, status, retryable) in [
            ("status=429", 429, ""),
            ("quota", 403, ""),
            ("status=401", 401, ""),
            ("status=403", 403, ""),
            ("status=404", 404, ""),
            ("status=400", 400, ""),
            ("nonsense", 400, ""),
            ("status=500", 500, "true"),
            ("status=422", 422, "false"),
        ] {
            let reply = send(post(&world, way, &format!("x [[fault: {words}]]"))).await;
            assert_eq!(reply.status.as_u16(), status, "{words}");
            assert_eq!(reply.header("x-fal-retryable"), retryable, "{words}");
            let detail = &reply.json()["detail"];
            assert_eq!(detail.is_array(), !retryable.is_empty(), "{words}: {detail}");
        }
    }
    let reply = send(run(&world, "x [[fault: status=429 retry-after=1.5]]")).await;
    assert_eq!(reply.header("retry-after"), "2");
    let reply = send(run(&world, "x [[fault: quota]]")).await;
    assert!(reply.text().contains("Exhausted balance"));
    let reply = send(run(&world, "x [[fault: status=500]]")).await;
    assert_eq!(reply.json()["detail"][0]["type"], "internal_server_error");
    for status in [502, 503, 504, 520, 524] {
        let reply = send(run(&world, &format!("x [[fault: status={status}]]"))).await;
        assert_eq!(reply.status.as_u16(), status);
        assert!(reply.header("content-type").starts_with("text/html"));
        assert_eq!(reply.header("x-fal-request-id"), "");
    }
    assert_eq!(billed(&world).await, 0);
}

#[tokio::test]
async fn failed_and_refused_work() {
    let world = World::start().await;
    for (words, status, kind) in [
        ("failed", 500, json!("runner_server_error")),
        ("moderation", 422, Value::Null),
        ("moderation stage=output", 422, Value::Null),
    ] {
        let prompt = format!("x [[fault: {words}]]");
        let reply = send(run(&world, &prompt)).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        assert_eq!(reply.json()["error_type"], kind, "{words}");
        let job = submit(&world, &prompt).await;
        let last = ended(&world, &job).await;
        assert_eq!(last["status"], "COMPLETED");
        assert_eq!(last["error_type"], kind, "model errors are told by the result alone");
        let result = get(&world, &job, "response_url").await;
        assert_eq!((result.status.as_u16(), result.json()), (status, reply.json()));
        if status == 422 {
            let detail = &reply.json()["detail"][0];
            assert_eq!(detail["type"], "content_policy_violation");
            assert!(detail["msg"].as_str().is_some_and(|msg| msg.contains("flagged")));
        }
    }
    assert_eq!(billed(&world).await, 0);
    send(run(&world, "x [[fault: moderation stage=output billed]]")).await;
    send(run(&world, "x [[fault: status=500 billed]]")).await;
    assert_eq!(billed(&world).await, 6_000);
}

#[tokio::test]
async fn a_success_without_an_image_is_free() {
    let world = World::start().await;
    let reply = send(run(&world, "x [[fault: empty]]")).await;
    assert_eq!((reply.status, &reply.json()["images"]), (StatusCode::OK, &json!([])));
    assert_eq!(billed(&world).await, 0);
}

#[tokio::test]
async fn answers_can_be_spoiled() {
    let world = World::start().await;
    let reply = send(run(&world, "x [[fault: garbage]]")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    assert!(try_send(run(&world, "x [[fault: cut]]")).await.is_err());
    for words in ["hang", "stall"] {
        stays_silent(&world, run(&world, &format!("x [[fault: {words}]]"))).await;
    }
    assert_eq!(billed(&world).await, 4 * 3_000);
    assert!(try_send(post(&world, "queue", "x [[fault: cut]]")).await.is_err());
}

#[tokio::test]
async fn files_can_be_large_or_gone() {
    let world = World::start().await;
    let first_url = |reply: &Reply| {
        let answer = reply.json();
        answer["images"][0]["url"].as_str().expect("a link").to_owned()
    };
    let reply = send(run(&world, "x [[fault: huge=3MiB]]")).await;
    let file = send(world.client.get(first_url(&reply))).await;
    assert_eq!(file.body.len(), 3 * 1024 * 1024);
    assert_eq!(measure(&file.body), (512, 512, ImageFormat::Png));
    for (words, status) in [("media=404", 404), ("media=403", 403), ("media=500", 500)] {
        let reply = send(run(&world, &format!("x [[fault: {words}]]"))).await;
        let file = send(world.client.get(first_url(&reply))).await;
        assert_eq!(file.status.as_u16(), status);
    }
    let reply = send(run(&world, "x [[fault: media=cut]]")).await;
    assert!(try_send(world.client.get(first_url(&reply))).await.is_err());
}

#[tokio::test]
async fn later_calls_of_a_job_can_be_struck() {
    let world = World::start().await;
    let job = submit(
        &world,
        "x [[fault: at=status status=500 once]] [[fault: at=result status=503 once]]",
    )
    .await;
    ended(&world, &job).await;
    assert_eq!(get(&world, &job, "status_url").await.status.as_u16(), 500);
    assert_eq!(get(&world, &job, "status_url").await.status, StatusCode::OK);
    assert_eq!(get(&world, &job, "response_url").await.status.as_u16(), 503);
    assert_eq!(get(&world, &job, "response_url").await.status, StatusCode::OK);
    for (words, status, kind) in [
        ("moderation", 422, "content_policy_violation"),
        ("failed", 500, "internal_server_error"),
        ("empty", 422, "no_media_generated"),
    ] {
        let job = submit(&world, &format!("x [[fault: at=result {words}]]")).await;
        ended(&world, &job).await;
        let result = get(&world, &job, "response_url").await;
        assert_eq!(result.status.as_u16(), status, "{words}");
        assert_eq!(result.json()["detail"][0]["type"], kind);
    }
    world
        .fault(json!({"provider": "fal", "fault": "at=status hang", "times": 1}))
        .await;
    let job = submit(&world, "x").await;
    let url = job["status_url"].as_str().expect("a link");
    let silent = request(&world, Method::GET, url).timeout(Duration::from_millis(400));
    assert!(try_send(silent).await.is_err_and(|error| error.is_timeout()));
    assert!(get(&world, &job, "status_url").await.status.is_success());
}
