//! `POST /api/v1/images`: fields to a checked request.

use super::ask::{Ask, Way};
use super::errors;
use super::family::Family;
use super::models::Model;
use super::sizes::{RATIOS, TIERS, Wanted, pixels, ratio, with_size};
use crate::core::Core;
use crate::fields::Fields;
use crate::inputs;
use crate::refused::Refused;
use bytes::Bytes;
use imaging::ImageFormat;
use serde_json::{Map, Value};

/// Every field there is.
const KNOWN: &[&str] = &[
    "model",
    "prompt",
    "n",
    "size",
    "resolution",
    "aspect_ratio",
    "quality",
    "background",
    "output_format",
    "output_compression",
    "seed",
    "user",
    "stream",
    "input_references",
    "provider",
];
/// Input images that the API takes at all.
const MOST_REFERENCES: usize = 16;
/// Images that the API takes at all.
const MOST_IMAGES: i64 = 10;

/// Checks a request.
pub(super) fn check(core: &Core, model: &'static Model, body: &Map<String, Value>) -> Result<Ask, Refused> {
    let fields = Fields::new(body, errors::words);
    fields.only(KNOWN)?;
    if let Some(name) = body.keys().find(|name| !model.takes(name)) {
        return Err(errors::unsupported(name, model.id));
    }
    let prompt = fields.text("prompt")?.filter(|prompt| !prompt.is_empty());
    let prompt = prompt.ok_or_else(|| errors::invalid("prompt", "it must not be empty"))?;
    let count = fields.integer("n", 1, MOST_IMAGES)?.unwrap_or(1);
    if count > model.most_images {
        return Err(errors::invalid(
            "n",
            "the provider of this model makes fewer images in one call",
        ));
    }
    if fields.flag("stream")? == Some(true) {
        return Err(errors::unsupported("stream", model.id));
    }
    fields.text("user")?;
    check_routing(&fields)?;
    let output = output(&fields)?;
    Ok(Ask {
        model,
        way: Way::Images,
        prompt: prompt.to_owned(),
        count: u32::try_from(count).unwrap_or(1),
        size_px: pixels(model.family, wanted(&fields)?),
        quality: quality(&fields, model.family)?,
        transparent: output.transparent,
        format: output.format,
        compression: output.compression,
        seed: fields.integer("seed", i64::MIN, i64::MAX)?,
        inputs: references(core, &fields, model)?,
    })
}

fn wanted(fields: &Fields<'_>) -> Result<Wanted, Refused> {
    let wanted = Wanted {
        ratio: fields.choice("aspect_ratio", RATIOS)?.and_then(ratio),
        tier: fields.choice("resolution", TIERS)?,
        exact_px: None,
    };
    match fields.text("size")? {
        Some(size) => with_size(wanted, size),
        None => Ok(wanted),
    }
}

fn quality(fields: &Fields<'_>, family: Family) -> Result<&'static str, Refused> {
    let quality = fields.choice("quality", &["auto", "low", "medium", "high", "xhigh", "max"])?;
    match quality {
        Some("xhigh" | "max") => Err(errors::invalid("quality", "this model has auto, low, medium and high")),
        Some("low") => Ok("low"),
        Some("high") => Ok("high"),
        _ if family == Family::Gpt2 => Ok("high"),
        _ => Ok("medium"),
    }
}

struct Output {
    format: ImageFormat,
    compression: u8,
    transparent: bool,
}

fn output(fields: &Fields<'_>) -> Result<Output, Refused> {
    let format = match fields.choice("output_format", &["png", "jpeg", "webp"])? {
        Some("jpeg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::Webp,
        _ => ImageFormat::Png,
    };
    let background = fields.choice("background", &["auto", "transparent", "opaque"])?;
    let transparent = background == Some("transparent");
    if transparent && format == ImageFormat::Jpeg {
        return Err(errors::invalid("background", "transparent needs png or webp"));
    }
    let compression = fields.integer("output_compression", 0, 100)?.unwrap_or(100);
    Ok(Output {
        format,
        compression: u8::try_from(compression).unwrap_or(100).max(1),
        transparent,
    })
}

fn check_routing(fields: &Fields<'_>) -> Result<(), Refused> {
    let Some(routing) = fields.object("provider")? else {
        return Ok(());
    };
    for name in ["only", "order"] {
        if routing.get(name).is_some_and(|value| !value.is_array()) {
            return Err(errors::invalid(&format!("provider.{name}"), "expected a list"));
        }
    }
    routing.object("options").map(|_| ())
}

fn references(core: &Core, fields: &Fields<'_>, model: &Model) -> Result<Vec<Bytes>, Refused> {
    let name = "input_references";
    let list = match fields.get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(errors::invalid(name, "expected a list")),
    };
    if list.len() > MOST_REFERENCES.min(model.most_inputs) {
        return Err(errors::invalid(name, "there are too many images for this model"));
    }
    list.iter().map(|item| reference(core, name, item)).collect()
}

/// `{"type": "image_url", "image_url": {"url"}}`.
pub(super) fn reference(core: &Core, name: &str, item: &Value) -> Result<Bytes, Refused> {
    if item["type"] != "image_url" {
        return Err(errors::invalid(name, "expected the type image_url"));
    }
    let url = item["image_url"]["url"].as_str();
    let url = url.ok_or_else(|| errors::invalid(name, "image_url.url is missing"))?;
    let loaded = inputs::load(core, url).map_err(|error| errors::invalid(name, &error.to_string()))?;
    Ok(loaded.bytes)
}
