//! Servers that speak OpenAI's protocol with differences, each with its own.

use super::harness::{Reply, World, distance, file, measure, pixels, plain, send};
use imaging::{Bitmap, ImageFormat, encode};
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const RED: [u8; 4] = [220, 20, 20, 255];

async fn post(world: &World, path: &str, body: Value) -> Reply {
    send(world.request(Method::POST, path).json(&body)).await
}

/// White on the left, black on the right.
fn white_half() -> Vec<u8> {
    let rgba = (0..256 * 256).flat_map(|at| if at % 256 < 128 { [255; 4] } else { [0, 0, 0, 255] });
    let mask = Bitmap::new(256, 256, rgba.collect()).expect("right size");
    encode(&mask, ImageFormat::Png, None).expect("a mask encodes")
}

fn form(name: &str, mask: Option<Vec<u8>>) -> Form {
    let image = file(plain((256, 256), RED, ImageFormat::Png), "image/png");
    let form = Form::new()
        .text("prompt", "a boat")
        .text("size", "256x256")
        .part(name.to_owned(), image);
    match mask {
        Some(mask) => form.part("mask", file(mask, "image/png")),
        None => form,
    }
}

/// How much of each half of the red image is changed.
fn changes(edited: &[u8]) -> (f64, f64) {
    let edited = pixels(edited);
    let half = |from: usize| {
        let rows = edited.rgba().chunks_exact(256 * 4);
        let kept: Vec<u8> = rows.flat_map(|row| row[from..from + 360].to_vec()).collect();
        let kept = Bitmap::new(90, 256, kept).expect("right size");
        let red = Bitmap::new(90, 256, RED.repeat(90 * 256)).expect("right size");
        distance(&red, &kept)
    };
    (half(0), half(640))
}

#[tokio::test]
async fn localai_gives_links_and_paints_where_the_mask_is_white() {
    let world = World::start().await;
    for path in ["/localai/v1/images/generations", "/localai/images/generations"] {
        let reply = post(
            &world,
            path,
            json!({"model": "sd", "prompt": "a lake|people", "unknown": 1}),
        )
        .await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let url = reply.json()["data"][0]["url"].as_str().expect("a link").to_owned();
        let image = send(world.client.get(&url)).await;
        assert_eq!(measure(&image.body), (512, 512, ImageFormat::Png));
    }
    let inline = json!({"prompt": "a lake", "size": "256x128", "response_format": "b64_json"});
    let reply = post(&world, "/localai/v1/images/generations", inline).await;
    assert_eq!(measure(&reply.image(0)).0, 256);
    let inpaint = "/localai/v1/images/inpainting";
    let none = send(world.request(Method::POST, inpaint).multipart(form("image", None))).await;
    assert_eq!(
        (none.status, none.json()["error"]["code"].as_i64()),
        (StatusCode::BAD_REQUEST, Some(400))
    );
    let reply = send(
        world
            .request(Method::POST, inpaint)
            .multipart(form("image", Some(white_half()))),
    )
    .await;
    let (left, right) = changes(&reply.image(0));
    assert!(left > 20.0 && right < 5.0, "{left} {right}");
    let edits = send(
        world
            .request(Method::POST, "/localai/v1/images/edits")
            .multipart(form("image", None)),
    )
    .await;
    assert_eq!(
        (edits.status, edits.json()["error"]["type"].as_str()),
        (StatusCode::NOT_FOUND, Some(""))
    );
}

#[tokio::test]
async fn sdcpp_names_its_format() {
    let world = World::start().await;
    let path = "/sdcpp/v1/images/generations";
    let body = json!({"prompt": "a lake", "n": 2, "size": "256x256", "output_format": "webp"});
    let reply = post(&world, path, body).await;
    assert_eq!(measure(&reply.image(1)), (256, 256, ImageFormat::Webp));
    assert_eq!(reply.json()["output_format"], "webp");
    let edit = |form: Form| send(world.request(Method::POST, "/sdcpp/v1/images/edits").multipart(form));
    assert_eq!(measure(&edit(form("image[]", None)).await.image(0)).0, 256);
    let webp = edit(form("image", None).text("output_format", "webp")).await;
    assert_eq!(webp.status, StatusCode::BAD_REQUEST, "edits come as PNG or JPEG");
    let entries = world.bill("sdcpp").await;
    assert_eq!(
        (
            entries["total_micros"].as_i64(),
            entries["entries"].as_array().map(Vec::len)
        ),
        (Some(0), Some(2))
    );
}

#[tokio::test]
async fn python_servers_refuse_by_details() {
    let world = World::start().await;
    let vllm = "/vllm/v1/images/generations";
    let reply = post(&world, vllm, json!({"prompt": "a lake", "size": "256x256"})).await;
    assert_eq!(measure(&reply.image(0)).0, 256);
    let item = reply.json()["data"][0].clone();
    assert!(item["url"].is_null() && item.as_object().is_some_and(|item| item.contains_key("revised_prompt")));
    for (body, field) in [
        (json!({"prompt": "x", "n": 11}), "n"),
        (json!({"prompt": "x", "response_format": "url"}), "response_format"),
        (json!({"prompt": "x", "size": "large"}), "size"),
        (json!({"n": 1}), "prompt"),
    ] {
        let reply = post(&world, vllm, body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", field]));
    }
    let edits = send(
        world
            .request(Method::POST, "/vllm/v1/images/edits")
            .multipart(form("image", None)),
    )
    .await;
    assert_eq!(
        (edits.status, edits.json()["detail"].as_str()),
        (StatusCode::NOT_FOUND, Some("Not Found"))
    );
    let busy = post(&world, vllm, json!({"prompt": "x [[fault: status=503]]"})).await;
    assert!(busy.status == StatusCode::SERVICE_UNAVAILABLE && busy.json()["detail"].is_string());
}

#[tokio::test]
async fn sglang_wants_a_seed_and_a_form_of_answer() {
    let world = World::start().await;
    let path = "/sglang/v1/images/generations";
    let link = post(&world, path, json!({"prompt": "a lake"})).await;
    assert_eq!(
        (link.status, link.json()["detail"].is_string()),
        (StatusCode::BAD_REQUEST, true)
    );
    let draw = |seed: Option<i64>| {
        let body = json!({"prompt": "a lake", "size": "256x256", "response_format": "b64_json", "seed": seed});
        post(&world, path, body)
    };
    let first = draw(None).await;
    assert!(
        first.image(0) == draw(None).await.image(0),
        "the default seed never changes"
    );
    assert!(first.image(0) != draw(Some(7)).await.image(0));
    assert!(first.json()["id"].is_string());
    let edit = |mask| {
        send(
            world
                .request(Method::POST, "/sglang/v1/images/edits")
                .multipart(form("image[]", mask)),
        )
    };
    let (plain, masked) = (edit(None).await, edit(Some(white_half())).await);
    assert!(plain.image(0) == masked.image(0), "a mask is read and forgotten");
}

#[tokio::test]
async fn azure_wants_its_key_its_version_and_a_deployment() {
    let world = World::start().await;
    let path = "/azure/openai/deployments/painter/images/generations";
    let body = json!({"prompt": "a lake", "size": "1024x1024", "quality": "low", "output_format": "jpeg"});
    let versioned = format!("{path}?api-version=2025-04-01-preview");
    let call = |path: &str| world.request(Method::POST, path).header("api-key", "k-1");
    let reply = send(call(&versioned).json(&body)).await;
    assert_eq!(measure(&reply.image(0)), (1024, 1024, ImageFormat::Jpeg));
    assert_eq!(world.calls("azure").await[0]["model"], "painter");
    assert_eq!(send(call(path).json(&body)).await.status, StatusCode::NOT_FOUND);
    let bearer = send(world.request(Method::POST, &versioned).bearer_auth("k-1").json(&body)).await;
    assert_eq!(
        (bearer.status, bearer.json()["error"]["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("401"))
    );
    let unknown = send(call(&versioned).json(&json!({"prompt": "x", "seed": 1}))).await;
    assert_eq!(
        (unknown.status, unknown.json()["error"]["param"].as_str()),
        (StatusCode::BAD_REQUEST, Some("seed"))
    );
    let blocked = send(call(&versioned).json(&json!({"prompt": "x [[fault: moderation]]"}))).await;
    let error = blocked.json()["error"].clone();
    assert_eq!(error["code"], "content_policy_violation");
    assert_eq!(error["inner_error"]["code"], "ResponsibleAIPolicyViolation");
    let limited = send(call(&versioned).json(&json!({"prompt": "x [[fault: status=429 retry-after=3]]"}))).await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "3")
    );
    let edits = "/azure/openai/deployments/painter/images/edits?api-version=2025-04-01-preview";
    let reply = send(call(edits).multipart(form("image[]", None))).await;
    assert_eq!(measure(&reply.image(0)).0, 256);
}
