//! What becomes of parameters: exact, snapped, substituted and dropped values, each of them told.

use imaging::ImageFormat;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::harness::{
    EDITS, GENERATIONS, TestGateway, decoded, file, info, log_lines, plain, send, size_of, small, with,
};

/// The one adjustment of a parameter in an answer or estimate.
fn adjustment(adjustments: &Value, parameter: &str) -> Value {
    let all = adjustments.as_array().expect("a list");
    let of_it: Vec<&Value> = all.iter().filter(|one| one["parameter"] == parameter).collect();
    assert_eq!(of_it.len(), 1, "{parameter} in {adjustments}");
    of_it[0].clone()
}

async fn dry_run(gateway: &TestGateway, body: Value) -> Value {
    send(
        gateway
            .request(Method::POST, &format!("{GENERATIONS}?dryRun=true"))
            .json(&body),
    )
    .await
    .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_inside_the_exact_range_come_out_exactly_at_every_offer() {
    let gateway = TestGateway::start().await;
    for (model, size, from) in [
        ("openai/gpt-image-1-mini", "1200x1100", "1024x1024"),
        ("fal/gpt-image-1-mini", "1025x1535", "1024x1536"),
        ("openai/gpt-image-1.5", "1536x1100", "1536x1024"),
        ("fal/gpt-image-1.5", "1100x1200", "1024x1024"),
        ("replicate/gpt-image-1.5", "1300x1100", "1024x1024"),
    ] {
        let body = with(small(model), json!({ "size": size, "response_format": "b64_json" }));
        let answer = gateway.generate(body).await.ok();
        let (width, height) = size_of(&gateway.image(&answer, 0).await);
        assert_eq!(format!("{width}x{height}"), size, "{model}");
        assert_eq!(answer["size"], size);
        let expected = json!({ "parameter": "size", "requested": size, "used": from,
            "reason": format!("emulated: cropped at the centre and resampled to {size}") });
        assert_eq!(answer["metadata"]["adjustments"], json!([expected]), "{model}");
    }
    // A listed size needs no work, so nothing is told.
    for size in ["1024x1024", "1536x1024", "1024x1536"] {
        let body = with(
            small("openai/gpt-image-1.5"),
            json!({ "size": size, "response_format": "b64_json" }),
        );
        let answer = gateway.generate(body).await.ok();
        assert_eq!(
            (&answer["size"], &answer["metadata"]["adjustments"]),
            (&json!(size), &json!([]))
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_an_offer_lacks_are_snapped_and_told() {
    let gateway = TestGateway::start().await;
    for (model, asked, measured, adjusted) in [
        (
            "openai/gpt-image-1",
            json!({ "size": "1600x900" }),
            "1536x1024",
            Some(("size", json!("1600x900"), json!("1536x1024"))),
        ),
        (
            "openai/gpt-image-2",
            json!({ "size": "2000x1000" }),
            "2000x1008",
            Some(("size", json!("2000x1000"), json!("2000x1008"))),
        ),
        (
            "openai/gpt-image-2",
            json!({ "size": "300x300" }),
            "816x816",
            Some(("size", json!("300x300"), json!("816x816"))),
        ),
        (
            "openai/gpt-image-1.5",
            json!({ "aspect_ratio": "3:2" }),
            "1536x1024",
            None,
        ),
        ("openai/gpt-image-1.5", json!({ "size": "2:3" }), "1024x1536", None),
        (
            "openai/gpt-image-1.5",
            json!({ "aspect_ratio": "21:9" }),
            "1536x1024",
            Some(("aspect_ratio", json!("21:9"), json!("3:2"))),
        ),
        (
            "replicate/gpt-image-1.5",
            json!({ "aspect_ratio": "16:9" }),
            "1536x1024",
            Some(("aspect_ratio", json!("16:9"), json!("3:2"))),
        ),
        ("openai/gpt-image-1.5", json!({ "resolution": "1k" }), "1024x1024", None),
        (
            "openai/gpt-image-1.5",
            json!({ "resolution": "4K" }),
            "1024x1024",
            Some(("resolution", json!("4K"), json!("1K"))),
        ),
        ("fal/flux.1-schnell", json!({ "resolution": "0.25" }), "512x512", None),
        ("fal/flux.1-schnell", json!({ "resolution": 0.25 }), "512x512", None),
    ] {
        let body = with(
            with(small(model), json!({ "quality": null, "response_format": "b64_json" })),
            asked.clone(),
        );
        let answer = gateway
            .generate(with(
                body,
                json!({ "quality": if model.contains("gpt") { Some("low") } else { None } }),
            ))
            .await
            .ok();
        assert_eq!(answer["size"], measured, "{model} {asked}");
        gateway.image(&answer, 0).await;
        let adjustments = &answer["metadata"]["adjustments"];
        match adjusted {
            None => assert_eq!(adjustments, &json!([]), "{model} {asked}"),
            Some((parameter, requested, used)) => {
                let told =
                    json!([{ "parameter": parameter, "requested": requested, "used": used, "reason": "nearest" }]);
                assert_eq!(adjustments, &told, "{model} {asked}");
            }
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_in_pixels_goes_before_a_ratio_and_a_tier() {
    let gateway = TestGateway::start().await;
    let body = with(
        small("openai/gpt-image-1.5"),
        json!({ "size": "1024x1024", "aspect_ratio": "3:2", "resolution": "2K" }),
    );
    let estimate = dry_run(&gateway, body).await;
    for parameter in ["aspect_ratio", "resolution"] {
        let told = adjustment(&estimate["adjustments"], parameter);
        assert_eq!((&told["used"], &told["reason"]), (&Value::Null, &json!("overridden")));
    }
    let agreeing = with(
        small("openai/gpt-image-1.5"),
        json!({ "size": "1536x1024", "aspect_ratio": "3:2" }),
    );
    assert_eq!(dry_run(&gateway, agreeing).await["adjustments"], json!([]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_is_left_to_the_provider_and_measured() {
    let gateway = TestGateway::start().await;
    for field in ["size", "aspect_ratio", "resolution"] {
        let body = with(
            small("openai/gpt-image-1-mini"),
            json!({ field: "auto", "quality": "auto", "background": "auto" }),
        );
        let answer = gateway.generate(body).await.ok();
        gateway.image(&answer, 0).await;
        assert_eq!(answer["metadata"]["adjustments"], json!([]));
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chosen_offer_lacks_is_dropped_and_told() {
    let gateway = TestGateway::start().await;
    for (model, name, value) in [
        ("openai/gpt-image-1-mini", "seed", json!(7)),
        ("openai/gpt-image-1-mini", "negative_prompt", json!("rain")),
        ("openai/gpt-image-1-mini", "guidance_scale", json!(3.5)),
        ("openai/gpt-image-1-mini", "style", json!("vivid")),
        ("openai/gpt-image-1-mini", "reasoning", json!("high")),
        ("fal/gpt-image-1.5", "moderation", json!("low")),
        ("replicate/flux.1-schnell", "guidance_scale", json!(3.5)),
        ("openai/gpt-image-1.5", "sync_mode", json!(true)),
    ] {
        let body = with(json!({ "model": model, "prompt": "dunes" }), json!({ name: value }));
        let estimate = dry_run(&gateway, body).await;
        let told = json!([{ "parameter": name, "requested": value, "used": null, "reason": "unsupported" }]);
        assert_eq!(estimate["adjustments"], told, "{model}");
    }
    let body = with(small("openai/gpt-image-1-mini"), json!({ "seed": 7 }));
    let answer = gateway.generate(body).await.ok();
    assert_eq!(
        adjustment(&answer["metadata"]["adjustments"], "seed")["used"],
        Value::Null
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn qualities_of_other_models_are_understood() {
    let gateway = TestGateway::start().await;
    for (asked, used) in [("hd", "high"), ("standard", "medium")] {
        let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": asked });
        let answer = gateway.generate(body).await.ok();
        let told = json!([{ "parameter": "quality", "requested": asked, "used": used, "reason": "substituted" }]);
        assert_eq!(answer["metadata"]["adjustments"], told);
    }
    let calls = gateway.upstream_calls().await;
    let sent: Vec<&Value> = calls.iter().map(|call| &call["body"]["quality"]).collect();
    assert_eq!(sent, ["high", "medium"]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_is_for_lossy_formats() {
    let gateway = TestGateway::start().await;
    for format in ["png", "gif"] {
        let body = with(
            small("openai/gpt-image-1-mini"),
            json!({ "output_format": format, "output_compression": 50 }),
        );
        let told = json!([{ "parameter": "output_compression", "requested": 50, "used": null, "reason": format!("{format} is lossless") }]);
        assert_eq!(dry_run(&gateway, body).await["adjustments"], told);
    }
    let mut sizes = Vec::new();
    for compression in [0, 1, 40, 100] {
        let body = json!({ "model": "fal/flux.1-schnell", "prompt": "a rocky coast", "size": "512x512", "seed": 3, "output_format": "webp",
            "output_compression": compression });
        let answer = gateway.generate(body).await.ok();
        assert_eq!(answer["metadata"]["adjustments"], json!([]));
        sizes.push(gateway.image(&answer, 0).await.len());
    }
    assert_eq!(sizes[0], sizes[1], "zero is taken as one");
    assert!(sizes[1] < sizes[2] && sizes[2] < sizes[3], "{sizes:?}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transparent_backgrounds_are_transparent() {
    let gateway = TestGateway::start().await;
    for model in [
        "openai/gpt-image-1-mini",
        "fal/gpt-image-1.5",
        "replicate/gpt-image-1.5",
    ] {
        let body = with(
            small(model),
            json!({ "background": "transparent", "output_format": "png" }),
        );
        let answer = gateway.generate(body).await.ok();
        assert!(decoded(&gateway.image(&answer, 0).await).has_transparency(), "{model}");
    }
    let jpeg = with(
        small("gpt-image-1.5"),
        json!({ "background": "transparent", "output_format": "jpeg" }),
    );
    gateway.generate(jpeg).await.fault("background");
    // GPT Image 2 has no such background: a hard need that no offer meets.
    let two = with(small("gpt-image-2"), json!({ "background": "transparent" }));
    let error = gateway.generate(two).await.fault("background");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("opaque")),
        "{error}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn avif_past_its_largest_edge_keeps_the_native_format_and_says_so() {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "1616x64", "output_format": "avif" });
    let answer = gateway.generate(body).await.ok();
    assert_eq!(answer["output_format"], "png");
    assert_eq!(info(&gateway.image(&answer, 0).await).format, ImageFormat::Png);
    let told = adjustment(&answer["metadata"]["adjustments"], "output_format");
    assert_eq!((&told["requested"], &told["used"]), (&json!("avif"), &json!("png")));
    assert!(
        told["reason"].as_str().is_some_and(|reason| reason.contains("1600")),
        "{told}"
    );
    let fits = json!({ "model": "mock-image", "prompt": "dunes", "size": "1600x64", "output_format": "avif" });
    let answer = gateway.generate(fits).await.ok();
    assert_eq!(info(&gateway.image(&answer, 0).await).format, ImageFormat::Avif);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_one_provider_are_sent_to_that_one_only() {
    let gateway = TestGateway::start().await;
    let secret = "sk-nobody-may-read-this-key";
    let body = with(
        small("gpt-image-1.5"),
        json!({ "sync_mode": true, "openai_api_key": secret, "user_id": "u-1" }),
    );
    for provider in ["openai", "fal", "replicate"] {
        let answer = gateway
            .generate(with(
                body.clone(),
                json!({ "model": format!("{provider}/gpt-image-1.5") }),
            ))
            .await
            .ok();
        assert!(!answer.to_string().contains(secret), "a secret is never echoed");
    }
    let calls = gateway.upstream_calls().await;
    let told = |call: &Value| {
        call["body"]["input"]
            .as_object()
            .or_else(|| call["body"].as_object())
            .cloned()
    };
    for call in calls.iter().filter(|call| call["method"] == "POST") {
        let fields = told(call).expect("a body");
        let provider = call["provider"].as_str().expect("a provider");
        assert_eq!(fields.contains_key("sync_mode"), provider == "fal", "{provider}");
        assert_eq!(
            fields.contains_key("openai_api_key"),
            provider == "replicate",
            "{provider}"
        );
        assert_eq!(fields.contains_key("user_id"), provider == "replicate", "{provider}");
    }
    let list = gateway.get("/v1/requests").await.text();
    let one = gateway.get("/v1/requests?limit=1").await.ok()["data"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let whole = gateway.recorded(&one).await.to_string();
    assert!(
        !list.contains(secret) && !whole.contains(secret),
        "a secret is never stored"
    );
    assert!(log_lines(secret).is_empty(), "a secret is never logged");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_arguments_go_through_but_never_over_what_pictor_sets() {
    let gateway = TestGateway::start().await;
    // The emulator of Replicate takes what its model's schema names, `go_fast` among it.
    let body = json!({ "model": "replicate/flux.1-schnell", "prompt": "dunes", "go_fast": false, "num_outputs": 2,
        "aspect_ratio": "1:1", "resolution": "0.25", "megapixels": "1", "output_format": "png" });
    let answer = gateway.generate(body).await.ok();
    assert_eq!(
        answer["data"].as_array().map(Vec::len),
        Some(2),
        "Replicate's name for `n` is understood as `n`"
    );
    assert_eq!(answer["size"], "512x512", "the native scale is Pictor's to set");
    let told = adjustment(&answer["metadata"]["adjustments"], "megapixels");
    assert_eq!((&told["requested"], &told["used"]), (&json!("1"), &Value::Null));
    let calls = gateway.upstream_calls().await;
    let sent = calls
        .iter()
        .find(|call| call["method"] == "POST")
        .expect("a submission");
    assert_eq!(sent["body"]["input"]["go_fast"], false);
    assert_eq!(sent["body"]["input"]["num_outputs"], 2);
    assert_eq!(sent["body"]["input"]["megapixels"], "0.25");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn null_means_not_set() {
    let gateway = TestGateway::start().await;
    let body = with(
        small("openai/gpt-image-1-mini"),
        json!({ "n": null, "size": null, "output_format": null, "output_compression": null, "seed": null, "stream": null, "user": null, "style": null }),
    );
    let answer = gateway.generate(body).await.ok();
    assert_eq!(answer["metadata"]["adjustments"], json!([]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spellings_of_one_parameter_may_stand_side_by_side_when_they_agree() {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "reasoning": "high", "thinking_level": "high",
        "prompt_enhancement": "on", "enhance_prompt": "on" });
    gateway.generate(body).await.ok();
    let body = json!({ "model": "mock-image", "prompt": "dunes", "reasoning": "high", "thinking_level": "off" });
    let error = gateway.generate(body).await.error(400, "INVALID_REQUEST");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("reasoning")),
        "{error}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mock_model_takes_every_parameter() {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "96x64", "quality": "hd", "style": "natural", "reasoning": "minimal",
        "prompt_enhancement": true, "seed": 11, "negative_prompt": "rain", "guidance_scale": 2.5, "background": "opaque", "moderation": "low",
        "user": "u-1", "output_format": "webp", "output_compression": 80, "n": 2 });
    let answer = gateway.generate(body).await.ok();
    let adjustments = answer["metadata"]["adjustments"].as_array().expect("a list");
    let unexpected: Vec<&Value> = adjustments
        .iter()
        .filter(|one| one["reason"] != "substituted")
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert_eq!(answer["size"], "96x64");
    assert!(
        answer["data"][0]["revised_prompt"].is_string(),
        "the rewritten prompt comes back"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn form_fields_are_read_in_the_types_of_their_parameters() {
    let gateway = TestGateway::embedded().await;
    let form = Form::new()
        .text("model", "mock-image")
        .text("prompt", "dunes")
        .text("n", "2")
        .text("seed", "9")
        .text("strength", "0.5")
        .text("size", "64x64")
        .text("output_format", "jpeg")
        .text("output_compression", "70")
        .text("stream", "false")
        .part("image", file(plain((64, 64), [9, 9, 9, 255], ImageFormat::Png)));
    let answer = gateway.edit(form).await.ok();
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer["output_format"], "jpeg");
    assert_eq!(answer["metadata"]["adjustments"], json!([]));
    let wrong = Form::new()
        .text("model", "mock-image")
        .text("prompt", "dunes")
        .text("seed", "soon");
    let wrong = wrong.part("image", file(plain((64, 64), [9, 9, 9, 255], ImageFormat::Png)));
    send(gateway.request(Method::POST, EDITS).multipart(wrong))
        .await
        .fault("seed");
    gateway.finish().await;
}
