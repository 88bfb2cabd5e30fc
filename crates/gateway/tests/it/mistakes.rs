//! Bad input: every kind gets an error that names the field and says what would be right.

mod bodies;
mod pictures;

use imaging::ImageFormat;
use serde_json::{Value, json};

use super::edits::form;
use super::harness::{TestGateway, file, plain, with};

fn png() -> Vec<u8> {
    plain((96, 96), [200, 40, 40, 255], ImageFormat::Png)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_generation_is_named() {
    let gateway = TestGateway::start().await;
    let good = json!({ "model": "gpt-image-1.5", "prompt": "dunes" });
    let too_long = "x".repeat(32_001);
    for (fields, param, says) in [
        (json!({ "prompt": null }), "prompt", "missing"),
        (json!({ "prompt": "" }), "prompt", "empty"),
        (json!({ "prompt": " \n" }), "prompt", "empty"),
        (json!({ "prompt": 7 }), "prompt", "text"),
        (json!({ "prompt": ["a"] }), "prompt", "text"),
        (json!({ "prompt": too_long }), "prompt", "32000"),
        (json!({ "n": 0 }), "n", "1 to 10"),
        (json!({ "n": 11 }), "n", "1 to 10"),
        (json!({ "n": -1 }), "n", "1 to 10"),
        (json!({ "n": "two" }), "n", "1 to 10"),
        (json!({ "n": "2" }), "n", "1 to 10"),
        (json!({ "n": 1.5 }), "n", "1 to 10"),
        (json!({ "n": true }), "n", "1 to 10"),
        (json!({ "n": 18_446_744_073_709_551_615_u64 }), "n", "1 to 10"),
        (json!({ "size": "banana" }), "size", "banana"),
        (json!({ "size": "0x0" }), "size", ""),
        (json!({ "size": "1x" }), "size", ""),
        (json!({ "size": "99999999x1" }), "size", ""),
        (json!({ "size": "99999999999999999999x1" }), "size", ""),
        (json!({ "size": "-5x5" }), "size", ""),
        (json!({ "size": 1024 }), "size", "text"),
        (json!({ "size": "3:0" }), "size", ""),
        (json!({ "aspect_ratio": "wide" }), "aspect_ratio", ""),
        (json!({ "aspect_ratio": "0:1" }), "aspect_ratio", ""),
        (json!({ "resolution": "9K9" }), "resolution", ""),
        (json!({ "resolution": 0 }), "resolution", ""),
        (json!({ "resolution": -1 }), "resolution", ""),
        (json!({ "size": "3:2", "aspect_ratio": "1:1" }), "aspect_ratio", ""),
        (json!({ "quality": "ultra" }), "quality", "high, low, medium"),
        (json!({ "quality": 3 }), "quality", "text"),
        (json!({ "response_format": "png" }), "response_format", "url, b64_json"),
        (json!({ "response_format": false }), "response_format", "text"),
        (json!({ "output_format": "bmp" }), "output_format", "png"),
        (json!({ "output_compression": 101 }), "output_compression", "100"),
        (json!({ "output_compression": -1 }), "output_compression", "100"),
        (json!({ "output_compression": "good" }), "output_compression", "100"),
        (json!({ "background": "checkered" }), "background", "opaque"),
        (
            json!({ "background": "transparent", "output_format": "jpeg" }),
            "background",
            "jpeg",
        ),
        (json!({ "moderation": "off" }), "moderation", "low"),
        (json!({ "stream": "yes" }), "stream", "true or false"),
        (
            json!({ "stream": true, "partial_images": 4 }),
            "partial_images",
            "0 to 3",
        ),
        (json!({ "partial_images": -1 }), "partial_images", "0 to 3"),
        (json!({ "user": 5 }), "user", "text"),
        (json!({ "model": null }), "model", "missing"),
        (json!({ "model": "" }), "model", "missing"),
        (json!({ "model": 5 }), "model", "text"),
    ] {
        let error = gateway.generate(with(good.clone(), fields.clone())).await.fault(param);
        let message = error["message"].as_str().expect("a message");
        let shown: String = fields.to_string().chars().take(80).collect();
        assert!(message.contains(says), "{shown}: {message}");
        assert!(message.len() < 600, "{shown}: a message is no essay");
    }
    assert!(
        gateway.upstream_calls().await.is_empty(),
        "what is wrong is refused before anything is sent"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_are_told_together() {
    let gateway = TestGateway::start().await;
    let body =
        json!({ "model": "gpt-image-1.5", "n": 0, "size": "banana", "quality": "ultra", "output_format": "bmp" });
    let error = gateway.generate(body).await.error(400, "INVALID_REQUEST");
    let faults = error["metadata"]["faults"].as_array().expect("all faults");
    let params: Vec<&str> = faults.iter().filter_map(|fault| fault["param"].as_str()).collect();
    for name in ["n", "size", "output_format", "prompt", "quality"] {
        assert!(params.contains(&name), "{name} in {params:?}");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains(&format!("'{name}'")) || name == "size",
            "{name} in {message}"
        );
    }
    assert_eq!(error["param"], params[0]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_are_not_there_get_their_own_codes() {
    let gateway = TestGateway::start().await;
    for (model, code, says) in [
        ("gpt-image-1-mni", "MODEL_NOT_FOUND", "Did you mean 'gpt-image-1-mini'?"),
        ("GPT Image 1.5", "MODEL_NOT_FOUND", "Did you mean 'gpt-image-1.5'?"),
        ("flux-schnel", "MODEL_NOT_FOUND", "Did you mean 'flux.1-schnell'?"),
        (
            "black-forest-labs/flux-schnel",
            "MODEL_NOT_FOUND",
            "Did you mean 'flux.1-schnell'?",
        ),
        ("something entirely different", "MODEL_NOT_FOUND", "/openai/v1/models"),
        ("nobody/gpt-image-1.5", "MODEL_NOT_FOUND", "gpt-image-1.5"),
        ("openai/flux.1-schnell", "MODEL_NOT_FOUND", "fal, replicate"),
        ("dall-e-3", "MODEL_DISABLED", "Use 'gpt-image-2' instead"),
        ("openai/dall-e-2", "MODEL_DISABLED", "Use 'gpt-image-2' instead"),
    ] {
        let error = gateway
            .generate(json!({ "model": model, "prompt": "dunes" }))
            .await
            .error(404, code);
        assert_eq!(
            (&error["param"], &error["type"]),
            (&json!("model"), &json!("invalid_request_error"))
        );
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{model}: {message}");
    }
    let long = "m".repeat(100_000);
    let error = gateway
        .generate(json!({ "model": long, "prompt": "dunes" }))
        .await
        .error(404, "MODEL_NOT_FOUND");
    assert!(
        error["message"].as_str().is_some_and(|text| text.len() < 300),
        "a long name is shortened"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_credential_is_unavailable() {
    let gateway = TestGateway::with(|settings| settings.providers.retain(|id, _| id == "openai")).await;
    let reply = gateway
        .generate(json!({ "model": "flux.1-schnell", "prompt": "dunes" }))
        .await;
    let error = reply.error(503, "MODEL_UNAVAILABLE");
    assert_eq!(
        (&error["type"], &error["param"]),
        (&json!("invalid_request_error"), &json!("model"))
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("fal, replicate")),
        "{error}"
    );
    assert_eq!(reply.header("x-should-retry"), "true");
    let forced = gateway
        .generate(json!({ "model": "fal/gpt-image-1.5", "prompt": "dunes" }))
        .await;
    forced.error(503, "MODEL_UNAVAILABLE");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_mode_names_the_right_ones() {
    let gateway = TestGateway::start().await;
    let edit = form("flux.1-schnell").part("image", file(png()));
    let error = gateway.edit(edit).await.fault("model");
    assert_eq!(
        error["message"],
        "Model 'flux.1-schnell' does not support image-edit. Supported modes: text-to-image"
    );
    let upscale = form("gpt-image-1.5")
        .text("scale_factor", "2")
        .part("image", file(png()));
    let error = gateway.edit(upscale).await.fault("model");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("does not support upscale")),
        "{error}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn very_long_values_are_refused_like_short_ones() {
    let gateway = TestGateway::start().await;
    let long = "m".repeat(1 << 19);
    for field in [
        "model",
        "size",
        "aspect_ratio",
        "resolution",
        "quality",
        "output_format",
        "response_format",
        "background",
        "n",
    ] {
        let body = with(
            json!({ "model": "gpt-image-1.5", "prompt": "dunes" }),
            json!({ field: long }),
        );
        let reply = gateway.generate(body).await;
        assert!(matches!(reply.status.as_u16(), 400 | 404), "{field}: {}", reply.status);
        let error = &reply.json()["error"];
        assert_eq!(error["param"], field);
        assert!(reply.body.len() < 1_000, "{field}: the value is not repeated whole");
        assert!(
            gateway.recorded(&reply.id()).await.to_string().len() < 3_000,
            "{field}: the value is not stored"
        );
    }
    let body = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512", "user": long });
    let reply = gateway.generate(body).await;
    reply.ok();
    assert_eq!(
        gateway.recorded(&reply.id()).await["user"].as_str().map(str::len),
        Some(200)
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_on_record_without_a_charge() {
    let gateway = TestGateway::start().await;
    let reply = gateway
        .generate(json!({ "model": "gpt-image-1.5", "prompt": "dunes", "n": 11 }))
        .await;
    reply.fault("n");
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(recorded["status"], "rejected");
    assert_eq!(recorded["error_code"], "INVALID_REQUEST");
    assert_eq!((&recorded["cost"], &recorded["attempts"]), (&Value::Null, &json!([])));
    gateway.finish().await;
}
