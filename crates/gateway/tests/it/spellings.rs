//! The many ways in which clients write one request: forms with objects in them, compressed bodies, other names.

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imaging::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::harness::{EDITS, GENERATIONS, Reply, TestGateway, converted, file, plain, send};

fn picture() -> Vec<u8> {
    plain((64, 64), [90, 120, 200, 255], ImageFormat::Png)
}

fn edit(model: &str) -> Form {
    Form::new()
        .text("model", model.to_owned())
        .text("prompt", "dunes")
        .part("image", file(picture()))
}

fn names(error: &Value, text: &str) {
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(text), "{text}: {message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forms_route_is_obeyed_as_in_json() {
    let gateway = TestGateway::start().await;
    let form = || edit("gpt-image-1.5").text("quality", "low");
    for only in ["fal", "openai"] {
        let answer = gateway.edit(form().text("route[only][]", only)).await.ok();
        assert_eq!(answer["metadata"]["provider"], only);
    }
    let avoid = form().text("route[avoid][]", "openai").text("route[avoid][]", "fal");
    let answer = gateway.edit(avoid).await.ok();
    assert_eq!(answer["metadata"]["provider"], "replicate");
    let error = gateway.edit(form().text("route[max_price_usd]", "0.000001")).await;
    error.fault("route.max_price_usd");
    let sent = json!(gateway.upstream_calls().await).to_string();
    assert!(!sent.contains("route"), "what is Pictor's own goes to no provider");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_parts_of_a_form_are_absent() {
    let gateway = TestGateway::embedded_with(|settings| settings.default_model = Some("mock-image".to_owned())).await;
    let empty = || Part::bytes(Vec::new()).file_name("");
    let form = Form::new()
        .text("model", "")
        .text("prompt", "dunes")
        .part("image[]", file(picture()))
        .part("image[]", empty())
        .part("mask", empty())
        .part("attachment", empty())
        .text("stream", "False");
    gateway.edit(form).await.ok();
    for model in [json!(null), json!("")] {
        gateway
            .generate(json!({ "model": model, "prompt": "dunes", "size": "64x64" }))
            .await
            .ok();
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn input_images_are_found_under_any_of_their_names() {
    let gateway = TestGateway::start().await;
    let base64 = STANDARD.encode(picture());
    let uri = format!("data:image/png;base64,{base64}");
    for fields in [
        json!({ "image_url": uri }),
        json!({ "image_base64": base64 }),
        json!({ "images": [{ "image_url": { "url": uri } }] }),
        json!({ "images": [{ "type": "image_url", "image_url": uri }], "mask": null }),
        json!({ "input_references": [{ "type": "image_url", "image_url": { "url": uri } }] }),
        json!({ "image": [format!("DATA:Image/PNG;Base64,{base64}")] }),
    ] {
        let mut body = json!({ "model": "mock-image", "prompt": "dunes", "output_format": "jpg" });
        body.as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("an object").clone());
        let answer = gateway.edit_json(body).await.ok();
        assert_eq!(answer["output_format"], "jpeg", "{fields}");
    }
    for names in [
        vec!["image", "image"],
        vec!["images[]", "images[]"],
        vec!["image[0]", "image[1]"],
        vec!["image_1", "image_2"],
    ] {
        let form = Form::new()
            .text("model", "openai/gpt-image-1.5")
            .text("prompt", "dunes")
            .text("quality", "low");
        let form = names.iter().fold(form, |form, name| form.part(*name, file(picture())));
        gateway.edit(form).await.ok();
    }
    let as_text = Form::new()
        .text("model", "mock-image")
        .text("prompt", "dunes")
        .text("image_url", uri);
    gateway.edit(as_text).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_other_apis_are_taken_or_refused_with_what_to_send() {
    let gateway = TestGateway::embedded().await;
    let mut body = json!({ "model": "mock-image", "prompt": "dunes", "num_images": 2, "image_size": { "width": 64, "height": 96 } });
    let answer = gateway.generate(body.clone()).await.ok();
    assert_eq!(
        (answer["data"].as_array().map(Vec::len), &answer["size"]),
        (Some(2), &json!("64x96"))
    );
    body["models"] = json!(["other"]);
    names(&gateway.generate(body).await.fault("models"), "'route'");
    let picture = json!({ "model": "mock-image", "prompt": "dunes", "input_references": ["https://a.example/x.png"] });
    names(
        &gateway.generate(picture).await.fault("input_references"),
        "/images/edits",
    );
    gateway.finish().await;
}

async fn compressed(coding: &str, plain: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder: Box<dyn AsyncWrite + Unpin + Send> = match coding {
        "gzip" => Box::new(GzipEncoder::new(&mut bytes)),
        "deflate" => Box::new(ZlibEncoder::new(&mut bytes)),
        "br" => Box::new(BrotliEncoder::new(&mut bytes)),
        _ => Box::new(ZstdEncoder::new(&mut bytes)),
    };
    encoder.write_all(plain).await.expect("memory takes it");
    encoder.shutdown().await.expect("memory takes it");
    drop(encoder);
    bytes
}

async fn send_encoded(gateway: &TestGateway, coding: &str, body: Vec<u8>) -> Reply {
    let request = gateway.request(Method::POST, GENERATIONS);
    let request = request
        .header("content-type", "application/json")
        .header("content-encoding", coding);
    send(request.body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_read_within_the_limits() {
    let gateway = TestGateway::embedded_with(|settings| settings.limits.json_body_bytes = 1 << 20).await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }).to_string();
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let bytes = compressed(coding, body.as_bytes()).await;
        send_encoded(&gateway, coding, bytes).await.ok();
        let error = send_encoded(&gateway, coding, body.clone().into_bytes()).await;
        names(&error.error(400, "INVALID_REQUEST"), coding);
        let bomb = compressed(coding, &vec![b' '; 2 << 20]).await;
        names(
            &send_encoded(&gateway, coding, bomb).await.error(413, "INVALID_REQUEST"),
            "json_body_bytes",
        );
    }
    for coding in ["compress", "gzip, br"] {
        let error = send_encoded(&gateway, coding, body.clone().into_bytes()).await;
        names(&error.error(415, "INVALID_REQUEST"), "content-encoding");
    }
    send_encoded(&gateway, "identity", format!("\u{feff}{body}").into_bytes())
        .await
        .ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_more_memory_than_its_text_is_refused() {
    let gateway = TestGateway::embedded().await;
    let many: Vec<Value> = (0..20_000).map(|_| json!({})).collect();
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    for (value, status, limit) in [
        (json!(many), 400, "json_nodes"),
        (deep, 400, "json_depth"),
        (json!("x ".repeat(1 << 20)), 413, "json_text_bytes"),
    ] {
        let reply = gateway
            .generate(json!({ "model": "mock-image", "prompt": "dunes", "more": value }))
            .await;
        names(&reply.error(status, "INVALID_REQUEST"), limit);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_its_boundary_is_refused_before_all_of_it_came() {
    let gateway = TestGateway::embedded().await;
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'-'; 64 << 10]));
    let request = gateway.request(Method::POST, EDITS);
    let request = request.header("content-type", "multipart/form-data; boundary=b");
    let reply = send(request.body(Body::wrap_stream(endless))).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    names(&reply.error(400, "INVALID_REQUEST"), "boundary");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn formats_that_nobody_decodes_here_are_told_how_to_export() {
    let gateway = TestGateway::embedded().await;
    let heic = [&[0, 0, 0, 24][..], b"ftypheic\0\0\0\0mif1heic", &[0; 64]].concat();
    let bmp = [&b"BM"[..], &[0; 128]].concat();
    let tiff = [&b"II*\0"[..], &[0; 128]].concat();
    for (bytes, name) in [(heic, "HEIC"), (bmp, "BMP"), (tiff, "TIFF")] {
        let form = Form::new()
            .text("model", "mock-image")
            .text("prompt", "dunes")
            .part("image", file(bytes));
        let error = gateway.edit(form).await.fault("image");
        names(&error, name);
        names(&error, "JPEG");
    }
    let gif = converted(&picture(), ImageFormat::Gif);
    gateway
        .edit(
            Form::new()
                .text("model", "mock-image")
                .text("prompt", "x")
                .part("image", file(gif)),
        )
        .await
        .ok();
    gateway.finish().await;
}
