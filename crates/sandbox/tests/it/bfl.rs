//! The Black Forest Labs emulator: tasks, sizes, inputs, prices, refusals and faults.

use super::harness::{
    Reply, World, data_url, distance, left_half_mask, measure, pixels, plain, send, stays_silent, try_send,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::{ImageFormat, MaskPolarity, convert_mask, encode};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn submit(world: &World, model: &str, body: &Value) -> RequestBuilder {
    let request = world.request(Method::POST, &format!("/bfl/v1/{model}"));
    request.header("x-key", sandbox::BFL_CREDENTIAL).json(body)
}

async fn poll(world: &World, task: &Value) -> Reply {
    let url = task["polling_url"].as_str().expect("an address");
    send(world.client.get(url).header("x-key", sandbox::BFL_CREDENTIAL)).await
}

/// Asks until the task has ended; without latency that is soon.
async fn ended(world: &World, task: &Value) -> Value {
    loop {
        let reply = poll(world, task).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let body = reply.json();
        if body["status"] != "Pending" {
            return body;
        }
    }
}

/// Submits, waits for the end, and gives both answers.
async fn run(world: &World, model: &str, body: &Value) -> (Value, Value) {
    let reply = send(submit(world, model, body)).await;
    assert_eq!(reply.status, StatusCode::OK, "{model}: {}", reply.text());
    let task = reply.json();
    let end = ended(world, &task).await;
    (task, end)
}

async fn picture(world: &World, end: &Value) -> Reply {
    assert_eq!(end["status"], "Ready", "{end}");
    send(world.client.get(end["result"]["sample"].as_str().expect("a link"))).await
}

async fn billed(world: &World) -> i64 {
    world.bill("bfl").await["total_micros"].as_i64().expect("a sum")
}

fn base64(size_px: (u32, u32), rgba: [u8; 4]) -> String {
    STANDARD.encode(plain(size_px, rgba, ImageFormat::Png))
}

#[tokio::test]
async fn every_model_draws_its_size_at_its_price() {
    let world = World::start().await;
    let mut total = 0;
    for (model, fields, size_px, format, credits) in [
        ("flux-2-klein-4b", json!({}), (1024, 1024), ImageFormat::Jpeg, 1.4),
        (
            "flux-2-klein-9b",
            json!({"width": 1024, "height": 1040}),
            (1024, 1040),
            ImageFormat::Jpeg,
            1.7,
        ),
        (
            "flux-2-pro",
            json!({"width": 512, "height": 256, "output_format": "png"}),
            (512, 256),
            ImageFormat::Png,
            3.0,
        ),
        (
            "flux-2-max",
            json!({"width": 2048, "height": 1024}),
            (2048, 1024),
            ImageFormat::Jpeg,
            10.0,
        ),
        (
            "flux-2-flex",
            json!({"steps": 20, "guidance": 4.5}),
            (1024, 1024),
            ImageFormat::Jpeg,
            5.0,
        ),
        (
            "flux-kontext-pro",
            json!({"aspect_ratio": "3:2"}),
            (1248, 832),
            ImageFormat::Jpeg,
            4.0,
        ),
        ("flux-kontext-max", json!({}), (1024, 1024), ImageFormat::Jpeg, 8.0),
        ("flux-pro-1.1", json!({}), (1024, 768), ImageFormat::Jpeg, 4.0),
        (
            "flux-pro-1.1-ultra",
            json!({"aspect_ratio": "1:1", "raw": true}),
            (2048, 2048),
            ImageFormat::Jpeg,
            6.0,
        ),
        (
            "flux-dev",
            json!({"width": 256, "height": 1440}),
            (256, 1440),
            ImageFormat::Jpeg,
            2.5,
        ),
    ] {
        let mut body = fields;
        body["prompt"] = json!("a fox in the snow");
        let (task, end) = run(&world, model, &body).await;
        assert_eq!(task["cost"], json!(credits), "{model}");
        let file = picture(&world, &end).await;
        assert_eq!(measure(&file.body), (size_px.0, size_px.1, format), "{model}");
        assert_eq!(file.header("content-type"), format.mime_type());
        total += (credits * 10_000.0) as i64;
        assert_eq!(billed(&world).await, total, "{model}");
    }
}

#[tokio::test]
async fn a_task_tells_what_it_costs_and_what_came_of_it() {
    let world = World::start().await;
    let body = json!({"prompt": "a fox", "width": 1024, "height": 768, "seed": 7, "input_image": base64((1024, 512), [9, 9, 9, 255])});
    let (task, end) = run(&world, "flux-2-pro", &body).await;
    let calls = world.calls("bfl").await;
    assert_eq!(
        (&calls[0]["method"], &calls[0]["model"]),
        (&json!("POST"), &json!("flux-2-pro"))
    );
    assert!(
        calls[0]["body"]["prompt"]
            .as_str()
            .is_some_and(|shown| !shown.contains("fox"))
    );
    let id = task["id"].as_str().expect("an id");
    let address = format!("{}/bfl/v1/get_result?id={id}", world.sandbox.base_url());
    assert_eq!(
        task,
        json!({"id": id, "polling_url": address, "cost": 4.5, "input_mp": 0.5, "output_mp": 0.75})
    );
    assert_eq!((&end["id"], &end["result"]["seed"]), (&json!(id), &json!(7)));
    assert_eq!(end["result"]["prompt"], "a fox");
    let (_, again) = run(&world, "flux-2-pro", &body).await;
    let (one, two) = (picture(&world, &end).await, picture(&world, &again).await);
    assert_eq!(one.body, two.body, "a seed repeats the picture");
    let (_, other) = run(
        &world,
        "flux-2-pro",
        &json!({"prompt": "a fox", "width": 1024, "height": 768}),
    )
    .await;
    assert_ne!(picture(&world, &other).await.body, one.body);
}

#[tokio::test]
async fn input_images_are_taken_in_every_form_and_billed() {
    let world = World::start().await;
    let red = base64((640, 480), [220, 20, 20, 255]);
    let blue = data_url("image/png", &plain((1100, 1100), [20, 20, 220, 255], ImageFormat::Png));
    let one = json!({"prompt": "a boat", "seed": 1, "output_format": "png", "input_image": red});
    let (task, end) = run(&world, "flux-2-max", &one).await;
    assert_eq!(task["cost"], json!(10.0));
    let file = picture(&world, &end).await;
    assert_eq!(
        measure(&file.body),
        (640, 480, ImageFormat::Png),
        "the size of the first image"
    );
    let link = end["result"]["sample"].clone();
    let three = json!({"prompt": "a boat", "seed": 1, "output_format": "png", "input_image": blue,
                       "input_image_2": red, "input_image_3": link, "width": 640, "height": 480});
    let (task, end) = run(&world, "flux-2-max", &three).await;
    // One megapixel out; two, one and one in.
    assert_eq!(task["cost"], json!(7.0 + 4.0 * 3.0));
    let other = picture(&world, &end).await;
    assert!(
        distance(&pixels(&file.body), &pixels(&other.body)) > 10.0,
        "another first image"
    );
    for (name, value) in [
        ("input_image", json!("!!!")),
        ("input_image", json!(STANDARD.encode("no image"))),
        ("input_image_2", json!("https://example.org/a.png")),
    ] {
        let mut body = json!({"prompt": "x"});
        body[name] = value;
        let reply = send(submit(&world, "flux-2-pro", &body)).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", name]));
    }
}

#[tokio::test]
async fn a_fill_repaints_what_is_white() {
    let world = World::start().await;
    let size_px = (640, 480);
    let mask = convert_mask(&pixels(&left_half_mask(size_px)), MaskPolarity::WhiteIsEdit);
    let mask = STANDARD.encode(encode(&mask, ImageFormat::Png, None).expect("a mask"));
    let source = plain(size_px, [220, 20, 20, 255], ImageFormat::Png);
    let body = json!({"prompt": "a boat", "image": STANDARD.encode(&source), "mask": mask, "output_format": "png"});
    let (task, end) = run(&world, "flux-pro-1.0-fill", &body).await;
    assert_eq!(task["cost"], json!(5.0));
    let file = picture(&world, &end).await;
    let (before, after) = (pixels(&source), pixels(&file.body));
    let differs = |x: usize| {
        let at = (240 * 640 + x) * 4;
        let pairs = before.rgba()[at..at + 3].iter().zip(&after.rgba()[at..at + 3]);
        pairs.map(|(a, b)| a.abs_diff(*b)).max().expect("three channels")
    };
    assert!(differs(600) < 8, "the right half is kept");
    assert!(
        (50..300).step_by(10).any(|x| differs(x) > 20),
        "the left half is painted over"
    );
    let small = json!({"image": STANDARD.encode(&source), "mask": base64((64, 64), [255, 255, 255, 255])});
    let reply = send(submit(&world, "flux-pro-1.0-fill", &small)).await;
    assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", "mask"]));
}

#[tokio::test]
async fn keys_routes_and_bodies_are_checked() {
    let world = World::start().await;
    let body = json!({"prompt": "x"});
    let post = |path: &str| world.request(Method::POST, path).json(&body);
    let none = send(post("/bfl/v1/flux-2-pro")).await;
    assert_eq!(
        (none.status.as_u16(), none.json()),
        (403, json!({"detail": "Not authenticated"}))
    );
    for key in ["short", "bfl_invalid_key", "bfl_revoked_key"] {
        let reply = send(post("/bfl/v1/flux-2-pro").header("x-key", key)).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{key}");
        assert_eq!(reply.json()["error"], "invalid_api_key");
    }
    let model = send(submit(&world, "flux-9", &body)).await;
    assert_eq!(
        (model.status.as_u16(), model.json()),
        (404, json!({"detail": "Not Found"}))
    );
    let method = send(world.request(Method::GET, "/bfl/v1/flux-2-pro")).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    let faulty = send(submit(&world, "flux-2-pro", &json!({"width": 1000, "height": 1024}))).await;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let detail = faulty.json()["detail"].clone();
    assert_eq!(detail[0]["loc"], json!(["body", "prompt"]));
    assert_eq!(
        detail[1],
        json!({"type": "multiple_of", "loc": ["body", "width"], "msg": "Input should be a multiple of 16", "input": 1000})
    );
    for text in ["", "{", "[]"] {
        let request = submit(&world, "flux-2-pro", &body).body(text);
        assert_eq!(send(request).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{text:?}");
    }
    let stranger = json!({"polling_url": world.url("/bfl/v1/get_result?id=nobody")});
    assert_eq!(poll(&world, &stranger).await.json()["status"], "Task not found");
    let keyless = send(world.client.get(world.url("/bfl/v1/get_result?id=nobody"))).await;
    assert_eq!(keyless.status, StatusCode::FORBIDDEN);
    assert_eq!(billed(&world).await, 0);
}

#[tokio::test]
async fn links_live_ten_minutes() {
    let world = World::start().await;
    let (_, end) = run(
        &world,
        "flux-2-klein-4b",
        &json!({"prompt": "x", "width": 64, "height": 64}),
    )
    .await;
    world.advance_clock(599).await;
    assert_eq!(picture(&world, &end).await.status, StatusCode::OK);
    world.advance_clock(1).await;
    assert_eq!(picture(&world, &end).await.status, StatusCode::FORBIDDEN);
}

/// A small picture with a fault switch.
fn struck(world: &World, words: &str) -> RequestBuilder {
    let prompt = format!("x [[fault: {words}]]");
    submit(
        world,
        "flux-2-pro",
        &json!({"prompt": prompt, "width": 64, "height": 64}),
    )
}

#[tokio::test]
async fn refusals_come_in_the_providers_words() {
    let world = World::start().await;
    for (words, status, code) in [
        ("status=429 retry-after=30", 429, "rate_limit_exceeded"),
        ("retry-after=2", 429, "rate_limit_exceeded"),
        ("quota", 402, "insufficient_credits"),
        ("status=402", 402, "insufficient_credits"),
        ("status=401", 401, "invalid_api_key"),
        ("status=403", 403, "forbidden"),
        ("status=500", 500, "internal_server_error"),
        ("nonsense", 400, "bad_request"),
    ] {
        let reply = send(struck(&world, words)).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        assert_eq!(reply.json()["error"], code, "{words}");
    }
    let limited = send(struck(&world, "status=429 retry-after=30")).await;
    assert_eq!(limited.header("retry-after"), "30");
    assert_eq!(limited.header("x-ratelimit-limit"), "24");
    assert_eq!(limited.json()["retry_after"], 30);
    assert_eq!(
        send(struck(&world, "status=404")).await.json(),
        json!({"detail": "Not Found"})
    );
    let worded = send(struck(&world, "status=500 message=Bad_luck")).await;
    assert_eq!(worded.json()["message"], "Bad luck");
    for status in [502, 503, 524] {
        let reply = send(struck(&world, &format!("status={status}"))).await;
        assert_eq!(reply.status.as_u16(), status);
        assert!(reply.header("content-type").starts_with("text/html"));
    }
    assert_eq!(billed(&world).await, 0);
    send(struck(&world, "status=500 billed")).await;
    assert_eq!(billed(&world).await, 30_000);
}

#[tokio::test]
async fn failures_are_told_by_the_task() {
    let world = World::start().await;
    for (words, status) in [
        ("moderation", "Request Moderated"),
        ("moderation stage=output", "Content Moderated"),
        ("failed", "Error"),
    ] {
        let task = send(struck(&world, words)).await.json();
        let end = ended(&world, &task).await;
        assert_eq!(
            (&end["status"], &end["result"]),
            (&json!(status), &Value::Null),
            "{words}"
        );
    }
    let task = send(struck(&world, "empty")).await.json();
    let end = ended(&world, &task).await;
    assert_eq!(end["status"], "Ready");
    assert!(end["result"].get("sample").is_none());
    assert_eq!(billed(&world).await, 0, "what is blocked or fails is not charged");
    let task = send(struck(&world, "failed billed")).await.json();
    ended(&world, &task).await;
    assert_eq!(billed(&world).await, 30_000);
}

#[tokio::test]
async fn answers_polls_and_files_can_be_spoiled() {
    let world = World::start().await;
    let reply = send(struck(&world, "garbage")).await;
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    assert!(try_send(struck(&world, "cut")).await.is_err());
    for words in ["hang", "stall"] {
        stays_silent(&world, struck(&world, words)).await;
    }
    let task = send(struck(&world, "at=status status=500 once")).await.json();
    assert_eq!(poll(&world, &task).await.status.as_u16(), 500);
    assert_eq!(ended(&world, &task).await["status"], "Ready");
    let task = send(struck(&world, "huge=3MiB")).await.json();
    let end = ended(&world, &task).await;
    assert_eq!(picture(&world, &end).await.body.len(), 3 * 1024 * 1024);
    let task = send(struck(&world, "media=404")).await.json();
    let end = ended(&world, &task).await;
    assert_eq!(picture(&world, &end).await.status, StatusCode::NOT_FOUND);
}
