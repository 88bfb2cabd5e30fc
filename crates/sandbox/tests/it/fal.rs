//! The fal emulator: endpoints, queue, storage, webhooks and prices.

mod jobs;

use super::harness::{Reply, World, data_url, distance, left_half_mask, measure, pixels, plain, send};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn fal(world: &World, method: Method, path: &str) -> RequestBuilder {
    let key = format!("Key {}", sandbox::FAL_CREDENTIAL);
    world
        .request(method, &format!("/fal{path}"))
        .header("authorization", key)
}

async fn run(world: &World, endpoint: &str, body: Value) -> Reply {
    send(fal(world, Method::POST, &format!("/run/{endpoint}")).json(&body)).await
}

async fn submit(world: &World, endpoint: &str, body: Value) -> Value {
    let reply = send(fal(world, Method::POST, &format!("/queue/{endpoint}")).json(&body)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

async fn ask(world: &World, method: Method, url: &Value) -> Reply {
    let url = url.as_str().expect("a link");
    let base_url = world.sandbox.base_url();
    let path = url.strip_prefix(&base_url).expect("links point here");
    let path = path.strip_prefix("/fal").expect("below the prefix");
    send(fal(world, method, path)).await
}

/// All states of a job until its end, by the status stream.
async fn states(world: &World, job: &Value) -> Vec<Value> {
    let url = format!("{}/stream?logs=1", job["status_url"].as_str().expect("a link"));
    let reply = ask(world, Method::GET, &json!(url)).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    let text = reply.text();
    text.split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).expect("events are JSON"))
        .collect()
}

/// The result of a job, once it has ended.
async fn result(world: &World, job: &Value) -> Reply {
    states(world, job).await;
    ask(world, Method::GET, &job["response_url"]).await
}

async fn fetch(world: &World, url: &Value) -> Reply {
    send(world.client.get(url.as_str().expect("a link"))).await
}

fn picture() -> String {
    data_url("image/png", &plain((640, 480), [200, 30, 30, 255], ImageFormat::Png))
}

#[tokio::test]
async fn every_text_endpoint_draws_the_size_and_format_asked_for() {
    let world = World::start().await;
    let wide = json!({"width": 1280, "height": 720});
    for (endpoint, size, format, expected) in [
        (
            "fal-ai/gpt-image-1/text-to-image",
            json!("1536x1024"),
            "png",
            (1536, 1024),
        ),
        ("fal-ai/gpt-image-1/text-to-image", json!("auto"), "jpeg", (1024, 1024)),
        ("fal-ai/gpt-image-1-mini", json!("1024x1536"), "webp", (1024, 1536)),
        ("fal-ai/gpt-image-1.5", json!("1024x1024"), "jpeg", (1024, 1024)),
        ("openai/gpt-image-2", wide.clone(), "webp", (1280, 720)),
        ("openai/gpt-image-2", json!("landscape_4_3"), "png", (1024, 768)),
        ("fal-ai/gpt-image-2", json!("auto"), "png", (1024, 1024)),
        (
            "openai/gpt-image-2.5/flare/text-to-image",
            wide.clone(),
            "jpeg",
            (1280, 720),
        ),
        (
            "openai/gpt-image-2.5/sunburst/text-to-image",
            json!("square_hd"),
            "png",
            (1024, 1024),
        ),
        (
            "fal-ai/flux/schnell",
            json!({"width": 500, "height": 333}),
            "png",
            (500, 333),
        ),
        ("fal-ai/flux/schnell", json!("square"), "jpeg", (512, 512)),
    ] {
        let body = json!({"prompt": "a fox in the snow", "image_size": size, "quality": "low",
                          "output_format": format});
        let reply = run(&world, endpoint, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{endpoint}: {}", reply.text());
        assert!(!reply.header("x-fal-request-id").is_empty());
        let image = &reply.json()["images"][0];
        assert_eq!(
            (&image["width"], &image["height"]),
            (&json!(expected.0), &json!(expected.1))
        );
        assert_eq!(image["content_type"], format!("image/{format}"));
        let file = fetch(&world, &image["url"]).await;
        assert_eq!(file.status, StatusCode::OK);
        assert_eq!(file.header("content-type"), format!("image/{format}"));
        let (width, height, _) = measure(&file.body);
        assert_eq!((width, height), expected, "{endpoint}");
        if !endpoint.contains("flux") {
            assert_eq!(image["file_size"], json!(file.body.len()));
        }
    }
}

#[tokio::test]
async fn every_edit_endpoint_takes_images() {
    let world = World::start().await;
    for (endpoint, expected) in [
        ("fal-ai/gpt-image-1/edit-image", (1536, 1024)),
        ("fal-ai/gpt-image-1-mini/edit", (1536, 1024)),
        ("fal-ai/gpt-image-1.5/edit", (1536, 1024)),
        ("openai/gpt-image-2/edit", (960, 720)),
        ("openai/gpt-image-2.5/flare/edit", (960, 720)),
        ("openai/gpt-image-2.5/sunburst/edit", (960, 720)),
    ] {
        let input = data_url("image/png", &plain((960, 720), [20, 90, 30, 255], ImageFormat::Png));
        let body = json!({"prompt": "add a boat", "image_urls": [input], "quality": "low"});
        let reply = run(&world, endpoint, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{endpoint}: {}", reply.text());
        let file = fetch(&world, &reply.json()["images"][0]["url"]).await;
        let (width, height, format) = measure(&file.body);
        assert_eq!(
            (width, height, format),
            (expected.0, expected.1, ImageFormat::Png),
            "{endpoint}"
        );
        let missing = run(&world, endpoint, json!({"prompt": "add a boat"})).await;
        assert_eq!(missing.json()["detail"][0]["loc"], json!(["body", "image_urls"]));
    }
}

#[tokio::test]
async fn a_mask_says_what_is_painted_over() {
    let world = World::start().await;
    let input = plain((1024, 1024), [200, 30, 30, 255], ImageFormat::Png);
    let mask = data_url("image/png", &left_half_mask((1024, 1024)));
    for (endpoint, field) in [
        ("fal-ai/gpt-image-1.5/edit", "mask_image_url"),
        ("openai/gpt-image-2/edit", "mask_url"),
    ] {
        let body = json!({"prompt": "a blue sea", "image_urls": [data_url("image/png", &input)],
                          "quality": "low", field: mask});
        let reply = run(&world, endpoint, body).await;
        let file = fetch(&world, &reply.json()["images"][0]["url"]).await;
        let (edited, input) = (pixels(&file.body), pixels(&input));
        let row = |bitmap: &imaging::Bitmap, from: usize| {
            let start = (500 * 1024 + from) * 4;
            bitmap.rgba()[start..start + 400 * 4].to_vec()
        };
        assert_eq!(row(&edited, 600), row(&input, 600), "{endpoint}: what is kept");
        assert_ne!(row(&edited, 20), row(&input, 20), "{endpoint}: what is edited");
    }
}

#[tokio::test]
async fn flux_tells_its_seed_and_repeats_itself() {
    let world = World::start().await;
    let body = |seed: Value| json!({"prompt": "a lighthouse", "image_size": "square", "seed": seed, "num_images": 2});
    let first = run(&world, "fal-ai/flux/schnell", body(Value::Null)).await.json();
    assert_eq!(first["prompt"], "a lighthouse");
    assert_eq!(first["has_nsfw_concepts"], json!([false, false]));
    assert!(first["timings"]["inference"].is_f64());
    let again = run(&world, "fal-ai/flux/schnell", body(first["seed"].clone()))
        .await
        .json();
    let other = run(&world, "fal-ai/flux/schnell", body(Value::Null)).await.json();
    assert_eq!(first["seed"], again["seed"]);
    assert_ne!(first["seed"], other["seed"]);
    let file = async |answer: &Value, at: usize| fetch(&world, &answer["images"][at]["url"]).await.body;
    for at in 0..2 {
        assert_eq!(file(&first, at).await, file(&again, at).await);
    }
    let (one, two) = (file(&first, 0).await, file(&first, 1).await);
    assert!(
        distance(&pixels(&one), &pixels(&two)) > 2.0,
        "two pictures of one call differ"
    );
    assert_ne!(one, file(&other, 0).await);
}

#[tokio::test]
async fn sync_mode_tells_the_picture_itself() {
    let world = World::start().await;
    let body = json!({"prompt": "a", "image_size": "square", "sync_mode": true});
    let reply = run(&world, "fal-ai/flux/schnell", body).await.json();
    let url = reply["images"][0]["url"].as_str().expect("a data URL");
    assert!(url.starts_with("data:image/jpeg;base64,"));
}

#[tokio::test]
async fn invalid_input_is_told_field_by_field() {
    let world = World::start().await;
    let body = json!({"quality": "best", "num_images": 5});
    let reply = run(&world, "openai/gpt-image-2", body.clone()).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.header("x-fal-retryable"), "false");
    assert_eq!(
        reply.json(),
        json!({"detail": [
            {"loc": ["body", "prompt"], "msg": "Field required", "type": "missing",
             "url": "https://docs.fal.ai/errors/#missing", "input": body},
            {"loc": ["body", "quality"], "msg": "Input should be 'auto', 'low', 'medium' or 'high'",
             "type": "one_of", "url": "https://docs.fal.ai/errors/#one_of",
             "ctx": {"expected": ["auto", "low", "medium", "high"]}, "input": "best"},
            {"loc": ["body", "num_images"], "msg": "Input should be less than or equal to 4",
             "type": "less_than_equal", "url": "https://docs.fal.ai/errors/#less_than_equal",
             "ctx": {"le": 4}, "input": 5},
        ]})
    );
    // The queue takes anything; only the result tells.
    let job = submit(&world, "openai/gpt-image-2", body).await;
    let states = states(&world, &job).await;
    assert!(states.last().is_some_and(|last| last.get("error").is_none()));
    let result = ask(&world, Method::GET, &job["response_url"]).await;
    assert_eq!(result.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(result.json(), reply.json());
    let broken = fal(&world, Method::POST, "/run/openai/gpt-image-2").body("{");
    assert_eq!(send(broken).await.json()["detail"][0]["type"], "json_invalid");
}

#[tokio::test]
async fn inputs_are_really_loaded() {
    let world = World::start().await;
    for (url, kind) in [
        ("https://example.org/cat.png".to_owned(), "file_download_error"),
        (
            world.url("/fal/media/files/0123456789abcdef0123/x.png"),
            "file_download_error",
        ),
        ("data:image/png;base64,AAAA".to_owned(), "image_load_error"),
        ("data:image/png;base64,%".to_owned(), "image_load_error"),
    ] {
        let body = json!({"prompt": "a", "image_urls": [picture(), url], "quality": "low"});
        let reply = run(&world, "openai/gpt-image-2/edit", body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        let detail = &reply.json()["detail"][0];
        assert_eq!(
            (&detail["type"], &detail["loc"]),
            (&json!(kind), &json!(["body", "image_urls", 1]))
        );
        assert_eq!(detail["input"], json!(url));
    }
    let body = json!({"prompt": "a", "image_urls": [picture()], "mask_url": "data:,", "quality": "low"});
    let reply = run(&world, "openai/gpt-image-2/edit", body).await;
    assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", "mask_url"]));
    assert_eq!(world.bill("fal").await["total_micros"], 0);
}

#[tokio::test]
async fn keys_are_asked_for_everywhere_but_at_files() {
    let world = World::start().await;
    for (path, method) in [
        ("/run/fal-ai/flux/schnell", Method::POST),
        ("/queue/fal-ai/flux/schnell", Method::POST),
        ("/queue/fal-ai/flux/requests/1/status", Method::GET),
        ("/rest/storage/upload/initiate", Method::POST),
    ] {
        let request = || {
            world
                .request(method.clone(), &format!("/fal{path}"))
                .json(&json!({"prompt": "a"}))
        };
        assert_eq!(send(request()).await.status, StatusCode::UNAUTHORIZED, "{path}");
        let bearer = send(request().bearer_auth("sandbox:sandbox")).await;
        assert_eq!(bearer.status, StatusCode::UNAUTHORIZED, "{path}");
        let bad = send(request().header("authorization", "Key invalid:key")).await;
        assert_eq!(bad.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(bad.json()["detail"].is_string());
    }
}

#[tokio::test]
async fn uploads_become_inputs() {
    let world = World::start().await;
    let file = plain((800, 800), [1, 2, 3, 255], ImageFormat::Png);
    let about = json!({"content_type": "image/png", "file_name": "my cat.png"});
    let begin = async |way: &str| {
        let path = format!("/rest/storage/upload/{way}?storage_type=fal-cdn-v3");
        let request = fal(&world, Method::POST, &path).json(&about);
        let lifetime = r#"{"expiration_duration_seconds": 60}"#;
        send(request.header("x-fal-object-lifecycle", lifetime)).await.json()
    };
    let link = |answer: &Value, name: &str| answer[name].as_str().expect("a link").to_owned();

    let whole = begin("initiate").await;
    let put = world
        .client
        .put(link(&whole, "upload_url"))
        .header("content-type", "image/png");
    assert_eq!(send(put.body(file.clone())).await.status, StatusCode::OK);

    let parted = begin("initiate-multipart").await;
    let upload_url = link(&parted, "upload_url");
    let mut parts = Vec::new();
    for (number, bytes) in [(1, &file[..1_000]), (2, &file[1_000..])] {
        let put = world.client.put(format!("{upload_url}/{number}")).body(bytes.to_vec());
        let reply = send(put).await;
        assert_eq!(reply.header("etag"), reply.json()["etag"].as_str().expect("a tag"));
        parts.push(reply.json());
    }
    let complete = |parts: Value| world.client.post(format!("{upload_url}/complete")).json(&parts);
    let wrong = send(complete(json!({"parts": [parts[1], parts[0]]}))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(send(complete(json!({"parts": parts}))).await.status, StatusCode::OK);

    for answer in [&whole, &parted] {
        let kept = fetch(&world, &answer["file_url"]).await;
        assert_eq!(kept.body, file);
        assert_eq!(kept.header("content-type"), "image/png");
        let body = json!({"prompt": "a", "image_urls": [answer["file_url"]], "quality": "low"});
        let reply = run(&world, "openai/gpt-image-2/edit", body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
    world.advance_clock(61).await;
    assert_eq!(fetch(&world, &whole["file_url"]).await.status, StatusCode::FORBIDDEN);
    let stranger = world.client.put(world.url("/fal/media/upload/0123")).body("x");
    assert_eq!(send(stranger).await.status, StatusCode::NOT_FOUND);
    let nameless = fal(&world, Method::POST, "/rest/storage/upload/initiate").json(&json!({}));
    assert_eq!(send(nameless).await.json()["detail"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn the_bill_follows_the_price_pages() {
    let world = World::start().await;
    let square = json!({"width": 1024, "height": 1024});
    let cases = [
        // 11,000 for the picture, one text token, rounded up to the cent.
        (
            "fal-ai/gpt-image-1/text-to-image",
            json!({"prompt": "abcd", "quality": "low", "image_size": "1024x1024"}),
            20_000,
        ),
        (
            "fal-ai/gpt-image-1-mini",
            json!({"prompt": "abcd", "quality": "low", "image_size": "1536x1024"}),
            10_000,
        ),
        (
            "fal-ai/gpt-image-1.5",
            json!({"prompt": "abcd", "image_size": "1536x1024"}),
            199_005,
        ),
        (
            "openai/gpt-image-2",
            json!({"prompt": "abcd", "image_size": square, "quality": "medium"}),
            1_756 * 30 + 5,
        ),
        (
            "openai/gpt-image-2.5/sunburst/text-to-image",
            json!({"prompt": "abcd", "image_size": square, "quality": "xhigh"}),
            3_122 * 30 + 5,
        ),
        (
            "openai/gpt-image-2/edit",
            json!({"prompt": "abcd", "image_size": square, "quality": "low", "image_urls": [picture()]}),
            196 * 30 + 300 * 8 + 5,
        ),
        ("fal-ai/flux/schnell", json!({"prompt": "abcd", "num_images": 2}), 6_000),
    ];
    for (endpoint, body, _) in &cases {
        let reply = run(&world, endpoint, body.clone()).await;
        assert_eq!(reply.status, StatusCode::OK, "{endpoint}: {}", reply.text());
    }
    let bill = world.bill("fal").await;
    for (entry, (endpoint, _, micros)) in bill["entries"].as_array().expect("entries").iter().zip(&cases) {
        assert_eq!(entry["model"], *endpoint);
        assert_eq!(entry["micros"], *micros, "{endpoint}: {entry}");
    }
    assert_eq!(bill["entries"].as_array().map(Vec::len), Some(cases.len()));
}

#[tokio::test]
async fn the_proxy_serves_what_its_header_names() {
    let world = World::start().await;
    let proxy = |method: Method, target: &str| world.request(method, "/fal/proxy").header("x-fal-target-url", target);
    let body = json!({"prompt": "a", "image_size": "square"});
    let direct = send(proxy(Method::POST, "https://fal.run/fal-ai/flux/schnell").json(&body)).await;
    assert_eq!(direct.status, StatusCode::OK, "{}", direct.text());
    let job = send(proxy(Method::POST, "https://queue.fal.run/fal-ai/flux/schnell").json(&body))
        .await
        .json();
    let result = result(&world, &job).await;
    assert_eq!(result.status, StatusCode::OK);
    let id = job["request_id"].as_str().expect("an id");
    let target = format!("https://queue.fal.run/fal-ai/flux/requests/{id}/status?logs=1");
    let status = send(proxy(Method::GET, &target)).await.json();
    assert_eq!(status["status"], "COMPLETED");
    assert!(status["logs"].is_array());
    let about = json!({"content_type": "image/png", "file_name": "a.png"});
    let target = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3";
    assert!(send(proxy(Method::POST, target).json(&about)).await.json()["upload_url"].is_string());
    let key = proxy(Method::POST, "https://fal.run/fal-ai/flux/schnell").header("authorization", "Key invalid");
    assert_eq!(send(key.json(&body)).await.status, StatusCode::UNAUTHORIZED);
    let foreign = proxy(Method::GET, "https://example.org/");
    assert_eq!(send(foreign).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(
        send(world.request(Method::GET, "/fal/proxy")).await.status,
        StatusCode::BAD_REQUEST
    );
}
