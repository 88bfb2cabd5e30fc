//! Refusals of the OpenAI emulator: keys, routes, bodies and every rule for a field.

use super::harness::{World, send};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn keys_are_checked() {
    let world = World::start().await;
    let path = "/openai/v1/images/generations";
    let body = json!({"model": "gpt-image-1", "prompt": "x"});
    let none = send(world.request(Method::POST, path).json(&body)).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    assert_eq!(none.json()["error"]["code"], Value::Null);
    for key in [
        "sk-invalid-0123456789",
        "sk-revoked-0123456789",
        "pk-0123456789",
        "sk-1",
    ] {
        let reply = send(world.request(Method::POST, path).bearer_auth(key).json(&body)).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{key}");
        let error = &reply.json()["error"];
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["code"], "invalid_api_key");
        assert!(!reply.text().contains(key), "the key is masked");
    }
    let models = send(world.request(Method::GET, "/openai/v1/models")).await;
    assert_eq!(models.status, StatusCode::UNAUTHORIZED);
    assert!(world.calls("openai").await.iter().all(|call| call["status"] == 401));
}

#[tokio::test]
async fn unknown_routes_and_models_are_404() {
    let world = World::start().await;
    let route = send(world.openai(Method::POST, "/images/creations").json(&json!({}))).await;
    assert_eq!(route.status, StatusCode::NOT_FOUND);
    assert_eq!(
        route.json()["error"],
        json!({"message": "Invalid URL (POST /v1/images/creations)", "type": "invalid_request_error", "param": null, "code": "unknown_url"})
    );
    let method = send(world.openai(Method::GET, "/images/generations")).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.json()["error"]["code"], "method_not_supported");
    for model in [json!("dall-e-3"), json!("dall-e-2"), json!("gpt-image-9"), Value::Null] {
        let reply = world.generate(json!({"model": model, "prompt": "x"})).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{model}");
        assert_eq!(reply.json()["error"]["code"], "model_not_found");
    }
    let variations = send(world.openai(Method::POST, "/images/variations")).await;
    assert_eq!(variations.status, StatusCode::NOT_FOUND);
    assert_eq!(variations.json()["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn response_format_is_refused_as_recorded() {
    let world = World::start().await;
    let body = json!({"model": "gpt-image-1", "prompt": "x", "response_format": "b64_json"});
    let reply = world.generate(body).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        reply.text(),
        r#"{"error":{"message":"Unknown parameter: 'response_format'.","type":"invalid_request_error","param":"response_format","code":"unknown_parameter"}}"#
    );
}

#[tokio::test]
async fn bodies_must_be_json_objects() {
    let world = World::start().await;
    for body in ["", "{", "[]", "null", "\"x\""] {
        let request = world.openai(Method::POST, "/images/generations");
        let reply = send(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body:?}");
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
    }
    let form = reqwest::multipart::Form::new().text("prompt", "x");
    let request = world.openai(Method::POST, "/images/generations");
    assert_eq!(send(request.multipart(form)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_rule_has_its_error() {
    let world = World::start().await;
    let long = "x".repeat(32_001);
    let invalid = "invalid_request_error";
    let image = "image_generation_user_error";
    for (model, fields, kind, code, param) in [
        (
            "gpt-image-1",
            json!({"prompt": null}),
            invalid,
            "missing_required_parameter",
            "prompt",
        ),
        ("gpt-image-1", json!({"prompt": ""}), invalid, "empty_string", "prompt"),
        (
            "gpt-image-1",
            json!({"prompt": long}),
            invalid,
            "string_above_max_length",
            "prompt",
        ),
        ("gpt-image-1", json!({"prompt": 7}), invalid, "invalid_type", "prompt"),
        ("gpt-image-1", json!({"seed": 1}), invalid, "unknown_parameter", "seed"),
        (
            "gpt-image-1",
            json!({"style": "vivid"}),
            invalid,
            "unknown_parameter",
            "style",
        ),
        (
            "gpt-image-1",
            json!({"input_fidelity": "high"}),
            invalid,
            "unknown_parameter",
            "input_fidelity",
        ),
        (
            "gpt-image-1",
            json!({"images": []}),
            invalid,
            "unknown_parameter",
            "images",
        ),
        ("gpt-image-1", json!({"n": 0}), invalid, "integer_below_min_value", "n"),
        ("gpt-image-1", json!({"n": 11}), invalid, "integer_above_max_value", "n"),
        ("gpt-image-1", json!({"n": "2"}), invalid, "invalid_type", "n"),
        ("gpt-image-1", json!({"n": 1.5}), invalid, "invalid_type", "n"),
        (
            "gpt-image-1",
            json!({"size": "512x512"}),
            invalid,
            "invalid_value",
            "size",
        ),
        ("gpt-image-1", json!({"size": 1024}), invalid, "invalid_type", "size"),
        (
            "gpt-image-2",
            json!({"size": "1000x1000"}),
            image,
            "invalid_value",
            "size",
        ),
        (
            "gpt-image-2",
            json!({"size": "4096x1024"}),
            image,
            "invalid_value",
            "size",
        ),
        (
            "gpt-image-2",
            json!({"size": "3072x1008"}),
            image,
            "invalid_value",
            "size",
        ),
        (
            "gpt-image-2",
            json!({"size": "512x512"}),
            image,
            "invalid_value",
            "size",
        ),
        ("gpt-image-2", json!({"size": "large"}), image, "invalid_value", "size"),
        (
            "gpt-image-1",
            json!({"quality": "hd"}),
            invalid,
            "invalid_value",
            "quality",
        ),
        (
            "gpt-image-2",
            json!({"quality": "xhigh"}),
            invalid,
            "invalid_value",
            "quality",
        ),
        (
            "gpt-image-1",
            json!({"background": "white"}),
            invalid,
            "invalid_value",
            "background",
        ),
        (
            "gpt-image-1",
            json!({"background": "transparent", "output_format": "jpeg"}),
            image,
            "invalid_value",
            "background",
        ),
        (
            "gpt-image-2",
            json!({"background": "transparent"}),
            image,
            "invalid_value",
            "background",
        ),
        (
            "gpt-image-1",
            json!({"moderation": "off"}),
            invalid,
            "invalid_value",
            "moderation",
        ),
        (
            "gpt-image-1",
            json!({"output_format": "gif"}),
            invalid,
            "invalid_value",
            "output_format",
        ),
        (
            "gpt-image-1",
            json!({"output_compression": 101, "output_format": "jpeg"}),
            invalid,
            "integer_above_max_value",
            "output_compression",
        ),
        (
            "gpt-image-1",
            json!({"output_compression": 50}),
            image,
            "invalid_value",
            "output_compression",
        ),
        (
            "gpt-image-1",
            json!({"stream": "yes"}),
            invalid,
            "invalid_type",
            "stream",
        ),
        (
            "gpt-image-1",
            json!({"stream": true, "partial_images": 4}),
            invalid,
            "integer_above_max_value",
            "partial_images",
        ),
        ("gpt-image-1", json!({"user": 5}), invalid, "invalid_type", "user"),
    ] {
        let mut body = json!({"model": model, "prompt": "x"});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let reply = world.generate(body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{model} {param} {code}");
        let error = &reply.json()["error"];
        assert_eq!(error["type"], kind, "{model} {param}: {error}");
        assert_eq!(error["code"], code, "{model} {param}: {error}");
        assert_eq!(error["param"], param, "{model}: {error}");
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 10));
    }
    assert_eq!(world.bill("openai").await["entries"], json!([]));
}

#[tokio::test]
async fn messages_name_what_is_allowed() {
    let world = World::start().await;
    let reply = world
        .generate(json!({"model": "gpt-image-2.5-flare", "prompt": "x", "quality": "ultra"}))
        .await;
    assert_eq!(
        reply.json()["error"]["message"],
        "Invalid value: 'ultra'. Supported values are: 'low', 'medium', 'high', 'xhigh', 'max', and 'auto'."
    );
}

#[tokio::test]
async fn null_is_as_good_as_absent() {
    let world = World::start().await;
    let body = json!({
        "model": "gpt-image-1", "prompt": "x", "n": null, "size": null, "quality": "low", "stream": null,
        "output_format": null, "output_compression": null, "background": null, "user": null,
    });
    assert_eq!(world.generate(body).await.status, StatusCode::OK);
}
