//! JSON and forms to a checked request, as each server reads them.

use super::errors::Reason;
use super::servers::{MaskUse, Server};
use super::{Kind, Received};
use crate::form::{FormError, is_multipart, read_form};
use crate::provider::Provider;
use crate::wire::{self, ObjectError};
use bytes::Bytes;
use imaging::ImageFormat;
use serde_json::{Map, Value, json};

/// Sizes that no server at home would survive are refused, in pixels a side.
const MAX_EDGE_PX: u32 = 4096;
/// Input images of one edit.
const MAX_IMAGES: usize = 16;

/// A checked request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) server: &'static Server,
    pub(super) model: String,
    /// As the caller gave it.
    pub(super) prompt: String,
    /// The part of it that is drawn.
    pub(super) positive: String,
    pub(super) count: u32,
    pub(super) size_px: (u32, u32),
    pub(super) format: ImageFormat,
    pub(super) quality: Option<u8>,
    /// As a link rather than base64.
    pub(super) as_link: bool,
    pub(super) seed: Option<u64>,
    pub(super) images: Vec<Bytes>,
    pub(super) mask: Option<Bytes>,
}

/// Reads a body.
pub(super) async fn read(server: &'static Server, call: Received) -> Result<Ask, Reason> {
    let Received {
        kind,
        deployment,
        headers,
        body,
        log,
        ..
    } = call;
    let mut images = Vec::new();
    let mut mask = None;
    let fields = match kind {
        Kind::Generation => read_json(body).await?,
        Kind::Edit if !is_multipart(&headers) => {
            return Err(Reason::new(400, "the request must be multipart/form-data"));
        }
        Kind::Edit => {
            let form = read_form(&headers, body).await.map_err(|error| match error {
                FormError::TooLarge => Reason::new(413, "the request is too large"),
                FormError::NotMultipart | FormError::Broken => Reason::new(400, "the form is broken"),
            })?;
            for file in form.files {
                match file.name.as_str() {
                    "image" | "image[]" => images.push(file.bytes),
                    "mask" => mask = Some(file.bytes),
                    other => return Err(Reason::field(other, format!("unknown file '{other}'"))),
                }
            }
            let texts = form.texts.into_iter();
            texts.map(|(name, text)| (name, typed(text))).collect()
        }
    };
    let model = deployment.or_else(|| text(&fields, "model"));
    if model.is_none() && server.provider == Provider::Azure {
        return Err(Reason::field("model", "Missing required parameter: 'model'."));
    }
    let model = model.unwrap_or_default();
    log.note_fields(server.provider, &model, &fields);
    check_images(server, kind, &images, mask.as_ref())?;
    Ok(Ask {
        model,
        images,
        mask,
        ..check(server, kind, &fields)?
    })
}

async fn read_json(body: axum::body::Body) -> Result<Map<String, Value>, Reason> {
    wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => Reason::new(413, "the request is too large"),
        ObjectError::NotJson | ObjectError::NotAnObject => Reason::new(400, "the body is not a JSON object"),
    })
}

/// Forms have no types: what looks like a number becomes one.
fn typed(text: String) -> Value {
    match text.parse::<i64>() {
        Ok(number) => json!(number),
        Err(_) => Value::String(text),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn check_images(server: &Server, kind: Kind, images: &[Bytes], mask: Option<&Bytes>) -> Result<(), Reason> {
    if kind == Kind::Generation {
        return Ok(());
    }
    if images.is_empty() {
        return Err(Reason::field("image", "an image is required"));
    }
    if images.len() > MAX_IMAGES {
        return Err(Reason::field("image", "too many images"));
    }
    if server.mask == MaskUse::WhiteNeeded && mask.is_none() {
        return Err(Reason::field("mask", "a mask is required"));
    }
    Ok(())
}

/// Checks the fields; the model and the images come from elsewhere.
fn check(server: &'static Server, kind: Kind, fields: &Map<String, Value>) -> Result<Ask, Reason> {
    if server.refuses_others
        && let Some(other) = fields.keys().find(|name| !server.fields.contains(&name.as_str()))
    {
        return Err(Reason::field(other, format!("Unknown parameter: '{other}'.")));
    }
    // What a server does not read says nothing to it.
    let read = |name: &str| {
        fields
            .get(name)
            .filter(|value| server.fields.contains(&name) && !value.is_null())
    };
    let prompt = match read("prompt") {
        Some(Value::String(prompt)) if !prompt.trim().is_empty() => prompt.clone(),
        _ => return Err(Reason::field("prompt", "a prompt is required")),
    };
    let positive = match prompt.split_once('|') {
        Some((positive, _)) if server.splits_prompt => positive.to_owned(),
        _ => prompt.clone(),
    };
    let int = |name: &str, least: i64, most: i64| match read(name) {
        None => Ok(None),
        Some(value) => match value.as_i64() {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(Reason::field(
                name,
                format!("{name} must be an integer from {least} to {most}"),
            )),
        },
    };
    let choice = |name: &str, listed: &'static [&'static str]| match read(name) {
        None => Ok(listed.first().copied()),
        Some(value) => match listed.iter().find(|listed| value == **listed) {
            Some(found) => Ok(Some(*found)),
            None => Err(Reason::field(
                name,
                format!("{name} must be one of: {}", listed.join(", ")),
            )),
        },
    };
    let count = int("n", 1, server.max_count)?.unwrap_or(1);
    let formats = match kind {
        Kind::Generation => server.formats,
        Kind::Edit => server.edit_formats,
    };
    let format = match choice("output_format", formats)? {
        Some("jpeg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::Webp,
        _ => ImageFormat::Png,
    };
    let delivery = match (kind, server.deliveries) {
        (_, []) => None,
        // Some answer edits in base64 by default.
        (Kind::Edit, _) if read("response_format").is_none() => Some("b64_json"),
        (_, listed) => choice("response_format", listed)?,
    };
    if delivery == Some("no-store") {
        let why = "response_format='url' requires cloud storage or a persistent output path";
        return Err(Reason::new(400, why));
    }
    let quality = int("output_compression", 0, 100)?.and_then(|quality| u8::try_from(quality.max(1)).ok());
    Ok(Ask {
        server,
        model: String::new(),
        prompt,
        positive,
        count: u32::try_from(count).unwrap_or(1),
        size_px: size(server, read("size"))?,
        format,
        quality,
        as_link: delivery == Some("url"),
        seed: int("seed", i64::MIN, i64::MAX)?
            .map(i64::cast_unsigned)
            .or(server.default_seed),
        images: Vec::new(),
        mask: None,
    })
}

fn size(server: &Server, value: Option<&Value>) -> Result<(u32, u32), Reason> {
    let bad = || Reason::field("size", "size must be WIDTHxHEIGHT in pixels");
    let text = match value {
        None => return Ok(server.default_size_px),
        Some(Value::String(text)) if text == "auto" => return Ok(server.default_size_px),
        Some(Value::String(text)) => text,
        Some(_) => return Err(bad()),
    };
    let (width, height) = text.split_once('x').ok_or_else(bad)?;
    let edge = |text: &str| {
        text.parse()
            .ok()
            .filter(|px| (64..=MAX_EDGE_PX).contains(px))
            .ok_or_else(bad)
    };
    Ok((edge(width)?, edge(height)?))
}
