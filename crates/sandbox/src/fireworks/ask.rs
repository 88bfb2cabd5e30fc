//! Reads and checks the body of a call.

use super::errors;
use super::models::{Model, Way, shapes, size_of};
use crate::refused::Refused;
use axum::http::HeaderMap;
use imaging::ImageFormat;
use serde_json::{Map, Value};

/// Most steps of any model.
const MAX_STEPS: u64 = 100;

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
    let prompt = text(body, "prompt")?.filter(|prompt| !prompt.trim().is_empty());
    let prompt = prompt.ok_or_else(|| errors::invalid("Field required: 'prompt'"))?;
    text(body, "negative_prompt")?;
    if whole(body, "samples", 1, 8)?.is_some_and(|samples| samples > 1) {
        // Several images would come as one body; what that looks like is not documented.
        return Err(errors::invalid("Only one image is made in a call: 'samples' must be 1"));
    }
    for name in ["guidance_scale", "cfg_scale"] {
        if body
            .get(name)
            .is_some_and(|scale| !scale.is_null() && number(scale).is_none())
        {
            return Err(errors::invalid(format!("Input should be a number: '{name}'")));
        }
    }
    let image = text(body, "input_image")?.map(str::to_owned);
    let steps_name = if model.way == Way::Generation {
        "steps"
    } else {
        "num_inference_steps"
    };
    Ok(Ask {
        model,
        prompt: prompt.to_owned(),
        size: size(model, body, image.is_some())?,
        steps: whole(body, steps_name, 1, MAX_STEPS)?.map_or(model.default_steps, |steps| steps as u32),
        seed: whole(body, "seed", 0, u64::from(u32::MAX))?,
        format: match model.way {
            Way::Job => output_format(body)?,
            Way::Workflow | Way::Generation => accepted(headers)?,
        },
        image,
    })
}

fn size(model: &Model, body: &Map<String, Value>, has_image: bool) -> Result<Option<(u32, u32)>, Refused> {
    if model.way == Way::Generation {
        let side = |name: &str| {
            let side = whole(body, name, 256, 2048)?.unwrap_or(1024) as u32;
            if side.is_multiple_of(8) {
                Ok(side)
            } else {
                Err(errors::invalid(format!("Input should be a multiple of 8: '{name}'")))
            }
        };
        return Ok(Some((side("width")?, side("height")?)));
    }
    match text(body, "aspect_ratio")? {
        None if has_image => Ok(None),
        None => Ok(Some((1024, 1024))),
        Some(shape) => size_of(shape)
            .map(Some)
            .ok_or_else(|| errors::invalid(format!("Input should be one of {}: 'aspect_ratio'", shapes()))),
    }
}

fn output_format(body: &Map<String, Value>) -> Result<ImageFormat, Refused> {
    match text(body, "output_format")? {
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

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refused> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(errors::invalid(format!("Input should be a valid string: '{name}'"))),
    }
}

/// A number, or the text of one: clients send both.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn whole(body: &Map<String, Value>, name: &str, least: u64, most: u64) -> Result<Option<u64>, Refused> {
    let Some(value) = body.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let given = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    match given {
        Some(given) if (least..=most).contains(&given) => Ok(Some(given)),
        _ => Err(errors::invalid(format!(
            "Input should be a whole number from {least} to {most}: '{name}'"
        ))),
    }
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
