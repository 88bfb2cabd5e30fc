//! Checks a body against its model, in the words of the API's own validator.

use super::errors::FieldFault;
use super::models::{FREE_PIXELS, Kind, Model, Sizing};
use serde_json::{Map, Value};

/// The longest shape that a ratio may have.
const LONGEST_RATIO: f64 = 21.0 / 9.0;

/// Checks all fields that the model has.
///
/// # Errors
/// Everything that is wrong, in the order of the model's fields.
pub(super) fn check(model: &Model, body: &Map<String, Value>) -> Result<(), Vec<FieldFault>> {
    let mut faults = Vec::new();
    for field in model.fields {
        match body.get(field.name).filter(|value| !value.is_null()) {
            None if field.required => {
                let whole = Value::Object(body.clone());
                faults.push(FieldFault::new(field.name, "missing", "Field required").with_input(&whole));
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

fn fault(name: &str, kind: Kind, value: &Value) -> Option<FieldFault> {
    let (code, msg) = match kind {
        Kind::Text | Kind::Image if value.is_string() => return None,
        Kind::Text | Kind::Image => ("string_type", "Input should be a valid string".to_owned()),
        Kind::Integer => match integer(value) {
            Ok(_) => return None,
            Err((code, msg)) => (code, msg.to_owned()),
        },
        Kind::Range(least, most, step) => range_fault(value, least, most, step)?,
        Kind::Number(least, most) => match value.as_f64() {
            None => ("float_type", "Input should be a valid number".to_owned()),
            Some(number) if number < least => ("greater_than_equal", at_least(least)),
            Some(number) if number > most => ("less_than_equal", at_most(most)),
            Some(_) => return None,
        },
        Kind::Flag if value.is_boolean() => return None,
        Kind::Flag => ("bool_type", "Input should be a valid boolean".to_owned()),
        Kind::Choice(allowed) => {
            if value.as_str().is_some_and(|text| allowed.contains(&text)) {
                return None;
            }
            let quoted: Vec<String> = allowed.iter().map(|word| format!("'{word}'")).collect();
            ("enum", format!("Input should be {}", quoted.join(" or ")))
        }
        Kind::Ratio => {
            if value.as_str().and_then(ratio).is_some() {
                return None;
            }
            let msg = "Value error, aspect_ratio must be W:H between 21:9 and 9:21";
            ("value_error", msg.to_owned())
        }
    };
    Some(FieldFault::new(name, code, msg).with_input(value))
}

fn range_fault(value: &Value, least: i64, most: i64, step: i64) -> Option<(&'static str, String)> {
    match integer(value) {
        Err((code, msg)) => Some((code, msg.to_owned())),
        Ok(number) if number < least => Some(("greater_than_equal", at_least(least))),
        Ok(number) if number > most => Some(("less_than_equal", at_most(most))),
        Ok(number) if number % step != 0 => Some(("multiple_of", format!("Input should be a multiple of {step}"))),
        Ok(_) => None,
    }
}

fn at_least(least: impl std::fmt::Display) -> String {
    format!("Input should be greater than or equal to {least}")
}

fn at_most(most: impl std::fmt::Display) -> String {
    format!("Input should be less than or equal to {most}")
}

/// A whole number; `4.0` is one, and so is `"4"`.
pub(super) fn integer(value: &Value) -> Result<i64, (&'static str, &'static str)> {
    let fraction = "Input should be a valid integer, got a number with a fractional part";
    let parsing = "Input should be a valid integer, unable to parse string as an integer";
    match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| {
                let whole = number.as_f64().filter(|number| number.fract() == 0.0);
                whole.filter(|number| number.abs() < 9e15).map(|number| number as i64)
            })
            .ok_or(("int_from_float", fraction)),
        Value::String(text) => text.trim().parse().map_err(|_| ("int_parsing", parsing)),
        _ => Err(("int_type", "Input should be a valid integer")),
    }
}

/// Width to height of `W:H`, where it is not too long.
pub(super) fn ratio(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (u32, u32) = (width.parse().ok()?, height.parse().ok()?);
    let long = f64::from(width.max(height)) / f64::from(width.min(height));
    (long <= LONGEST_RATIO + 1e-9).then_some((width, height))
}

fn too_many_pixels(model: &Model, body: &Map<String, Value>) -> Option<FieldFault> {
    let edge = |name: &str| body.get(name).and_then(|value| integer(value).ok());
    let (width, height) = (edge("width")?, edge("height")?);
    let over = model.sizing == Sizing::Free && width.saturating_mul(height) > FREE_PIXELS as i64;
    over.then(|| {
        let msg = "Value error, the picture may have at most 4 megapixels";
        FieldFault::new("width", "value_error", msg).with_input(&Value::from(width))
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
        faults.into_iter().map(|fault| (fault.name, fault.kind)).collect()
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
