//! How each offer treats each parameter, against what the model pages say.

use planner::catalog::parameter::{Group, Kind};
use planner::handling::{Handling, handling};
use planner::mode::Mode;
use serde_json::{Value, json};

use crate::folder::{catalog, mode_offer, model};

use Handling::{Converted, Emulated, Passthrough, Renamed, Unsupported};

#[test]
fn each_parameter_reaches_each_provider_as_the_pages_say() {
    let catalog = catalog();
    let table = [
        ("prompt", [Passthrough, Passthrough, Passthrough]),
        ("n", [Passthrough, Renamed, Renamed]),
        ("size", [Passthrough, Renamed, Converted]),
        ("aspect_ratio", [Converted, Converted, Passthrough]),
        ("resolution", [Converted, Converted, Converted]),
        ("quality", [Passthrough, Passthrough, Passthrough]),
        ("response_format", [Emulated, Emulated, Emulated]),
        ("output_format", [Passthrough, Passthrough, Passthrough]),
        ("output_compression", [Passthrough, Emulated, Passthrough]),
        ("stream", [Emulated, Emulated, Emulated]),
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
        ("flux.1-schnell", "replicate", t2i, "output_format", Converted),
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

/// A row of a model page: name, group, type, legal values, default, and the providers that take it in each mode.
type Row = (&'static str, Group, Kind, Value, Value, &'static [&'static str]);

const ALL: &[&str] = &["openai", "fal", "replicate"];

fn rows() -> Vec<Row> {
    let none = Value::Null;
    let text =
        |name, group, values: Value, providers| -> Row { (name, group, Kind::String, values, Value::Null, providers) };
    vec![
        text("prompt", Group::Core, none.clone(), ALL),
        text("quality", Group::Core, json!(["high", "low", "medium"]), ALL),
        text("size", Group::Size, none.clone(), ALL),
        text("aspect_ratio", Group::Size, none.clone(), ALL),
        text("resolution", Group::Size, none.clone(), ALL),
        (
            "response_format",
            Group::Output,
            Kind::String,
            json!(["url", "b64_json"]),
            json!("url"),
            ALL,
        ),
        text(
            "output_format",
            Group::Output,
            json!(["png", "jpeg", "webp", "avif", "gif"]),
            ALL,
        ),
        (
            "output_compression",
            Group::Output,
            Kind::Integer,
            none.clone(),
            none.clone(),
            ALL,
        ),
        ("n", Group::Output, Kind::Integer, none.clone(), json!(1), ALL),
        text("background", Group::Additional, json!(["opaque", "transparent"]), ALL),
        (
            "sync_mode",
            Group::Additional,
            Kind::Boolean,
            none.clone(),
            none.clone(),
            &["fal"],
        ),
        text(
            "moderation",
            Group::Additional,
            json!(["low"]),
            &["openai", "replicate"],
        ),
        text("user", Group::Additional, none, &["openai"]),
    ]
}

#[test]
fn the_rows_of_the_model_pages_come_true() {
    let catalog = catalog();
    let further: Vec<Row> = vec![
        (
            "input_fidelity",
            Group::Media,
            Kind::String,
            json!(["high", "low"]),
            Value::Null,
            ALL,
        ),
        (
            "partial_images",
            Group::Output,
            Kind::Integer,
            Value::Null,
            json!(0),
            ALL,
        ),
        ("stream", Group::Output, Kind::Boolean, Value::Null, json!(false), ALL),
        (
            "openai_api_key",
            Group::Additional,
            Kind::String,
            Value::Null,
            Value::Null,
            &["replicate"],
        ),
        (
            "user_id",
            Group::Additional,
            Kind::String,
            Value::Null,
            Value::Null,
            &["replicate"],
        ),
    ];
    for (id, rows) in [
        ("gpt-image-1-mini", rows()),
        ("gpt-image-1.5", [rows(), further].concat()),
    ] {
        let model = model(&catalog, id);
        let declared = catalog.parameters_of(model);
        for (name, group, kind, values, default, providers) in rows {
            let parameter = declared.get(name).unwrap_or_else(|| panic!("{id} lacks {name}"));
            assert_eq!(
                (parameter.group.unwrap_or_default(), parameter.kind()),
                (group, kind),
                "{id} {name}"
            );
            assert_eq!(json!(parameter.values), values, "{id} {name}");
            assert_eq!(json!(parameter.default), default, "{id} {name}");
            let takes = |provider: &&&str| {
                let modes = [Mode::TextToImage, Mode::ImageEdit];
                modes
                    .into_iter()
                    .any(|mode| handling(name, &mode_offer(&catalog, id, provider, mode)) != Unsupported)
            };
            let taking: Vec<&str> = ALL.iter().filter(takes).copied().collect();
            assert_eq!(taking, providers, "{id} {name}");
        }
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
