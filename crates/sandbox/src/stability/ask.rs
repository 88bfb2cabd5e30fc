//! A form to a checked request.

use super::errors;
use super::fields::Field;
use super::services::{Input, Outcome, Service};
use crate::core::Core;
use crate::form::{Form, FormFile};
use crate::pictures::white_to_clear;
use crate::refused::Refused;
use crate::strangers;
use crate::work::Inputs;
use imaging::{Bitmap, ImageFormat};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// How much longer one edge may be where that is bounded.
const MOST_RATIO: f64 = 2.5;
/// Area of an upscaled picture, by the documentation.
const ENLARGED_PIXELS: f64 = 4_194_304.0;

/// A checked request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) service: &'static Service,
    pub(super) label: String,
    /// Empty where the service takes none.
    pub(super) prompt: String,
    pub(super) size_px: (u32, u32),
    pub(super) format: ImageFormat,
    /// None is any.
    pub(super) seed: Option<u32>,
    pub(super) inputs: Inputs,
    /// How much of the input shows.
    pub(super) keep: Option<f32>,
}

/// Checks a form.
pub(super) async fn check(core: &Core, service: &'static Service, label: String, form: Form) -> Result<Ask, Refused> {
    let form = without_misfits(service, form);
    let texts = texts(service, &form)?;
    let text = |name: &str| texts.get(name).copied();
    let number = |name: &str| text(name).and_then(|text| text.parse::<f64>().ok());
    check_together(service, &form, &texts)?;
    let input = image(core, &form, "image").await?;
    let mask = image(core, &form, "mask").await?;
    if let Some(input) = &input {
        check_input(service, input)?;
    }
    let size_px = size(service, input.as_ref(), text("aspect_ratio"), number);
    let input = input.map(|input| match service.outcome {
        Outcome::Extended => with_border(&input, size_px, (pixels(number("left")), pixels(number("up")))),
        _ => input,
    });
    let mask = match (service.input, mask) {
        (Input::Masked | Input::Any, Some(mask)) => Some(white_to_clear(&mask)),
        // Without one, the image's own holes are it.
        (Input::Masked | Input::Any, None) => input.clone().filter(Bitmap::has_transparency),
        _ if service.outcome == Outcome::Extended => input.clone(),
        _ => None,
    };
    Ok(Ask {
        service,
        prompt: text("prompt").unwrap_or_default().to_owned(),
        size_px,
        format: match text("output_format") {
            Some("jpeg") => ImageFormat::Jpeg,
            Some("webp") => ImageFormat::Webp,
            _ => ImageFormat::Png,
        },
        seed: number("seed").map(|seed| seed as u32).filter(|seed| *seed > 0),
        keep: number("strength").map(|strength| 1.0 - strength as f32),
        label,
        inputs: Inputs {
            images: input.into_iter().collect(),
            mask: mask.map(Arc::new),
        },
    })
}

/// The form without what a stand-in for its service does not take.
fn without_misfits(service: &Service, form: Form) -> Form {
    let text = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap_or_default().to_owned());
    let form_of = |fields: &Map<String, Value>| Form {
        texts: fields.iter().map(text).collect(),
        files: Vec::new(),
    };
    let fields = form
        .texts
        .iter()
        .map(|(name, text)| (name.clone(), Value::from(text.as_str())));
    let fields: Map<String, Value> = fields.collect();
    if fields.len() < form.texts.len() {
        return form;
    }
    let fields = strangers::fit(fields, |fields| texts(service, &form_of(fields)).is_ok());
    Form {
        texts: form_of(&fields).texts,
        ..form
    }
}

/// The part by which the service's own samples make a form of what has no file: `files={"none": ""}`.
fn is_nothing(name: &str, content: &[u8]) -> bool {
    name == "none" && content.is_empty()
}

/// The text fields, all their faults told together.
fn texts<'f>(service: &Service, form: &'f Form) -> Result<HashMap<&'f str, &'f str>, Refused> {
    let mut texts = HashMap::new();
    let mut faults = Vec::new();
    for (name, text) in &form.texts {
        if is_nothing(name, text.as_bytes()) {
            continue;
        }
        let field = service.fields.iter().find(|field| field.name == name);
        match field {
            None => faults.push(format!("{name}: is not allowed")),
            // A model that the service does not have is served all the same, where such are.
            Some(Field { name: "model", .. }) if strangers::is_served() => {}
            Some(field) => faults.extend(field.fault(text)),
        }
        if texts.insert(name.as_str(), text.as_str()).is_some() {
            faults.push(format!("{name}: may be given only once"));
        }
    }
    for field in service.fields {
        if field.required && !texts.contains_key(field.name) {
            faults.push(format!("{}: is required", field.name));
        }
    }
    if faults.is_empty() {
        Ok(texts)
    } else {
        Err(errors::fields(&faults))
    }
}

/// Files, and rules between fields.
fn check_together(service: &Service, form: &Form, texts: &HashMap<&str, &str>) -> Result<(), Refused> {
    let count = |name: &str| form.files.iter().filter(|file| file.name == name).count();
    let taken = |file: &&FormFile| match file.name.as_str() {
        "image" => service.input != Input::None,
        "mask" => matches!(service.input, Input::Masked | Input::Any),
        name => is_nothing(name, &file.bytes),
    };
    let mut faults: Vec<String> = form
        .files
        .iter()
        .filter(|file| !taken(file))
        .map(|file| format!("{}: is not allowed", file.name))
        .collect();
    for name in ["image", "mask"] {
        if count(name) > 1 {
            faults.push(format!("{name}: may be given only once"));
        }
    }
    let has_image = count("image") > 0;
    match service.input {
        Input::Required | Input::Masked if !has_image => faults.push("image: is required".to_owned()),
        Input::Optional => {
            let is_variation = texts.get("mode").map(|mode| *mode == "image-to-image");
            let has_strength = texts.contains_key("strength");
            if is_variation == Some(true) && !has_image {
                faults.push("image: is required when mode is image-to-image".to_owned());
            }
            if is_variation == Some(false) && has_image {
                faults.push("image: is not allowed when mode is text-to-image".to_owned());
            }
            if has_image && !has_strength {
                faults.push("strength: is required when image is given".to_owned());
            }
            if has_strength && !has_image {
                faults.push("strength: is only allowed when image is given".to_owned());
            }
            if has_image && service.has("mode") && texts.contains_key("aspect_ratio") {
                faults.push("aspect_ratio: is only allowed for text-to-image".to_owned());
            }
        }
        _ => {}
    }
    let grows = ["left", "right", "up", "down"]
        .iter()
        .any(|name| texts.get(name).is_some_and(|text| *text != "0"));
    if service.outcome == Outcome::Extended && !grows {
        faults.push("left, right, up, down: at least one must be greater than 0".to_owned());
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(errors::fields(&faults))
    }
}

async fn image(core: &Core, form: &Form, name: &str) -> Result<Option<Bitmap>, Refused> {
    let Some(file) = form.files.iter().find(|file| file.name == name) else {
        return Ok(None);
    };
    let known = ImageFormat::sniff(&file.bytes)
        .is_some_and(|format| matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Webp));
    if !known {
        let fault = format!("{name}: must be a jpeg, png or webp");
        return Err(errors::bad_request(&fault));
    }
    let decoded = core.pictures.decode(file.bytes.clone()).await;
    let unreadable = || errors::bad_request(&format!("{name}: could not be decoded"));
    decoded.map(Some).map_err(|_| unreadable())
}

fn check_input(service: &Service, input: &Bitmap) -> Result<(), Refused> {
    let (width, height) = (input.width_px(), input.height_px());
    let pixels = u64::from(width) * u64::from(height);
    let (least, most) = service.pixels;
    let least_edge = service.least_edge_px;
    let ratio = f64::from(width.max(height)) / f64::from(width.min(height).max(1));
    let fault = if width.min(height) < least_edge {
        format!("image: every side must be at least {least_edge} pixels")
    } else if !(least..=most).contains(&pixels) {
        format!("image: total pixel count must be between {least} and {most}, got {pixels}")
    } else if service.bounded_ratio && ratio > MOST_RATIO {
        "image: the aspect ratio must be between 1:2.5 and 2.5:1".to_owned()
    } else {
        return Ok(());
    };
    Err(errors::bad_request(&fault))
}

fn size(
    service: &Service,
    input: Option<&Bitmap>,
    ratio: Option<&str>,
    number: impl Fn(&str) -> Option<f64>,
) -> (u32, u32) {
    let own = input.map_or((1_024, 1_024), |input| (input.width_px(), input.height_px()));
    match service.outcome {
        Outcome::Drawn(edge_px) => {
            let ratio = ratio.and_then(|ratio| {
                let (width, height) = ratio.split_once(':')?;
                Some(width.parse::<f64>().ok()? / height.parse::<f64>().ok()?)
            });
            let own_ratio = f64::from(own.0) / f64::from(own.1.max(1));
            let area = f64::from(edge_px) * f64::from(edge_px);
            with_area(area, ratio.unwrap_or(own_ratio), 64.0)
        }
        Outcome::Repainted => own,
        Outcome::Extended => {
            let border = |name: &str| pixels(number(name));
            (
                own.0 + border("left") + border("right"),
                own.1 + border("up") + border("down"),
            )
        }
        Outcome::Multiplied(by) => (own.0 * by, own.1 * by),
        Outcome::Enlarged => with_area(ENLARGED_PIXELS, f64::from(own.0) / f64::from(own.1.max(1)), 8.0),
    }
}

/// Multiples of `step` with about this area.
fn with_area(area: f64, ratio: f64, step: f64) -> (u32, u32) {
    let height = (area / ratio).sqrt();
    let round = |edge: f64| ((edge / step).round().max(1.0) * step) as u32;
    (round(height * ratio), round(height))
}

fn pixels(number: Option<f64>) -> u32 {
    number.map_or(0, |number| number as u32)
}

/// The image at a place of a larger one that is clear around it.
fn with_border(image: &Bitmap, size_px: (u32, u32), at_px: (u32, u32)) -> Bitmap {
    let row_bytes = |width_px: u32| width_px as usize * 4;
    let mut rgba = vec![0; row_bytes(size_px.0) * size_px.1 as usize];
    let rows = image.rgba().chunks_exact(row_bytes(image.width_px()));
    for (index, row) in rows.enumerate() {
        let start = row_bytes(size_px.0) * (at_px.1 as usize + index) + row_bytes(at_px.0);
        rgba[start..start + row.len()].copy_from_slice(row);
    }
    Bitmap::new(size_px.0, size_px.1, rgba).unwrap_or_else(|_| image.clone())
}
