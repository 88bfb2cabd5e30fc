//! The native request of every live offer in every mode for a typical request, each one read against the provider's
//! own documentation of its fields.

#[path = "requests/words.rs"]
mod words;

use planner::catalog::offer::Offer;
use planner::format::Format;
use planner::mode::Mode;
use planner::native::{ImageForm, NativeRequest, NativeValue};
use planner::request::{InputFacts, Inputs};
use planner::resolve::Resolved;
use serde_json::{Map, Value, json};

use crate::folder::{at, catalog, edit, generate, images, png};

const SNAPSHOT: &str = include_str!("requests.json");

fn form(form: ImageForm) -> &'static str {
    match form {
        ImageForm::File => "file",
        ImageForm::Link => "link",
    }
}

fn shown(native: &NativeRequest) -> Value {
    let value = |value: &NativeValue| match value {
        NativeValue::Json(value) => value.clone(),
        NativeValue::Shared(value) => Value::clone(value),
        NativeValue::Secret(_) => json!("(secret)"),
        NativeValue::Image(index, kind) => json!({ form(*kind): index }),
        NativeValue::Images(indices, kind) => json!({ form(*kind): indices }),
        NativeValue::Mask(kind) => json!({ form(*kind): "mask" }),
    };
    let fields: Map<String, Value> = native
        .fields
        .iter()
        .map(|(name, field)| (name.clone(), value(field)))
        .collect();
    json!({ "model": native.model, "fields": fields })
}

fn row(resolved: &Resolved<'_>) -> Value {
    let mut row = shown(&resolved.call(resolved.work.calls[0], 0));
    let told: Vec<String> = resolved
        .adjustments
        .iter()
        .map(|change| {
            format!(
                "{} {} -> {} ({})",
                change.parameter, change.requested, change.used, change.reason
            )
        })
        .collect();
    row["adjustments"] = json!(told);
    row
}

/// What each mode is asked, apart from the model.
fn typical(mode: Mode) -> (Value, Inputs) {
    let gif = InputFacts {
        format: Format::Gif,
        width_px: 800,
        height_px: 600,
        has_alpha: false,
        is_plain: true,
        size_bytes: 1_000_000,
    };
    match mode {
        Mode::TextToImage => {
            let fields = json!({
                "prompt": "A red bicycle", "n": 2, "size": "1536x1024", "quality": "hd", "output_format": "webp",
                "output_compression": 80, "background": "opaque", "moderation": "low", "user": "rider-7",
                "openai_api_key": "sk-caller", "seed": 7, "fresh_option": true,
            });
            (fields, Inputs::default())
        }
        Mode::ImageEdit => {
            let fields = json!({
                "prompt": "Make it night", "aspect_ratio": "16:9", "quality": "low", "input_fidelity": "high",
                "openai_api_key": "sk-caller",
            });
            (fields, images(&[png(1024, 1024), gif]))
        }
        Mode::Upscale => (json!({ "scale_factor": 2 }), images(&[png(512, 512)])),
    }
}

/// The snapshot as it is kept: what is sent in one line, what was changed in a line each.
fn written(found: &Map<String, Value>, before: &Map<String, Value>) -> String {
    // New rows stand at the end, so that the difference shows what changed.
    let old = before.keys().filter_map(|offer| found.get_key_value(offer));
    let rows = old.chain(found.iter().filter(|(offer, _)| !before.contains_key(*offer)));
    let rows = rows.map(|(offer, row)| {
        let told: Vec<String> = row["adjustments"]
            .as_array()
            .into_iter()
            .flatten()
            .map(Value::to_string)
            .collect();
        let told = match told.as_slice() {
            [] => "[]".to_owned(),
            told => format!("[\n      {}\n    ]", told.join(",\n      ")),
        };
        format!(
            "  {}: {{\n    \"model\": {},\n    \"fields\": {},\n    \"adjustments\": {told}\n  }}",
            json!(offer),
            row["model"],
            in_a_line(&row["fields"])
        )
    });
    format!("{{\n{}\n}}\n", rows.collect::<Vec<_>>().join(",\n"))
}

fn in_a_line(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", json!(name), in_a_line(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(in_a_line).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[test]
fn typical_requests_are_put_into_each_providers_own_words() {
    let catalog = catalog();
    let expected: Map<String, Value> = serde_json::from_str(SNAPSHOT).expect("a JSON object");
    let mut found = Map::new();
    for model in catalog.models() {
        for mode in model.modes() {
            let (mut fields, mut inputs) = typical(mode);
            fields["model"] = json!(model.id);
            let takes = |offer: &Offer| {
                offer
                    .in_mode(mode)
                    .and_then(|mode| mode.inputs.as_ref())
                    .map_or(0, |inputs| inputs.max)
            };
            let most = model.live_offers().map(takes).max().unwrap_or(0);
            inputs.images.truncate(most as usize);
            let insists = |name: &str| {
                model
                    .live_offers()
                    .all(|offer| offer.requires.iter().any(|own| own == name))
            };
            inputs.mask = insists("mask").then(|| png(1024, 1024));
            for name in ["search_prompt", "select_prompt"]
                .into_iter()
                .filter(|name| insists(name))
            {
                fields[name] = json!("the bicycle");
            }
            let resolution = if mode == Mode::TextToImage {
                generate(&catalog, &model.id, fields)
            } else {
                edit(&catalog, &model.id, fields, &inputs)
            };
            for resolved in &resolution
                .unwrap_or_else(|faults| panic!("{} {mode}: {faults:?}", model.id))
                .offers
            {
                found.insert(
                    format!("{} {} {mode}", model.id, resolved.offer.provider),
                    row(resolved),
                );
            }
        }
    }
    if std::env::var_os("PICTOR_BLESS").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalog/requests.json"),
            written(&found, &expected),
        )
        .expect("the snapshot can be written");
        return;
    }
    let changed: Map<String, Value> = found
        .iter()
        .filter(|(offer, row)| expected.get(*offer) != Some(row))
        .map(|(offer, row)| (offer.clone(), row.clone()))
        .collect();
    assert!(
        changed.is_empty(),
        "these are now otherwise than the snapshot says (`cargo xtask bless` writes it anew):\n{:#}",
        Value::Object(changed)
    );
    assert_eq!(found.len(), expected.len(), "an offer or a mode is gone");
}

#[test]
fn inputs_that_a_provider_cannot_read_become_png() {
    let catalog = catalog();
    let (fields, inputs) = typical(Mode::ImageEdit);
    for id in [
        "gpt-image-1",
        "gpt-image-1-mini",
        "gpt-image-1.5",
        "gpt-image-2",
        "mock-image",
    ] {
        let resolution = edit(&catalog, id, fields.clone(), &inputs).expect("it is served");
        for resolved in &resolution.offers {
            assert_eq!(
                resolved.inputs.to_png,
                [false, true],
                "{id} {}",
                resolved.offer.provider
            );
        }
    }
}

#[test]
fn masks_go_where_each_provider_reads_them() {
    let catalog = catalog();
    let inputs = Inputs {
        images: vec![png(1024, 1024)],
        mask: Some(png(1024, 1024)),
    };
    for (id, provider, field, value) in [
        ("gpt-image-1", "openai", "mask", NativeValue::Mask(ImageForm::File)),
        (
            "gpt-image-1.5",
            "fal",
            "mask_image_url",
            NativeValue::Mask(ImageForm::Link),
        ),
        ("gpt-image-2", "fal", "mask_url", NativeValue::Mask(ImageForm::Link)),
        ("mock-image", "mock", "mask", NativeValue::Mask(ImageForm::File)),
    ] {
        let resolution = edit(&catalog, id, json!({}), &inputs).expect("it is served");
        let resolved = at(&resolution, provider);
        assert_eq!(resolved.native.fields[field], value, "{id} {provider}");
        assert_eq!(resolved.inputs.mask, None, "a PNG with alpha is what they want");
    }
}
