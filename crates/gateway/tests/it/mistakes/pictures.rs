//! Files that are no images, or broken ones.

use super::super::edits::{data_url, form};
use super::super::harness::{TestGateway, converted, file, half_mask, noise, plain, with};
use super::png;
use imaging::ImageFormat;
use reqwest::multipart::Form;
use serde_json::json;

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
