//! The OpenRouter emulator: both ways to an image, their rules, prices and faults.

use super::harness::{Reply, World, data_url, distance, from_base64, measure, pixels, plain, send};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const RED: [u8; 4] = [200, 20, 20, 255];
const BLUE: [u8; 4] = [20, 20, 200, 255];

fn api(world: &World, method: Method, path: &str) -> RequestBuilder {
    world
        .request(method, &format!("/openrouter/api/v1{path}"))
        .bearer_auth(sandbox::OPENROUTER_CREDENTIAL)
}

async fn images(world: &World, body: &Value) -> Reply {
    send(api(world, Method::POST, "/images").json(body)).await
}

async fn chat(world: &World, body: &Value) -> Reply {
    send(api(world, Method::POST, "/chat/completions").json(body)).await
}

/// The image of a chat answer, and the type that its data URL names.
fn chat_image(reply: &Reply) -> (Vec<u8>, String) {
    let answer = reply.json();
    let url = answer["choices"][0]["message"]["images"][0]["image_url"]["url"]
        .as_str()
        .unwrap_or_else(|| panic!("an image in {answer:.300}"));
    let (kind, base64) = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"))
        .expect("a data URL");
    (STANDARD.decode(base64).expect("base64"), kind.to_owned())
}

fn talk(prompt: &str) -> Value {
    json!({
        "model": "google/gemini-3.1-flash-image", "modalities": ["image", "text"],
        "messages": [{"role": "user", "content": prompt}],
    })
}

fn reference(rgba: [u8; 4]) -> Value {
    let url = data_url("image/png", &plain((512, 512), rgba, ImageFormat::Png));
    json!({"type": "image_url", "image_url": {"url": url}})
}

async fn total_micros(world: &World) -> i64 {
    world.bill("openrouter").await["total_micros"].as_i64().expect("a sum")
}

#[tokio::test]
async fn the_images_api_draws_sizes_and_formats() {
    let world = World::start().await;
    for (model, fields, expected, format) in [
        (
            "google/gemini-2.5-flash-image",
            json!({"aspect_ratio": "16:9"}),
            (1344, 768),
            ImageFormat::Png,
        ),
        (
            "google/gemini-3.1-flash-image",
            json!({"aspect_ratio": "3:2", "resolution": "512"}),
            (632, 424),
            ImageFormat::Png,
        ),
        (
            "google/gemini-3-pro-image",
            json!({"size": "2K"}),
            (2048, 2048),
            ImageFormat::Png,
        ),
        (
            "openai/gpt-image-1-mini",
            json!({"size": "1536x1024", "output_format": "webp"}),
            (1536, 1024),
            ImageFormat::Webp,
        ),
        (
            "openai/gpt-image-2",
            json!({"aspect_ratio": "1:1", "output_format": "jpeg", "quality": "low"}),
            (1024, 1024),
            ImageFormat::Jpeg,
        ),
        (
            "bytedance-seed/seedream-4.5",
            json!({"aspect_ratio": "9:16"}),
            (1536, 2736),
            ImageFormat::Png,
        ),
    ] {
        let mut body = json!({"model": model, "prompt": "a lake"});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let reply = images(&world, &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{model}: {}", reply.text());
        let answer = reply.json();
        let (width, height, measured) = measure(&from_base64(&answer["data"][0]["b64_json"]));
        assert_eq!(((width, height), measured), (expected, format), "{model}");
        assert_eq!(answer["data"][0]["media_type"], format.mime_type());
        assert!(answer["created"].as_i64().is_some_and(|at| at > 1_700_000_000));
    }
}

#[tokio::test]
async fn the_cost_in_the_answer_is_what_is_billed() {
    let world = World::start().await;
    // A prompt of 9 characters is 3 tokens.
    for (model, fields, completion, micros) in [
        ("google/gemini-2.5-flash-image", json!({}), 1_290, 38_701),
        (
            "google/gemini-3.1-flash-image",
            json!({"resolution": "512"}),
            750,
            45_002,
        ),
        (
            "google/gemini-3.1-flash-image",
            json!({"resolution": "4K"}),
            2_520,
            151_202,
        ),
        ("google/gemini-3-pro-image", json!({}), 1_120, 134_406),
        ("openai/gpt-image-1-mini", json!({"quality": "low", "n": 2}), 544, 4_358),
        ("openai/gpt-image-2", json!({"quality": "high"}), 7_024, 210_735),
        ("bytedance-seed/seedream-4.5", json!({}), 16_384, 40_000),
    ] {
        let before = total_micros(&world).await;
        let mut body = json!({"model": model, "prompt": "nine char"});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let answer = images(&world, &body).await.json();
        let usage = &answer["usage"];
        assert_eq!(usage["completion_tokens"], completion, "{model}");
        assert_eq!(usage["total_tokens"], completion + 3, "{model}");
        assert_eq!(total_micros(&world).await - before, micros, "{model}");
        let cost_micros = usage["cost"].as_f64().expect("a cost") * 1e6;
        assert!((cost_micros - micros as f64).abs() <= 0.5, "{model}: {usage}");
    }
    let bill = world.bill("openrouter").await;
    assert_eq!(bill["entries"][4]["images"], 2);
    assert!(!bill.to_string().contains("nine char"));
}

#[tokio::test]
async fn chat_answers_with_an_image_in_the_message() {
    let world = World::start().await;
    let mut body = talk("nine char");
    body["image_config"] = json!({"aspect_ratio": "21:9", "image_size": "2K"});
    let reply = chat(&world, &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let (image, kind) = chat_image(&reply);
    assert_eq!(measure(&image), (3168, 1344, ImageFormat::Png));
    assert_eq!(kind, "image/png");
    let answer = reply.json();
    assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("gen-")));
    let choice = &answer["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["native_finish_reason"]),
        (&json!("stop"), &json!("STOP"))
    );
    assert_eq!(choice["message"]["role"], "assistant");
    let usage = &answer["usage"];
    assert_eq!(usage["completion_tokens_details"]["image_tokens"], 1_680);
    // Three tokens in, three tokens of text out, and the image: 1.5 + 9 + 100,800, and the half goes to the even side.
    assert_eq!(total_micros(&world).await, 100_810);
    assert_eq!(usage["cost"], json!(0.100_810_5));
}

#[tokio::test]
async fn modalities_decide_who_draws() {
    let world = World::start().await;
    let mut words_only = talk("a lake");
    words_only["modalities"] = json!(["text"]);
    let reply = chat(&world, &words_only).await;
    let message = reply.json()["choices"][0]["message"].clone();
    assert_eq!(
        (message.get("images"), &message["content"]),
        (None, &json!("Here it is."))
    );
    let mut mute = talk("a lake");
    mute["model"] = json!("bytedance-seed/seedream-4.5");
    let reply = chat(&world, &mute).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(
        reply.json()["error"]["message"],
        "No endpoints found that support the requested output modalities: image, text"
    );
    mute["modalities"] = json!(["image"]);
    let (image, _) = chat_image(&chat(&world, &mute).await);
    assert_eq!(measure(&image), (2048, 2048, ImageFormat::Png));
}

#[tokio::test]
async fn edits_begin_with_their_references() {
    let world = World::start().await;
    let body = json!({
        "model": "google/gemini-3.1-flash-image", "prompt": "nine char", "input_references": [reference(RED), reference(RED)],
    });
    let reply = images(&world, &body).await;
    let edited = pixels(&from_base64(&reply.json()["data"][0]["b64_json"]));
    assert_eq!(reply.json()["usage"]["prompt_tokens"], 3 + 2 * 1_120);
    let talk_over = async |reference: Value| {
        let mut parts = talk("");
        parts["messages"][0]["content"] = json!([{"type": "text", "text": "nine char"}, reference]);
        let reply = chat(&world, &parts).await;
        assert_eq!(reply.json()["usage"]["prompt_tokens_details"]["image_tokens"], 1_120);
        pixels(&chat_image(&reply).0)
    };
    let (red, blue) = (talk_over(reference(RED)).await, talk_over(reference(BLUE)).await);
    assert!(distance(&red, &blue) > 20.0 && distance(&edited, &blue) > 20.0);
}

#[tokio::test]
async fn the_images_api_is_strict() {
    let world = World::start().await;
    let gemini = "google/gemini-3.1-flash-image";
    for (model, fields, named) in [
        (gemini, json!({"prompt": null}), "prompt"),
        (gemini, json!({"prompt": ""}), "prompt"),
        (gemini, json!({"prompt": 7}), "prompt"),
        (gemini, json!({"n": 2}), "n"),
        ("openai/gpt-image-2", json!({"n": 11}), "n"),
        ("openai/gpt-image-2", json!({"n": "2"}), "n"),
        (gemini, json!({"quality": "high"}), "quality"),
        ("openai/gpt-image-2", json!({"quality": "max"}), "quality"),
        ("openai/gpt-image-2", json!({"quality": "ultra"}), "quality"),
        ("openai/gpt-image-2", json!({"seed": 1}), "seed"),
        (
            "openai/gpt-image-2",
            json!({"background": "transparent", "output_format": "jpeg"}),
            "background",
        ),
        (
            "openai/gpt-image-2",
            json!({"output_compression": 101}),
            "output_compression",
        ),
        (gemini, json!({"aspect_ratio": "5:3"}), "aspect_ratio"),
        (gemini, json!({"resolution": "1k"}), "resolution"),
        (gemini, json!({"size": "4K", "resolution": "1K"}), "size"),
        (gemini, json!({"size": "1024x1024", "aspect_ratio": "16:9"}), "size"),
        (gemini, json!({"stream": true}), "stream"),
        (gemini, json!({"provider": "google"}), "provider"),
        (gemini, json!({"provider": {"only": "google"}}), "provider.only"),
        (gemini, json!({"input_references": "x"}), "input_references"),
        (
            gemini,
            json!({"input_references": [{"type": "image_url"}]}),
            "input_references",
        ),
        (
            gemini,
            json!({"input_references": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}),
            "input_references",
        ),
        (
            "google/gemini-2.5-flash-image",
            json!({"input_references": [1, 2, 3, 4]}),
            "input_references",
        ),
        (gemini, json!({"image": "x"}), "image"),
    ] {
        let mut body = json!({"model": model, "prompt": "x"});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let reply = images(&world, &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{fields}");
        let error = &reply.json()["error"];
        assert_eq!(error["code"], 400);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(&format!("'{named}'")), "{fields}: {message}");
    }
    let unknown = images(&world, &json!({"model": "nobody/nothing", "prompt": "x"})).await;
    assert_eq!(
        unknown.json()["error"]["message"],
        "nobody/nothing is not a valid model ID"
    );
    assert_eq!(total_micros(&world).await, 0);
}

#[tokio::test]
async fn chat_wants_messages_and_ignores_what_it_has_no_use_for() {
    let world = World::start().await;
    for (field, value) in [
        ("messages", json!([])),
        ("messages", json!([{"role": "nobody", "content": "x"}])),
        ("messages", json!([{"role": "user"}])),
        ("messages", json!([{"role": "user", "content": [{"type": "file"}]}])),
        ("messages", json!([{"role": "system", "content": "only this"}])),
        ("modalities", json!("image")),
        ("modalities", json!(["video"])),
        ("image_config", json!({"aspect_ratio": "5:3"})),
        ("image_config", json!({"image_size": "2k"})),
        ("stream", json!(true)),
    ] {
        let mut body = talk("x");
        body[field] = value.clone();
        assert_eq!(
            chat(&world, &body).await.status,
            StatusCode::BAD_REQUEST,
            "{field} {value}"
        );
    }
    let mut body = talk("x");
    body["temperature"] = json!(1);
    body["quality"] = json!("high");
    assert_eq!(chat(&world, &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn keys_and_routes_are_checked() {
    let world = World::start().await;
    let body = json!({"model": "openai/gpt-image-2", "prompt": "x"});
    for (key, message) in [
        (None, "No auth credentials found"),
        (Some("sk-1"), "User not found."),
        (Some("sk-or-invalid"), "User not found."),
    ] {
        let mut request = world.request(Method::POST, "/openrouter/api/v1/images").json(&body);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let reply = send(request).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.json()["error"]["message"], message);
    }
    assert_eq!(
        send(api(&world, Method::GET, "/nothing")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        send(api(&world, Method::GET, "/images")).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn models_tell_what_they_take() {
    let world = World::start().await;
    let list = send(world.request(Method::GET, "/openrouter/api/v1/images/models"))
        .await
        .json();
    let models = list["data"].as_array().expect("a list");
    let mini = models
        .iter()
        .find(|model| model["id"] == "openai/gpt-image-1-mini")
        .expect("it is there");
    assert_eq!(mini["supported_parameters"]["n"]["max"], 10);
    let path = mini["endpoints"].as_str().expect("a path");
    let hosts = send(world.request(Method::GET, &format!("/openrouter{path}")))
        .await
        .json();
    assert_eq!(hosts["endpoints"][0]["provider_slug"], "openai");
    assert_eq!(
        hosts["endpoints"][0]["supported_parameters"],
        mini["supported_parameters"]
    );
    let talkers = send(world.request(Method::GET, "/openrouter/api/v1/models?output_modalities=image,text"))
        .await
        .json();
    let ids: Vec<&str> = talkers["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|model| model["id"].as_str())
        .collect();
    assert!(
        ids.len() == 3 && ids.iter().all(|id| id.starts_with("google/")),
        "{ids:?}"
    );
}

#[tokio::test]
async fn faults_wear_openrouters_dress() {
    let world = World::start().await;
    let body = |words: &str| json!({"model": "openai/gpt-image-1-mini", "prompt": format!("a fox [[fault: {words}]]"), "quality": "low"});
    for (words, status, message) in [
        ("quota", 402, "Insufficient credits"),
        ("status=401", 401, "User not found."),
        ("status=404", 404, "No endpoints found"),
        ("status=429", 429, "Provider returned error"),
        ("status=502", 502, "Provider returned error"),
        ("status=503", 503, "no available model provider"),
        ("status=529", 529, "Provider overloaded"),
        ("failed", 502, "Provider returned error"),
        ("moderation", 403, "requires moderation"),
        ("moderation stage=output", 400, "Provider returned error"),
    ] {
        let reply = images(&world, &body(words)).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        let error = &reply.json()["error"];
        assert_eq!(error["code"], status, "{words}");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(message)),
            "{words}: {error}"
        );
    }
    let limited = images(&world, &body("status=429 retry-after=2.5")).await;
    assert_eq!(limited.header("retry-after"), "3");
    let page = images(&world, &body("status=520")).await;
    assert!(page.header("content-type").starts_with("text/html"));
    let flagged = images(&world, &body("moderation")).await.json();
    assert_eq!(flagged["error"]["metadata"]["reasons"], json!(["violence"]));
    let empty = images(&world, &body("empty")).await.json();
    assert_eq!((&empty["data"], &empty["usage"]["cost"]), (&json!([]), &json!(0.0)));
    let garbage = images(&world, &body("status=500 billed")).await;
    assert_eq!(garbage.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        world.bill("openrouter").await["entries"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_conversation_that_fails_is_a_success_with_an_error() {
    let world = World::start().await;
    let failed = chat(&world, &talk("a fox [[fault: failed]]")).await;
    assert_eq!(
        (failed.status, failed.json()["error"]["code"].clone()),
        (StatusCode::OK, json!(502))
    );
    let filtered = chat(&world, &talk("a fox [[fault: moderation stage=output]]")).await;
    assert_eq!(filtered.status, StatusCode::OK);
    let choice = filtered.json()["choices"][0].clone();
    assert_eq!(
        (&choice["finish_reason"], choice["message"].get("images")),
        (&json!("content_filter"), None)
    );
    let flagged = chat(&world, &talk("a fox [[fault: moderation]]")).await;
    assert_eq!(flagged.status, StatusCode::FORBIDDEN);
    assert_eq!(total_micros(&world).await, 0);
    let calls = world.calls("openrouter").await;
    assert!(calls.len() == 3 && !Value::from(calls).to_string().contains("a fox"));
}
