//! What the emulators of Google's two surfaces share: the models, `generateContent`, its errors and its bill.

mod answer;
mod ask;
pub(crate) mod errors;
mod fields;
mod models;
mod run;
mod usage;

pub(crate) use ask::{Ask, Surface};
pub(crate) use fields::{parse_json, snake, words};
pub(crate) use models::{find, listed};
pub(crate) use run::run;
pub(crate) use usage::count;

use crate::core::Core;
use bytes::Bytes;
use imaging::{Bitmap, ImageFormat};
use serde_json::{Map, Value, json};

/// The body that `countTokens` counts: the call's own, or the one that it holds.
pub(crate) fn counted(mut fields: Map<String, Value>) -> Map<String, Value> {
    match fields.remove("generateContentRequest") {
        Some(Value::Object(mut held)) => {
            held.remove("model");
            held
        }
        _ => fields,
    }
}

/// Pixels of a stand-in, at most: a telephone's largest photograph.
const STAND_IN_MAX_PIXELS: usize = 50_000_000;

/// Decodes an input image; `None` when it is none that Google reads.
pub(crate) async fn decode(core: &Core, bytes: Bytes) -> Option<Bitmap> {
    let format = ImageFormat::sniff(&bytes)?;
    if format == ImageFormat::Heic {
        return stand_in(&bytes);
    }
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Webp) {
        return None;
    }
    core.pictures.decode(bytes).await.ok()
}

/// A gray picture in the place of one that is read there and cannot be drawn here.
fn stand_in(bytes: &[u8]) -> Option<Bitmap> {
    const GRAY: [u8; 4] = [128, 128, 128, 255];
    let info = imaging::inspect(std::io::Cursor::new(bytes)).ok()?;
    let pixels = usize::try_from(u64::from(info.width_px) * u64::from(info.height_px)).ok()?;
    if pixels > STAND_IN_MAX_PIXELS {
        return None;
    }
    Bitmap::new(info.width_px, info.height_px, GRAY.repeat(pixels)).ok()
}

/// The name of a call in the last part of a path: `model:verb`.
pub(crate) fn model_and_verb(last: &str) -> Option<(&str, &str)> {
    last.rsplit_once(':')
        .filter(|(model, verb)| !model.is_empty() && !verb.is_empty())
}

/// A body as the log shows it: prompts stand in fields of other names, so what holds them is told by its count only.
pub(crate) fn noted(body: &Map<String, Value>, prompt: Option<&str>) -> Value {
    let mut shown = body.clone();
    for name in ["contents", "systemInstruction", "instances"] {
        if let Some(held) = shown.get_mut(name) {
            *held = json!(format!("<{} in it>", held.as_array().map_or(1, Vec::len)));
        }
    }
    if let Some(prompt) = prompt {
        shown.insert("prompt".to_owned(), json!(prompt));
    }
    Value::Object(shown)
}
