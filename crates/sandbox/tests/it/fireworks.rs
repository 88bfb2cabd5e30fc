//! The Fireworks emulator: images as bytes, jobs, errors, faults and prices.

use super::harness::{Reply, World, data_url, distance, measure, pixels, plain, send, stays_silent, try_send};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const DEV: &str = "/workflows/accounts/fireworks/models/flux-1-dev-fp8/text_to_image";
const SCHNELL: &str = "/workflows/accounts/fireworks/models/flux-1-schnell-fp8/text_to_image";
const SSD: &str = "/image_generation/accounts/fireworks/models/SSD-1B";
const KONTEXT: &str = "/workflows/accounts/fireworks/models/flux-kontext-pro";

fn api(world: &World, path: &str, body: &Value) -> RequestBuilder {
    world
        .request(Method::POST, &format!("/fireworks/inference/v1{path}"))
        .bearer_auth(sandbox::FIREWORKS_CREDENTIAL)
        .json(body)
}

async fn run(world: &World, path: &str, body: Value) -> Reply {
    send(api(world, path, &body)).await
}

async fn result(world: &World, id: &Value) -> Reply {
    run(world, &format!("{KONTEXT}/get_result"), json!({ "id": id })).await
}

/// Asks until the job has ended.
async fn ended(world: &World, submitted: &Reply) -> Value {
    let id = submitted.json()["request_id"].clone();
    assert!(id.is_string(), "{}", submitted.text());
    loop {
        let told = result(world, &id).await.json();
        if told["status"] != "Pending" {
            return told;
        }
        tokio::task::yield_now().await;
    }
}

async fn billed(world: &World) -> i64 {
    world.bill("fireworks").await["total_micros"].as_i64().expect("a sum")
}

#[tokio::test]
async fn answers_are_images_of_the_accepted_type() {
    let world = World::start().await;
    for (path, body, accept, expected) in [
        (
            DEV,
            json!({"prompt": "a fox", "aspect_ratio": "16:9"}),
            "image/*",
            (1344, 768, ImageFormat::Jpeg),
        ),
        (
            SCHNELL,
            json!({"prompt": "a fox", "samples": 1}),
            "image/png",
            (1024, 1024, ImageFormat::Png),
        ),
        (
            SSD,
            json!({"prompt": "a fox", "width": "512", "height": 768}),
            "image/jpeg",
            (512, 768, ImageFormat::Jpeg),
        ),
    ] {
        let reply = send(api(&world, path, &body).header("accept", accept)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(measure(&reply.body), expected);
        assert_eq!(reply.header("content-type"), expected.2.mime_type());
        assert_eq!(reply.header("finish-reason"), "SUCCESS");
    }
    assert_eq!(billed(&world).await, 28 * 500 + 4 * 350 + 30 * 130);
    let refused = send(api(&world, SSD, &json!({"prompt": "a"})).header("accept", "application/json")).await;
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_told_seed_repeats_the_image() {
    let world = World::start().await;
    let draw = async |seed: Option<&str>| {
        let mut body = json!({"prompt": "a lighthouse", "num_inference_steps": 2});
        if let Some(seed) = seed {
            body["seed"] = json!(seed.parse::<u64>().expect("a number"));
        }
        run(&world, SCHNELL, body).await
    };
    let first = draw(None).await;
    let again = draw(Some(first.header("seed"))).await;
    assert_eq!(first.body, again.body);
    assert_ne!(first.body, draw(None).await.body);
    assert_eq!(billed(&world).await, 3 * 2 * 350);
}

#[tokio::test]
async fn jobs_give_a_link_for_ten_minutes() {
    let world = World::start().await;
    let red = plain((800, 400), [200, 30, 30, 255], ImageFormat::Png);
    let body = json!({"prompt": "add a boat", "input_image": data_url("image/png", &red), "output_format": "png"});
    let told = ended(&world, &run(&world, KONTEXT, body).await).await;
    assert_eq!(told["status"], "Ready");
    assert!(told["result"]["seed"].is_u64());
    let link = told["result"]["sample"].as_str().expect("a link").to_owned();
    let file = send(world.client.get(&link)).await;
    assert_eq!(measure(&file.body), (1456, 720, ImageFormat::Png));
    let plain_red = pixels(&plain((1456, 720), [200, 30, 30, 255], ImageFormat::Png));
    assert!(distance(&pixels(&file.body), &plain_red) < 90.0);
    world.advance_clock(600).await;
    assert_eq!(send(world.client.get(&link)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(billed(&world).await, 40_000);
    let lost = result(&world, &json!("nobody")).await.json();
    assert_eq!(
        (&lost["id"], &lost["status"]),
        (&json!("nobody"), &json!("Task not found"))
    );
    let bad = json!({"prompt": "a", "input_image": "data:image/png;base64,AAAA"});
    let told = ended(&world, &run(&world, KONTEXT, bad).await).await;
    assert_eq!(told["status"], "Error");
}

#[tokio::test]
async fn what_is_wrong_is_told_by_field() {
    let world = World::start().await;
    for (path, body, status, word) in [
        (DEV, json!({"prompt": "a", "quality": "high"}), 400, "'quality'"),
        (DEV, json!({"aspect_ratio": "1:1"}), 400, "'prompt'"),
        (
            DEV,
            json!({"prompt": "a", "aspect_ratio": "7:5"}),
            400,
            "'aspect_ratio'",
        ),
        (DEV, json!([]), 400, "JSON object"),
        (SSD, json!({"prompt": "a", "width": 1001}), 400, "'width'"),
        (
            "/workflows/accounts/fireworks/models/flux-9/text_to_image",
            json!({"prompt": "a"}),
            404,
            "Model not found",
        ),
        (
            "/workflows/accounts/fireworks/models/SSD-1B/text_to_image",
            json!({"prompt": "a"}),
            404,
            "Model not found",
        ),
        ("/images/generations", json!({"prompt": "a"}), 404, "Path not found"),
    ] {
        let reply = run(&world, path, body).await;
        assert_eq!(reply.status.as_u16(), status, "{path}");
        let error = reply.json()["error"].clone();
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(word)),
            "{error}"
        );
        assert_eq!(error["object"], "error");
    }
    let anonymous = world.request(Method::POST, &format!("/fireworks/inference/v1{DEV}"));
    let reply = send(anonymous.json(&json!({"prompt": "a"}))).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(billed(&world).await, 0);
}

#[tokio::test]
async fn faults_come_in_its_own_dress() {
    let world = World::start().await;
    let faulty = async |words: &str| {
        let prompt = format!("a fox [[fault: {words}]]");
        run(&world, SCHNELL, json!({ "prompt": prompt })).await
    };
    for (words, status, code) in [
        ("status=429", 429, "RATE_LIMIT_EXCEEDED"),
        ("quota", 412, "PRECONDITION_FAILED"),
        ("status=401", 401, "UNAUTHORIZED"),
        ("status=402", 402, "PAYMENT_REQUIRED"),
        ("status=403", 403, "FORBIDDEN"),
        ("status=404", 404, "NOT_FOUND"),
        ("status=500", 500, "internal_server_error"),
        ("failed", 500, "internal_server_error"),
        ("moderation", 400, "invalid_request_error"),
        ("nonsense", 400, "invalid_request_error"),
    ] {
        let reply = faulty(words).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["error"]["code"].as_str()),
            (status, Some(code)),
            "{words}"
        );
    }
    assert_eq!(faulty("status=429 retry-after=7").await.header("retry-after"), "7");
    assert!(
        faulty("status=502")
            .await
            .header("content-type")
            .starts_with("text/html")
    );
    assert!(faulty("empty").await.body.is_empty());
    assert_eq!(billed(&world).await, 0);
    faulty("status=500 billed").await;
    assert_eq!(billed(&world).await, 1_400);
    assert_eq!(
        faulty("moderation stage=output").await.header("finish-reason"),
        "CONTENT_FILTERED"
    );
    assert_eq!(faulty("huge=3MiB").await.body.len(), 3 * 1024 * 1024);
    let garbage = faulty("garbage").await;
    assert!(imaging::inspect(std::io::Cursor::new(&garbage.body)).is_err());
    let spoiled = |words: &str| api(&world, SCHNELL, &json!({"prompt": format!("a fox [[fault: {words}]]")}));
    assert!(try_send(spoiled("cut")).await.is_err());
    stays_silent(&world, spoiled("hang")).await;
}

#[tokio::test]
async fn jobs_fail_by_their_state_and_polls_can_be_struck() {
    let world = World::start().await;
    let submitted = async |words: &str| {
        let prompt = format!("a secret fox {words}");
        run(&world, KONTEXT, json!({ "prompt": prompt })).await
    };
    for (words, status) in [
        ("[[fault: moderation]]", "Request Moderated"),
        ("[[fault: moderation stage=output]]", "Content Moderated"),
        ("[[fault: failed]]", "Error"),
    ] {
        assert_eq!(ended(&world, &submitted(words).await).await["status"], status);
    }
    let empty = ended(&world, &submitted("[[fault: empty]]").await).await;
    assert_eq!((&empty["status"], &empty["result"]), (&json!("Ready"), &json!({})));
    assert_eq!(billed(&world).await, 0);
    let struck = submitted("[[fault: at=status status=503 once]] [[fault: media=404]]").await;
    let id = struck.json()["request_id"].clone();
    assert_eq!(result(&world, &id).await.status.as_u16(), 503);
    let told = ended(&world, &struck).await;
    let file = send(world.client.get(told["result"]["sample"].as_str().expect("a link"))).await;
    assert_eq!(file.status, StatusCode::NOT_FOUND);
    assert_eq!(billed(&world).await, 40_000);
    let calls = world.calls("fireworks").await;
    assert_eq!(calls[0]["model"], "flux-kontext-pro");
    assert!(!json!(calls).to_string().contains("secret fox"));
}
