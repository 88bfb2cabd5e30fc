//! How each offer treats each parameter, against what the model pages say.

use planner::handling::{Handling, handling};
use planner::mode::Mode;
use serde_json::json;

use crate::folder::{catalog, mode_offer};

use Handling::{Converted, Emulated, Passthrough, Renamed, Unsupported};

#[test]
fn each_parameter_reaches_each_provider_as_the_pages_say() {
    let catalog = catalog();
    let table = [
        ("prompt", [Passthrough, Passthrough, Passthrough]),
        ("n", [Passthrough, Emulated, Renamed]),
        ("size", [Passthrough, Renamed, Converted]),
        ("aspect_ratio", [Converted, Converted, Passthrough]),
        ("resolution", [Converted, Converted, Converted]),
        ("quality", [Passthrough, Passthrough, Passthrough]),
        ("response_format", [Emulated, Emulated, Emulated]),
        ("output_format", [Emulated, Emulated, Emulated]),
        ("output_compression", [Passthrough, Emulated, Passthrough]),
        ("stream", [Passthrough, Emulated, Emulated]),
        ("partial_images", [Passthrough, Unsupported, Unsupported]),
        ("background", [Passthrough, Passthrough, Passthrough]),
        ("image", [Passthrough, Converted, Converted]),
        ("mask", [Passthrough, Converted, Unsupported]),
        ("input_fidelity", [Passthrough, Passthrough, Passthrough]),
        ("moderation", [Unsupported, Unsupported, Passthrough]),
        ("user", [Passthrough, Unsupported, Unsupported]),
        ("user_id", [Unsupported, Unsupported, Passthrough]),
        ("openai_api_key", [Unsupported, Unsupported, Passthrough]),
        ("sync_mode", [Unsupported, Passthrough, Unsupported]),
        ("seed", [Unsupported, Unsupported, Unsupported]),
    ];
    for (name, expected) in table {
        let found = ["openai", "fal", "replicate"]
            .map(|provider| handling(name, &mode_offer(&catalog, "gpt-image-1.5", provider, Mode::ImageEdit)));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn what_differs_from_the_common_case_is_known_too() {
    let catalog = catalog();
    let (t2i, edits) = (Mode::TextToImage, Mode::ImageEdit);
    for (id, provider, mode, name, expected) in [
        ("gpt-image-1.5", "openai", t2i, "moderation", Passthrough),
        ("gpt-image-1", "fal", edits, "mask", Unsupported),
        ("gpt-image-1-mini", "fal", edits, "input_fidelity", Unsupported),
        ("gpt-image-2", "openai", edits, "input_fidelity", Unsupported),
        ("gpt-image-2", "fal", t2i, "background", Unsupported),
        ("gpt-image-2", "fal", t2i, "size", Converted),
        ("gpt-image-2", "fal", edits, "mask", Converted),
        ("gpt-image-2", "replicate", t2i, "size", Renamed),
        ("gpt-image-2", "replicate", t2i, "aspect_ratio", Converted),
        ("flux.1-schnell", "replicate", t2i, "aspect_ratio", Passthrough),
        ("flux.1-schnell", "replicate", t2i, "resolution", Converted),
        ("flux.1-schnell", "replicate", t2i, "output_format", Emulated),
        ("flux.1-schnell", "replicate", t2i, "n", Emulated),
        ("mock-image", "mock", t2i, "reasoning", Converted),
        ("mock-image", "mock", t2i, "prompt_enhancement", Converted),
        ("flux.1-schnell", "replicate", t2i, "output_compression", Renamed),
        ("flux.1-schnell", "replicate", t2i, "guidance_scale", Unsupported),
        ("flux.1-schnell", "fal", t2i, "guidance_scale", Passthrough),
        ("flux.1-schnell", "fal", t2i, "output_compression", Emulated),
        ("mock-image", "mock", Mode::Upscale, "scale_factor", Passthrough),
        ("mock-image", "mock", Mode::Upscale, "size", Unsupported),
    ] {
        assert_eq!(
            handling(name, &mode_offer(&catalog, id, provider, mode)),
            expected,
            "{id} {provider} {mode} {name}"
        );
    }
}

#[test]
fn defaults_of_providers_are_known_where_they_differ() {
    let catalog = catalog();
    for (id, provider, name, value) in [
        ("gpt-image-1.5", "replicate", "output_compression", json!(90)),
        ("gpt-image-1.5", "openai", "output_compression", json!(100)),
        ("gpt-image-1.5", "openai", "input_fidelity", json!("low")),
        ("gpt-image-1.5", "fal", "input_fidelity", json!("high")),
        ("gpt-image-1.5", "fal", "quality", json!("high")),
        ("gpt-image-2", "fal", "quality", json!("high")),
        ("gpt-image-2", "openai", "quality", json!("auto")),
    ] {
        let offer = mode_offer(&catalog, id, provider, Mode::ImageEdit);
        assert_eq!(offer.fields[name].default, Some(value), "{id} {provider} {name}");
    }
}
