//! Sizes, qualities, formats and numbers of images in the words of each provider.

use planner::format::Format;
use planner::mode::Mode;
use planner::native::NativeValue;
use serde_json::{Value, json};

use super::shown;
use crate::folder::{at, catalog, generate, model};

#[test]
fn sizes_and_ratios_are_said_as_each_provider_wants_them() {
    let catalog = catalog();
    for (id, provider, asked, field, sent) in [
        (
            "gpt-image-1.5",
            "openai",
            json!({"size": "auto"}),
            "size",
            json!("auto"),
        ),
        (
            "gpt-image-1.5",
            "openai",
            json!({"aspect_ratio": "4:5"}),
            "size",
            json!("1024x1536"),
        ),
        (
            "gpt-image-1.5",
            "openai",
            json!({"size": "1280x1100"}),
            "size",
            json!("1024x1024"),
        ),
        (
            "gpt-image-1.5",
            "fal",
            json!({"size": "auto"}),
            "image_size",
            json!("1024x1024"),
        ),
        (
            "gpt-image-1.5",
            "replicate",
            json!({"size": "1254x836"}),
            "aspect_ratio",
            json!("3:2"),
        ),
        (
            "gpt-image-2",
            "openai",
            json!({"size": "2000x1000"}),
            "size",
            json!("2000x1008"),
        ),
        (
            "gpt-image-2",
            "openai",
            json!({"size": "300x300"}),
            "size",
            json!("816x816"),
        ),
        (
            "gpt-image-2",
            "fal",
            json!({"size": "auto"}),
            "image_size",
            json!("auto"),
        ),
        (
            "gpt-image-2",
            "fal",
            json!({"size": "3840x2160"}),
            "image_size",
            json!({"width": 3840, "height": 2160}),
        ),
        (
            "gpt-image-2",
            "replicate",
            json!({"size": "auto"}),
            "aspect_ratio",
            json!("auto"),
        ),
        (
            "gpt-image-2",
            "replicate",
            json!({"aspect_ratio": "16:9", "resolution": "4K"}),
            "aspect_ratio",
            json!("3840x2160"),
        ),
        (
            "gpt-image-2",
            "replicate",
            json!({"aspect_ratio": "3:4", "resolution": "1K"}),
            "aspect_ratio",
            json!("1152x1536"),
        ),
        (
            "flux.1-schnell",
            "replicate",
            json!({"aspect_ratio": "7:1"}),
            "aspect_ratio",
            json!("21:9"),
        ),
        (
            "flux.1-schnell",
            "replicate",
            json!({"resolution": "0.25"}),
            "megapixels",
            json!("0.25"),
        ),
        (
            "flux.1-schnell",
            "replicate",
            json!({"resolution": "2K"}),
            "megapixels",
            json!("1"),
        ),
        (
            "flux.1-schnell",
            "fal",
            json!({"resolution": "0.25"}),
            "image_size",
            json!({"width": 512, "height": 512}),
        ),
        (
            "mock-image",
            "mock",
            json!({"aspect_ratio": "3:2", "resolution": "1K"}),
            "size",
            json!("1254x836"),
        ),
    ] {
        let resolution = generate(&catalog, id, asked.clone()).expect("it is served");
        assert_eq!(
            at(&resolution, provider).native.fields[field],
            NativeValue::Json(sent),
            "{id} {provider} {asked}"
        );
    }
}

#[test]
fn sizes_in_the_exact_range_come_out_exactly_on_every_offer() {
    let catalog = catalog();
    for id in ["gpt-image-1-mini", "gpt-image-1.5"] {
        let asked = json!({"size": "1400x1100", "openai_api_key": "sk-caller"});
        let resolution = generate(&catalog, id, asked).expect("it is served");
        assert_eq!(resolution.offers.len(), 3, "{id}");
        for resolved in &resolution.offers {
            let cover = resolved.finish.cover.map(|size| size.to_string());
            assert_eq!(cover.as_deref(), Some("1400x1100"), "{id} {}", resolved.offer.provider);
        }
    }
}

#[test]
fn qualities_are_understood_in_every_spelling() {
    let catalog = catalog();
    for (id, provider, asked, sent) in [
        ("gpt-image-1.5", "openai", "hd", Some("high")),
        ("gpt-image-1.5", "fal", "standard", Some("medium")),
        ("gpt-image-1.5", "openai", "auto", Some("auto")),
        ("gpt-image-1.5", "replicate", "auto", Some("auto")),
        // It has no `auto`, so the choice is left to it.
        ("gpt-image-1.5", "fal", "auto", None),
        ("gpt-image-2", "fal", "auto", Some("auto")),
        ("mock-image", "mock", "hd", Some("hd")),
    ] {
        let resolution = generate(&catalog, id, json!({"quality": asked})).expect("it is served");
        let resolved = at(&resolution, provider);
        let expected = sent.map(|quality| NativeValue::Json(Value::from(quality)));
        assert_eq!(
            resolved.native.fields.get("quality"),
            expected.as_ref(),
            "{id} {provider} {asked}"
        );
        let told = resolved.adjustments.iter().any(|change| change.parameter == "quality");
        assert_eq!(
            told,
            sent.is_some_and(|quality| quality != asked),
            "{id} {provider} {asked}"
        );
    }
}

#[test]
fn formats_are_said_as_each_provider_wants_them() {
    let catalog = catalog();
    for (id, provider, asked, sent) in [
        ("flux.1-schnell", "replicate", "jpeg", "jpg"),
        ("flux.1-schnell", "replicate", "avif", "png"),
        ("flux.1-schnell", "fal", "webp", "png"),
        ("gpt-image-2", "openai", "gif", "png"),
        ("gpt-image-2", "replicate", "jpeg", "jpeg"),
    ] {
        let resolution = generate(&catalog, id, json!({"output_format": asked})).expect("it is served");
        let native = &at(&resolution, provider).native.fields;
        assert_eq!(
            native["output_format"],
            NativeValue::Json(Value::from(sent)),
            "{id} {provider} {asked}"
        );
    }
    for (id, provider, made) in [
        ("gpt-image-1", "openai", Format::Png),
        ("gpt-image-1", "replicate", Format::Webp),
        ("flux.1-schnell", "fal", Format::Jpeg),
    ] {
        let offer = model(&catalog, id)
            .offers
            .iter()
            .find(|offer| offer.provider == provider)
            .expect("an offer");
        assert_eq!(
            offer.in_mode(Mode::TextToImage).map(|mode| mode.default_format),
            Some(made),
            "{id} {provider}"
        );
    }
}

#[test]
fn parallel_calls_keep_to_what_a_provider_makes_at_once() {
    let catalog = catalog();
    for (id, provider, calls) in [
        ("gpt-image-2", "openai", vec![10]),
        ("gpt-image-2", "fal", vec![4, 4, 2]),
        ("gpt-image-2", "replicate", vec![10]),
        ("flux.1-schnell", "replicate", vec![4, 4, 2]),
    ] {
        let resolution = generate(&catalog, id, json!({"n": 10, "seed": 100})).expect("it is served");
        assert_eq!(at(&resolution, provider).work.calls, calls, "{id} {provider}");
    }
    let resolution = generate(&catalog, "flux.1-schnell", json!({"n": 10, "seed": 100})).expect("it is served");
    let seeds: Vec<Value> = [0, 4, 8]
        .into_iter()
        .map(|before| shown(&at(&resolution, "fal").call(2, before))["fields"]["seed"].clone())
        .collect();
    assert_eq!(seeds, [json!(100), json!(104), json!(108)]);
}
