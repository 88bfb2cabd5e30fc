//! The lenient mock server: everything is taken, and everything has an effect.

use super::harness::{
    Reply, World, data_url, distance, file, from_base64, left_half_mask, measure, pixels, plain, send,
};
use imaging::ImageFormat;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn generate(world: &World, fields: Value) -> Reply {
    let mut body = json!({"model": "mock-image", "prompt": "a lake", "size": "256x192", "response_format": "b64_json"});
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    let request = world.request(Method::POST, "/mock/v1/images/generations");
    send(request.bearer_auth(sandbox::MOCK_CREDENTIAL).json(&body)).await
}

#[tokio::test]
async fn every_parameter_is_taken() {
    let world = World::start().await;
    let fields = json!({
        "n": 2, "seed": 7, "negative_prompt": "people", "style": "vivid", "background": "transparent",
        "output_format": "webp", "output_compression": 60, "quality": "hd", "reasoning": "high",
        "prompt_enhancement": "on", "guidance_scale": 3.5, "strength": 0.4, "moderation": "low",
        "input_fidelity": "high", "user": "u", "anything_else": {"a": [1]},
    });
    let reply = generate(&world, fields).await;
    for index in 0..2 {
        let image = reply.image(index);
        assert_eq!(measure(&image), (256, 192, ImageFormat::Webp));
        assert!(pixels(&image).has_transparency());
    }
    let answer = reply.json();
    let revised = answer["data"][0]["revised_prompt"].as_str();
    assert!(revised.is_some_and(|text| text.starts_with("a lake, ")));
    assert_eq!(answer["usage"], Value::Null);
    let bill = world.bill("mock").await;
    assert_eq!(bill["total_micros"], 0);
    assert_eq!(bill["entries"][0]["images"], 2);
}

#[tokio::test]
async fn a_seed_fixes_the_picture_and_words_change_it() {
    let world = World::start().await;
    let base = generate(&world, json!({"seed": 7})).await.image(0);
    assert_eq!(generate(&world, json!({"seed": 7})).await.image(0), base);
    assert_eq!(generate(&world, json!({"seed": "7", "n": 2})).await.image(0), base);
    for fields in [
        json!({"seed": 8}),
        json!({"seed": 7, "negative_prompt": "trees"}),
        json!({"seed": 7, "style": "vivid"}),
        json!({"seed": 7, "guidance_scale": 9}),
        json!({"seed": 7, "prompt_enhancement": true}),
        json!({}),
    ] {
        assert_ne!(generate(&world, fields.clone()).await.image(0), base, "{fields}");
    }
}

#[tokio::test]
async fn sizes_come_from_ratio_and_resolution() {
    let world = World::start().await;
    let fields = json!({"size": null, "aspect_ratio": "16:9", "resolution": "0.5K"});
    let (width_px, height_px, _) = measure(&generate(&world, fields).await.image(0));
    assert_eq!((width_px, height_px), (683, 384));
}

#[tokio::test]
async fn links_live_an_hour() {
    let world = World::start().await;
    let answer = generate(&world, json!({"response_format": "url"})).await.json();
    let url = answer["data"][0]["url"].as_str().expect("a link");
    assert!(url.starts_with(&world.url("/mock/media/")));
    let reply = send(world.client.get(url)).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "image/png");
    assert_eq!(reply.header("content-length"), reply.body.len().to_string());
    assert_eq!(measure(&reply.body), (256, 192, ImageFormat::Png));
    world.advance_clock(3_601).await;
    assert_eq!(send(world.client.get(url)).await.status, StatusCode::FORBIDDEN);
    let unknown = send(world.request(Method::GET, "/mock/media/0123456789abcdef.png")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_can_be_gone_garbled_or_cut() {
    let world = World::start().await;
    let prompt = |fault: &str| json!({"response_format": "url", "prompt": format!("a lake [[fault: media={fault}]]")});
    let url = |answer: Value| answer["data"][0]["url"].as_str().map(str::to_owned).expect("a link");
    let gone = url(generate(&world, prompt("404")).await.json());
    assert_eq!(send(world.client.get(gone)).await.status, StatusCode::NOT_FOUND);
    let garbled = url(generate(&world, prompt("garbage")).await.json());
    let garbled = send(world.client.get(garbled)).await;
    assert_eq!(garbled.status, StatusCode::OK);
    assert_eq!(ImageFormat::sniff(&garbled.body), None);
    let cut = url(generate(&world, prompt("cut")).await.json());
    let cut = world.client.get(cut).send().await.expect("the head comes");
    assert!(cut.bytes().await.is_err());
}

#[tokio::test]
async fn edits_follow_image_mask_and_strength() {
    let world = World::start().await;
    let size_px = (320, 240);
    let red = plain(size_px, [220, 20, 20, 255], ImageFormat::Png);
    let mut pictures = Vec::new();
    for strength in ["0.1", "1"] {
        let form = Form::new()
            .text("prompt", "a lake")
            .text("seed", "3")
            .text("strength", strength)
            .text("response_format", "b64_json")
            .text("size", "320x240")
            .part("image[]", file(red.clone(), "image/png"));
        let request = world.request(Method::POST, "/mock/v1/images/edits");
        pictures.push(pixels(&send(request.multipart(form)).await.image(0)));
    }
    let original = pixels(&red);
    assert!(distance(&pictures[0], &original) < distance(&pictures[1], &original));
    let body = json!({
        "prompt": "a lake", "size": "320x240", "response_format": "b64_json",
        "images": [{"image_url": data_url("image/png", &red)}],
        "mask": {"image_url": data_url("image/png", &left_half_mask(size_px))},
    });
    let request = world.request(Method::POST, "/mock/v1/images/edits");
    let masked = pixels(&send(request.json(&body)).await.image(0));
    let row = &masked.rgba()[120 * 320 * 4..121 * 320 * 4];
    assert!(
        row[300 * 4..301 * 4]
            .iter()
            .zip([220, 20, 20, 255])
            .all(|(a, b)| a.abs_diff(b) < 3)
    );
}

#[tokio::test]
async fn upscaling_keeps_the_picture() {
    let world = World::start().await;
    let small = generate(&world, json!({"seed": 1})).await.image(0);
    let form = Form::new()
        .text("scale_factor", "2")
        .text("response_format", "b64_json")
        .part("image", file(small.clone(), "image/png"));
    let request = world.request(Method::POST, "/mock/v1/images/edits");
    let large = pixels(&send(request.multipart(form)).await.image(0));
    assert_eq!((large.width_px(), large.height_px()), (512, 384));
    assert!(distance(&large.cover(256, 192), &pixels(&small)) < 4.0);
}

#[tokio::test]
async fn streams_and_errors_look_like_openais() {
    let world = World::start().await;
    let reply = generate(&world, json!({"stream": true, "partial_images": 1})).await;
    let text = reply.text();
    assert_eq!(text.matches("event: image_generation.partial_image\n").count(), 1);
    let completed = text.rsplit("data: ").next().expect("a last event");
    let completed: Value = serde_json::from_str(completed.trim()).expect("JSON");
    assert_eq!(
        measure(&from_base64(&completed["b64_json"])),
        (256, 192, ImageFormat::Png)
    );
    for (words, status, code) in [
        ("status=429 retry-after=3", 429, "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota"),
        ("moderation", 400, "content_policy_violation"),
        ("failed", 500, "server_error"),
    ] {
        let reply = generate(&world, json!({"prompt": format!("x [[fault: {words}]]")})).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        assert_eq!(reply.json()["error"]["code"], code, "{words}");
    }
    let empty = generate(&world, json!({"prompt": "x [[fault: empty]]"})).await;
    assert_eq!(empty.json()["data"], json!([]));
    let model = generate(&world, json!({"model": "other"})).await;
    assert_eq!(model.json()["error"]["code"], "model_not_found");
    let no_prompt = generate(&world, json!({"prompt": ""})).await;
    assert_eq!(no_prompt.status, StatusCode::BAD_REQUEST);
    let models = send(world.request(Method::GET, "/mock/v1/models")).await.json();
    assert_eq!(models["data"][0]["id"], "mock-image");
    let unknown = send(world.request(Method::GET, "/mock/v1/nothing")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["error"]["code"], "not_found");
}
