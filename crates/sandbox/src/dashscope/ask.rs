//! Reads and checks the body of a generation.

use super::errors;
use super::models::{Model, Sizes};
use crate::fields::{Fields, Type, Wrong};
use crate::refused::Refused;
use serde_json::{Map, Value, json};

/// The greatest seed.
const MAX_SEED: i64 = 2_147_483_647;

/// A checked request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    /// Links or data URLs, in order.
    pub(super) images: Vec<String>,
    pub(super) size: Size,
    pub(super) n: u32,
    pub(super) seed: Option<u64>,
    /// Whether the prompt is rewritten first.
    pub(super) extends: bool,
}

/// The size that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Exact(u32, u32),
    /// By name: the side of a square of that area.
    Tier(u32),
    /// None was given.
    Default,
}

/// The model that a body names, and its prompt as far as it can be found: what faults go by.
pub(super) fn subject(body: &Value) -> Result<(&'static Model, String), Refused> {
    let id = body["model"]
        .as_str()
        .ok_or_else(|| errors::parameter("Required parameter(s) missing or invalid: model"))?;
    let model = Model::find(id).ok_or_else(errors::no_model)?;
    let parts = body["input"]["messages"][0]["content"].as_array();
    let prompt = parts.and_then(|parts| parts.iter().find_map(|part| part["text"].as_str()));
    Ok((model, prompt.unwrap_or_default().to_owned()))
}

/// The body as the log of calls shows it: the prompt under a name by which it is left out.
pub(super) fn shown(body: &Value, prompt: &str) -> Value {
    let parts = body["input"]["messages"][0]["content"].as_array();
    let images: Vec<&Value> = parts
        .map(|parts| parts.iter().filter_map(|part| part.get("image")).collect())
        .unwrap_or_default();
    json!({"prompt": prompt, "images": images, "parameters": body["parameters"]})
}

/// Checks the whole body. Parameters that the documentation does not name are ignored, as it does not say otherwise.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(model: &'static Model, body: &Value) -> Result<Ask, Refused> {
    if body.get("messages").is_some() {
        return Err(errors::parameter("messages belongs into input"));
    }
    let (prompt, images) = message(&body["input"]["messages"])?;
    let (least, most) = model.inputs;
    if !(least..=most).contains(&images.len()) {
        let id = model.id;
        return Err(errors::parameter(format!(
            "the number of images must be between {least} and {most} for {id}, not {}",
            images.len()
        )));
    }
    let none = Map::new();
    let parameters = match &body["parameters"] {
        Value::Null => &none,
        Value::Object(parameters) => parameters,
        _ => return Err(errors::parameter("parameters must be an object")),
    };
    let fields = Fields::new(parameters, words);
    fields.flag("watermark")?;
    if parameters.get("negative_prompt").is_some_and(|text| !text.is_string()) {
        return Err(errors::parameter("negative_prompt must be a string"));
    }
    Ok(Ask {
        model,
        prompt,
        images,
        size: size(model, parameters)?,
        n: fields
            .integer("n", 1, i64::from(model.max_n))?
            .map_or(model.default_n, |n| n as u32),
        seed: fields.integer("seed", 0, MAX_SEED)?.map(i64::cast_unsigned),
        extends: fields.flag("prompt_extend")?.unwrap_or(model.id != "z-image-turbo"),
    })
}

fn message(messages: &Value) -> Result<(String, Vec<String>), Refused> {
    let parts = match messages.as_array().map(Vec::as_slice) {
        Some([message]) if message["role"] == "user" => message["content"].as_array(),
        _ => {
            return Err(errors::parameter(
                "input.messages must hold one message of the role user",
            ));
        }
    };
    let mut texts = Vec::new();
    let mut images = Vec::new();
    for part in parts.into_iter().flatten() {
        match (part["text"].as_str(), part["image"].as_str()) {
            (Some(text), None) => texts.push(text.to_owned()),
            (None, Some(image)) if is_link(image) => images.push(image.to_owned()),
            (None, Some(_)) => return Err(errors::parameter("image must be a URL or a data URL")),
            _ => return Err(errors::parameter("each part of content must be a text or an image")),
        }
    }
    match (texts.pop(), texts.is_empty()) {
        (Some(prompt), true) if !prompt.trim().is_empty() => Ok((prompt, images)),
        _ => Err(errors::parameter(
            "content must hold exactly one text that is not empty",
        )),
    }
}

fn is_link(text: &str) -> bool {
    ["http://", "https://", "data:image/"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

fn size(model: &Model, parameters: &Map<String, Value>) -> Result<Size, Refused> {
    let Some(value) = parameters.get("size").filter(|size| !size.is_null()) else {
        return Ok(Size::Default);
    };
    let refused = || {
        let allowed = match model.sizes {
            Sizes::Listed(sizes) => sizes
                .iter()
                .map(|(w, h)| format!("{w}*{h}"))
                .collect::<Vec<_>>()
                .join(", "),
            Sizes::Area { least_px, most_px } => {
                format!("{least_px}*{least_px} to {most_px}*{most_px} pixels in all, ratio 1:8 to 8:1")
            }
            Sizes::Sides { least_px, most_px } => format!("{least_px} to {most_px} pixels a side"),
            Sizes::ByInput => "no size at all".to_owned(),
        };
        errors::parameter(format!(
            "size must be of the form width*height: {} takes {allowed}",
            model.id
        ))
    };
    let text = value.as_str().ok_or_else(refused)?;
    if let Some((_, side_px)) = model.tiers.iter().find(|(name, _)| *name == text) {
        return Ok(Size::Tier(*side_px));
    }
    let (width, height) = text.split_once('*').ok_or_else(refused)?;
    match (width.parse(), height.parse()) {
        (Ok(width), Ok(height)) if model.takes((width, height)) => Ok(Size::Exact(width, height)),
        _ => Err(refused()),
    }
}

/// The words of the service for what is wrong with a parameter.
fn words(path: &str, wrong: Wrong<'_>) -> Refused {
    errors::parameter(match wrong {
        Wrong::Type(Type::Integer(1, 1), _) | Wrong::Range(_, Type::Integer(1, 1)) => {
            "num_images_per_prompt must be 1".to_owned()
        }
        Wrong::Type(Type::Integer(least, most), _) | Wrong::Range(_, Type::Integer(least, most)) => {
            format!("{path} must be between {least} and {most}")
        }
        Wrong::Type(Type::Flag, _) => format!("{path} must be true or false"),
        Wrong::Type(kind, _) | Wrong::Range(_, kind) => format!("{path} must be {}", kind.name()),
        Wrong::Word(_, listed) => format!("{path} must be one of {}", listed.join(", ")),
        Wrong::Unknown => format!("{path} is unknown"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(model: &str, parameters: &Value, images: usize) -> Result<Ask, String> {
        let mut content = vec![json!({"image": "data:image/png;base64,AA"}); images];
        content.push(json!({"text": "a fox"}));
        let body = json!({"model": model, "input": {"messages": [{"role": "user", "content": content}]}, "parameters": parameters});
        let (model, prompt) = subject(&body).map_err(|refused| refused.body["code"].to_string())?;
        assert_eq!(prompt, "a fox");
        check(model, &body).map_err(|refused| refused.body["message"].to_string())
    }

    #[test]
    fn what_is_documented_is_taken() {
        let ask = checked(
            "qwen-image-2.0",
            &json!({"size": "1024*512", "n": 6, "seed": 0, "other": 1}),
            3,
        );
        let ask = ask.expect("it is valid");
        assert_eq!(
            (ask.size, ask.n, ask.seed, ask.extends),
            (Size::Exact(1024, 512), 6, Some(0), true)
        );
        let ask = checked("wan2.7-image", &json!({"size": "2K"}), 0).expect("it is valid");
        assert_eq!((ask.size, ask.n), (Size::Tier(2048), 4));
        let ask = checked("z-image-turbo", &Value::Null, 0).expect("it is valid");
        assert_eq!((ask.size, ask.n, ask.extends), (Size::Default, 1, false));
    }

    #[test]
    fn what_is_not_is_refused_by_name() {
        for (model, parameters, images, word) in [
            ("qwen-image-2.0", json!({"size": "1024x512"}), 0, "size"),
            ("qwen-image-2.0", json!({"size": "1K"}), 0, "size"),
            ("wan2.7-image", json!({"size": "4K"}), 0, "size"),
            ("qwen-image", json!({"size": "1024*1024"}), 0, "1328*1328"),
            ("qwen-image", json!({"n": 2}), 0, "num_images_per_prompt"),
            ("qwen-image-2.0", json!({"n": 0}), 0, "n must be"),
            ("qwen-image-2.0", json!({"seed": 2_147_483_648_u64}), 0, "seed"),
            ("qwen-image-2.0", json!({"watermark": "no"}), 0, "watermark"),
            ("qwen-image-2.0", json!({"negative_prompt": 1}), 0, "negative_prompt"),
            ("qwen-image-2.0", json!([]), 0, "parameters"),
            ("qwen-image", Value::Null, 1, "number of images"),
            ("qwen-image-edit", Value::Null, 0, "number of images"),
            ("qwen-image-edit", json!({"size": "1024*1024"}), 1, "no size"),
            ("dall-e-3", Value::Null, 0, "ModelNotFound"),
        ] {
            let refused = checked(model, &parameters, images).expect_err(word);
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn messages_have_one_text() {
        let of = |messages: Value| message(&messages).is_ok();
        let user = |content: Value| json!([{"role": "user", "content": content}]);
        assert!(of(user(json!([{"image": "https://a.example/1.png"}, {"text": "a"}]))));
        assert!(!of(user(json!([{"text": "a"}, {"text": "b"}]))));
        assert!(!of(user(json!([{"text": " "}]))));
        assert!(!of(user(json!([{"image": "file.png"}, {"text": "a"}]))));
        assert!(!of(user(json!([{"text": "a", "image": "https://a.example/1.png"}]))));
        assert!(!of(user(json!("a"))));
        assert!(!of(json!([{"role": "system", "content": [{"text": "a"}]}])));
        assert!(!of(Value::Null));
    }
}
