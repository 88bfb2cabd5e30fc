//! Fields to a checked request. Wrong types are the reader's refusal (422), wrong values the API's (400).

use super::errors;
use super::models::Model;
use crate::core::Core;
use crate::fields::{Fields, Wrong};
use crate::inputs;
use crate::refused::Refused;
use crate::work::Inputs;
use imaging::Bitmap;
use serde_json::{Map, Value};

/// Pictures of one call.
const MAX_COUNT: i64 = 10;
/// Input images of one call.
const MAX_IMAGES: usize = 5;
/// The model where none is named.
const DEFAULT_MODEL: &str = "grok-imagine-image";
/// Fields of other services that are refused by name.
const NOT_SUPPORTED: [&str; 3] = ["size", "style", "mask"];
/// Shapes by name, as width and height.
const RATIOS: [(&str, (f64, f64)); 15] = [
    ("1:1", (1.0, 1.0)),
    ("3:4", (3.0, 4.0)),
    ("4:3", (4.0, 3.0)),
    ("9:16", (9.0, 16.0)),
    ("16:9", (16.0, 9.0)),
    ("2:3", (2.0, 3.0)),
    ("3:2", (3.0, 2.0)),
    ("9:19.5", (9.0, 19.5)),
    ("19.5:9", (19.5, 9.0)),
    ("9:20", (9.0, 20.0)),
    ("20:9", (20.0, 9.0)),
    ("1:2", (1.0, 2.0)),
    ("2:1", (2.0, 1.0)),
    ("21:9", (21.0, 9.0)),
    ("5:2", (5.0, 2.0)),
];

/// A checked request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    pub(super) count: u32,
    /// None is `auto`.
    pub(super) shape: Option<(f64, f64)>,
    pub(super) resolution: &'static str,
    /// `low` or `medium`.
    pub(super) quality: &'static str,
    pub(super) base64: bool,
    /// Those of an edit.
    pub(super) inputs: Inputs,
}

/// The model that a body names, or would be given.
pub(super) fn model_id(body: &Map<String, Value>) -> Result<String, Refused> {
    Ok(Fields::new(body, words)
        .text("model")?
        .unwrap_or(DEFAULT_MODEL)
        .to_owned())
}

/// Checks all fields but the images.
pub(super) fn check(body: &Map<String, Value>, is_edit: bool) -> Result<Ask, Refused> {
    let fields = Fields::new(body, words);
    let id = model_id(body)?;
    let model = Model::find(&id).ok_or_else(|| errors::no_model(&id))?;
    if let Some(name) = NOT_SUPPORTED.iter().find(|name| fields.get(name).is_some()) {
        return Err(errors::invalid(&format!("Argument not supported: {name}")));
    }
    let prompt = fields
        .text("prompt")?
        .ok_or_else(|| errors::unreadable("missing field `prompt`"))?;
    if prompt.trim().is_empty() {
        return Err(errors::invalid("The prompt must not be empty"));
    }
    let count = fields.integer("n", i64::MIN, i64::MAX)?.unwrap_or(1);
    if !(1..=MAX_COUNT).contains(&count) {
        return Err(errors::invalid("n must be between 1 and 10"));
    }
    fields.text("user")?;
    fields.text("output_format")?;
    let ratios: Vec<&'static str> = RATIOS.iter().map(|(name, _)| *name).chain(["auto"]).collect();
    let ratio = fields.choice("aspect_ratio", &ratios)?;
    let shape = RATIOS.iter().find(|(name, _)| Some(*name) == ratio);
    let resolution = fields.choice("resolution", &["1k", "2k"])?.unwrap_or("1k");
    let quality = fields.choice("quality", &["low", "medium", "high", "auto"])?;
    if model.has_quality && quality == Some("high") {
        return Err(errors::invalid("quality must be one of low, medium, auto"));
    }
    let format = fields.choice("response_format", &["url", "b64_json"])?;
    Ok(Ask {
        model,
        prompt: prompt.to_owned(),
        count: u32::try_from(count).unwrap_or(1),
        shape: shape.map(|(_, shape)| *shape),
        resolution,
        // Where it is not told, the service takes low for new images and medium for edits.
        quality: match (quality, is_edit) {
            (Some("low"), _) | (None | Some("auto"), false) => "low",
            _ => "medium",
        },
        base64: format == Some("b64_json"),
        inputs: Inputs::default(),
    })
}

/// The images of an edit: `image`, or `images` in its place.
pub(super) async fn load(core: &Core, body: &Map<String, Value>) -> Result<Vec<Bitmap>, Refused> {
    let fields = Fields::new(body, words);
    let links = match (fields.get("image"), fields.get("images")) {
        (Some(_), Some(_)) => return Err(errors::invalid("Only one of image and images may be given")),
        (None, None) => return Err(errors::invalid("An edit needs image or images")),
        (Some(image), None) => vec![link("image", image)?],
        (None, Some(images)) => {
            let items = images
                .as_array()
                .ok_or_else(|| errors::unreadable("images: invalid type, expected a sequence"))?;
            items
                .iter()
                .map(|item| link("images", item))
                .collect::<Result<Vec<_>, _>>()?
        }
    };
    if links.is_empty() || links.len() > MAX_IMAGES {
        let text = format!("Between 1 and {MAX_IMAGES} images may be given, not {}", links.len());
        return Err(errors::invalid(&text));
    }
    let mut images = Vec::with_capacity(links.len());
    for url in links {
        let loaded = inputs::load(core, url)
            .map_err(|error| errors::invalid(&format!("The image could not be loaded: {error}")))?;
        let decoded = core.pictures.decode(loaded.bytes).await;
        images.push(decoded.map_err(|_| errors::invalid("The image could not be decoded"))?);
    }
    Ok(images)
}

fn link<'a>(name: &str, image: &'a Value) -> Result<&'a str, Refused> {
    let kind = image.get("type").filter(|kind| !kind.is_null());
    if kind.is_some_and(|kind| kind != "image_url") {
        return Err(errors::unreadable(&format!(
            "{name}.type: unknown variant, expected `image_url`"
        )));
    }
    let url = image.get("url").and_then(Value::as_str);
    url.ok_or_else(|| errors::unreadable(&format!("{name}: missing field `url`")))
}

/// The words of the reader of bodies.
fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    let why = match wrong {
        Wrong::Unknown => "unknown field".to_owned(),
        Wrong::Type(kind, _) => {
            format!("invalid type, expected {}", kind.name())
        }
        Wrong::Word(given, listed) => {
            let listed: Vec<String> = listed.iter().map(|word| format!("`{word}`")).collect();
            format!("unknown variant `{given}`, expected one of {}", listed.join(", "))
        }
        Wrong::Range(number, ..) => format!("invalid value: {number}"),
    };
    errors::unreadable(&format!("{path}: {why}"))
}
