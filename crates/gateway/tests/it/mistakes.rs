//! Bad input: every kind gets an error that names the field and says what would be right.

use imaging::ImageFormat;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::edits::{data_url, form};
use super::harness::{EDITS, GENERATIONS, TestGateway, converted, file, half_mask, noise, plain, send, with};

fn png() -> Vec<u8> {
    plain((96, 96), [200, 40, 40, 255], ImageFormat::Png)
}

/// A PNG whose header claims 100,000 pixels a side, with a right checksum.
fn bomb() -> Vec<u8> {
    let mut bytes = png();
    bytes[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
    let mut crc = u32::MAX;
    for byte in &bytes[12..29] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
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
async fn files_that_are_no_images_are_refused_by_name() {
    let gateway = TestGateway::start().await;
    let (image, mask) = (png(), half_mask((96, 96)));
    let text = b"this is a text and no image at all".to_vec();
    let refused = async |form: Form, param: &str, says: &str| {
        let error = gateway.edit(form).await.fault(param);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{message}");
    };
    let edit = || form("gpt-image-1.5");
    refused(edit(), "image", "missing").await;
    refused(edit().part("image", file(text.clone())), "image", "").await;
    refused(edit().part("image", file(Vec::new())), "image", "").await;
    refused(edit().part("image", file(image[..20].to_vec())), "image", "").await;
    refused(edit().part("image", file(bomb())), "image", "100000x100000").await;
    refused(
        edit().part("image", file(image.clone())).part("mask", file(text)),
        "mask",
        "",
    )
    .await;
    refused(
        edit()
            .part("image", file(image.clone()))
            .part("mask", file(half_mask((64, 96)))),
        "mask",
        "64x96",
    )
    .await;
    let opaque = plain((96, 96), [0, 0, 0, 255], ImageFormat::Jpeg);
    refused(
        edit().part("image", file(image.clone())).part("mask", file(opaque)),
        "mask",
        "alpha",
    )
    .await;
    refused(
        edit().part("image", file(image.clone())).part("seed", file(mask)),
        "seed",
        "must not be a file",
    )
    .await;
    let mut many = edit();
    for _ in 0..17 {
        many = many.part("image[]", file(image.clone()));
    }
    refused(many, "image", "16").await;
    assert!(gateway.upstream_calls().await.is_empty(), "nothing was sent");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_breaks_off_is_refused_by_name() {
    let gateway = TestGateway::start().await;
    let formats = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Webp,
        ImageFormat::Gif,
        ImageFormat::Avif,
    ];
    for format in formats {
        let whole = converted(&noise((96, 96)), format);
        let half = whole[..whole.len() / 2].to_vec();
        // The header is whole, so the loss shows only behind it.
        for model in ["gpt-image-1.5", "openai/gpt-image-1.5", "replicate/gpt-image-1.5"] {
            let error = gateway
                .edit(form(model).part("image", file(half.clone())))
                .await
                .fault("image");
            assert_eq!(error["type"], "invalid_request_error", "{format}");
        }
        let link = json!([{ "image_url": data_url("image/png", &half) }]);
        let body = json!({ "model": "gpt-image-1.5", "prompt": "a boat", "images": link });
        let error = gateway.edit_json(body).await.error(400, "INVALID_REQUEST");
        assert!(
            error["param"].as_str().is_some_and(|param| param.starts_with("image")),
            "{format}: {error}"
        );
    }
    assert!(gateway.upstream_calls().await.is_empty(), "nothing was sent");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_which_only_the_pixels_are_broken_is_refused_by_the_provider_in_the_callers_words() {
    let gateway = TestGateway::start().await;
    let mut broken = noise((96, 96));
    let data = broken
        .windows(4)
        .position(|name| name == b"IDAT")
        .expect("a PNG has data")
        + 4;
    broken[data..data + 64].fill(0xff);
    for (model, native) in [("openai/gpt-image-1.5", "image"), ("fal/gpt-image-1.5", "image_urls")] {
        let reply = gateway.edit(form(model).part("image", file(broken.clone()))).await;
        let error = reply.error(400, "UPSTREAM_ERROR");
        assert_eq!(
            error["param"], "image",
            "the field is named as the caller knows it, not as '{native}'"
        );
        assert_eq!(error["metadata"]["attempts"][0]["code"], "invalid_argument");
    }
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
async fn json_edits_with_bad_images_are_refused_by_name() {
    let gateway = TestGateway::start().await;
    let good = data_url("image/png", &png());
    for (fields, param, says) in [
        (json!({}), "image", "missing"),
        (json!({ "images": [] }), "image", "missing"),
        (json!({ "images": [{ "file_id": "file-1" }] }), "images", "file_id"),
        (
            json!({ "images": [{ "image_url": "ftp://example.com/a.png" }] }),
            "images",
            "https://",
        ),
        (json!({ "images": [{ "image_url": 7 }] }), "images", "image_url"),
        (json!({ "images": [{}] }), "images", "image_url"),
        (json!({ "images": [7] }), "images", "image_url"),
        (json!({ "images": "no" }), "images", "cannot be used"),
        (
            json!({ "images": [{ "image_url": "data:image/png;base64,@@@@" }] }),
            "images",
            "",
        ),
        (
            json!({ "images": [{ "image_url": "data:image/png;base64,dGV4dA==" }] }),
            "images",
            "",
        ),
        (
            json!({ "images": [{ "image_url": good }], "mask": { "file_id": "file-1" } }),
            "mask",
            "file_id",
        ),
        (
            json!({ "images": [{ "image_url": good }], "mask": 7 }),
            "mask",
            "image_url",
        ),
        (
            json!({ "images": [{ "image_url": good }], "prompt": null }),
            "prompt",
            "missing",
        ),
    ] {
        let body = with(json!({ "model": "gpt-image-1.5", "prompt": "a boat" }), fields.clone());
        let error = gateway.edit_json(body).await.fault(param);
        let shown: String = fields.to_string().chars().take(80).collect();
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{shown}: {error}"
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_the_wrong_kind_are_refused() {
    let gateway = TestGateway::start().await;
    let post = |path: &str| gateway.request(Method::POST, path);
    let refused =
        async |request: reqwest::RequestBuilder, status: u16| send(request).await.error(status, "INVALID_REQUEST");

    // JSON to a multipart parser, and the reverse.
    let json_body = json!({ "model": "gpt-image-1.5", "prompt": "a boat" }).to_string();
    refused(
        post(EDITS)
            .header(CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(json_body.clone()),
        400,
    )
    .await;
    refused(
        post(EDITS)
            .header(CONTENT_TYPE, "multipart/form-data")
            .body(json_body.clone()),
        400,
    )
    .await;
    refused(
        post(EDITS)
            .header(CONTENT_TYPE, "application/json")
            .body("--x\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n"),
        400,
    )
    .await;
    refused(post(GENERATIONS).multipart(form("gpt-image-1.5")), 415).await;

    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "image/png",
        "nonsense",
        "",
    ] {
        refused(
            post(GENERATIONS)
                .header(CONTENT_TYPE, content_type)
                .body(json_body.clone()),
            415,
        )
        .await;
        refused(
            post(EDITS).header(CONTENT_TYPE, content_type).body(json_body.clone()),
            415,
        )
        .await;
    }
    for body in [
        "",
        "{",
        "nonsense",
        "[]",
        "7",
        "null",
        "\"text\"",
        "{\"a\":1}{",
        "{\"prompt\": \"\u{1}\"}",
        "{'model': 'x'}",
    ] {
        for path in [GENERATIONS, EDITS] {
            refused(post(path).header(CONTENT_TYPE, "application/json").body(body), 400).await;
        }
    }
    let deep = "[".repeat(100_000);
    refused(
        post(GENERATIONS)
            .header(CONTENT_TYPE, "application/json")
            .body(deep.clone()),
        400,
    )
    .await;
    refused(post(EDITS).header(CONTENT_TYPE, "application/json").body(deep), 400).await;
    refused(
        post(GENERATIONS)
            .header(CONTENT_TYPE, "application/json")
            .body(b"{\"prompt\": \"\xff\"}".to_vec()),
        400,
    )
    .await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_taken_without_a_content_type_and_with_parameters() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "gpt-image-1.5", "prompt": "dunes" }).to_string();
    let path = format!("{GENERATIONS}?dryRun=true");
    send(gateway.request(Method::POST, &path).body(body.clone())).await.ok();
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        send(
            gateway
                .request(Method::POST, &path)
                .header(CONTENT_TYPE, content_type)
                .body(body.clone()),
        )
        .await
        .ok();
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_with_odd_parts_are_refused_or_understood() {
    let gateway = TestGateway::start().await;
    let twice = form("gpt-image-1.5")
        .text("prompt", "something else")
        .part("image", file(png()));
    gateway.edit(twice).await.fault("prompt");
    let masks = form("gpt-image-1.5")
        .part("image", file(png()))
        .part("mask", file(half_mask((96, 96))))
        .part("mask", file(half_mask((96, 96))));
    gateway.edit(masks).await.fault("mask");
    let not_text = Form::new()
        .part("prompt", Part::bytes(vec![0xff, 0xfe]))
        .text("model", "gpt-image-1.5");
    gateway.edit(not_text.part("image", file(png()))).await.fault("prompt");
    let mut many = Form::new();
    for index in 0..300 {
        many = many.text(format!("field_{index}"), "x");
    }
    gateway.edit(many).await.error(400, "INVALID_REQUEST");
    let nameless = "--x\r\ncontent-disposition: form-data\r\n\r\n1\r\n--x--\r\n";
    let request = gateway
        .request(Method::POST, EDITS)
        .header(CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(nameless);
    send(request).await.error(400, "INVALID_REQUEST");
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
