//! Reads what a prediction is asked to do from its checked input.

use super::models::{Kind, Model};
use super::values::{number, text};
use crate::pictures::DEFAULT_KEEP;
use imaging::ImageFormat;
use serde_json::{Map, Value};

/// Inputs that tell how many pictures; no model has two.
const COUNTS: [&str; 3] = ["num_outputs", "number_of_images", "num_images"];
/// Inputs that tell the quality of lossy files; no model has two.
const QUALITIES: [&str; 3] = ["output_quality", "output_compression", "compression_quality"];
/// Quality of lossy files, where no input tells it.
const USUAL_QUALITY: u8 = 90;

/// The input, read.
pub(super) struct Ask<'a> {
    pub(super) prompt: &'a str,
    /// `auto` is not resolved.
    pub(super) quality: &'a str,
    pub(super) count: u32,
    pub(super) format: ImageFormat,
    /// The ending of file names: `jpg` or `jpeg`, as asked for.
    pub(super) extension: &'a str,
    pub(super) compression: u8,
    pub(super) transparent: bool,
    pub(super) high_fidelity: bool,
    pub(super) seed: Option<i64>,
    pub(super) own_key: Option<&'a str>,
    pub(super) image_urls: Vec<&'a str>,
    /// How much of the first input picture shows, 0 to 1.
    pub(super) keep: f32,
}

impl<'a> Ask<'a> {
    /// Reads a valid input with all defaults.
    pub(super) fn read(model: &'static Model, input: &'a Map<String, Value>) -> Self {
        let image_urls = image_urls(model, input);
        let compression = QUALITIES.iter().find_map(|name| number(input, name));
        let key = text(input, "openai_api_key");
        let chosen = text(input, "output_format");
        let extension = if chosen.is_empty() { model.extension } else { chosen };
        Self {
            prompt: text(input, "prompt"),
            quality: text(input, "quality"),
            count: count(input),
            format: match extension {
                "png" => ImageFormat::Png,
                "jpg" | "jpeg" => ImageFormat::Jpeg,
                _ => ImageFormat::Webp,
            },
            extension,
            compression: compression.map_or(USUAL_QUALITY, |quality| quality as u8),
            transparent: text(input, "background") == "transparent",
            high_fidelity: text(input, "input_fidelity") == "high",
            seed: number(input, "seed").map(|seed| seed as i64),
            own_key: Some(key).filter(|key| !key.is_empty()),
            image_urls,
            keep: keep(input),
        }
    }
}

fn image_urls<'a>(model: &Model, input: &'a Map<String, Value>) -> Vec<&'a str> {
    let mut urls = Vec::new();
    for field in model.inputs {
        let value = input.get(field.name);
        match field.kind {
            Kind::Image => urls.extend(value.and_then(Value::as_str)),
            Kind::Images => {
                let items = value.and_then(Value::as_array).into_iter().flatten();
                urls.extend(items.filter_map(Value::as_str));
            }
            _ => {}
        }
    }
    urls
}

/// A group has as many pictures as it may have.
fn count(input: &Map<String, Value>) -> u32 {
    let is_group = text(input, "sequential_image_generation") == "auto";
    let told = match is_group {
        true => number(input, "max_images"),
        false => COUNTS.iter().find_map(|name| number(input, name)),
    };
    told.map_or(1, |count| count as u32)
}

fn keep(input: &Map<String, Value>) -> f32 {
    let lost = number(input, "prompt_strength").map(|strength| 1.0 - strength);
    let kept = lost.or_else(|| number(input, "image_prompt_strength"));
    kept.map_or(DEFAULT_KEEP, |kept| kept as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::input::check;
    use serde_json::json;

    /// The input with all defaults.
    fn filled(model: &'static Model, input: Value) -> Map<String, Value> {
        check(model, &input).expect("the input is valid")
    }

    #[test]
    fn pictures_of_all_fields_are_found() {
        let model = Model::find("black-forest-labs", "flux-1.1-pro-ultra").expect("the model is in the table");
        let input = filled(
            model,
            json!({"prompt": "a", "image_prompt": "data:1", "image_prompt_strength": 0.3}),
        );
        let ask = Ask::read(model, &input);
        assert_eq!((ask.image_urls, ask.extension), (vec!["data:1"], "jpg"));
        assert!((ask.keep - 0.3).abs() < 1e-6);
        let model = Model::find("google", "nano-banana").expect("the model is in the table");
        let input = filled(model, json!({"prompt": "a", "image_input": ["data:1", "data:2"]}));
        let ask = Ask::read(model, &input);
        assert_eq!((ask.image_urls.len(), ask.count), (2, 1));
    }

    #[test]
    fn only_groups_have_several_pictures() {
        let model = Model::find("bytedance", "seedream-4").expect("the model is in the table");
        let count = |mode: &str| {
            let input = json!({"prompt": "a", "max_images": 4, "sequential_image_generation": mode});
            Ask::read(model, &filled(model, input)).count
        };
        assert_eq!((count("disabled"), count("auto")), (1, 4));
    }

    #[test]
    fn strength_is_what_is_lost() {
        let model = Model::find("black-forest-labs", "flux-dev").expect("the model is in the table");
        let input = filled(model, json!({"prompt": "a", "output_quality": 0}));
        let ask = Ask::read(model, &input);
        assert!((ask.keep - 0.2).abs() < 1e-6);
        assert_eq!(ask.compression, 0);
    }
}
