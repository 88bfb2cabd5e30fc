//! The BytePlus ModelArk emulator: sizes, edits, groups, streams, prices, refusals and faults.

use super::harness::{
    Reply, World, data_url, distance, from_base64, measure, pixels, plain, send, stays_silent, try_send,
};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const PRO: &str = "dola-seedream-5-0-pro-260628";
const FLASH: &str = "dola-seedream-5-0-flash-260915";
const LITE: &str = "seedream-5-0-260128";
const FOUR_FIVE: &str = "seedream-4-5-251128";
const FOUR: &str = "seedream-4-0-250828";

fn post(world: &World, body: &Value) -> RequestBuilder {
    let request = world.request(Method::POST, "/byteplus/api/v3/images/generations");
    request.bearer_auth(sandbox::BYTEPLUS_CREDENTIAL).json(body)
}

async fn create(world: &World, body: &Value) -> Reply {
    send(post(world, body)).await
}

async fn billed(world: &World) -> i64 {
    world.bill("byteplus").await["total_micros"].as_i64().expect("a sum")
}

/// A request of the smallest size, with more fields.
fn small(fields: &Value) -> Value {
    let mut body = json!({"model": FOUR, "prompt": "a fox in the snow", "size": "1280x720"});
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

fn picture(size_px: (u32, u32), rgba: [u8; 4]) -> String {
    data_url("image/png", &plain(size_px, rgba, ImageFormat::Png))
}

#[tokio::test]
async fn every_model_draws_at_its_price() {
    let world = World::start().await;
    let mut total = 0;
    for (model, fields, size_px, format, micros) in [
        (
            PRO,
            json!({"size": "1K", "output_format": "png"}),
            (1024, 1024),
            ImageFormat::Png,
            45_000,
        ),
        (PRO, json!({"size": "2K"}), (2048, 2048), ImageFormat::Jpeg, 90_000),
        (
            FLASH,
            json!({"size": "1280x720"}),
            (1280, 720),
            ImageFormat::Jpeg,
            18_000,
        ),
        (LITE, json!({}), (2048, 2048), ImageFormat::Jpeg, 35_000),
        (
            FOUR_FIVE,
            json!({"size": "2560x1440"}),
            (2560, 1440),
            ImageFormat::Jpeg,
            40_000,
        ),
        (
            FOUR,
            json!({"size": "1024x1024"}),
            (1024, 1024),
            ImageFormat::Jpeg,
            30_000,
        ),
        (
            "ep-20260101-abcde",
            json!({"size": "2K"}),
            (2048, 2048),
            ImageFormat::Jpeg,
            40_000,
        ),
    ] {
        let mut body = fields;
        body["model"] = json!(model);
        body["prompt"] = json!("a fox in the snow");
        body["response_format"] = json!("b64_json");
        body["watermark"] = json!(false);
        let reply = create(&world, &body).await;
        assert_eq!(measure(&reply.image(0)), (size_px.0, size_px.1, format), "{model}");
        let answer = reply.json();
        let tokens = u64::from(size_px.0) * u64::from(size_px.1) / 256;
        assert_eq!(answer["data"][0]["size"], format!("{}x{}", size_px.0, size_px.1));
        assert_eq!(
            answer["usage"],
            json!({"generated_images": 1, "output_tokens": tokens, "total_tokens": tokens})
        );
        total += micros;
        assert_eq!(billed(&world).await, total, "{model}");
    }
}

#[tokio::test]
async fn edits_go_the_same_way() {
    let world = World::start().await;
    let (red, blue) = (
        picture((640, 320), [220, 20, 20, 255]),
        picture((64, 64), [20, 20, 220, 255]),
    );
    let body = |image: Value, size: &str| small(&json!({"image": image, "size": size, "response_format": "b64_json"}));
    let one = create(&world, &body(json!(red), "1K")).await;
    let (width, height, _) = measure(&one.image(0));
    assert_eq!((width, height), (1440, 720), "the shape of the input");
    assert_eq!(one.json()["usage"]["input_images"], 1);
    let two = create(&world, &body(json!([blue, red]), "1440x720")).await;
    assert!(distance(&pixels(&one.image(0)), &pixels(&two.image(0))) > 10.0);
    let transparent = json!({"model": FLASH, "image": red, "size": "1K", "background": "transparent"});
    let reply = create(&world, &small(&transparent)).await.json();
    let file = send(world.client.get(reply["data"][0]["url"].as_str().expect("a link"))).await;
    assert_eq!(measure(&file.body).2, ImageFormat::Png, "only PNG can be transparent");
    let edits = world.request(Method::POST, "/byteplus/api/v3/images/edits");
    assert_eq!(
        send(edits.bearer_auth(sandbox::BYTEPLUS_CREDENTIAL)).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn groups_are_billed_by_what_came_out() {
    let world = World::start().await;
    let group =
        json!({"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 3}});
    let whole = create(&world, &small(&group)).await.json();
    assert_eq!(whole["data"].as_array().map(Vec::len), Some(3));
    assert_eq!(whole["usage"]["generated_images"], 3);
    assert_eq!(billed(&world).await, 90_000);
    let mut blocked = small(&group);
    blocked["prompt"] = json!("x [[fault: moderation stage=output]]");
    let part = create(&world, &blocked).await;
    assert_eq!(part.status, StatusCode::OK);
    let part = part.json();
    assert_eq!(part["data"][0]["error"]["code"], "OutputImageSensitiveContentDetected");
    assert!(part["data"][1]["url"].is_string() && part["data"][2]["url"].is_string());
    assert_eq!(part["usage"]["generated_images"], 2);
    assert_eq!(billed(&world).await, 150_000);
}

/// The data of all events of a stream.
fn events(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let text = reply.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn streams_carry_finished_pictures() {
    let world = World::start().await;
    let body = small(&json!({"stream": true, "sequential_image_generation": "auto", "response_format": "b64_json"}));
    let told = events(&create(&world, &body).await);
    assert_eq!(told.len(), 4);
    let first: Value = serde_json::from_str(&told[0]).expect("JSON");
    assert_eq!(
        (&first["type"], &first["image_index"]),
        (&json!("image_generation.partial_succeeded"), &json!(0))
    );
    assert_eq!(measure(&from_base64(&first["b64_json"])).0, 1280);
    let last: Value = serde_json::from_str(&told[2]).expect("JSON");
    assert_eq!(last["usage"]["generated_images"], 2);
    assert_eq!(told[3], "[DONE]");
    let mut blocked = body.clone();
    blocked["prompt"] = json!("x [[fault: moderation stage=output]]");
    let told = events(&create(&world, &blocked).await);
    let first: Value = serde_json::from_str(&told[0]).expect("JSON");
    assert_eq!(first["type"], "image_generation.partial_failed");
    let mut cut = body;
    cut["prompt"] = json!("x [[fault: cut]]");
    assert!(try_send(post(&world, &cut)).await.is_err());
}

#[tokio::test]
async fn links_live_a_day() {
    let world = World::start().await;
    let answer = create(&world, &small(&json!({}))).await.json();
    let url = answer["data"][0]["url"].as_str().expect("a link");
    assert!(url.ends_with(".jpeg"));
    world.advance_clock(24 * 3_600 - 1).await;
    assert_eq!(send(world.client.get(url)).await.status, StatusCode::OK);
    world.advance_clock(1).await;
    assert_eq!(send(world.client.get(url)).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn keys_and_fields_are_checked() {
    let world = World::start().await;
    let path = "/byteplus/api/v3/images/generations";
    for key in [None, Some("short"), Some("ark-invalid-key")] {
        let mut request = world.request(Method::POST, path).json(&small(&json!({})));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let reply = send(request).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{key:?}");
        let error = reply.json()["error"].clone();
        assert_eq!(
            (&error["code"], &error["type"]),
            (&json!("AuthenticationError"), &json!("Unauthorized"))
        );
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.ends_with(reply.header("x-request-id")))
        );
    }
    let image = picture((64, 64), [9, 9, 9, 255]);
    for (fields, status, code, param) in [
        (json!({"model": null}), 400, "MissingParameter", "model"),
        (
            json!({"model": "gpt-image-1"}),
            404,
            "InvalidEndpointOrModel.NotFound",
            "",
        ),
        (json!({"prompt": ""}), 400, "MissingParameter", "prompt"),
        (json!({"prompt": 5}), 400, "InvalidParameter", "prompt"),
        (json!({"size": "512x512"}), 400, "InvalidParameter", "size"),
        (json!({"size": "3K"}), 400, "InvalidParameter", "size"),
        (
            json!({"model": FOUR_FIVE, "size": "1024x1024"}),
            400,
            "InvalidParameter",
            "size",
        ),
        (
            json!({"output_format": "png"}),
            400,
            "InvalidParameter",
            "output_format",
        ),
        (
            json!({"model": LITE, "size": "2K", "output_format": "webp"}),
            400,
            "InvalidParameter",
            "output_format",
        ),
        (
            json!({"model": PRO, "sequential_image_generation": "disabled"}),
            400,
            "InvalidParameter",
            "sequential_image_generation",
        ),
        (json!({"model": PRO, "stream": true}), 400, "InvalidParameter", "stream"),
        (
            json!({"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 16}}),
            400,
            "InvalidParameter",
            "sequential_image_generation_options",
        ),
        (
            json!({"model": PRO, "background": "transparent"}),
            400,
            "InvalidParameter",
            "background",
        ),
        (json!({"watermark": "no"}), 400, "InvalidParameter", "watermark"),
        (
            json!({"optimize_prompt_options": {"mode": "slow"}}),
            400,
            "InvalidParameter",
            "optimize_prompt_options",
        ),
        (
            json!({"response_format": "png"}),
            400,
            "InvalidParameter",
            "response_format",
        ),
        (json!({"image": 5}), 400, "InvalidParameter", "image"),
        (
            json!({"image": vec![image.clone(); 15]}),
            400,
            "InvalidParameter",
            "image",
        ),
        (
            json!({"image": image.replace("png", "PNG")}),
            400,
            "InvalidParameter",
            "image",
        ),
        (
            json!({"image": "https://example.org/a.png"}),
            400,
            "InvalidParameter",
            "image",
        ),
        (
            json!({"image": "data:image/png;base64,AAAA"}),
            400,
            "InvalidParameter",
            "image",
        ),
    ] {
        let reply = create(&world, &small(&fields)).await;
        assert_eq!(reply.status.as_u16(), status, "{fields}: {}", reply.text());
        let error = reply.json()["error"].clone();
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!(code), &json!(param)),
            "{fields}"
        );
    }
    assert_eq!(
        send(post(&world, &json!({})).body("[")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(billed(&world).await, 0);
}

/// A call with a fault switch.
fn struck(world: &World, words: &str) -> RequestBuilder {
    post(world, &small(&json!({"prompt": format!("x [[fault: {words}]]")})))
}

#[tokio::test]
async fn faults_come_in_the_providers_words() {
    let world = World::start().await;
    for (words, status, code) in [
        ("status=429 retry-after=30", 429, "ModelAccountIpmRateLimitExceeded"),
        ("quota", 403, "AccountOverdueError"),
        ("status=401", 401, "AuthenticationError"),
        ("status=403", 403, "AccessDenied"),
        ("status=404", 404, "ModelNotOpen"),
        ("status=500", 500, "InternalServiceError"),
        ("failed", 500, "InternalServiceError"),
        ("moderation", 400, "InputTextSensitiveContentDetected"),
        ("moderation stage=output", 400, "OutputImageSensitiveContentDetected"),
        ("nonsense", 400, "InvalidParameter"),
    ] {
        let reply = send(struck(&world, words)).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        assert_eq!(reply.json()["error"]["code"], code, "{words}");
    }
    assert_eq!(
        send(struck(&world, "status=429 retry-after=30"))
            .await
            .header("retry-after"),
        "30"
    );
    let page = send(struck(&world, "status=504")).await;
    assert!(page.header("content-type").starts_with("text/html"));
    let empty = send(struck(&world, "empty")).await.json();
    assert_eq!(
        (&empty["data"], &empty["usage"]["generated_images"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(billed(&world).await, 0, "failures are free");
    send(struck(&world, "failed billed")).await;
    assert_eq!(billed(&world).await, 30_000);
}

#[tokio::test]
async fn answers_can_be_spoiled() {
    let world = World::start().await;
    let garbage = send(struck(&world, "garbage")).await;
    assert!(serde_json::from_slice::<Value>(&garbage.body).is_err());
    assert!(try_send(struck(&world, "cut")).await.is_err());
    for words in ["hang", "stall"] {
        stays_silent(&world, struck(&world, words)).await;
    }
    let huge = send(struck(&world, "huge=3MiB")).await.json();
    let file = send(world.client.get(huge["data"][0]["url"].as_str().expect("a link"))).await;
    assert_eq!(file.body.len(), 3 * 1024 * 1024);
}
