//! Reads and checks the body of a call.

use super::errors;
use super::models::{Model, Way, shapes, size_of};
use crate::fields::{Fields, Type, Wrong};
use crate::refused::Refused;
use axum::http::HeaderMap;
use imaging::ImageFormat;
use serde_json::{Map, Value};

/// Most steps of any model.
const MAX_STEPS: i64 = 100;

/// A checked request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    /// None where it follows the input image.
    pub(super) size: Option<(u32, u32)>,
    pub(super) steps: u32,
    pub(super) seed: Option<u64>,
    pub(super) format: ImageFormat,
    /// A link or data URI.
    pub(super) image: Option<String>,
}

/// Checks a body. The format of an image that is answered with is asked for by the header `Accept`.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(model: &'static Model, body: &Map<String, Value>, headers: &HeaderMap) -> Result<Ask, Refused> {
    for (name, value) in body {
        if name != "prompt" && !model.fields.contains(&name.as_str()) {
            let message = format!("Extra inputs are not permitted, field: '{name}', value: {value}");
            return Err(errors::invalid(message));
        }
    }
    let fields = Fields::new(body, words).lenient();
    let prompt = fields.text("prompt")?.filter(|prompt| !prompt.trim().is_empty());
    let prompt = prompt.ok_or_else(|| errors::invalid("Field required: 'prompt'"))?;
    fields.text("negative_prompt")?;
    if fields.integer("samples", 1, 8)?.is_some_and(|samples| samples > 1) {
        // Several images would come as one body; what that looks like is not documented.
        return Err(errors::invalid("Only one image is made in a call: 'samples' must be 1"));
    }
    for name in ["guidance_scale", "cfg_scale"] {
        fields.number(name, f64::MIN, f64::MAX)?;
    }
    let image = fields.text("input_image")?.map(str::to_owned);
    let steps_name = if model.way == Way::Generation {
        "steps"
    } else {
        "num_inference_steps"
    };
    Ok(Ask {
        model,
        prompt: prompt.to_owned(),
        size: size(model, &fields, image.is_some())?,
        steps: fields
            .integer(steps_name, 1, MAX_STEPS)?
            .map_or(model.default_steps, |steps| steps as u32),
        seed: fields.integer("seed", 0, i64::from(u32::MAX))?.map(i64::cast_unsigned),
        format: match model.way {
            Way::Job => output_format(&fields)?,
            Way::Workflow | Way::Generation => accepted(headers)?,
        },
        image,
    })
}

fn size(model: &Model, fields: &Fields<'_>, has_image: bool) -> Result<Option<(u32, u32)>, Refused> {
    if model.way == Way::Generation {
        let side = |name: &str| {
            let side = fields.integer(name, 256, 2048)?.unwrap_or(1024) as u32;
            if side.is_multiple_of(8) {
                Ok(side)
            } else {
                Err(errors::invalid(format!("Input should be a multiple of 8: '{name}'")))
            }
        };
        return Ok(Some((side("width")?, side("height")?)));
    }
    match fields.text("aspect_ratio")? {
        None if has_image => Ok(None),
        None => Ok(Some((1024, 1024))),
        Some(shape) => size_of(shape)
            .map(Some)
            .ok_or_else(|| errors::invalid(format!("Input should be one of {}: 'aspect_ratio'", shapes()))),
    }
}

fn output_format(fields: &Fields<'_>) -> Result<ImageFormat, Refused> {
    match fields.text("output_format")? {
        None | Some("jpeg") => Ok(ImageFormat::Jpeg),
        Some("png") => Ok(ImageFormat::Png),
        Some(_) => Err(errors::invalid("Input should be 'jpeg' or 'png': 'output_format'")),
    }
}

/// JPEG, unless PNG is what the caller wants. Answers in JSON are not emulated.
fn accepted(headers: &HeaderMap) -> Result<ImageFormat, Refused> {
    let accept = headers
        .get("accept")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("*/*");
    let mut kinds = accept
        .split(',')
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let format = kinds.find_map(|kind| match kind {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" | "image/*" | "*/*" => Some(ImageFormat::Jpeg),
        _ => None,
    });
    format.ok_or_else(|| errors::error(406, "NOT_ACCEPTABLE", "Accept should be image/jpeg or image/png"))
}

/// The words of the service for what is wrong with a field.
fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    let wanted = match wrong {
        Wrong::Type(Type::Integer(least, most), _) | Wrong::Range(_, Type::Integer(least, most)) => {
            format!("a whole number from {least} to {most}")
        }
        Wrong::Type(Type::Text, _) => "a valid string".to_owned(),
        Wrong::Type(kind, _) | Wrong::Range(_, kind) => kind.name().to_owned(),
        Wrong::Word(_, listed) => format!("one of {}", listed.join(", ")),
        Wrong::Unknown => "absent".to_owned(),
    };
    errors::invalid(format!("Input should be {wanted}: '{path}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use serde_json::json;

    fn checked(id: &str, way: Way, body: &Value, accept: &'static str) -> Result<Ask, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static(accept));
        let model = Model::find(id, way).expect("in the table");
        check(model, body.as_object().expect("an object"), &headers)
    }

    #[test]
    fn what_is_documented_is_taken() {
        let body =
            json!({"prompt": "a fox", "aspect_ratio": "16:9", "num_inference_steps": 8, "seed": 3, "samples": 1});
        let ask = checked("flux-1-dev-fp8", Way::Workflow, &body, "image/*").expect("it is valid");
        assert_eq!(
            (ask.size, ask.steps, ask.seed, ask.format),
            (Some((1344, 768)), 8, Some(3), ImageFormat::Jpeg)
        );
        let body = json!({"prompt": "a fox", "width": "768", "height": "512"});
        let ask = checked("SSD-1B", Way::Generation, &body, "text/html, image/png;q=1").expect("it is valid");
        assert_eq!(
            (ask.size, ask.steps, ask.format),
            (Some((768, 512)), 30, ImageFormat::Png)
        );
        let body = json!({"prompt": "a fox", "input_image": "data:,", "output_format": "png"});
        let ask = checked("flux-kontext-pro", Way::Job, &body, "*/*").expect("it is valid");
        assert_eq!((ask.size, ask.format), (None, ImageFormat::Png));
    }

    #[test]
    fn what_is_not_is_refused() {
        let flux = |body: Value| checked("flux-1-dev-fp8", Way::Workflow, &body, "*/*").expect_err("it is invalid");
        flux(json!({}));
        flux(json!({"prompt": " "}));
        flux(json!({"prompt": "a", "width": 512}));
        flux(json!({"prompt": "a", "aspect_ratio": "7:5"}));
        flux(json!({"prompt": "a", "samples": 2}));
        flux(json!({"prompt": "a", "num_inference_steps": 0}));
        flux(json!({"prompt": "a", "guidance_scale": []}));
        let older = |body: Value| checked("SSD-1B", Way::Generation, &body, "*/*").expect_err("it is invalid");
        older(json!({"prompt": "a", "width": 1000, "height": 1001}));
        older(json!({"prompt": "a", "aspect_ratio": "1:1"}));
        let accept = checked("SSD-1B", Way::Generation, &json!({"prompt": "a"}), "application/json");
        assert!(accept.is_err());
    }
}
