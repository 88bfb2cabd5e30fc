//! Photographs as telephones make them, and edits that say as little as people do: what goes to a provider is told
//! beforehand by the dry run, and nothing changes its shape without a word.

use imaging::{Bitmap, ImageFormat};
use planner::mode::Mode;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::edits::form;
use super::harness::{EDITS, TestGateway, catalog, file, half_mask, plain, send};
use super::heif::Heif;

/// Twelve megapixels with something in them, as small as a file can be.
fn photograph() -> Vec<u8> {
    let (width, height) = (4032_u32, 3024_u32);
    let rgba = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [(x / 16) as u8, (y / 12) as u8, 90, 255]))
        .collect();
    let picture = Bitmap::new(width, height, rgba).expect("right size");
    imaging::encode(&picture, ImageFormat::Jpeg, Some(80)).expect("it encodes")
}

/// What a model wants beside an image.
fn wanting(needs: &[String], mode: Mode, model: &str, photo: &[u8]) -> Form {
    let mut body = Form::new()
        .text("model", model.to_owned())
        .part("image", file(photo.to_vec()));
    if mode == Mode::ImageEdit {
        body = body.text("prompt", "make it night");
    }
    for name in needs {
        body = if name == "mask" {
            body.part("mask", file(half_mask((4032, 3024))))
        } else {
            body.text(name.clone(), "boat")
        };
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_of_twelve_megapixels_fits_or_is_refused_before_a_call() {
    let gateway = TestGateway::start().await;
    let photo = photograph();
    let catalog = catalog();
    let (mut served, mut scaled) = (0, 0);
    for model in catalog.models() {
        for offer in model.live_offers() {
            let modes = [Mode::Upscale, Mode::ImageEdit];
            let Some(mode) = modes.into_iter().find(|mode| offer.modes.contains_key(mode)) else {
                continue;
            };
            // Of edits one provider's are enough: it has the smallest limits. What stands beside real providers to be tried draws
            // small pictures alone, whatever its model says.
            let is_to_be_tried = catalog
                .provider(&offer.provider)
                .is_some_and(|provider| provider.sandbox_only);
            if is_to_be_tried || mode == Mode::ImageEdit && offer.provider != "stability" {
                continue;
            }
            let name = format!("{}/{}", offer.provider, model.id);
            // Where a model does more, a factor says what is meant.
            let says_so = mode == Mode::Upscale && model.modes().len() > 1;
            let body = || {
                let body = wanting(&offer.requires, mode, &name, &photo);
                if says_so { body.text("scale_factor", "2") } else { body }
            };
            let ask = |path: String| send(gateway.request(Method::POST, &path).multipart(body()));
            let said = ask(format!("{EDITS}?dryRun=true")).await;
            let got = ask(EDITS.to_owned()).await;
            assert_eq!(said.status, got.status, "{name}: {}", got.text());
            if got.status != StatusCode::OK {
                let error = got.error(400, "INVALID_REQUEST");
                assert!(
                    error["message"].as_str().is_some_and(|text| text.contains("pixels")),
                    "{error}"
                );
                continue;
            }
            served += 1;
            let changes = got.ok()["metadata"]["adjustments"].clone();
            assert_eq!(changes, said.ok()["adjustments"], "{name}");
            let is_scaled = |change: &Value| change["reason"] == "input_scaled" && change["parameter"] == "image";
            scaled += usize::from(changes.as_array().is_some_and(|all| all.iter().any(is_scaled)));
        }
    }
    assert!(served >= 5 && scaled >= 3, "{served} served, {scaled} scaled down");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_without_a_size_keeps_the_shape_of_its_first_image() {
    let gateway = TestGateway::start().await;
    for model in ["gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2"] {
        for size in [(300, 200), (200, 300)] {
            let input = file(plain(size, [200, 40, 40, 255], ImageFormat::Png));
            let name = format!("openai/{model}");
            let answer = gateway.edit(form(&name).part("image", input)).await.ok();
            let calls = gateway.upstream_calls().await;
            let sent = &calls.last().expect("a call")["body"]["size"];
            let told = answer["metadata"]["adjustments"].to_string();
            let is_kept = match sent.as_str() {
                None | Some("auto") => true,
                Some(text) => {
                    let (width, height) = text.split_once('x').expect("a size");
                    let side = |side: &str| side.parse::<u32>().expect("a number");
                    (side(width) > side(height)) == (size.0 > size.1)
                }
            };
            assert!(is_kept || told.contains("size"), "{name} {size:?}: {sent}");
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_is_told_as_it_was_asked() {
    let gateway = TestGateway::start().await;
    for model in ["mock-image", "openai/gpt-image-1.5", "fal/flux.1-schnell"] {
        for format in ["png", "jpeg"] {
            let body = json!({ "model": model, "prompt": "dunes", "output_format": format, "output_compression": 0 });
            let answer = gateway.generate(body).await.ok();
            let changes = answer["metadata"]["adjustments"].as_array().expect("a list").clone();
            for change in changes
                .iter()
                .filter(|change| change["parameter"] == "output_compression")
            {
                assert_eq!(change["requested"], 0, "{model} {format}");
            }
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephones_own_format_goes_untouched_to_who_reads_it_and_nobody_else() {
    let gateway = TestGateway::start().await;
    let mut heif = Heif::of(&Bitmap::new(96, 64, vec![0; 96 * 64 * 4]).expect("right size"));
    heif.brands = b"heicmif1";
    heif.kind = b"hvc1";
    let photo = heif.build(b"a stream that nobody here reads");
    let edit = |model: &str| gateway.edit(form(model).part("image", file(photo.clone())));
    edit("gemini/gemini-2.5-flash-image").await.ok();
    assert_eq!(gateway.upstream_calls().await.len(), 1);
    for model in ["gemini-2.5-flash-image", "openai/gpt-image-1.5", "mock-image"] {
        let error = edit(model).await.fault("image");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains("HEIC") && message.contains("JPEG"),
            "{model}: {message}"
        );
    }
    let masked = form("openai/gpt-image-1.5")
        .part("image", file(plain((96, 64), [9, 9, 9, 255], ImageFormat::Png)))
        .part("mask", file(photo.clone()));
    gateway.edit(masked).await.fault("mask");
    gateway.finish().await;
}
