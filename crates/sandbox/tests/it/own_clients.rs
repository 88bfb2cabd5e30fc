//! What clients of the providers send that references do not tell of, or tell otherwise.

use super::harness::{World, file, measure, plain, send};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn picture() -> Vec<u8> {
    plain((256, 256), [200, 20, 20, 255], ImageFormat::Png)
}

#[tokio::test]
async fn stabilitys_samples_make_a_form_by_a_part_that_is_nothing() {
    let world = World::start().await;
    let post = || {
        world
            .request(Method::POST, "/stability/v2beta/stable-image/generate/core")
            .bearer_auth(sandbox::STABILITY_CREDENTIAL)
            .header("accept", "image/*")
    };
    let form = || Form::new().text("prompt", "a lighthouse");
    let nothing = Part::bytes(Vec::new()).file_name("none");
    let reply = send(post().multipart(form().part("none", nothing))).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let something = Part::bytes(picture()).file_name("none");
    let reply = send(post().multipart(form().part("none", something))).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_server_without_keys_looks_at_none() {
    let world = World::start().await;
    let body = json!({"prompt": "a lake", "size": "256x256"});
    for key in ["sk-no-key-required", "invalid"] {
        let request = world
            .request(Method::POST, "/sdcpp/v1/images/generations")
            .bearer_auth(key);
        let reply = send(request.json(&body)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
}

#[tokio::test]
async fn azures_newer_path_takes_the_model_in_the_body_and_a_bearer() {
    let world = World::start().await;
    let post = |path: &str| world.request(Method::POST, &format!("/azure/openai/v1/images/{path}"));
    let body = json!({"model": "painter", "prompt": "a lake", "size": "1024x1024", "quality": "low"});
    for request in [
        post("generations").bearer_auth("k-1"),
        post("generations").header("api-key", "k-1"),
        post("generations?api-version=preview").bearer_auth("k-1"),
    ] {
        let reply = send(request.json(&body)).await;
        assert_eq!(measure(&reply.image(0)), (1024, 1024, ImageFormat::Png));
    }
    assert_eq!(world.calls("azure").await[0]["model"], "painter");
    let keyless = send(post("generations").json(&body)).await;
    assert_eq!(keyless.status, StatusCode::UNAUTHORIZED);
    let nameless = send(
        post("generations")
            .bearer_auth("k-1")
            .json(&json!({"prompt": "a lake"})),
    )
    .await;
    assert_eq!(nameless.json()["error"]["param"], "model");
    let form = Form::new()
        .text("model", "painter")
        .text("prompt", "a lake")
        .text("size", "256x256")
        .part("image[]", file(picture(), "image/png"));
    let edited = send(post("edits").bearer_auth("k-1").multipart(form)).await;
    assert_eq!(measure(&edited.image(0)).0, 256);
}

fn fal(world: &World, path: &str) -> RequestBuilder {
    let request = world.request(Method::POST, &format!("/fal{path}"));
    request.header("authorization", format!("Key {}", sandbox::FAL_CREDENTIAL))
}

#[tokio::test]
async fn fals_newer_clients_upload_by_a_token() {
    let world = World::start().await;
    let asked = fal(&world, "/rest/storage/auth/token?storage_type=fal-cdn-v3");
    let token = send(asked.json(&json!({}))).await.json();
    let text = |name: &str| token[name].as_str().expect("a text").to_owned();
    assert!(text("expires_at").ends_with("+00:00"));
    let upload = |path: &str| {
        let request = world.client.post(format!("{}/files/{path}", text("base_url")));
        request
            .header("content-type", "image/png")
            .header("x-fal-file-name", "my cat.png")
    };
    let allowed =
        |request: RequestBuilder| request.header("authorization", format!("{} {}", text("token_type"), text("token")));
    let refused = send(upload("upload").body(picture())).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let whole = send(allowed(upload("upload")).body(picture())).await.json();
    let begun = send(allowed(upload("upload/multipart"))).await.json();
    let place = format!(
        "{}/multipart/{}",
        begun["access_url"].as_str().expect("a link"),
        begun["uploadId"].as_str().expect("an id")
    );
    let sent = send(allowed(world.client.put(format!("{place}/1"))).body(picture())).await;
    let parts = json!({ "parts": [{ "partNumber": 1, "etag": sent.header("etag") }] });
    let done = send(allowed(world.client.post(format!("{place}/complete"))).json(&parts)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    for answer in [&whole, &begun] {
        let link = answer["access_url"].as_str().expect("a link");
        assert!(link.ends_with("/my_cat.png"), "{link}");
        let kept = send(world.client.get(link)).await;
        assert_eq!(
            (kept.header("content-type"), kept.body.as_ref()),
            ("image/png", picture().as_slice())
        );
        let edit = json!({"prompt": "a", "image_urls": [link]});
        let reply = send(fal(&world, "/run/fal-ai/nano-banana/edit").json(&edit)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
    let made = send(fal(&world, "/run/fal-ai/nano-banana").json(&json!({"prompt": "a"}))).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    world.advance_clock(3_601).await;
    let late = send(allowed(upload("upload")).body(picture())).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
}

fn gemini(world: &World, method: Method, path: &str) -> RequestBuilder {
    let request = world.request(method, &format!("/gemini/{path}"));
    request.header("x-goog-api-key", sandbox::GEMINI_CREDENTIAL)
}

#[tokio::test]
async fn gemini_counts_tokens_as_it_bills_them() {
    let world = World::start().await;
    let model = "v1beta/models/gemini-3.1-flash-image";
    let contents = json!([{"parts": [{"text": "a boat on a lake"},
        {"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(picture())}}]}]);
    let count = async |body: Value| {
        let reply = send(gemini(&world, Method::POST, &format!("{model}:countTokens")).json(&body)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()
    };
    let counted = count(json!({ "contents": contents })).await;
    let held = json!({ "model": "models/gemini-3.1-flash-image", "contents": contents });
    assert_eq!(count(json!({ "generateContentRequest": held })).await, counted);
    let made =
        send(gemini(&world, Method::POST, &format!("{model}:generateContent")).json(&json!({ "contents": contents })));
    let usage = made.await.json()["usageMetadata"].clone();
    assert_eq!(counted["totalTokens"], usage["promptTokenCount"]);
    assert_eq!(counted["promptTokensDetails"], usage["promptTokensDetails"]);
    let empty = gemini(&world, Method::POST, &format!("{model}:countTokens")).json(&json!({}));
    assert_eq!(send(empty).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn geminis_files_are_sent_once_and_named_in_calls() {
    let world = World::start().await;
    let start = gemini(&world, Method::POST, "upload/v1beta/files")
        .header("x-goog-upload-protocol", "resumable")
        .header("x-goog-upload-command", "start")
        .header("x-goog-upload-header-content-type", "image/png");
    let begun = send(start.json(&json!({ "file": { "displayName": "a cat" } }))).await;
    let url = begun.header("x-goog-upload-url").to_owned();
    let whole = picture();
    let (first, second) = whole.split_at(100);
    let piece = |command: &str, bytes: &[u8]| {
        let request = world.client.post(&url).header("x-goog-upload-command", command);
        send(request.body(bytes.to_vec()))
    };
    assert_eq!(piece("upload", first).await.header("x-goog-upload-status"), "active");
    let ended = piece("upload, finalize", second).await;
    assert_eq!(ended.header("x-goog-upload-status"), "final");
    let told = ended.json()["file"].clone();
    assert_eq!(
        (&told["state"], &told["displayName"], &told["sizeBytes"]),
        (&json!("ACTIVE"), &json!("a cat"), &json!(picture().len().to_string()))
    );
    let name = format!("v1beta/{}", told["name"].as_str().expect("a name"));
    assert_eq!(send(gemini(&world, Method::GET, &name)).await.json(), told);
    assert_eq!(
        send(gemini(&world, Method::GET, "v1beta/files")).await.json()["files"],
        json!([told])
    );
    let call = || {
        let part = json!({ "fileData": { "fileUri": told["uri"], "mimeType": "image/png" } });
        let body = json!({ "contents": [{ "parts": [{ "text": "make it blue" }, part] }] });
        gemini(
            &world,
            Method::POST,
            "v1beta/models/gemini-3.1-flash-image:generateContent",
        )
        .json(&body)
    };
    let made = send(call()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    assert_eq!(
        made.json()["usageMetadata"]["promptTokensDetails"][1]["modality"],
        "IMAGE"
    );
    assert_eq!(send(gemini(&world, Method::DELETE, &name)).await.status, StatusCode::OK);
    assert_eq!(
        send(gemini(&world, Method::GET, &name)).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(send(call()).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_is_lost_is_told_every_prefix() {
    let world = World::start().await;
    let reply = send(world.request(Method::GET, "/nowhere")).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    for prefix in sandbox::PATHS {
        assert!(reply.text().contains(prefix), "{prefix}: {}", reply.text());
    }
}
