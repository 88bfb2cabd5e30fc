//! Input images and masks of edits: from a form or from JSON, checked as the real service does.

use super::errors;
use super::validate::kind;
use crate::core::Core;
use crate::form::FormFile;
use crate::inputs::{self, LoadError};
use crate::refused::Refused;
use crate::work::Inputs;
use bytes::Bytes;
use imaging::{Bitmap, ImageFormat, inspect};
use serde_json::Value;
use std::io::Cursor;
use std::sync::Arc;

/// Input images of one edit.
pub(super) const MAX_IMAGES: usize = 16;
/// Each input image and the mask.
const MAX_IMAGE_BYTES: usize = 50 * 1024 * 1024;
/// An image URL, `data:` URLs included.
const MAX_URL_CHARS: usize = 20_971_520;
const MIME_TYPES: &[&str] = &["image/jpeg", "image/png", "image/webp"];

/// An image as it was sent.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    bytes: Bytes,
}

/// A file of a form.
pub(super) fn from_file(file: FormFile) -> Result<Upload, Refused> {
    let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
    upload(&file.name, kind, file.bytes)
}

fn upload(name: &str, kind: &str, bytes: Bytes) -> Result<Upload, Refused> {
    // Some systems call it so, and the service takes it.
    let known = MIME_TYPES.contains(&kind) || kind == "image/jpg";
    if !known {
        return Err(errors::mimetype(name, kind));
    }
    if bytes.len() >= MAX_IMAGE_BYTES {
        let message = format!("Invalid file '{name}': the file must be smaller than 50MB.");
        return Err(errors::value(name, &message));
    }
    Ok(Upload { bytes })
}

/// The list `images` of a JSON edit.
pub(super) fn from_json(core: &Core, images: Option<&Value>) -> Result<Vec<Upload>, Refused> {
    let images = images
        .filter(|images| !images.is_null())
        .ok_or_else(|| errors::missing("images"))?;
    let images = images
        .as_array()
        .ok_or_else(|| errors::wrong_type("images", "an array", kind(images)))?;
    check_count("images", images.len())?;
    let uploads = images.iter().enumerate();
    uploads
        .map(|(index, image)| from_reference(core, &format!("images[{index}]"), image))
        .collect()
}

/// Between one and sixteen.
pub(super) fn check_count(name: &str, count: usize) -> Result<(), Refused> {
    match count {
        0 => Err(errors::short_list(name)),
        1..=MAX_IMAGES => Ok(()),
        _ => Err(errors::long_list(name, MAX_IMAGES, count)),
    }
}

/// One `{image_url}` of a JSON edit.
pub(super) fn from_reference(core: &Core, name: &str, reference: &Value) -> Result<Upload, Refused> {
    let fields = reference
        .as_object()
        .ok_or_else(|| errors::wrong_type(name, "an object", kind(reference)))?;
    if let Some(other) = fields
        .keys()
        .find(|key| !matches!(key.as_str(), "image_url" | "file_id"))
    {
        return Err(errors::unknown_parameter(&format!("{name}.{other}")));
    }
    let present = |key: &str| fields.get(key).filter(|value| !value.is_null());
    let url_name = format!("{name}.image_url");
    let url = match (present("image_url"), present("file_id")) {
        (Some(url), None) => url,
        (None, Some(_)) => {
            return Err(errors::invalid_url(&format!("{name}.file_id"), "no such file"));
        }
        (Some(_), Some(_)) => {
            let message = format!("Only one of 'image_url' and 'file_id' may be in '{name}'.");
            return Err(errors::value(name, &message));
        }
        (None, None) => return Err(errors::missing(&url_name)),
    };
    let url = url
        .as_str()
        .ok_or_else(|| errors::wrong_type(&url_name, "a string", kind(url)))?;
    if url.len() > MAX_URL_CHARS {
        return Err(errors::long_text(&url_name, MAX_URL_CHARS, url.len()));
    }
    let loaded =
        inputs::load(core, url).map_err(|error: LoadError| errors::invalid_url(&url_name, &error.to_string()))?;
    upload(&url_name, &loaded.content_type, loaded.bytes)
}

/// Decodes what was sent. The mask must have the first image's size and an alpha channel.
pub(super) async fn decode(core: &Core, uploads: &[Upload], mask: Option<&Upload>) -> Result<Inputs, Refused> {
    let mut images = Vec::with_capacity(uploads.len());
    for (index, upload) in uploads.iter().enumerate() {
        let image = decode_one(core, upload.bytes.clone()).await;
        images.push(image.ok_or_else(|| errors::invalid_image(index + 1))?);
    }
    let mask = match mask {
        None => None,
        Some(upload) => Some(Arc::new(decode_mask(core, upload, images.first()).await?)),
    };
    Ok(Inputs {
        images: images.into(),
        mask,
    })
}

async fn decode_mask(core: &Core, upload: &Upload, first: Option<&Bitmap>) -> Result<Bitmap, Refused> {
    let refuse = |why: &str| errors::value("mask", &format!("Invalid mask: {why}."));
    let has_alpha = inspect(Cursor::new(&upload.bytes)).is_ok_and(|info| info.has_alpha);
    let mask = decode_one(core, upload.bytes.clone())
        .await
        .ok_or_else(|| refuse("the file could not be read as an image"))?;
    if !has_alpha {
        return Err(refuse("the image must have an alpha channel"));
    }
    let same = first.is_some_and(|first| (first.width_px(), first.height_px()) == (mask.width_px(), mask.height_px()));
    if !same {
        return Err(refuse("its size must equal that of the first image"));
    }
    Ok(mask)
}

async fn decode_one(core: &Core, bytes: Bytes) -> Option<Bitmap> {
    let format = ImageFormat::sniff(&bytes)?;
    if !MIME_TYPES.contains(&format.mime_type()) {
        return None;
    }
    // Palettes, other depths than eight bits, the inks of print and files of several pictures are of no known mode.
    if !inspect(Cursor::new(&bytes)).is_ok_and(|info| info.is_plain) {
        return None;
    }
    core.pictures.decode(bytes).await.ok()
}
