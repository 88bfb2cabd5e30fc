//! Every legal value of every parameter of every offer, sent for real: the emulators check strictly, so what they
//! accept is a request that the provider would.

use futures_util::{StreamExt, stream};
use imaging::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

use super::edits::data_url;
use super::harness::{EDITS, GENERATIONS, TestGateway, plain, send};

/// Calls at one time.
const AT_ONCE: usize = 8;
/// Refused after everything was checked and before anything is drawn.
const CHECKED: &str = "dunes [[fault: moderation]]";

/// Legal values of a property, with those at its bounds.
fn values(name: &str, schema: &Value) -> Vec<Value> {
    let list = |values: &[&str]| values.iter().map(|value| json!(value)).collect();
    match name {
        "model" | "prompt" | "images" | "mask" | "response_format" | "stream" | "scale_factor" => return Vec::new(),
        "size" => return list(&["auto", "1024x1024", "2000x1000", "300x300", "1200x1100", "21:9", "1:1"]),
        "aspect_ratio" => return list(&["auto", "16:9", "2:3", "7:1"]),
        "resolution" => return list(&["auto", "0.5K", "4k", "0.25", "1MP"]),
        _ => {}
    }
    if let Some(legal) = schema["enum"].as_array() {
        return legal.clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => vec![json!(true), json!(false)],
        Some("integer" | "number") => {
            let least = schema["minimum"].as_f64().unwrap_or(1.0);
            let most = schema["maximum"].as_f64().unwrap_or(least + 9.0);
            let whole = |value: f64| json!(value as i64);
            vec![whole(least.ceil()), whole(most.floor())]
        }
        _ => vec![json!("some text")],
    }
}

/// A body for one mode, or none when the model lacks it.
fn bare(model: &str, mode: &str, picture: &str) -> Option<(&'static str, Value)> {
    let images = json!([{ "image_url": picture }]);
    match mode {
        "text-to-image" => Some((GENERATIONS, json!({ "model": model, "prompt": CHECKED }))),
        "image-edit" => Some((EDITS, json!({ "model": model, "prompt": CHECKED, "images": images }))),
        "upscale" => Some((
            EDITS,
            json!({ "model": model, "prompt": CHECKED, "images": images, "scale_factor": 2 }),
        )),
        _ => None,
    }
}

/// Every request: what it is, its path and its body.
fn requests(models: &Value, picture: &str) -> Vec<(String, &'static str, Value)> {
    let mut requests = Vec::new();
    for model in models["data"].as_array().expect("models") {
        for provider in model["providers"].as_array().expect("providers") {
            let name = format!(
                "{}/{}",
                provider.as_str().expect("an id"),
                model["id"].as_str().expect("an id")
            );
            for mode in model["modes"].as_array().expect("modes") {
                let (path, bare) = bare(&name, mode.as_str().expect("a mode"), picture).expect("a known mode");
                for (parameter, schema) in model["schema"]["properties"].as_object().expect("properties") {
                    for value in values(parameter, schema) {
                        let mut body = bare.clone();
                        body[parameter] = value.clone();
                        // Some offers serve only callers with a key of their own.
                        if name == "replicate/gpt-image-1" || name == "replicate/gpt-image-1-mini" {
                            body["openai_api_key"] = json!("sk-caller");
                        }
                        requests.push((format!("{name} {mode} {parameter}={value}"), path, body));
                    }
                }
            }
        }
    }
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulators_accept_every_request_that_is_made_of_legal_values() {
    let gateway = TestGateway::start().await;
    let models = gateway.get("/openai/v1/models?schema=true").await.ok();
    let picture = data_url("image/png", &plain((64, 64), [200, 30, 30, 255], ImageFormat::Png));
    let requests = requests(&models, &picture);
    assert!(requests.len() > 1_000, "only {} requests", requests.len());
    let calls = requests.into_iter().map(|(what, path, body)| {
        let gateway = &gateway;
        async move { (what, send(gateway.request(Method::POST, path).json(&body)).await) }
    });
    let wrong: Vec<String> = stream::iter(calls)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |(what, reply)| {
            let error = reply.json()["error"].clone();
            let refused_here = error["code"] == "INVALID_REQUEST" && what.ends_with("background=\"transparent\"");
            (error["code"] != "CONTENT_POLICY_VIOLATION" && !refused_here).then(|| format!("{what}: {}", reply.text()))
        })
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), wrong.join("\n"));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulators_check_before_they_refuse_for_safety() {
    let gateway = TestGateway::start().await;
    for (path, authorization, wrong, refused) in [
        (
            "/openai/v1/images/generations",
            format!("Bearer {}", sandbox::OPENAI_CREDENTIAL),
            json!({ "model": "gpt-image-1.5", "prompt": CHECKED, "quality": "best" }),
            "quality",
        ),
        (
            "/fal/run/fal-ai/flux/schnell",
            format!("Key {}", sandbox::FAL_CREDENTIAL),
            json!({ "prompt": CHECKED, "num_inference_steps": 99 }),
            "num_inference_steps",
        ),
        (
            "/replicate/v1/models/black-forest-labs/flux-schnell/predictions",
            format!("Bearer {}", sandbox::REPLICATE_CREDENTIAL),
            json!({ "input": { "prompt": CHECKED, "aspect_ratio": "7:1" } }),
            "aspect_ratio",
        ),
    ] {
        let call = gateway.client.post(gateway.sandbox_url(path)).json(&wrong);
        let reply = call
            .header("authorization", authorization)
            .send()
            .await
            .expect("an answer");
        assert!(
            matches!(reply.status().as_u16(), 400 | 422),
            "{path}: {}",
            reply.status()
        );
        let text = reply.text().await.expect("a text");
        assert!(text.contains(refused), "{path}: {text}");
    }
    gateway.finish().await;
}
