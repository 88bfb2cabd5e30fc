//! The xAI emulator: shapes, edits, prices, refusals and faults.

use super::harness::{Reply, World, data_url, distance, measure, pixels, plain, send, stays_silent, try_send};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn post(world: &World, path: &str, body: &Value) -> RequestBuilder {
    let request = world.request(Method::POST, &format!("/xai/v1/images/{path}"));
    request.bearer_auth(sandbox::XAI_CREDENTIAL).json(body)
}

async fn generate(world: &World, body: &Value) -> Reply {
    send(post(world, "generations", body)).await
}

async fn edit(world: &World, body: &Value) -> Reply {
    send(post(world, "edits", body)).await
}

async fn billed(world: &World) -> i64 {
    world.bill("xai").await["total_micros"].as_i64().expect("a sum")
}

fn link(rgba: [u8; 4]) -> Value {
    let url = data_url("image/png", &plain((640, 320), rgba, ImageFormat::Png));
    json!({"url": url, "type": "image_url"})
}

#[tokio::test]
async fn shapes_and_resolutions_are_drawn_at_their_price() {
    let world = World::start().await;
    let mut total = 0;
    for (model, fields, size_px, micros) in [
        ("grok-imagine-image", json!({}), (1024, 1024), 20_000),
        (
            "grok-imagine-image-pro",
            json!({"aspect_ratio": "16:9"}),
            (1360, 768),
            40_000,
        ),
        (
            "grok-imagine-image-quality",
            json!({"resolution": "2k", "quality": "high"}),
            (2048, 2048),
            60_000,
        ),
        (
            "grok-imagine-image-2.0",
            json!({"quality": "auto"}),
            (1024, 1024),
            40_000,
        ),
        (
            "grok-imagine-image-2.0",
            json!({"quality": "medium", "resolution": "1k"}),
            (1024, 1024),
            60_000,
        ),
        (
            "grok-imagine-image-2.0",
            json!({"quality": "medium", "resolution": "2k", "aspect_ratio": "1:2"}),
            (1456, 2896),
            80_000,
        ),
    ] {
        let mut body = fields;
        body["model"] = json!(model);
        body["prompt"] = json!("a fox in the snow");
        body["response_format"] = json!("b64_json");
        let reply = generate(&world, &body).await;
        assert_eq!(
            measure(&reply.image(0)),
            (size_px.0, size_px.1, ImageFormat::Jpeg),
            "{model}"
        );
        let answer = reply.json();
        assert_eq!(
            answer["usage"],
            json!({"cost_in_usd_ticks": micros * 10_000}),
            "{model}"
        );
        assert_eq!(answer["data"][0]["respect_moderation"], true);
        assert!(!reply.header("x-request-id").is_empty());
        total += micros;
        assert_eq!(billed(&world).await, total, "{model}");
    }
    let models = world.request(Method::GET, "/xai/v1/image-generation-models/grok-imagine-image-2.0");
    let model = send(models.bearer_auth(sandbox::XAI_CREDENTIAL)).await.json();
    assert_eq!(model["image_price"], 600_000_000);
    assert_eq!(model["pricing"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn links_are_the_default_and_temporary() {
    let world = World::start().await;
    let reply = generate(&world, &json!({"model": "grok-imagine-image", "prompt": "x", "n": 2})).await;
    let answer = reply.json();
    assert_eq!(answer["usage"]["cost_in_usd_ticks"], 400_000_000);
    let fetch = async |at: usize| {
        let url = answer["data"][at]["url"].as_str().expect("a link").to_owned();
        send(world.client.get(url)).await
    };
    let (one, two) = (fetch(0).await, fetch(1).await);
    assert_eq!(one.header("content-type"), "image/jpeg");
    assert!(distance(&pixels(&one.body), &pixels(&two.body)) > 2.0);
    world.advance_clock(3_600).await;
    assert_eq!(fetch(0).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn edits_are_json_and_inputs_cost() {
    let world = World::start().await;
    let (red, blue) = (link([220, 20, 20, 255]), link([20, 20, 220, 255]));
    let body = |image: &Value| json!({"model": "grok-imagine-image", "prompt": "a boat", "image": image, "response_format": "b64_json"});
    let one = edit(&world, &body(&red)).await;
    assert_eq!(one.json()["usage"]["cost_in_usd_ticks"], 220_000_000);
    let (width, height, _) = measure(&one.image(0));
    assert_eq!((width, height), (1456, 720), "the shape of the input");
    let other = edit(&world, &body(&blue)).await;
    assert!(distance(&pixels(&one.image(0)), &pixels(&other.image(0))) > 10.0);
    let several = json!({"model": "grok-imagine-image-2.0", "prompt": "a boat", "images": [red, blue], "n": 2});
    let several = edit(&world, &several).await.json();
    assert_eq!(several["usage"]["cost_in_usd_ticks"], 2 * 600_000_000 + 2 * 100_000_000);
    for (fields, status) in [
        (json!({}), 400),
        (json!({"image": red, "images": [blue]}), 400),
        (json!({"images": []}), 400),
        (json!({"images": [red, red, red, red, red, red]}), 400),
        (json!({"image": {"url": "https://example.org/a.png"}}), 400),
        (json!({"image": {"url": "data:image/png;base64,AAAA"}}), 400),
        (json!({"image": {"type": "image_url"}}), 422),
        (json!({"image": {"url": "data:,", "type": "file"}}), 422),
        (json!({"images": red}), 422),
        (json!({"image": red, "mask": red}), 400),
    ] {
        let mut body = fields;
        body["prompt"] = json!("x");
        assert_eq!(edit(&world, &body).await.status.as_u16(), status, "{body}");
    }
}

#[tokio::test]
async fn keys_routes_and_fields_are_checked() {
    let world = World::start().await;
    let path = "/xai/v1/images/generations";
    let body = json!({"prompt": "x"});
    let none = send(world.request(Method::POST, path).json(&body)).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    for key in ["sk-sandbox", "xai-invalid-key", "xai-"] {
        let reply = send(world.request(Method::POST, path).bearer_auth(key).json(&body)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{key}");
        let text = reply.json()["error"].as_str().expect("a text").to_owned();
        assert!(
            text.starts_with("Incorrect API key provided: ") && !text.contains(key),
            "{text}"
        );
    }
    assert_eq!(
        send(world.request(Method::POST, "/xai/v1/images/variations"))
            .await
            .json(),
        json!({"error": "Not Found"})
    );
    for (fields, status, said) in [
        (json!({"model": "grok-2-image"}), 404, "does not exist"),
        (json!({"size": "1024x1024"}), 400, "Argument not supported: size"),
        (json!({"prompt": null}), 422, "missing field `prompt`"),
        (json!({"prompt": " "}), 400, "must not be empty"),
        (json!({"n": 11}), 400, "between 1 and 10"),
        (json!({"n": "2"}), 422, "n: invalid type"),
        (json!({"aspect_ratio": "5:4"}), 422, "`19.5:9`"),
        (json!({"resolution": "1K"}), 422, "`2k`"),
        (json!({"resolution": "1.5k"}), 422, "`2k`"),
        (
            json!({"model": "grok-imagine-image-2.0", "quality": "high"}),
            400,
            "one of low, medium, auto",
        ),
        (json!({"quality": "ultra"}), 422, "unknown variant `ultra`"),
        (json!({"response_format": "png"}), 422, "response_format"),
        (json!({"user": 7}), 422, "user"),
    ] {
        let mut body = json!({"prompt": "x"});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let reply = generate(&world, &body).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text());
        assert!(
            reply.json()["error"].as_str().is_some_and(|text| text.contains(said)),
            "{}",
            reply.text()
        );
    }
    for text in ["", "{"] {
        assert_eq!(
            send(post(&world, "generations", &body).body(text))
                .await
                .status
                .as_u16(),
            400,
            "{text:?}"
        );
    }
    assert_eq!(
        send(post(&world, "generations", &body).body("[]"))
            .await
            .status
            .as_u16(),
        422
    );
    assert_eq!(billed(&world).await, 0);
}

/// A call with a fault switch.
fn struck(world: &World, words: &str) -> RequestBuilder {
    let prompt = format!("x [[fault: {words}]]");
    post(
        world,
        "generations",
        &json!({"model": "grok-imagine-image", "prompt": prompt}),
    )
}

#[tokio::test]
async fn faults_come_in_the_providers_words() {
    let world = World::start().await;
    for (words, status, said) in [
        ("status=429 retry-after=30", 429, "Too many requests"),
        ("quota", 429, "used all available credits"),
        ("status=403", 403, "blocked"),
        ("status=404", 404, "does not exist"),
        ("status=500", 500, "The server had an error"),
        ("status=500 message=Bad_luck", 500, "Bad luck"),
        ("failed", 500, "The server had an error"),
        ("moderation", 403, "Failed check: SAFETY_CHECK_TYPE_VIOLENCE"),
        ("nonsense", 400, "unknown fault word 'nonsense'"),
    ] {
        let reply = send(struck(&world, words)).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        assert!(reply.text().contains(said), "{words}: {}", reply.text());
    }
    assert!(send(struck(&world, "status=500")).await.json()["error"]["message"].is_string());
    assert_eq!(
        send(struck(&world, "status=429 retry-after=30"))
            .await
            .header("retry-after"),
        "30"
    );
    let page = send(struck(&world, "status=502")).await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(send(struck(&world, "empty")).await.json()["data"], json!([]));
    assert_eq!(billed(&world).await, 0);
    let blocked = send(struck(&world, "moderation stage=output")).await;
    assert_eq!(blocked.status, StatusCode::OK);
    let blocked = blocked.json();
    assert_eq!(
        (&blocked["data"][0]["respect_moderation"], &blocked["data"][0]["url"]),
        (&json!(false), &json!(""))
    );
    assert_eq!(billed(&world).await, 20_000, "what is held back was made");
    send(struck(&world, "failed billed")).await;
    assert_eq!(billed(&world).await, 40_000);
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
    let gone = send(struck(&world, "media=404")).await.json();
    let file = send(world.client.get(gone["data"][0]["url"].as_str().expect("a link"))).await;
    assert_eq!(file.status, StatusCode::NOT_FOUND);
}
