//! The Gemini API's emulator: keys, parts, sizes, tokens, refusals and faults.

use super::harness::{Reply, World, from_base64, measure, plain, send, try_send};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const RED: [u8; 4] = [220, 20, 20, 255];
const FLASH: &str = "gemini-3.1-flash-image";

fn call(world: &World, model: &str) -> RequestBuilder {
    let path = format!("/gemini/v1beta/models/{model}:generateContent");
    world
        .request(Method::POST, &path)
        .header("x-goog-api-key", sandbox::GEMINI_CREDENTIAL)
}

fn body(prompt: &str, config: Value) -> Value {
    json!({"contents": [{"parts": [{"text": prompt}]}], "generationConfig": config})
}

async fn generate(world: &World, model: &str, prompt: &str, config: Value) -> Reply {
    send(call(world, model).json(&body(prompt, config))).await
}

/// The parts of the answer's only candidate.
fn parts(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let answer = reply.json();
    let parts = answer["candidates"][0]["content"]["parts"].as_array();
    parts.cloned().unwrap_or_default()
}

/// The picture that is no thought.
fn picture(reply: &Reply) -> Vec<u8> {
    let parts = parts(reply);
    let mut finished = parts.iter().filter(|part| part["thought"] != true);
    let part = finished.find(|part| part["inlineData"].is_object()).expect("an image");
    from_base64(&part["inlineData"]["data"])
}

#[tokio::test]
async fn sizes_tokens_and_the_bill_follow_the_model() {
    let world = World::start().await;
    for (model, config, size_px, tokens, thoughts, micros) in [
        (
            FLASH,
            json!({"aspectRatio": "16:9", "imageSize": "512"}),
            (688, 384),
            747,
            180,
            44_820 + 540 + 1,
        ),
        (
            FLASH,
            json!({"aspectRatio": "1:4"}),
            (512, 2048),
            1120,
            180,
            67_200 + 540 + 1,
        ),
        (
            "gemini-3-pro-image",
            json!({"imageSize": "2K"}),
            (2048, 2048),
            1120,
            180,
            134_400 + 2_160 + 4,
        ),
        (
            "gemini-2.5-flash-image",
            json!({"aspectRatio": "3:2"}),
            (1248, 832),
            1290,
            0,
            38_700 + 1,
        ),
        (
            "gemini-3.1-flash-lite-image",
            json!({}),
            (1024, 1024),
            1120,
            180,
            33_600 + 270,
        ),
        (
            "gemini-nano-banana-2.1",
            json!({"aspectRatio": "9:16"}),
            (768, 1376),
            1120,
            180,
            33_600 + 1_350 + 3,
        ),
    ] {
        let reply = generate(&world, model, "a lake.", json!({"imageConfig": config})).await;
        let (width, height, format) = measure(&picture(&reply));
        assert_eq!(((width, height), format), (size_px, ImageFormat::Png), "{model}");
        let answer = reply.json();
        let usage = &answer["usageMetadata"];
        assert_eq!(usage["candidatesTokenCount"], tokens, "{model}");
        assert_eq!(usage["thoughtsTokenCount"].as_u64().unwrap_or(0), thoughts, "{model}");
        assert_eq!(usage["promptTokenCount"], 2);
        assert_eq!(usage["totalTokenCount"], 2 + tokens + thoughts);
        assert_eq!(answer["modelVersion"], model);
        let entries = world.bill("gemini").await["entries"].clone();
        let last = entries
            .as_array()
            .and_then(|entries| entries.last())
            .cloned()
            .expect("a charge");
        assert_eq!(last["micros"], micros, "{model}");
        assert_eq!(last["call_id"], answer["responseId"]);
    }
}

#[tokio::test]
async fn edits_take_images_as_parts_and_keep_their_shape() {
    let world = World::start().await;
    let data = STANDARD.encode(plain((1600, 900), RED, ImageFormat::Webp));
    // Names in snake case are as good.
    let image = json!({"inline_data": {"mime_type": "image/webp", "data": data}});
    let asked = json!({"contents": [{"role": "user", "parts": [image, image, {"text": "a boat"}]}]});
    let reply = send(call(&world, FLASH).json(&asked)).await;
    let (width, height, _) = measure(&picture(&reply));
    assert_eq!((width, height), (1376, 768));
    let details = reply.json()["usageMetadata"]["promptTokensDetails"].clone();
    assert_eq!(
        details,
        json!([{"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 2240}])
    );
    let calls = world.calls("gemini").await;
    let shown = calls[0]["body"].to_string();
    assert!(!shown.contains("a boat") && !shown.contains(&data[..40]), "{shown}");
    assert_eq!(calls[0]["model"], FLASH);
}

#[tokio::test]
async fn thoughts_come_when_asked_for_and_a_seed_repeats() {
    let world = World::start().await;
    let config = json!({"seed": 7, "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "HIGH"}});
    let first = generate(&world, FLASH, "a lake", config.clone()).await;
    let thoughts = parts(&first).iter().filter(|part| part["thought"] == true).count();
    assert_eq!((thoughts, parts(&first).len()), (2, 3));
    assert_eq!(first.json()["usageMetadata"]["thoughtsTokenCount"], 420);
    let second = generate(&world, FLASH, "a lake", config).await;
    assert!(picture(&first) == picture(&second));
    let minimal = json!({"thinkingConfig": {"thinkingLevel": "MINIMAL"}});
    let reply = generate(&world, FLASH, "a lake", minimal).await;
    assert_eq!(reply.json()["usageMetadata"]["thoughtsTokenCount"], Value::Null);
    let text = generate(&world, FLASH, "a lake", json!({"responseModalities": ["TEXT"]})).await;
    assert_eq!(text.json()["candidates"][0]["finishReason"], "STOP");
    assert!(parts(&text).iter().all(|part| part["text"].is_string()));
}

#[tokio::test]
async fn a_stream_is_one_event() {
    let world = World::start().await;
    let path = format!(
        "/gemini/v1beta/models/{FLASH}:streamGenerateContent?alt=sse&key={}",
        sandbox::GEMINI_CREDENTIAL
    );
    let reply = send(world.request(Method::POST, &path).json(&body("a lake", json!({})))).await;
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let text = reply.text();
    let event = text
        .strip_prefix("data: ")
        .and_then(|text| text.strip_suffix("\r\n\r\n"))
        .expect("an event");
    let event: Value = serde_json::from_str(event).expect("JSON");
    let part = &event["candidates"][0]["content"]["parts"][0];
    assert_eq!(measure(&from_base64(&part["inlineData"]["data"])).0, 1024);
    assert_eq!(event["candidates"][0]["finishReason"], "STOP");
}

#[tokio::test]
async fn keys_and_models_are_checked() {
    let world = World::start().await;
    let path = format!("/gemini/v1beta/models/{FLASH}:generateContent");
    let asked = body("x", json!({}));
    let none = send(world.request(Method::POST, &path).json(&asked)).await;
    assert_eq!(
        (none.status.as_u16(), none.json()["error"]["status"].as_str()),
        (403, Some("PERMISSION_DENIED"))
    );
    for key in ["sk-1", "AIza-invalid", "AIza-expired"] {
        let reply = send(
            world
                .request(Method::POST, &path)
                .header("x-goog-api-key", key)
                .json(&asked),
        )
        .await;
        let error = reply.json()["error"].clone();
        // A bad key is 400 here.
        assert_eq!(
            (reply.status.as_u16(), error["status"].as_str()),
            (400, Some("INVALID_ARGUMENT"))
        );
        assert_eq!(error["details"][0]["reason"], "API_KEY_INVALID");
        assert!(!reply.text().contains(key));
    }
    for model in ["imagen-4.0-generate-001", "gemini-9-image"] {
        let reply = generate(&world, model, "x", json!({})).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["error"]["status"].as_str()),
            (404, Some("NOT_FOUND"))
        );
    }
    let list = world
        .request(Method::GET, "/gemini/v1beta/models")
        .header("x-goog-api-key", "AIza1");
    let models = send(list).await.json();
    assert!(models["models"].as_array().is_some_and(|models| models.len() == 7));
    let one = world.request(Method::GET, "/gemini/v1beta/models/gemini-3-pro-image?key=AIza1");
    assert_eq!(send(one).await.json()["name"], "models/gemini-3-pro-image");
    assert_eq!(world.bill("gemini").await["entries"], json!([]));
}

#[tokio::test]
async fn every_rule_has_its_error() {
    let world = World::start().await;
    let png = STANDARD.encode(plain((64, 64), RED, ImageFormat::Png));
    let part = |part: Value| json!({"contents": [{"parts": [{"text": "x"}, part]}]});
    let config = |config: Value| body("x", config);
    let image = |image: Value| config(json!({"imageConfig": image}));
    for (model, asked, field) in [
        (FLASH, json!({}), "contents"),
        (FLASH, json!({"contents": [{"parts": []}]}), "contents[0].parts"),
        (FLASH, json!({"contents": [{"parts": "x"}]}), "contents[0].parts[0]"),
        (
            FLASH,
            json!({"contents": [{"parts": [{"text": 7}]}]}),
            "contents[0].parts[0].text",
        ),
        (FLASH, part(json!({})), "contents[0].parts[1].data"),
        (
            FLASH,
            part(json!({"inlineData": {"mimeType": "image/gif", "data": png}})),
            "contents[0].parts[1].inline_data.mime_type",
        ),
        (
            FLASH,
            part(json!({"inlineData": {"mimeType": "image/png", "data": "%"}})),
            "contents[0].parts[1].inline_data.data",
        ),
        (FLASH, json!({"contents": [], "prompt": "x"}), ""),
        (FLASH, config(json!({"n": 2})), "generation_config"),
        (FLASH, config(json!({"seed": "1"})), "generation_config.seed"),
        (
            FLASH,
            config(json!({"temperature": 3})),
            "generation_config.temperature",
        ),
        (
            FLASH,
            config(json!({"responseModalities": ["VIDEO"]})),
            "generation_config.response_modalities[0]",
        ),
        (
            FLASH,
            image(json!({"aspectRatio": "7:3"})),
            "generation_config.image_config.aspect_ratio",
        ),
        (
            FLASH,
            image(json!({"imageSize": "1k"})),
            "generation_config.image_config.image_size",
        ),
        (
            FLASH,
            image(json!({"imageOutputOptions": {"mimeType": "image/jpeg"}})),
            "generation_config.image_config",
        ),
        (
            "gemini-2.5-flash-image",
            image(json!({"imageSize": "2K"})),
            "generation_config.image_config.image_size",
        ),
        (
            "gemini-2.5-flash-image",
            image(json!({"aspectRatio": "1:8"})),
            "generation_config.image_config.aspect_ratio",
        ),
        (
            "gemini-3.1-flash-lite-image",
            image(json!({"imageSize": "4K"})),
            "generation_config.image_config.image_size",
        ),
        (
            FLASH,
            json!({"contents": [{"parts": [{"text": "x"}]}], "safetySettings": [{"category": "X"}]}),
            "safety_settings[0].category",
        ),
    ] {
        let reply = send(call(&world, model).json(&asked)).await;
        let error = reply.json()["error"].clone();
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{asked}");
        assert_eq!(error["status"], "INVALID_ARGUMENT", "{asked}");
        assert_eq!(error["details"][0]["fieldViolations"][0]["field"], field, "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 10));
    }
    for (model, asked) in [
        (FLASH, config(json!({"candidateCount": 2}))),
        (
            "gemini-2.5-flash-image",
            config(json!({"thinkingConfig": {"thinkingLevel": "LOW"}})),
        ),
        (
            FLASH,
            config(json!({"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 5}})),
        ),
        (
            FLASH,
            part(json!({"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(b"nothing")}})),
        ),
        (
            FLASH,
            part(json!({"fileData": {"fileUri": "https://example.org/a.png"}})),
        ),
        (
            FLASH,
            json!({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}),
        ),
    ] {
        let reply = send(call(&world, model).json(&asked)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{asked}");
    }
    for raw in ["", "{", "[]"] {
        let reply = send(call(&world, FLASH).header("content-type", "application/json").body(raw)).await;
        assert_eq!(reply.json()["error"]["status"], "INVALID_ARGUMENT");
    }
    let unknown = send(call(&world, FLASH).json(&config(json!({"fooBar": 1}))))
        .await
        .json();
    assert_eq!(
        unknown["error"]["message"],
        "Invalid JSON payload received. Unknown name \"fooBar\" at 'generation_config': Cannot find field."
    );
    assert_eq!(world.bill("gemini").await["entries"], json!([]));
}

#[tokio::test]
async fn refusals_come_in_googles_words() {
    let world = World::start().await;
    for (words, status, name) in [
        ("quota", 429, "RESOURCE_EXHAUSTED"),
        ("status=429", 429, "RESOURCE_EXHAUSTED"),
        ("status=401", 401, "UNAUTHENTICATED"),
        ("status=403", 403, "PERMISSION_DENIED"),
        ("status=404", 404, "NOT_FOUND"),
        ("status=500", 500, "INTERNAL"),
        ("failed", 500, "INTERNAL"),
        ("status=503", 503, "UNAVAILABLE"),
        ("status=504", 504, "DEADLINE_EXCEEDED"),
        ("nonsense", 400, "INVALID_ARGUMENT"),
    ] {
        let reply = generate(&world, FLASH, &format!("x [[fault: {words}]]"), json!({})).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        assert_eq!(reply.json()["error"]["status"], name, "{words}");
    }
    let limited = generate(&world, FLASH, "x [[fault: status=429 retry-after=2.5]]", json!({}))
        .await
        .json();
    let details = limited["error"]["details"].as_array().cloned().expect("details");
    assert!(details.iter().any(|detail| detail["retryDelay"] == "2.5s"));
    let page = generate(&world, FLASH, "x [[fault: status=502]]", json!({})).await;
    assert_eq!((page.status.as_u16(), page.text().contains("<html>")), (502, true));
    assert_eq!(world.bill("gemini").await["entries"], json!([]));
}

#[tokio::test]
async fn a_blocked_picture_is_a_success_without_one() {
    let world = World::start().await;
    let input = generate(&world, FLASH, "x [[fault: moderation]]", json!({})).await;
    assert_eq!(input.status, StatusCode::OK);
    let answer = input.json();
    assert_eq!(answer["promptFeedback"]["blockReason"], "PROHIBITED_CONTENT");
    assert_eq!(answer["candidates"], Value::Null);
    let output = generate(&world, FLASH, "x [[fault: moderation stage=output]]", json!({})).await;
    assert_eq!(output.json()["candidates"][0]["finishReason"], "IMAGE_SAFETY");
    assert!(parts(&output).is_empty());
    let empty = generate(&world, FLASH, "x [[fault: empty]]", json!({})).await;
    assert_eq!(empty.json()["candidates"][0]["finishReason"], "NO_IMAGE");
    assert_eq!(world.bill("gemini").await["entries"], json!([]));
}

#[tokio::test]
async fn bodies_break_and_grow_as_asked_for() {
    let world = World::start().await;
    let asked = body("x [[fault: cut]]", json!({}));
    try_send(call(&world, FLASH).json(&asked))
        .await
        .expect_err("it breaks off");
    assert_eq!(world.bill("gemini").await["total_micros"], 67_200 + 540 + 2);
    let garbage = generate(&world, FLASH, "x [[fault: garbage]]", json!({})).await;
    assert!(serde_json::from_slice::<Value>(&garbage.body).is_err());
    let huge = generate(&world, FLASH, "x [[fault: huge=6MiB]]", json!({})).await;
    assert_eq!(picture(&huge).len(), 6 << 20);
    let billed = generate(&world, FLASH, "y [[fault: status=500 billed]]", json!({})).await;
    assert_eq!(billed.status, StatusCode::INTERNAL_SERVER_ERROR);
    let entries = world.bill("gemini").await["entries"].as_array().map(Vec::len);
    assert_eq!(entries, Some(4));
}
