//! Fields to a checked request, as strictly as the real service.

use super::errors;
use super::generation::Generation;
use super::models::{Model, find};
use crate::fields::{Fields, Wrong};
use crate::refused::Refused;
use imaging::ImageFormat;
use serde_json::{Map, Value};

/// Characters of a prompt.
const MAX_PROMPT_CHARS: usize = 32_000;
/// Images of one call.
const MAX_COUNT: i64 = 10;
/// Partial images of a stream.
const MAX_PARTIALS: i64 = 3;
/// Sizes of the models before gpt-image-2.
pub(super) const FIXED_SIZES: &[(u32, u32)] = &[(1024, 1024), (1024, 1536), (1536, 1024)];
const FIXED_SIZE_NAMES: &[&str] = &["1024x1024", "1024x1536", "1536x1024", "auto"];
/// Rules of free sizes, in pixels.
const SIZE_STEP_PX: u32 = 16;
const MAX_EDGE_PX: u32 = 3_840;
const MIN_PIXELS: u64 = 655_360;
const MAX_PIXELS: u64 = 8_294_400;
const MAX_RATIO: u32 = 3;
/// What `auto` quality comes to here. The real models choose by the prompt.
const AUTO_QUALITY: &str = "medium";
/// The model of an edit that names none.
const DEFAULT_MODEL: &str = "gpt-image-1.5";
/// The model of a generation that names none and uses no field of later models.
const DEFAULT_OLD_MODEL: &str = "dall-e-2";

/// The three forms of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Generation,
    FormEdit,
    JsonEdit,
}

impl Mode {
    fn takes(self, name: &str) -> bool {
        match name {
            "prompt" | "model" | "n" | "size" | "quality" | "background" | "output_format" | "output_compression"
            | "stream" | "partial_images" | "user" => true,
            // The multipart form of edits has no such field.
            "moderation" => self != Self::FormEdit,
            "complexity" => true,
            "input_fidelity" => self != Self::Generation,
            "images" | "mask" => self == Self::JsonEdit,
            _ => false,
        }
    }
}

/// A checked request, without its images.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    pub(super) count: u32,
    /// None is `auto`.
    pub(super) size_px: Option<(u32, u32)>,
    /// Never `auto`.
    pub(super) quality: &'static str,
    pub(super) transparent: bool,
    pub(super) format: ImageFormat,
    /// 0 to 100, lossy formats only.
    pub(super) compression: u8,
    pub(super) stream: bool,
    pub(super) partial_images: u32,
    pub(super) high_fidelity: bool,
}

impl Ask {
    /// Partial images of each image: none without a stream.
    pub(super) fn partials(&self) -> u32 {
        if self.stream { self.partial_images } else { 0 }
    }
}

/// The model that a request names, or would be given.
pub(super) fn model_id(fields: &Map<String, Value>, mode: Mode) -> Result<String, Refused> {
    if let Some(model) = Fields::new(fields, words).text("model")? {
        return Ok(model.to_owned());
    }
    let later = [
        "background",
        "moderation",
        "output_format",
        "output_compression",
        "stream",
        "partial_images",
    ];
    let later = later.iter().any(|name| fields.contains_key(*name));
    let old = mode == Mode::Generation && !later;
    Ok(if old { DEFAULT_OLD_MODEL } else { DEFAULT_MODEL }.to_owned())
}

/// Checks all fields but the images.
pub(super) fn check(fields: &Map<String, Value>, mode: Mode) -> Result<Ask, Refused> {
    let model = find(&model_id(fields, mode)?)?;
    if let Some(name) = fields.keys().find(|name| !mode.takes(name)) {
        return Err(errors::unknown_parameter(name));
    }
    let fields = Fields::new(fields, words);
    let prompt = check_prompt(&fields)?;
    let count = fields.integer("n", 1, MAX_COUNT)?.unwrap_or(1);
    let size_px = check_size(&fields, model.generation)?;
    let quality = fields.choice("quality", model.generation.qualities())?;
    let background = fields.choice("background", &["transparent", "opaque", "auto"])?;
    fields.choice("moderation", &["low", "auto"])?;
    if model.generation != Generation::TwoPointSix && fields.get("complexity").is_some() {
        return Err(errors::unknown_parameter("complexity"));
    }
    fields.choice("complexity", &["low", "medium", "high"])?;
    fields.text("user")?;
    // GIF and SVG of 2.6 are left out: how they are asked for is not published.
    let format = fields.choice("output_format", &["png", "jpeg", "webp"])?;
    let format = match format {
        Some("jpeg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::Webp,
        _ => ImageFormat::Png,
    };
    let transparent = background == Some("transparent");
    check_transparent(transparent, format, model.generation)?;
    let compression = fields.integer("output_compression", 0, 100)?.unwrap_or(100);
    if compression < 100 && format == ImageFormat::Png {
        let message = "Compression less than 100 is not supported for PNG output format.";
        return Err(errors::value("output_compression", message));
    }
    let fidelity = fields.choice("input_fidelity", &["high", "low"])?;
    if fidelity.is_some() && !model.generation.input_fidelity() {
        return Err(errors::input_fidelity(model.id));
    }
    Ok(Ask {
        model,
        prompt,
        count: u32::try_from(count).unwrap_or(1),
        size_px,
        quality: quality.filter(|name| *name != "auto").unwrap_or(AUTO_QUALITY),
        transparent,
        format,
        compression: u8::try_from(compression).unwrap_or(100),
        stream: fields.flag("stream")?.unwrap_or(false),
        partial_images: fields
            .integer("partial_images", 0, MAX_PARTIALS)?
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0),
        high_fidelity: fidelity == Some("high"),
    })
}

fn check_prompt(fields: &Fields<'_>) -> Result<String, Refused> {
    let prompt = fields.text("prompt")?.ok_or_else(|| errors::missing("prompt"))?;
    let chars = prompt.chars().count();
    if chars == 0 {
        return Err(errors::empty_text("prompt"));
    }
    if chars > MAX_PROMPT_CHARS {
        return Err(errors::long_text("prompt", MAX_PROMPT_CHARS, chars));
    }
    Ok(prompt.to_owned())
}

fn check_transparent(transparent: bool, format: ImageFormat, generation: Generation) -> Result<(), Refused> {
    let message = match (transparent, generation.transparent(), format) {
        (true, false, _) => "Transparent background is not supported for this model.",
        (true, true, ImageFormat::Jpeg) => "Transparent background is not supported for JPEG output format.",
        _ => return Ok(()),
    };
    Err(errors::value("background", message))
}

fn check_size(fields: &Fields<'_>, generation: Generation) -> Result<Option<(u32, u32)>, Refused> {
    if !generation.free_sizes() {
        let name = fields.choice("size", FIXED_SIZE_NAMES)?;
        return Ok(name.and_then(parse_size));
    }
    let Some(size) = fields.text("size")?.filter(|size| *size != "auto") else {
        return Ok(None);
    };
    let refuse = |why: &str| Err(errors::value("size", &format!("Invalid size '{size}': {why}.")));
    let Some((width_px, height_px)) = parse_size(size) else {
        return refuse("expected 'auto' or WIDTHxHEIGHT in pixels");
    };
    let (long_px, short_px) = (width_px.max(height_px), width_px.min(height_px));
    let pixels = u64::from(width_px) * u64::from(height_px);
    if !width_px.is_multiple_of(SIZE_STEP_PX) || !height_px.is_multiple_of(SIZE_STEP_PX) {
        return refuse("width and height must be divisible by 16");
    }
    if long_px > MAX_EDGE_PX {
        return refuse("the longest edge must be at most 3840 pixels");
    }
    if u64::from(long_px) > u64::from(short_px) * u64::from(MAX_RATIO) {
        return refuse("the longest edge must be at most 3 times the shortest");
    }
    if !(MIN_PIXELS..=MAX_PIXELS).contains(&pixels) {
        return refuse("the image must have between 655360 and 8294400 pixels");
    }
    Ok(Some((width_px, height_px)))
}

/// `WxH`, digits only.
pub(crate) fn parse_size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let edge = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    Some((edge(width)?, edge(height)?))
}

/// OpenAI's words for what is wrong with a field.
fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    match wrong {
        Wrong::Unknown => errors::unknown_parameter(path),
        Wrong::Type(wanted, value) => errors::wrong_type(path, wanted.name(), kind(value)),
        Wrong::Word(given, listed) => errors::not_listed(path, given, listed),
        Wrong::Range(got, kind) => match kind.bounds() {
            (least, _) if got < least => errors::below(path, least as i64, got as i64),
            (_, most) => errors::above(path, most as i64, got as i64),
        },
    }
}

/// What a value is, in the words of type errors.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn size_of(model: &str, size: &str) -> Result<Option<(u32, u32)>, Refused> {
        let fields = json!({"model": model, "prompt": "x", "size": size});
        let fields = fields.as_object().expect("an object");
        check(fields, Mode::Generation).map(|ask| ask.size_px)
    }

    #[test]
    fn sizes_follow_each_models_rules() {
        for (model, size) in [
            ("gpt-image-1", "1536x1024"),
            ("gpt-image-2", "3840x2160"),
            ("gpt-image-2", "1536x864"),
            ("gpt-image-2.5-flare", "2880x2880"),
        ] {
            assert_eq!(size_of(model, size).ok().flatten(), parse_size(size), "{size}");
        }
        for (model, size) in [
            ("gpt-image-1", "1536x864"),
            ("gpt-image-1.5", "256x256"),
            ("gpt-image-2", "1920x1080"),
            ("gpt-image-2", "640x640"),
            ("gpt-image-2", "3856x2160"),
            ("gpt-image-2", "2896x2896"),
            ("gpt-image-2", "3200x1024"),
            ("gpt-image-2", "1024X1024"),
            ("gpt-image-2", "+1024x1024"),
            ("gpt-image-2", "0x0"),
        ] {
            assert!(size_of(model, size).is_err(), "{model} {size}");
        }
        assert!(matches!(size_of("gpt-image-2", "auto"), Ok(None)));
    }
}
