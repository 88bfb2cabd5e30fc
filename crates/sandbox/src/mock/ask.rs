//! Reading a request leniently: what can be understood is, the rest has a default.

use super::MODEL;
use super::errors;
use crate::core::Core;
use crate::faults::RefusalFault;
use crate::form::FormFile;
use crate::inputs;
use crate::latency::Pace;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::{DEFAULT_KEEP, Drawing, detail_of};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::work::{Asked, Cost, End, Inputs, Order};
use bytes::Bytes;
use imaging::{Bitmap, ImageFormat};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Edges of an image, in pixels.
const MIN_EDGE_PX: f64 = 64.0;
const MAX_EDGE_PX: f64 = 4_096.0;
/// One side of a square at tier 1K, in pixels.
const TIER_EDGE_PX: f64 = 1_024.0;
/// Images of one call.
const MAX_COUNT: u64 = 10;
/// Input images used; more are ignored.
const MAX_INPUTS: usize = 16;
/// Partial images of a stream.
const MAX_PARTIALS: u64 = 3;
/// What prompt enhancement adds.
const ENHANCED: &str = "in soft natural light, balanced composition, fine detail";

/// Fields of a request, from JSON or a form.
pub(super) struct Fields {
    pub(super) values: Map<String, Value>,
    pub(super) files: Vec<FormFile>,
}

impl Fields {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }

    /// A number, also one written as text.
    fn number(&self, name: &str) -> Option<f64> {
        let number = match self.values.get(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number: &f64| number.is_finite())
    }

    fn integer(&self, name: &str) -> Option<u64> {
        match self.values.get(name)? {
            // Large seeds would lose digits as decimal numbers.
            Value::Number(number) => number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn flag(&self, name: &str) -> bool {
        match self.values.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => {
                matches!(text.to_ascii_lowercase().as_str(), "true" | "on" | "1")
            }
            _ => false,
        }
    }
}

/// A request that can be drawn.
#[derive(Debug)]
pub(super) struct Ask {
    /// As given, switches included; empty for an upscale.
    pub(super) prompt: String,
    pub(super) revised_prompt: Option<String>,
    pub(super) count: u32,
    pub(super) size_px: (u32, u32),
    pub(super) quality: &'static str,
    pub(super) format: ImageFormat,
    pub(super) compression: Option<u8>,
    pub(super) transparent: bool,
    pub(super) seed: u64,
    pub(super) inputs: Inputs,
    pub(super) keep: f32,
    pub(super) upscale: bool,
    pub(super) as_url: bool,
    pub(super) stream: bool,
    pub(super) partials: u32,
    pub(super) edit: bool,
}

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            seed: Some(self.seed),
            pace: Pace::Fast,
            quality: self.quality,
            ..Order::new(Provider::Mock, MODEL, &self.prompt, self.count)
        }
    }

    async fn load(&self, _core: &Core) -> Result<Inputs, Refused> {
        Ok(self.inputs.clone())
    }

    fn size_px(&self, _inputs: &Inputs) -> (u32, u32) {
        self.size_px
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            prompt: self.revised_prompt.clone().unwrap_or(drawing.prompt),
            detail: detail_of(self.quality),
            transparent: self.transparent,
            keep: self.keep,
            format: self.format,
            quality: self.compression,
            is_scaled: self.upscale,
            partials: self.partials,
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        Cost {
            images: self.count,
            quality: Some(self.quality.to_owned()),
            reason: "free".to_owned(),
            ..Cost::default()
        }
    }

    /// A stream begins before it fails.
    fn refused(&self, end: End) -> Option<Refused> {
        match end {
            End::Broken => Some(errors::failed()),
            _ if self.stream => None,
            End::Moderated(stage) => Some(errors::moderation(stage)),
            End::Failed => Some(errors::failed()),
        }
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal)
    }
}

/// Reads the fields and decodes the images.
pub(super) async fn read(core: &Core, fields: Fields, edit: bool, id: &str) -> Result<Ask, Refused> {
    let prompt = fields.text("prompt").unwrap_or_default().to_owned();
    let factor = fields.number("scale_factor").filter(|_| edit);
    if prompt.trim().is_empty() && factor.is_none() {
        return Err(errors::invalid("A prompt is required."));
    }
    let (inputs, mask) = read_images(core, &fields).await?;
    if edit && inputs.is_empty() {
        return Err(errors::invalid("An image is required."));
    }
    let upscale = factor.is_some();
    let size_px = match (factor, inputs.first()) {
        (Some(factor), Some(first)) => scaled(first, factor),
        (_, first) => read_size(&fields, first),
    };
    if let Some(most) = core.mock_pixels_max
        && u64::from(size_px.0) * u64::from(size_px.1) > most
    {
        let (width, height) = size_px;
        return Err(errors::invalid(&format!(
            "Beside real providers {MODEL} draws at most {most} pixels, and the size {width}x{height} has more. Ask for a smaller one."
        )));
    }
    let stream = fields.flag("stream");
    let partials = fields.integer("partial_images").filter(|_| stream);
    let enhance = ["prompt_enhancement", "enhance_prompt"];
    let enhance = enhance.iter().any(|name| fields.flag(name)) && !upscale;
    Ok(Ask {
        seed: read_seed(&fields, id),
        revised_prompt: enhance.then(|| format!("{}, {ENHANCED}", prompt.trim())),
        count: match upscale {
            true => 1,
            false => bounded(fields.integer("n").unwrap_or(1), 1, MAX_COUNT),
        },
        size_px,
        quality: read_quality(&fields),
        format: read_format(&fields),
        compression: fields
            .integer("output_compression")
            .map(|quality| u8::try_from(quality.clamp(1, 100)).unwrap_or(100)),
        transparent: fields.text("background") == Some("transparent"),
        inputs: Inputs {
            images: inputs.into(),
            mask: mask.map(Arc::new),
        },
        // The stronger the edit, the less of the input is left.
        keep: fields
            .number("strength")
            .map_or(DEFAULT_KEEP, |strength| (1.0 - strength).clamp(0.0, 1.0) as f32),
        upscale,
        as_url: fields.text("response_format") != Some("b64_json"),
        stream,
        partials: bounded(partials.unwrap_or(0), 0, MAX_PARTIALS),
        edit,
        prompt,
    })
}

fn bounded(number: u64, least: u64, most: u64) -> u32 {
    u32::try_from(number.clamp(least, most)).unwrap_or(1)
}

/// The seed, changed by the words that should change a picture and have no place in the drawing itself.
fn read_seed(fields: &Fields, id: &str) -> u64 {
    let seed = fields.integer("seed").unwrap_or_else(|| seed_from(id, 0));
    let words = ["negative_prompt", "style", "guidance_scale"].map(|name| {
        let value = fields.values.get(name).filter(|value| !value.is_null());
        value.map(Value::to_string).unwrap_or_default()
    });
    if words.iter().all(String::is_empty) {
        seed
    } else {
        seed ^ seed_from(&sha256_hex(&words.join("|")), 0)
    }
}

fn read_quality(fields: &Fields) -> &'static str {
    match fields.text("quality") {
        Some("low") => "low",
        Some("high" | "hd" | "xhigh" | "max") => "high",
        _ => "medium",
    }
}

fn read_format(fields: &Fields) -> ImageFormat {
    match fields.text("output_format") {
        Some("jpeg" | "jpg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::Webp,
        _ => ImageFormat::Png,
    }
}

/// Exact size, else ratio and resolution, else the first input's shape, else square.
fn read_size(fields: &Fields, first: Option<&Bitmap>) -> (u32, u32) {
    let size = fields.text("size").unwrap_or("auto");
    if let Some((width, height)) = pair(size, 'x') {
        return (edge(width), edge(height));
    }
    let ratio = fields
        .text("aspect_ratio")
        .and_then(|ratio| pair(ratio, ':'))
        .or_else(|| pair(size, ':'))
        .or_else(|| first.map(|first| (f64::from(first.width_px()), f64::from(first.height_px()))));
    let (width, height) = ratio.unwrap_or((1.0, 1.0));
    let area = fields.values.get("resolution").and_then(resolution_pixels);
    let area = area.unwrap_or(TIER_EDGE_PX * TIER_EDGE_PX);
    let height_px = (area * height / width).sqrt().round();
    (edge((height_px * width / height).round()), edge(height_px))
}

/// Pixels of a tier (`2K`) or of megapixels (`0.25`).
fn resolution_pixels(value: &Value) -> Option<f64> {
    let text = match value {
        Value::String(text) => text.trim().to_ascii_uppercase(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let pixels = match text.strip_suffix('K') {
        Some(tier) => {
            let tier: f64 = tier.parse().ok()?;
            (tier * TIER_EDGE_PX).powi(2)
        }
        None => text.parse::<f64>().ok()? * TIER_EDGE_PX * TIER_EDGE_PX,
    };
    (pixels.is_finite() && pixels > 0.0).then_some(pixels)
}

fn pair(text: &str, by: char) -> Option<(f64, f64)> {
    let (a, b) = text.split_once(by)?;
    let (a, b): (f64, f64) = (a.trim().parse().ok()?, b.trim().parse().ok()?);
    let sane = |number: f64| number.is_finite() && number > 0.0;
    (sane(a) && sane(b)).then_some((a, b))
}

fn edge(edge_px: f64) -> u32 {
    edge_px.clamp(MIN_EDGE_PX, MAX_EDGE_PX) as u32
}

/// The input's size times the factor, shrunk to the largest edge if need be.
fn scaled(input: &Bitmap, factor: f64) -> (u32, u32) {
    let (width, height) = (f64::from(input.width_px()), f64::from(input.height_px()));
    let factor = factor.clamp(0.1, MAX_EDGE_PX / width.max(height));
    let px = |edge: f64| (edge * factor).round().clamp(1.0, MAX_EDGE_PX) as u32;
    (px(width), px(height))
}

async fn read_images(core: &Core, fields: &Fields) -> Result<(Vec<Bitmap>, Option<Bitmap>), Refused> {
    let mut images: Vec<Bytes> = Vec::new();
    let mut mask = None;
    for file in &fields.files {
        if file.name == "mask" {
            mask = Some(file.bytes.clone());
        } else {
            images.push(file.bytes.clone());
        }
    }
    for name in ["image", "images", "image_url"] {
        let value = fields.values.get(name).unwrap_or(&Value::Null);
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for url in values.iter().filter_map(url_of) {
            images.push(load(core, url)?);
        }
    }
    if let Some(url) = fields.values.get("mask").and_then(url_of) {
        mask = Some(load(core, url)?);
    }
    let mut bitmaps = Vec::with_capacity(images.len().min(MAX_INPUTS));
    for bytes in images.into_iter().take(MAX_INPUTS) {
        bitmaps.push(decode(core, bytes).await?);
    }
    let mask = match mask {
        Some(bytes) => Some(decode(core, bytes).await?),
        None => None,
    };
    Ok((bitmaps, mask))
}

/// A URL as a text or as `{"image_url": ...}`, `{"url": ...}`.
fn url_of(value: &Value) -> Option<&str> {
    let nested = |name: &str| value.get(name).and_then(Value::as_str);
    value.as_str().or_else(|| nested("image_url")).or_else(|| nested("url"))
}

fn load(core: &Core, url: &str) -> Result<Bytes, Refused> {
    match inputs::load(core, url) {
        Ok(loaded) => Ok(loaded.bytes),
        Err(error) => Err(errors::invalid(&format!("An image could not be loaded: {error}."))),
    }
}

async fn decode(core: &Core, bytes: Bytes) -> Result<Bitmap, Refused> {
    core.pictures
        .decode(bytes)
        .await
        .map_err(|error| errors::invalid(&format!("An image could not be read: {error}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn size_of(values: &Value) -> (u32, u32) {
        let fields = Fields {
            values: values.as_object().cloned().unwrap_or_default(),
            files: Vec::new(),
        };
        read_size(&fields, None)
    }

    #[test]
    fn sizes_are_understood_in_every_spelling() {
        for (values, size_px) in [
            (json!({"size": "333x777"}), (333, 777)),
            (json!({"size": "10x9000"}), (64, 4_096)),
            (json!({"size": "3:2"}), (1_254, 836)),
            (json!({"size": "auto", "aspect_ratio": "3:2"}), (1_254, 836)),
            (json!({"resolution": "2k"}), (2_048, 2_048)),
            (json!({"resolution": 0.25}), (512, 512)),
            (json!({"resolution": "0.5K", "aspect_ratio": "1:4"}), (256, 1_024)),
            (json!({"size": "large", "resolution": "-1"}), (1_024, 1_024)),
            (json!({}), (1_024, 1_024)),
        ] {
            assert_eq!(size_of(&values), size_px, "{values}");
        }
    }
}
