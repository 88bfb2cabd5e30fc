//! Checks a body against its model, in the words of the API's own validator.

use super::models::{FREE_PIXELS, Kind, Model, Sizing};
use crate::details::{Detail, outside, whole_number};
use serde_json::{Map, Value};

/// The longest shape that a ratio may have.
const LONGEST_RATIO: f64 = 21.0 / 9.0;

/// Checks all fields that the model has.
///
/// # Errors
/// Everything that is wrong, in the order of the model's fields.
pub(super) fn check(model: &Model, body: &Map<String, Value>) -> Result<(), Vec<Detail>> {
    let mut faults = Vec::new();
    for field in model.fields {
        match body.get(field.name).filter(|value| !value.is_null()) {
            None if field.required => {
                let whole = Value::Object(body.clone());
                faults.push(Detail::field(field.name, "missing", "Field required").with_input(&whole));
            }
            None => {}
            Some(value) => faults.extend(fault(field.name, field.kind, value)),
        }
    }
    for name in model.input_names() {
        if let Some(value) = body.get(&name).filter(|value| !value.is_null()) {
            faults.extend(fault(&name, Kind::Image, value));
        }
    }
    if faults.is_empty() {
        faults.extend(too_many_pixels(model, body));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fault(name: &str, kind: Kind, value: &Value) -> Option<Detail> {
    let fault = |kind, msg: &str| Some(Detail::field(name, kind, msg));
    let found = match kind {
        Kind::Text | Kind::Image if value.is_string() => None,
        Kind::Text | Kind::Image => fault("string_type", "Input should be a valid string"),
        Kind::Integer => whole_number(value).err().and_then(|(kind, msg)| fault(kind, msg)),
        Kind::Range(least, most, step) => match whole_number(value) {
            Err((kind, msg)) => fault(kind, msg),
            Ok(number) => outside(name, number, &(least..=most)).or_else(|| {
                let msg = format!("Input should be a multiple of {step}");
                (number % step != 0).then(|| Detail::field(name, "multiple_of", msg))
            }),
        },
        Kind::Number(least, most) => match value.as_f64() {
            None => fault("float_type", "Input should be a valid number"),
            Some(number) => outside(name, number, &(least..=most)),
        },
        Kind::Flag if value.is_boolean() => None,
        Kind::Flag => fault("bool_type", "Input should be a valid boolean"),
        Kind::Choice(allowed) if value.as_str().is_some_and(|text| allowed.contains(&text)) => None,
        Kind::Choice(allowed) => {
            let quoted: Vec<String> = allowed.iter().map(|word| format!("'{word}'")).collect();
            fault("enum", &format!("Input should be {}", quoted.join(" or ")))
        }
        Kind::Ratio if value.as_str().and_then(ratio).is_some() => None,
        Kind::Ratio => fault(
            "value_error",
            "Value error, aspect_ratio must be W:H between 21:9 and 9:21",
        ),
    };
    found.map(|fault| fault.with_input(value))
}

/// Width to height of `W:H`, where it is not too long.
pub(super) fn ratio(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (u32, u32) = (width.parse().ok()?, height.parse().ok()?);
    let long = f64::from(width.max(height)) / f64::from(width.min(height));
    (long <= LONGEST_RATIO + 1e-9).then_some((width, height))
}

fn too_many_pixels(model: &Model, body: &Map<String, Value>) -> Option<Detail> {
    let edge = |name: &str| body.get(name).and_then(|value| whole_number(value).ok());
    let (width, height) = (edge("width")?, edge("height")?);
    let over = model.sizing == Sizing::Free && width.saturating_mul(height) > FREE_PIXELS as i64;
    over.then(|| {
        let msg = "Value error, the picture may have at most 4 megapixels";
        Detail::field("width", "value_error", msg).with_input(&Value::from(width))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(path: &str, body: &Value) -> Vec<(String, &'static str)> {
        let model = Model::find(path).expect("it is in the table");
        let body = body.as_object().expect("an object");
        let faults = check(model, body).err().unwrap_or_default();
        faults
            .into_iter()
            .map(|fault| (fault.at[0].as_str().unwrap_or_default().to_owned(), fault.kind))
            .collect()
    }

    fn expect(path: &str, body: &Value, expected: &[(&str, &'static str)]) {
        let expected: Vec<(String, &'static str)> = expected
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect();
        assert_eq!(kinds(path, body), expected, "{path} {body}");
    }

    #[test]
    fn every_fault_is_told_and_strangers_are_ignored() {
        expect(
            "flux-2-pro",
            &json!({"prompt": "x", "aspect_ratio": 5, "n": "two", "seed": null}),
            &[],
        );
        expect("flux-2-pro", &json!({}), &[("prompt", "missing")]);
        let body = json!({"prompt": 1, "width": 1000, "height": 32, "seed": "x", "safety_tolerance": 6,
                          "output_format": "webp", "input_image_8": 3, "input_image_9": 3, "prompt_upsampling": "no"});
        expect(
            "flux-2-pro",
            &body,
            &[
                ("prompt", "string_type"),
                ("width", "multiple_of"),
                ("height", "greater_than_equal"),
                ("prompt_upsampling", "bool_type"),
                ("safety_tolerance", "less_than_equal"),
                ("seed", "int_parsing"),
                ("output_format", "enum"),
                ("input_image_8", "string_type"),
            ],
        );
        expect("flux-2-klein-4b", &json!({"prompt": "x", "input_image_5": 1}), &[]);
        expect(
            "flux-2-flex",
            &json!({"prompt": "x", "steps": 51, "guidance": 1.0}),
            &[("steps", "less_than_equal"), ("guidance", "greater_than_equal")],
        );
        expect("flux-pro-1.0-fill", &json!({"mask": "x"}), &[("image", "missing")]);
    }

    #[test]
    fn sizes_and_ratios_have_bounds() {
        let size = |width: u32, height: u32| json!({"prompt": "x", "width": width, "height": height});
        expect("flux-2-max", &size(2048, 2048), &[]);
        expect("flux-2-max", &size(2064, 2048), &[("width", "value_error")]);
        expect("flux-pro-1.1", &size(1440, 256), &[]);
        expect(
            "flux-pro-1.1",
            &size(1472, 250),
            &[("width", "less_than_equal"), ("height", "greater_than_equal")],
        );
        for (text, fits) in [
            ("16:9", true),
            ("21:9", true),
            ("9:21", true),
            ("3:1", false),
            ("0:1", false),
            ("wide", false),
        ] {
            assert_eq!(ratio(text).is_some(), fits, "{text}");
        }
    }
}
