//! Bodies of the wrong kind, and forms with odd parts.

use super::super::edits::form;
use super::super::harness::{EDITS, GENERATIONS, TestGateway, file, half_mask, send};
use super::png;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use serde_json::json;

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
