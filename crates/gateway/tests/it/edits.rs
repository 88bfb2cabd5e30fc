//! Images from images: every offer, one input and two, masks, and files that a provider cannot read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imaging::ImageFormat;
use planner::mode::Mode;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::dry_run::check_charge;
use super::generations::{check_answer, forced_offers};
use super::harness::{EDITS, TestGateway, catalog, decoded, distance, file, half_mask, plain, send, size_of};

const RED: [u8; 4] = [210, 30, 30, 255];
const BLUE: [u8; 4] = [30, 60, 200, 255];

pub(crate) fn data_url(mime: &str, bytes: &[u8]) -> String {
    format!("data:{mime};base64,{}", STANDARD.encode(bytes))
}

fn red(format: ImageFormat) -> Vec<u8> {
    plain((96, 96), RED, format)
}

/// A form with the fields that every edit has.
pub(crate) fn form(model: &str) -> Form {
    Form::new()
        .text("model", model.to_owned())
        .text("prompt", "add a small boat")
        .text("quality", "low")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_offer_edits_one_image_and_two() {
    let gateway = TestGateway::start().await;
    let offers = forced_offers(Mode::ImageEdit);
    assert!(offers.len() >= 12, "the gpt-image models have twelve live offers");
    let catalog = catalog();
    for (provider, model, needs) in offers {
        let own = catalog.model(&model).expect("it was listed");
        let offer = own
            .live_offers()
            .find(|offer| offer.provider == provider)
            .expect("it was listed");
        let most = offer
            .in_mode(Mode::ImageEdit)
            .and_then(|mode| mode.inputs.as_ref())
            .map_or(0, |inputs| inputs.max);
        for inputs in [1, 2].into_iter().filter(|inputs| *inputs <= most as usize) {
            let order = || {
                let mut form = form(&format!("{provider}/{model}")).text("response_format", "b64_json");
                for (name, value) in needs.as_object().expect("an object") {
                    form = form.text(name.clone(), value.as_str().expect("a text").to_owned());
                }
                for color in [RED, BLUE].into_iter().take(inputs) {
                    let part = file(plain((96, 96), color, ImageFormat::Png));
                    form = form.part(if inputs == 1 { "image" } else { "image[]" }, part);
                }
                if offer.requires.iter().any(|name| name == "mask") {
                    form = form.part("mask", file(half_mask((96, 96))));
                }
                form
            };
            let estimate = estimated(&gateway, order()).await;
            let reply = gateway.edit(order()).await;
            let answer = check_answer(&gateway, &reply, &provider, &model, 1);
            check_charge(&provider, &model, &estimate, &answer);
            gateway.image(&answer, 0).await;
        }
    }
    gateway.finish().await;
}

async fn estimated(gateway: &TestGateway, form: Form) -> Value {
    let request = gateway.request(Method::POST, &format!("{EDITS}?dryRun=true"));
    send(request.multipart(form)).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_offer_makes_an_image_larger() {
    let gateway = TestGateway::start().await;
    let offers = forced_offers(Mode::Upscale);
    assert!(offers.len() >= 4, "{offers:?}");
    for (provider, model, _) in offers {
        let order = || {
            Form::new()
                .text("model", format!("{provider}/{model}"))
                .text("prompt", "a red square")
                .text("response_format", "b64_json")
                .part("image", file(plain((256, 256), RED, ImageFormat::Png)))
        };
        let estimate = estimated(&gateway, order()).await;
        let reply = gateway.edit(order()).await;
        let answer = check_answer(&gateway, &reply, &provider, &model, 1);
        check_charge(&provider, &model, &estimate, &answer);
        let (width_px, _) = size_of(&gateway.image(&answer, 0).await);
        assert!(width_px > 256, "{provider}/{model}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_sent_in_the_callers_order() {
    let gateway = TestGateway::start().await;
    let files = [
        plain((96, 96), RED, ImageFormat::Png),
        plain((200, 160), BLUE, ImageFormat::Png),
        half_mask((64, 64)),
    ];
    let mut with_brackets = form("openai/gpt-image-2");
    let mut repeated = form("openai/gpt-image-2");
    for bytes in &files {
        with_brackets = with_brackets.part("image[]", file(bytes.clone()));
        repeated = repeated.part("image", file(bytes.clone()));
    }
    gateway.edit(with_brackets).await.ok();
    gateway.edit(repeated).await.ok();
    let links: Vec<Value> = files
        .iter()
        .map(|bytes| json!({ "image_url": data_url("image/png", bytes) }))
        .collect();
    let body = json!({ "model": "openai/gpt-image-2", "prompt": "add a boat", "quality": "low", "images": links });
    gateway.edit_json(body).await.ok();
    let expected: Vec<Value> = files
        .iter()
        .map(|bytes| json!(format!("<image/png, {} bytes>", bytes.len())))
        .collect();
    let calls = gateway.upstream_calls().await;
    assert_eq!(calls.len(), 3);
    for call in calls {
        assert_eq!(call["body"]["image[]"], json!(expected));
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_shows_its_input() {
    let gateway = TestGateway::embedded().await;
    let mut results = Vec::new();
    for color in [RED, RED, BLUE] {
        let form = form("mock-image").text("seed", "5").text("size", "128x128");
        let answer = gateway
            .edit(form.part("image", file(plain((128, 128), color, ImageFormat::Png))))
            .await
            .ok();
        results.push(decoded(&gateway.image(&answer, 0).await));
    }
    assert_eq!(
        distance(&results[0], &results[1]),
        0.0,
        "the same seed and input give the same picture"
    );
    assert!(
        distance(&results[0], &results[2]) > 5.0,
        "another input gives another picture"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_keeps_what_is_opaque() {
    let gateway = TestGateway::embedded().await;
    let input = plain((128, 128), RED, ImageFormat::Png);
    let form = form("mock-image")
        .text("size", "128x128")
        .part("image", file(input.clone()));
    let answer = gateway.edit(form.part("mask", file(half_mask((128, 128))))).await.ok();
    let (before, after) = (decoded(&input), decoded(&gateway.image(&answer, 0).await));
    let difference = |columns: std::ops::Range<usize>| {
        let rows = before.rgba().chunks(128 * 4).zip(after.rgba().chunks(128 * 4));
        let pixels = rows.flat_map(|(a, b)| {
            columns
                .clone()
                .map(move |x| (&a[x * 4..x * 4 + 3], &b[x * 4..x * 4 + 3]))
        });
        pixels
            .filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 8))
            .count()
    };
    // The sandbox writes its mark over a corner, so a few pixels of the kept half may differ.
    let (edited, kept) = (difference(0..56), difference(72..128));
    assert!(
        edited > 4 * kept,
        "{edited} pixels changed where the mask is clear, {kept} where it is not"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn masks_reach_every_provider_that_takes_them_and_no_other() {
    let gateway = TestGateway::start().await;
    for model in [
        "openai/gpt-image-1-mini",
        "openai/gpt-image-1.5",
        "fal/gpt-image-1.5",
        "openai/gpt-image-2",
        "fal/gpt-image-2",
    ] {
        let form = form(model)
            .part("image", file(red(ImageFormat::Png)))
            .part("mask", file(half_mask((96, 96))));
        gateway.edit(form).await.ok();
    }
    // A mask that is not a PNG becomes one.
    let form_of_webp = form("openai/gpt-image-1.5").part("image", file(red(ImageFormat::Png)));
    let mask = plain((96, 96), [0, 0, 0, 0], ImageFormat::Webp);
    gateway.edit(form_of_webp.part("mask", file(mask))).await.ok();
    for model in ["fal/gpt-image-1-mini", "replicate/gpt-image-1.5"] {
        let form = form(model)
            .part("image", file(red(ImageFormat::Png)))
            .part("mask", file(half_mask((96, 96))));
        let error = gateway.edit(form).await.fault("mask");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("takes no mask")),
            "{error}"
        );
    }
    // Without a forced provider the plan holds only those that can.
    let form = form("gpt-image-1.5")
        .part("image", file(red(ImageFormat::Png)))
        .part("mask", file(half_mask((96, 96))));
    let plan = send(
        gateway
            .request(Method::POST, &format!("{EDITS}?dryRun=true"))
            .multipart(form),
    )
    .await
    .ok();
    let providers: Vec<&str> = plan["candidates"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["provider"].as_str())
        .collect();
    assert!(
        providers.contains(&"openai") && providers.contains(&"fal") && !providers.contains(&"replicate"),
        "{providers:?}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_of_every_format_are_understood() {
    let gateway = TestGateway::start().await;
    for provider in ["openai", "fal", "replicate"] {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Webp,
            ImageFormat::Gif,
            ImageFormat::Avif,
        ] {
            let form = form(&format!("{provider}/gpt-image-1.5")).part("image", file(red(format)));
            let answer = gateway.edit(form).await.ok();
            assert_eq!(answer["metadata"]["adjustments"], json!([]), "{provider} {format}");
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_json_takes_data_urls_with_a_mask() {
    let gateway = TestGateway::start().await;
    let image = data_url("image/png", &red(ImageFormat::Png));
    let mask = json!({ "image_url": data_url("image/png", &half_mask((96, 96))) });
    let body = json!({ "model": "gpt-image-1.5", "prompt": "add a boat", "quality": "low", "mask": mask });
    for images in [
        json!([{ "image_url": image }]),
        json!([image]),
        json!({ "image_url": image }),
    ] {
        let mut body = body.clone();
        body["images"] = images;
        let answer = gateway.edit_json(body).await.ok();
        assert_eq!(size_of(&gateway.image(&answer, 0).await), (1024, 1024));
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upscale_needs_no_prompt() {
    let gateway = TestGateway::embedded().await;
    let form = Form::new()
        .text("model", "mock-image")
        .text("scale_factor", "2")
        .part("image", file(red(ImageFormat::Png)));
    let answer = gateway.edit(form).await.ok();
    assert_eq!(size_of(&gateway.image(&answer, 0).await), (192, 192));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_inputs_than_one_offer_takes_leave_the_others() {
    let gateway = TestGateway::start().await;
    let mut form = form("gpt-image-1.5");
    for _ in 0..11 {
        form = form.part("image[]", file(red(ImageFormat::Png)));
    }
    let plan = send(
        gateway
            .request(Method::POST, &format!("{EDITS}?dryRun=true"))
            .multipart(form),
    )
    .await
    .ok();
    let providers: Vec<&Value> = plan["candidates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["provider"])
        .collect();
    assert_eq!(providers, ["openai"], "fal and Replicate take ten");
    gateway.finish().await;
}
