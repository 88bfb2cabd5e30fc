//! Edits: forms and JSON, inputs, masks, their tokens and their refusals.

use super::harness::{Reply, World, data_url, distance, file, left_half_mask, measure, pixels, plain, send};
use imaging::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const RED: [u8; 4] = [220, 20, 20, 255];
const BLUE: [u8; 4] = [20, 20, 220, 255];
const SQUARE: (u32, u32) = (1024, 1024);

fn form(model: &str) -> Form {
    Form::new()
        .text("model", model.to_owned())
        .text("prompt", "a boat")
        .text("quality", "low")
}

fn png(size_px: (u32, u32), rgba: [u8; 4]) -> Part {
    file(plain(size_px, rgba, ImageFormat::Png), "image/png")
}

/// Mean color of a part of a picture, columns `from` to `to` of its middle rows.
fn mean(picture: &imaging::Bitmap, from: u32, to: u32) -> [f64; 3] {
    let (width, height) = (picture.width_px() as usize, picture.height_px() as usize);
    let mut sum = [0.0; 3];
    let mut count = 0.0;
    for row in picture.rgba().chunks_exact(width * 4).skip(height / 4).take(height / 2) {
        for pixel in row[from as usize * 4..to as usize * 4].chunks_exact(4) {
            for (sum, channel) in sum.iter_mut().zip(pixel) {
                *sum += f64::from(*channel);
            }
            count += 1.0;
        }
    }
    sum.map(|sum| sum / count)
}

fn refused(reply: &Reply, code: &str, param: &Value) {
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text());
    let error = &reply.json()["error"];
    assert_eq!(error["code"], code, "{error}");
    assert_eq!(&error["param"], param, "{error}");
}

#[tokio::test]
async fn an_edit_shows_its_input() {
    let world = World::start().await;
    let red = world.edit(form("gpt-image-1").part("image", png(SQUARE, RED))).await;
    let blue = world.edit(form("gpt-image-1").part("image", png(SQUARE, BLUE))).await;
    let (red, blue) = (pixels(&red.image(0)), pixels(&blue.image(0)));
    assert!(distance(&red, &blue) > 20.0);
    let (in_red, in_blue) = (mean(&red, 0, 1024), mean(&blue, 0, 1024));
    assert!(
        in_red[0] > in_blue[0] && in_red[2] < in_blue[2],
        "{in_red:?} {in_blue:?}"
    );
}

#[tokio::test]
async fn what_the_mask_keeps_stays() {
    let world = World::start().await;
    let form = form("gpt-image-1.5")
        .part("image[]", png(SQUARE, RED))
        .part("mask", file(left_half_mask(SQUARE), "image/png"));
    let reply = world.edit(form).await;
    let picture = pixels(&reply.image(0));
    let right = mean(&picture, 700, 1_000);
    for (channel, expected) in right.iter().zip(RED) {
        assert!((channel - f64::from(expected)).abs() < 3.0, "{right:?}");
    }
    let left = mean(&picture, 0, 400);
    let change: f64 = left.iter().zip(RED).map(|(a, b)| (a - f64::from(b)).abs()).sum();
    assert!(change > 20.0, "{left:?}");
}

#[tokio::test]
async fn auto_size_follows_the_first_input() {
    let world = World::start().await;
    for (size_px, expected) in [
        ((1200, 300), (1536, 1024)),
        ((300, 500), (1024, 1536)),
        ((500, 490), (1024, 1024)),
    ] {
        let reply = world.edit(form("gpt-image-2").part("image", png(size_px, RED))).await;
        let (width_px, height_px, _) = measure(&reply.image(0));
        assert_eq!((width_px, height_px), expected);
    }
}

#[tokio::test]
async fn json_edits_take_data_urls() {
    let world = World::start().await;
    let url = data_url("image/png", &plain(SQUARE, BLUE, ImageFormat::Png));
    let mask = data_url("image/png", &left_half_mask(SQUARE));
    let body = json!({
        "model": "gpt-image-2", "prompt": "a boat", "quality": "low", "size": "1280x720", "moderation": "low",
        "images": [{"image_url": url}, {"image_url": url}], "mask": {"image_url": mask},
    });
    let reply = send(world.openai(Method::POST, "/images/edits").json(&body)).await;
    assert_eq!(measure(&reply.image(0)), (1280, 720, ImageFormat::Png));
    // Two inputs of 1024x1024, one token for each 32x32 pixels.
    assert_eq!(reply.json()["usage"]["input_tokens_details"]["image_tokens"], 2_048);
}

#[tokio::test]
async fn input_tokens_follow_size_and_fidelity() {
    let world = World::start().await;
    for (model, fidelity, expected) in [
        ("gpt-image-1", None, 194),
        ("gpt-image-1", Some("low"), 194),
        ("gpt-image-1", Some("high"), 194 + 4_160),
        ("gpt-image-1-mini", None, 194),
    ] {
        let mut form = form(model).part("image", png(SQUARE, RED));
        if let Some(fidelity) = fidelity {
            form = form.text("input_fidelity", fidelity);
        }
        let answer = world.edit(form).await.json();
        assert_eq!(
            answer["usage"]["input_tokens_details"]["image_tokens"], expected,
            "{model}"
        );
    }
    let bill = world.bill("openai").await;
    // 6 characters are 2 text tokens; $5, $10 and $40 a million.
    assert_eq!(bill["entries"][0]["micros"], 2 * 5 + 194 * 10 + 272 * 40);
    assert_eq!(bill["entries"][2]["micros"], 2 * 5 + 4_354 * 10 + 272 * 40);
    // $2, $2.50 and $8 a million: exactly 4 + 485 + 2176.
    assert_eq!(bill["entries"][3]["micros"], 2_665);
}

#[tokio::test]
async fn formats_are_told_by_type_and_by_content() {
    let world = World::start().await;
    for (format, kind) in [
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Webp, "image/webp"),
        // The bytes decide once the type is allowed.
        (ImageFormat::Jpeg, "image/png"),
    ] {
        let part = file(plain((640, 640), RED, format), kind);
        let reply = world.edit(form("gpt-image-1").part("image", part)).await;
        assert_eq!(reply.status, StatusCode::OK, "{kind}: {}", reply.text());
    }
    for kind in ["application/octet-stream", "image/gif", "text/plain"] {
        let part = file(plain((640, 640), RED, ImageFormat::Png), kind);
        let reply = world.edit(form("gpt-image-1").part("image", part)).await;
        refused(&reply, "unsupported_file_mimetype", &json!("image"));
    }
    let untyped = Part::bytes(plain((64, 64), RED, ImageFormat::Png)).file_name("a.png");
    let reply = world.edit(form("gpt-image-1").part("image", untyped)).await;
    refused(&reply, "unsupported_file_mimetype", &json!("image"));
}

#[tokio::test]
async fn unreadable_images_are_named() {
    let world = World::start().await;
    let form = form("gpt-image-1")
        .part("image[]", png((64, 64), RED))
        .part("image[]", file(b"not an image".to_vec(), "image/png"));
    let reply = world.edit(form).await;
    refused(&reply, "invalid_image_file", &Value::Null);
    let error = reply.json()["error"].clone();
    assert_eq!(error["type"], "image_generation_user_error");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("image 2")),
        "{error}"
    );
    assert_eq!(world.bill("openai").await["entries"], json!([]));
}

#[tokio::test]
async fn masks_must_fit() {
    let world = World::start().await;
    let with_mask = |mask: Part| form("gpt-image-1").part("image", png(SQUARE, RED)).part("mask", mask);
    let small = file(left_half_mask((512, 512)), "image/png");
    refused(&world.edit(with_mask(small)).await, "invalid_value", &json!("mask"));
    let opaque = file(plain(SQUARE, RED, ImageFormat::Jpeg), "image/jpeg");
    refused(&world.edit(with_mask(opaque)).await, "invalid_value", &json!("mask"));
    let broken = file(b"PNG?".to_vec(), "image/png");
    refused(&world.edit(with_mask(broken)).await, "invalid_value", &json!("mask"));
}

#[tokio::test]
async fn one_to_sixteen_images() {
    let world = World::start().await;
    let none = world.edit(form("gpt-image-1")).await;
    refused(&none, "missing_required_parameter", &json!("image"));
    let many = (0..17).fold(form("gpt-image-1"), |form, _| form.part("image[]", png((64, 64), RED)));
    refused(&world.edit(many).await, "array_above_max_length", &json!("image"));
    let sixteen = (0..16).fold(form("gpt-image-1"), |form, _| form.part("image[]", png((64, 64), RED)));
    assert_eq!(world.edit(sixteen).await.status, StatusCode::OK);
    let text = form("gpt-image-1").text("image", "here");
    refused(&world.edit(text).await, "invalid_type", &json!("image"));
    let large = file(vec![0; 50 * 1024 * 1024], "image/png");
    let large = world.edit(form("gpt-image-1").part("image", large)).await;
    refused(&large, "invalid_value", &json!("image"));
}

#[tokio::test]
async fn forms_are_as_strict_as_json() {
    let world = World::start().await;
    for (name, value, code) in [
        ("n", "many", "invalid_type"),
        ("n", "11", "integer_above_max_value"),
        ("moderation", "low", "unknown_parameter"),
        ("response_format", "b64_json", "unknown_parameter"),
        ("seed", "1", "unknown_parameter"),
        ("stream", "maybe", "invalid_type"),
        ("input_fidelity", "medium", "invalid_value"),
    ] {
        let form = form("gpt-image-1").part("image", png((64, 64), RED)).text(name, value);
        refused(&world.edit(form).await, code, &json!(name));
    }
    let other_file = form("gpt-image-1")
        .part("image", png((64, 64), RED))
        .part("images", png((64, 64), RED));
    refused(&world.edit(other_file).await, "unknown_parameter", &json!("images"));
    for model in ["gpt-image-1-mini", "gpt-image-2", "gpt-image-2.5-flare"] {
        let form = form(model)
            .part("image", png((64, 64), RED))
            .text("input_fidelity", "high");
        refused(
            &world.edit(form).await,
            "invalid_input_fidelity_model",
            &json!("input_fidelity"),
        );
    }
}

#[tokio::test]
async fn json_references_are_checked() {
    let world = World::start().await;
    let url = data_url("image/png", &plain((64, 64), RED, ImageFormat::Png));
    for (images, code, param) in [
        (json!(null), "missing_required_parameter", "images"),
        (json!([]), "empty_array", "images"),
        (json!("x"), "invalid_type", "images"),
        (json!([7]), "invalid_type", "images[0]"),
        (json!([{}]), "missing_required_parameter", "images[0].image_url"),
        (
            json!([{"image_url": url, "detail": "high"}]),
            "unknown_parameter",
            "images[0].detail",
        ),
        (
            json!([{"image_url": url, "file_id": "file-1"}]),
            "invalid_value",
            "images[0]",
        ),
        (json!([{"file_id": "file-1"}]), "invalid_image_url", "images[0].file_id"),
        (
            json!([{"image_url": url}, {"image_url": "https://example.org/a.png"}]),
            "invalid_image_url",
            "images[1].image_url",
        ),
        (
            json!([{"image_url": "data:image/gif;base64,AAAA"}]),
            "unsupported_file_mimetype",
            "images[0].image_url",
        ),
    ] {
        let body = json!({"model": "gpt-image-1", "prompt": "x", "images": images});
        let reply = send(world.openai(Method::POST, "/images/edits").json(&body)).await;
        refused(&reply, code, &json!(param));
    }
}
