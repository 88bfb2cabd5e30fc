//! Photographs as telephones store them: turned, with a mask that was drawn over what people see, or over what is stored.

use imaging::ImageFormat;
use reqwest::multipart::Form;
use serde_json::json;

use super::edits::data_url;
use super::harness::{TestGateway, file, half_mask, plain};

/// A JPEG whose stored pixels are 96x64 and that is shown as 64x96.
pub(crate) fn photograph() -> Vec<u8> {
    let plain = plain((96, 64), [210, 30, 30, 255], ImageFormat::Jpeg);
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length, exif, &plain[2..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_and_its_mask_reach_the_provider_in_one_orientation() {
    let gateway = TestGateway::start().await;
    for mask in [(64, 96), (96, 64)] {
        // OpenAI refuses a mask that is not as large as the image's stored pixels.
        for model in ["openai/gpt-image-1.5", "fal/gpt-image-1.5"] {
            let form = Form::new()
                .text("model", model)
                .text("prompt", "dunes")
                .text("quality", "low")
                .part("image", file(photograph()))
                .part("mask", file(half_mask(mask)));
            gateway.edit(form).await.ok();
        }
    }
    let wrong = Form::new()
        .text("model", "openai/gpt-image-1.5")
        .text("prompt", "dunes")
        .part("image", file(photograph()))
        .part("mask", file(half_mask((60, 96))));
    gateway.edit(wrong).await.fault("mask");
    let as_json = json!({
        "model": "openai/gpt-image-1.5", "prompt": "dunes", "quality": "low",
        "images": [{ "image_url": data_url("image/jpeg", &photograph()) }],
        "mask": { "image_url": data_url("image/png", &half_mask((64, 96))) },
    });
    gateway.edit_json(as_json).await.ok();
    gateway.finish().await;
}
