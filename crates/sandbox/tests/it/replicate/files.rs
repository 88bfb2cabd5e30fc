//! Files that become inputs, how long they live, and webhooks.

use super::super::harness::{World, measure, plain, send};
use super::super::hooks::Hooks;
use super::{api, create, fetch, get, picture, predict};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use imaging::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[tokio::test]
async fn files_become_inputs() {
    let world = World::start().await;
    let bytes = plain((1000, 500), [10, 20, 200, 255], ImageFormat::Png);
    let content = |bytes: &[u8]| {
        let part = Part::bytes(bytes.to_vec()).file_name("sea.png");
        part.mime_str("image/png").expect("a type")
    };
    let metadata = || {
        Part::text(r#"{"for": "a test"}"#)
            .file_name("blob")
            .mime_str("application/json")
    };
    let form = Form::new()
        .part("content", content(&bytes))
        .part("metadata", metadata().expect("a type"));
    let reply = send(api(&world, Method::POST, "/files").multipart(form)).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    let file = reply.json();
    assert_eq!(
        (&file["name"], &file["content_type"], &file["size"]),
        (&json!("sea.png"), &json!("image/png"), &json!(bytes.len()))
    );
    assert_eq!(file["metadata"], json!({"for": "a test"}));
    assert_eq!(file["checksums"]["sha256"], hex::encode(Sha256::digest(&bytes)));
    assert!(file["etag"].is_string() && file["expires_at"].is_string());
    let id = file["id"].as_str().expect("an id");
    assert_eq!(get(&world, &format!("/files/{id}")).await.json(), file);
    assert_eq!(get(&world, "/files").await.json()["results"], json!([file]));

    let input = json!({"prompt": "a ship", "input_images": [file["urls"]["get"], picture()],
                       "aspect_ratio": "auto", "quality": "low"});
    let prediction = predict(&world, "openai/gpt-image-2", input).await;
    assert_eq!(prediction["status"], "succeeded", "{prediction}");
    let drawn = fetch(&world, &prediction["output"][0]).await;
    let (width, height, _) = measure(&drawn.body);
    assert_eq!(
        width,
        height * 2,
        "auto takes the first input's shape: {width}x{height}"
    );
    // 32 x 16 and 25 x 19 patches.
    assert!(
        prediction["logs"]
            .as_str()
            .is_some_and(|logs| logs.contains("Input image token count: 987\n"))
    );

    let key = get(&world, "/webhooks/default/secret").await.json();
    let expiry = file["expires_at"].as_str().map(|_| 4_000_000_000_u64).expect("a time");
    let signature = sign(&key, format!("me {id} {expiry}").as_bytes());
    let signature = signature.replace('+', "%2B").replace('=', "%3D");
    let ticket =
        |signature: &str| format!("/replicate/v1/files/{id}/download?owner=me&expiry={expiry}&signature={signature}");
    assert_eq!(send(world.request(Method::GET, &ticket(&signature))).await.body, bytes);
    assert_eq!(
        send(world.request(Method::GET, &ticket("AAAA"))).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        get(&world, &format!("/files/{id}/download")).await.status,
        StatusCode::FORBIDDEN
    );

    let delete = || api(&world, Method::DELETE, &format!("/files/{id}"));
    assert_eq!(send(delete()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(delete()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&world, &format!("/files/{id}")).await.status, StatusCode::NOT_FOUND);
    let empty = Form::new().text("metadata", "{}");
    assert_eq!(
        send(api(&world, Method::POST, "/files").multipart(empty)).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn files_and_results_expire() {
    let world = World::start().await;
    let part = Part::bytes(vec![1, 2, 3]).file_name("x");
    let form = Form::new().part("content", part);
    let file = send(api(&world, Method::POST, "/files").multipart(form)).await.json();
    assert_eq!(file["content_type"], "application/octet-stream");
    let input = json!({"prompt": "a", "megapixels": "0.25"});
    let prediction = predict(&world, "black-forest-labs/flux-schnell", input).await;
    assert_eq!(fetch(&world, &prediction["output"][0]).await.status, StatusCode::OK);
    world.advance_clock(3_600).await;
    assert_eq!(
        fetch(&world, &prediction["output"][0]).await.status,
        StatusCode::FORBIDDEN
    );
    let path = format!("/files/{}", file["id"].as_str().expect("an id"));
    assert_eq!(get(&world, &path).await.status, StatusCode::OK);
    world.advance_clock(23 * 3_600).await;
    assert_eq!(get(&world, &path).await.status, StatusCode::NOT_FOUND);
}

/// Base64 of the HMAC of some text, by the secret as the API tells it.
fn sign(secret: &Value, text: &[u8]) -> String {
    let secret = secret["key"].as_str().and_then(|key| key.strip_prefix("whsec_"));
    let secret = STANDARD.decode(secret.expect("a secret")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("any length");
    mac.update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn webhooks_come_in_order_and_signed() {
    let world = World::start().await;
    let key = get(&world, "/webhooks/default/secret").await.json();
    let slug = "black-forest-labs/flux-schnell";
    let mut hooks = Hooks::start(&[]).await;
    let body = json!({"input": {"prompt": "a", "megapixels": "0.25"}, "webhook": hooks.url,
                      "webhook_events_filter": ["start", "logs", "output", "completed"]});
    let created = send(create(&world, slug, &body)).await.json();
    let mut told = Vec::new();
    for _ in 0..4 {
        let message = hooks.next().await;
        let (id, at) = (message.header("webhook-id"), message.header("webhook-timestamp"));
        let mut signed = format!("{id}.{at}.").into_bytes();
        signed.extend_from_slice(&message.body);
        assert_eq!(
            message.header("webhook-signature"),
            format!("v1,{}", sign(&key, &signed))
        );
        let prediction = message.json();
        assert_eq!(prediction["id"], created["id"]);
        let count = prediction["output"].as_array().map_or(0, Vec::len);
        let has_logs = prediction["logs"] != "";
        told.push((
            prediction["status"].as_str().expect("a status").to_owned(),
            has_logs,
            count,
        ));
    }
    let expected = [
        ("processing", false, 0),
        ("processing", true, 0),
        ("processing", true, 1),
        ("succeeded", true, 1),
    ];
    assert_eq!(
        told,
        expected.map(|(status, logs, count)| (status.to_owned(), logs, count))
    );

    // Without a filter output and end are told, and the end again until it is received.
    let mut hooks = Hooks::start(&[500, 500]).await;
    let body = json!({"input": {"prompt": "a", "megapixels": "0.25"}, "webhook": hooks.url});
    send(create(&world, slug, &body)).await;
    let statuses = [hooks.next().await, hooks.next().await, hooks.next().await];
    let statuses = statuses.map(|message| message.json()["status"].as_str().map(str::to_owned));
    assert_eq!(
        statuses.each_ref().map(|status| status.as_deref()),
        [Some("processing"), Some("succeeded"), Some("succeeded")]
    );
}
