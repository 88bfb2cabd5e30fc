//! What Stability refuses: fields that break a rule of their service, keys, types, sizes and routes.

use super::super::harness::{World, file, send};
use super::{RED, api, call, form, png, refused, total_micros};
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn every_rule_has_its_error() {
    let world = World::start().await;
    let image = || png((256, 256), RED);
    let edit = |fields: &[(&'static str, &str)]| form(fields).part("image", image());
    for (service, form, errors) in [
        ("generate/core", form(&[("seed", "1")]), json!(["prompt: is required"])),
        (
            "generate/core",
            form(&[("prompt", "")]),
            json!(["prompt: cannot be blank"]),
        ),
        (
            "generate/core",
            form(&[("prompt", "x"), ("size", "1024x1024"), ("seed", "-1")]),
            json!(["size: is not allowed", "seed: must be between 0 and 4294967294"]),
        ),
        (
            "generate/core",
            form(&[("prompt", "x"), ("prompt", "y")]),
            json!(["prompt: may be given only once"]),
        ),
        (
            "generate/core",
            form(&[("prompt", "x"), ("aspect_ratio", "4:3")]),
            json!(["aspect_ratio: must be one of 21:9, 16:9, 3:2, 5:4, 1:1, 4:5, 2:3, 9:16, 9:21"]),
        ),
        (
            "generate/core",
            edit(&[("prompt", "x")]),
            json!(["image: is not allowed"]),
        ),
        (
            "generate/sd3",
            form(&[("prompt", "x"), ("output_format", "gif")]),
            json!(["output_format: must be one of jpeg, png, webp"]),
        ),
        (
            "generate/sd3",
            form(&[("prompt", "x"), ("model", "sd3-large")]),
            json!(["model: must be one of sd3.5-large, sd3.5-large-turbo, sd3.5-medium, sd3.5-flash"]),
        ),
        (
            "generate/sd3",
            form(&[("prompt", "x"), ("strength", "0.5")]),
            json!(["strength: is only allowed when image is given"]),
        ),
        (
            "generate/sd3",
            form(&[("prompt", "x"), ("mode", "image-to-image")]),
            json!(["image: is required when mode is image-to-image"]),
        ),
        (
            "generate/sd3",
            edit(&[("prompt", "x")]),
            json!(["strength: is required when image is given"]),
        ),
        (
            "generate/sd3",
            edit(&[("prompt", "x"), ("strength", "0.5"), ("mode", "text-to-image")]),
            json!(["image: is not allowed when mode is text-to-image"]),
        ),
        (
            "generate/sd3",
            edit(&[("prompt", "x"), ("strength", "0.5"), ("aspect_ratio", "1:1")]),
            json!(["aspect_ratio: is only allowed for text-to-image"]),
        ),
        ("edit/inpaint", form(&[("prompt", "x")]), json!(["image: is required"])),
        (
            "edit/erase",
            edit(&[("prompt", "x")]),
            json!(["prompt: is not allowed"]),
        ),
        (
            "edit/erase",
            edit(&[("grow_mask", "21")]),
            json!(["grow_mask: must be between 0 and 20"]),
        ),
        (
            "edit/search-and-replace",
            edit(&[("prompt", "x")]),
            json!(["search_prompt: is required"]),
        ),
        (
            "edit/erase",
            edit(&[]).part("image", image()),
            json!(["image: may be given only once"]),
        ),
        (
            "edit/erase",
            Form::new().part("image", file(b"GIF89a".to_vec(), "image/gif")),
            json!(["image: must be a jpeg, png or webp"]),
        ),
        (
            "edit/erase",
            Form::new().part("image", png((63, 200), RED)),
            json!(["image: every side must be at least 64 pixels"]),
        ),
        (
            "upscale/fast",
            Form::new().part("image", png((1025, 1024), RED)),
            json!(["image: total pixel count must be between 1024 and 1048576, got 1049600"]),
        ),
        ("upscale/conservative", edit(&[]), json!(["prompt: is required"])),
        (
            "upscale/conservative",
            form(&[("prompt", "x")]).part("image", png((512, 128), RED)),
            json!(["image: the aspect ratio must be between 1:2.5 and 2.5:1"]),
        ),
        (
            "upscale/creative",
            edit(&[("prompt", "x"), ("creativity", "0.6")]),
            json!(["creativity: must be between 0.1 and 0.5"]),
        ),
    ] {
        refused(&call(&world, service, form).await, 400, "bad_request", &errors);
    }
    assert_eq!(total_micros(&world).await, 0);
}

#[tokio::test]
async fn keys_types_sizes_and_routes_are_checked() {
    let world = World::start().await;
    let path = "/stability/v2beta/stable-image/generate/core";
    for key in [None, Some("sk-invalid-key"), Some("nobody-at-all")] {
        let mut request = world.request(Method::POST, path).multipart(form(&[("prompt", "x")]));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let reply = send(request).await;
        assert_eq!(
            (reply.status, reply.json()["name"].clone()),
            (StatusCode::UNAUTHORIZED, json!("unauthorized"))
        );
    }
    let empty = send(api(&world, Method::POST, "/stable-image/generate/core")).await;
    refused(&empty, 400, "bad_request", &json!(["content-type: required"]));
    let as_json = api(&world, Method::POST, "/stable-image/generate/core").json(&json!({"prompt": "x"}));
    refused(
        &send(as_json).await,
        400,
        "bad_request",
        &json!(["content-type: must be multipart/form-data"]),
    );
    let large = Form::new().part("image", file(vec![0; 10 * 1024 * 1024 + 1], "image/png"));
    let errors = json!(["body: payloads cannot be larger than 10MiB in size"]);
    refused(
        &call(&world, "edit/erase", large).await,
        413,
        "payload_too_large",
        &errors,
    );
    assert_eq!(
        call(&world, "generate/nothing", Form::new()).await.status,
        StatusCode::NOT_FOUND
    );
    let wrong = send(api(&world, Method::GET, "/stable-image/generate/core")).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
}
