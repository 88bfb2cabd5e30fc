//! `POST /api/v1/chat/completions`: messages to a checked request.

use super::ask::{Ask, Way};
use super::errors;
use super::images::reference;
use super::models::Model;
use super::sizes::{RATIOS, Wanted, pixels, ratio};
use crate::core::Core;
use crate::fields::Fields;
use crate::refused::Refused;
use bytes::Bytes;
use imaging::ImageFormat;
use serde_json::{Map, Value, json};

/// Tiers by the names that chat completions have for them.
const TIERS: &[&str] = &["0.5K", "1K", "2K", "4K"];
const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];

/// Checks a request. Fields that a model has no use for are ignored.
pub(super) fn check(core: &Core, model: &'static Model, body: &Map<String, Value>) -> Result<Ask, Refused> {
    let fields = Fields::new(body, errors::words);
    if fields.flag("stream")? == Some(true) {
        return Err(errors::unsupported("stream", model.id));
    }
    let (prompt, inputs) = read_messages(core, &fields)?;
    if inputs.len() > model.most_inputs {
        return Err(errors::invalid("messages", "there are too many images for this model"));
    }
    Ok(Ask {
        model,
        way: Way::Chat {
            draws: draws(&fields, model)?,
        },
        prompt,
        count: 1,
        size_px: pixels(model.family, wanted(&fields)?),
        quality: "medium",
        transparent: false,
        format: ImageFormat::Png,
        compression: 100,
        seed: fields.integer("seed", i64::MIN, i64::MAX)?,
        inputs,
    })
}

/// The fields as they may be shown: what is said in messages is a prompt.
pub(super) fn shown(body: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = body.clone();
    let messages = shown.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let content = message["content"].take();
        message["content"] = match content {
            Value::Array(parts) => parts.into_iter().map(as_prompt).collect(),
            text => as_prompt(text),
        };
    }
    shown
}

fn as_prompt(part: Value) -> Value {
    let text = part.as_str().or_else(|| part["text"].as_str());
    text.map_or_else(|| part.clone(), |text| json!({ "prompt": text }))
}

/// Whether `modalities` ask for an image. A model that cannot write does not serve who wants text too.
fn draws(fields: &Fields<'_>, model: &Model) -> Result<bool, Refused> {
    let modalities = match fields.get("modalities") {
        None => return Ok(!model.talks),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(errors::invalid("modalities", "expected a list")),
    };
    let mut words = Vec::new();
    for modality in modalities {
        match modality.as_str() {
            Some(word @ ("image" | "text")) => words.push(word),
            _ => return Err(errors::invalid("modalities", "expected image and text")),
        }
    }
    if words.iter().any(|word| !model.outputs().contains(word)) {
        let message = format!(
            "No endpoints found that support the requested output modalities: {}",
            words.join(", ")
        );
        return Err(errors::error(404, &message));
    }
    Ok(words.contains(&"image"))
}

fn wanted(fields: &Fields<'_>) -> Result<Wanted, Refused> {
    let Some(config) = fields.object("image_config")? else {
        return Ok(Wanted::default());
    };
    let tier = config.choice("image_size", TIERS)?;
    Ok(Wanted {
        ratio: config.choice("aspect_ratio", RATIOS)?.and_then(ratio),
        tier: tier.map(|tier| if tier == "0.5K" { "512" } else { tier }),
        exact_px: None,
    })
}

/// All text of the user, and all images.
fn read_messages(core: &Core, fields: &Fields<'_>) -> Result<(String, Vec<Bytes>), Refused> {
    let name = "messages";
    let messages = fields
        .get(name)
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    let messages = messages.ok_or_else(|| errors::invalid(name, "expected a list of at least one"))?;
    let (mut texts, mut inputs) = (Vec::new(), Vec::new());
    for message in messages {
        let role = message["role"].as_str().filter(|role| ROLES.contains(role));
        let role = role.ok_or_else(|| errors::invalid(name, "a message has no known role"))?;
        match &message["content"] {
            Value::String(text) if role == "user" => texts.push(text.clone()),
            Value::String(_) => {}
            Value::Array(parts) => {
                for part in parts {
                    match (part["type"].as_str(), part["text"].as_str()) {
                        (Some("text"), Some(text)) => texts.push(text.to_owned()),
                        (Some("image_url"), _) => inputs.push(reference(core, name, part)?),
                        _ => return Err(errors::invalid(name, "a part is neither text nor image_url")),
                    }
                }
            }
            _ => return Err(errors::invalid(name, "a message has no content")),
        }
    }
    let prompt = texts.join("\n");
    if prompt.trim().is_empty() {
        return Err(errors::invalid(name, "the user says nothing"));
    }
    Ok((prompt, inputs))
}
