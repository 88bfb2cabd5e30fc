//! Fields to a checked request.

use super::errors;
use super::models::{Model, tier_edge_px};
use crate::core::Core;
use crate::fields::{Fields, Wrong};
use crate::inputs;
use crate::refused::Refused;
use crate::work::Inputs;
use imaging::{Bitmap, ImageFormat};
use serde_json::{Map, Value};

/// References and pictures of one call together.
const MAX_TOGETHER: usize = 15;
/// Pictures of a group that names no number. The real models count what the prompt asks for.
const GROUP: u32 = 2;
/// Edges of pictures by tier are multiples of this, in pixels.
const STEP_PX: f64 = 16.0;

/// A size that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// About this square, in the shape of the first input.
    Tier(u32),
    Exact(u32, u32),
}

/// A checked request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    pub(super) size: Size,
    /// The most pictures; more than one is a group.
    pub(super) count: u32,
    pub(super) group: bool,
    pub(super) png: bool,
    pub(super) transparent: bool,
    pub(super) base64: bool,
    pub(super) stream: bool,
    /// Links or data URLs.
    links: Vec<String>,
    /// The images behind them, once they are loaded.
    pub(super) inputs: Inputs,
}

/// Checks all fields but what is behind the links.
pub(super) fn check(body: &Map<String, Value>) -> Result<Ask, Refused> {
    let fields = Fields::new(body, words);
    let id = fields.text("model")?.ok_or_else(|| errors::missing("model"))?;
    let model = Model::find(id).ok_or_else(|| errors::no_model(id))?;
    let prompt = fields.text("prompt")?.unwrap_or_default();
    if prompt.trim().is_empty() {
        return Err(errors::missing("prompt"));
    }
    let links = links(&fields, model)?;
    let (group, count) = group(&fields, model)?;
    if links.len() + count as usize > MAX_TOGETHER {
        return Err(errors::invalid(
            "image",
            "references and outputs together may be at most 15",
        ));
    }
    let format = fields.choice("output_format", &["png", "jpeg"])?;
    if format.is_some() && !model.formats {
        return Err(errors::invalid("output_format", "it is not supported by this model"));
    }
    let background = fields.choice("background", &["transparent", "opaque", "auto"])?;
    let transparent = background == Some("transparent");
    if transparent && (!model.transparent || (links.is_empty() && !model.new_transparent)) {
        return Err(errors::invalid(
            "background",
            "it is only supported by edits of some models",
        ));
    }
    let stream = fields.flag("stream")?.unwrap_or(false);
    if stream && !model.groups {
        return Err(errors::invalid("stream", "it is not supported by this model"));
    }
    fields.flag("watermark")?;
    if let Some(options) = fields.object("optimize_prompt_options")? {
        options.choice("mode", &["standard", "fast"])?;
    }
    let response_format = fields.choice("response_format", &["url", "b64_json"])?;
    Ok(Ask {
        model,
        prompt: prompt.to_owned(),
        size: size(&fields, model)?,
        count,
        group,
        png: transparent || format.map_or(model.png, |format| format == "png"),
        transparent,
        base64: response_format == Some("b64_json"),
        stream,
        links,
        inputs: Inputs::default(),
    })
}

fn links(fields: &Fields<'_>, model: &Model) -> Result<Vec<String>, Refused> {
    let wrong = || errors::invalid("image", "it must be a string or an array of strings");
    let links: Vec<String> = match fields.get("image") {
        None => Vec::new(),
        Some(Value::String(link)) => vec![link.clone()],
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or_else(wrong)?
        }
        Some(_) => return Err(wrong()),
    };
    if links.len() > model.inputs {
        let why = format!("at most {} images are supported by this model", model.inputs);
        return Err(errors::invalid("image", &why));
    }
    // The media type of a data URL is taken literally.
    let upper = |link: &String| {
        let head = link.split(',').next().unwrap_or_default();
        head.starts_with("data:") && head.chars().any(|c| c.is_ascii_uppercase())
    };
    if links.iter().any(upper) {
        return Err(errors::invalid(
            "image",
            "the image format of a data URL must be lower case",
        ));
    }
    Ok(links)
}

/// Whether a group is asked for, and of how many.
fn group(fields: &Fields<'_>, model: &Model) -> Result<(bool, u32), Refused> {
    let mode = fields.choice("sequential_image_generation", &["auto", "disabled"])?;
    let options = fields.object("sequential_image_generation_options")?;
    if (mode.is_some() || options.is_some()) && !model.groups {
        let why = "it is not supported by this model";
        return Err(errors::invalid("sequential_image_generation", why));
    }
    let most = match options {
        None => None,
        Some(options) => options.integer("max_images", 1, 15)?,
    };
    let most = most.and_then(|most| u32::try_from(most).ok());
    Ok(match mode {
        Some("auto") => (true, most.unwrap_or(GROUP)),
        _ => (false, 1),
    })
}

fn size(fields: &Fields<'_>, model: &Model) -> Result<Size, Refused> {
    let Some(text) = fields.text("size")? else {
        return Ok(Size::Tier(tier_edge_px("2K")));
    };
    if model.tiers.contains(&text) {
        return Ok(Size::Tier(tier_edge_px(text)));
    }
    let parsed = text.split_once('x');
    let parsed = parsed.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let Some((width, height)) = parsed.filter(|(width, height)| *width > 0 && *height > 0) else {
        let why = format!("it must be WxH or one of {}", model.tiers.join(", "));
        return Err(errors::invalid("size", &why));
    };
    match model.size_fault((width, height)) {
        Some(why) => Err(errors::invalid("size", &why)),
        None => Ok(Size::Exact(width, height)),
    }
}

impl Ask {
    /// Loads the images.
    pub(super) async fn open(&mut self, core: &Core) -> Result<(), Refused> {
        let mut images: Vec<Bitmap> = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let loaded = inputs::load(core, link).map_err(|error| errors::invalid("image", &error.to_string()))?;
            let decoded = core.pictures.decode(loaded.bytes).await;
            images.push(decoded.map_err(|_| errors::invalid("image", "it cannot be decoded"))?);
        }
        self.inputs = images.into();
        Ok(())
    }

    /// The size of every picture.
    pub(super) fn size_beside(&self, first: Option<(u32, u32)>) -> (u32, u32) {
        match (self.size, first) {
            (Size::Exact(width, height), _) => (width, height),
            (Size::Tier(edge), None) => (edge, edge),
            (Size::Tier(edge), Some((width, height))) => {
                let ratio = (f64::from(width) / f64::from(height)).clamp(1.0 / 16.0, 16.0);
                let round = |px: f64| ((px / STEP_PX).floor() * STEP_PX) as u32;
                (
                    round(f64::from(edge) * ratio.sqrt()),
                    round(f64::from(edge) / ratio.sqrt()),
                )
            }
        }
    }

    pub(super) fn format(&self) -> ImageFormat {
        if self.png { ImageFormat::Png } else { ImageFormat::Jpeg }
    }
}

/// The API's words for what is wrong with a field; of an inner object they name the outer one.
fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    let (param, inner) = path.split_once('.').unwrap_or((path, "it"));
    let why = match wrong {
        Wrong::Unknown => "it is not supported".to_owned(),
        Wrong::Type(kind, _) => {
            format!("{inner} must be {}", kind.name())
        }
        Wrong::Word(_, listed) => format!("it must be one of {}", listed.join(", ")),
        Wrong::Range(_, kind) => {
            let (least, most) = kind.bounds();
            format!("{inner} must be between {least} and {most}")
        }
    };
    errors::invalid(param, &why)
}
