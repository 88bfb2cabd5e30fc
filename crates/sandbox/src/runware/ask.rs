//! Reads and checks an `imageInference` task.

use super::errors;
use super::models::Model;
use crate::fields::{Fields, Type, Wrong};
use crate::refused::Refused;
use imaging::ImageFormat;
use serde_json::{Map, Value};

/// Results of one task.
const MAX_RESULTS: i64 = 20;
/// Parameters that every model has.
const COMMON: [&str; 19] = [
    "taskType",
    "taskUUID",
    "model",
    "positivePrompt",
    "width",
    "height",
    "numberResults",
    "outputType",
    "outputFormat",
    "outputQuality",
    "includeCost",
    "checkNSFW",
    "safety",
    "deliveryMethod",
    "webhookURL",
    "uploadEndpoint",
    "ttl",
    "customTaskUUID",
    "inputImage",
];

/// How an image is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputType {
    Url,
    Base64,
    DataUri,
}

/// A checked task.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    pub(super) size: (u32, u32),
    pub(super) count: u32,
    pub(super) output: OutputType,
    pub(super) format: ImageFormat,
    /// Quality of the file, 20 to 99.
    pub(super) compression: u8,
    /// Quality of the picture, of OpenAI's models.
    pub(super) quality: String,
    pub(super) transparent: bool,
    pub(super) seed: Option<u64>,
    /// How far an edit may go from its input, 0 to 1.
    pub(super) strength: f64,
    /// Links, data URIs, base64 or UUIDs of uploads.
    pub(super) inputs: Vec<String>,
    pub(super) mask: Option<String>,
    pub(super) tells_cost: bool,
    pub(super) tells_nsfw: bool,
    pub(super) is_async: bool,
}

/// Checks a task.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(model: &'static Model, task: &Map<String, Value>) -> Result<Ask, Refused> {
    for (name, value) in task {
        let known = COMMON.contains(&name.as_str()) || model.has(name);
        if !known && !value.is_null() {
            return Err(errors::unsupported(name));
        }
    }
    let longest = model.longest_prompt;
    let fields = Fields::new(task, words);
    let value = |name: &str| task.get(name).unwrap_or(&Value::Null);
    let word = |name: &str, allowed: &[&'static str]| one_of(value(name), name, allowed);
    let prompt = fields
        .text("positivePrompt")?
        .ok_or_else(|| errors::missing("positivePrompt"))?;
    if !(2..=longest).contains(&prompt.chars().count()) {
        let expected = format!("It must have between 2 and {longest} characters.");
        return Err(errors::invalid("positivePrompt", &expected));
    }
    // A negative prompt is checked and otherwise without effect: pictures here have nothing to leave out.
    fields.text("negativePrompt")?;
    let openai = &value("providerSettings")["openai"];
    let quality = one_of(
        &openai["quality"],
        "providerSettings.openai.quality",
        &["auto", "low", "medium", "high"],
    )?;
    let background = one_of(
        &openai["background"],
        "providerSettings.openai.background",
        &["auto", "opaque", "transparent"],
    )?;
    let format = match word("outputFormat", &["JPG", "PNG", "WEBP"])? {
        Some("PNG") => ImageFormat::Png,
        Some("WEBP") => ImageFormat::Webp,
        _ => ImageFormat::Jpeg,
    };
    if background == Some("transparent") && format == ImageFormat::Jpeg {
        return Err(errors::invalid(
            "outputFormat",
            "JPG has no transparency: use PNG or WEBP.",
        ));
    }
    Ok(Ask {
        model,
        prompt: prompt.to_owned(),
        size: size(model, task)?,
        count: fields
            .integer("numberResults", 1, MAX_RESULTS)?
            .map_or(1, |count| count as u32),
        output: match word("outputType", &["URL", "base64Data", "dataURI"])? {
            Some("base64Data") => OutputType::Base64,
            Some("dataURI") => OutputType::DataUri,
            _ => OutputType::Url,
        },
        format,
        compression: fields
            .integer("outputQuality", 20, 99)?
            .map_or(95, |quality| quality as u8),
        quality: match quality {
            None | Some("auto") => "high".to_owned(),
            Some(quality) => quality.to_owned(),
        },
        transparent: background == Some("transparent"),
        seed: fields.integer("seed", 1, i64::MAX)?.map(i64::cast_unsigned),
        strength: fields.number("strength", 0.0, 1.0)?.unwrap_or(0.8),
        inputs: inputs(&fields)?,
        mask: fields.text("maskImage")?.map(str::to_owned),
        tells_cost: fields.flag("includeCost")?.unwrap_or(false),
        tells_nsfw: fields.flag("checkNSFW")?.unwrap_or(false) || value("safety")["checkContent"] == true,
        is_async: word("deliveryMethod", &["sync", "async"])? == Some("async"),
    })
}

/// The words of the service for what is wrong with a parameter.
fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    let expected = match wrong {
        Wrong::Type(Type::Integer(least, most), _) | Wrong::Range(_, Type::Integer(least, most)) => {
            format!("It must be an integer between {least} and {most}.")
        }
        Wrong::Type(Type::Number(least, most), _) | Wrong::Range(_, Type::Number(least, most)) => {
            format!("It must be a number between {least} and {most}.")
        }
        Wrong::Type(kind, _) | Wrong::Range(_, kind) => format!("It must be {}.", kind.name()),
        Wrong::Word(_, listed) => format!("Supported values are {}.", listed.join(", ")),
        Wrong::Unknown => return errors::unsupported(path),
    };
    errors::invalid(path, &expected)
}

fn one_of<'a>(value: &Value, name: &str, allowed: &[&'a str]) -> Result<Option<&'a str>, Refused> {
    if value.is_null() {
        return Ok(None);
    }
    let found = allowed.iter().copied().find(|word| value == word);
    found.map(Some).ok_or_else(|| {
        let expected = format!("Supported values are {}.", allowed.join(", "));
        errors::invalid(name, &expected)
    })
}

fn size(model: &Model, task: &Map<String, Value>) -> Result<(u32, u32), Refused> {
    let side = |name: &str| {
        let value = task.get(name).ok_or_else(|| errors::missing(name))?;
        let side = value.as_u64().and_then(|side| u32::try_from(side).ok());
        side.ok_or_else(|| errors::invalid(name, model.sizes()))
    };
    let size = (side("width")?, side("height")?);
    if model.takes(size) {
        return Ok(size);
    }
    // The side that fits beside a good one is not the one to blame.
    let name = if model.takes((size.0, 1024)) { "height" } else { "width" };
    Err(errors::invalid(name, model.sizes()))
}

/// The seed image, or the reference images wherever they stand.
fn inputs(fields: &Fields<'_>) -> Result<Vec<String>, Refused> {
    let mut inputs: Vec<String> = fields.text("seedImage")?.map(str::to_owned).into_iter().collect();
    let value = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    let nested = value("inputs");
    for (name, value) in [
        ("referenceImages", value("referenceImages")),
        ("inputs.referenceImages", &nested["referenceImages"]),
        // Sourceful's models name them so.
        ("inputs.references", &nested["references"]),
    ] {
        match value {
            Value::Null => {}
            Value::Array(items) if (1..=16).contains(&items.len()) && items.iter().all(Value::is_string) => {
                inputs.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            _ => return Err(errors::invalid(name, "It must be a list of 1 to 16 images.")),
        }
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(model: &str, more: Value) -> Result<Ask, String> {
        let mut task = json!({"taskType": "imageInference", "positivePrompt": "a fox", "width": 1024, "height": 1024});
        for (name, value) in more.as_object().expect("an object") {
            task[name] = value.clone();
        }
        let model = Model::find(model).expect("in the table");
        check(model, task.as_object().expect("an object"))
            .map_err(|error| error.body["parameter"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let ask = checked("runware:101@1", json!({})).expect("it is valid");
        assert_eq!(
            (ask.count, ask.output, ask.format, ask.compression),
            (1, OutputType::Url, ImageFormat::Jpeg, 95)
        );
        assert!(!ask.is_async && !ask.tells_cost && !ask.tells_nsfw);
    }

    #[test]
    fn inputs_are_found_wherever_they_stand() {
        let ask = checked("runware:101@1", json!({"seedImage": "data:a", "maskImage": "data:b"})).expect("it is valid");
        assert_eq!(
            (ask.inputs, ask.mask.as_deref()),
            (vec!["data:a".to_owned()], Some("data:b"))
        );
        let ask = checked("openai:4@1", json!({"inputs": {"referenceImages": ["a", "b"]}})).expect("it is valid");
        assert_eq!(ask.inputs, ["a", "b"]);
        let settings = json!({"providerSettings": {"openai": {"quality": "low"}}, "deliveryMethod": "async"});
        let ask = checked("openai:4@1", settings).expect("it is valid");
        assert_eq!((ask.quality.as_str(), ask.is_async), ("low", true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (model, more, parameter) in [
            ("runware:101@1", json!({"width": 1000}), "width"),
            ("runware:101@1", json!({"height": 1000}), "height"),
            ("runware:101@1", json!({"height": "1024"}), "height"),
            ("openai:4@1", json!({"width": 1280}), "width"),
            ("runware:101@1", json!({"numberResults": 21}), "numberResults"),
            ("runware:101@1", json!({"positivePrompt": "a"}), "positivePrompt"),
            ("runware:101@1", json!({"positivePrompt": null}), "positivePrompt"),
            ("runware:101@1", json!({"outputFormat": "png"}), "outputFormat"),
            ("runware:101@1", json!({"outputQuality": 100}), "outputQuality"),
            ("runware:101@1", json!({"outputType": "url"}), "outputType"),
            ("runware:101@1", json!({"seed": 0}), "seed"),
            ("runware:101@1", json!({"strength": 1.5}), "strength"),
            ("runware:101@1", json!({"includeCost": 1}), "includeCost"),
            ("runware:101@1", json!({"deliveryMethod": "later"}), "deliveryMethod"),
            ("runware:101@1", json!({"prompt": "x"}), "prompt"),
            ("openai:4@1", json!({"steps": 4}), "steps"),
            ("openai:4@1", json!({"referenceImages": []}), "referenceImages"),
            (
                "openai:4@1",
                json!({"providerSettings": {"openai": {"quality": "ultra"}}}),
                "providerSettings.openai.quality",
            ),
            (
                "openai:4@1",
                json!({"providerSettings": {"openai": {"background": "transparent"}}}),
                "outputFormat",
            ),
        ] {
            assert_eq!(checked(model, more).expect_err(parameter), parameter);
        }
    }
}
