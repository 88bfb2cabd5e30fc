//! Checks the input of a prediction against its model, in the words of Replicate's own validator.

use super::models::{Default, Input, Kind, Model};
use serde_json::{Map, Value, json};

/// One thing wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    kind: &'static str,
    /// `input` or `input.<name>`.
    field: String,
    description: String,
}

/// Checks an input and fills in the defaults. Fields that the model does not have are ignored: whether Replicate
/// refuses them is not documented.
///
/// # Errors
/// Everything that is wrong with it, in the order of the model's inputs.
pub(super) fn check(model: &Model, input: &Value) -> Result<Map<String, Value>, Vec<Problem>> {
    let Some(given) = input.as_object() else {
        return Err(vec![wrong_type("input".to_owned(), "object", input)]);
    };
    let mut filled = Map::new();
    let mut problems = Vec::new();
    for field in model.inputs {
        let value = given.get(field.name);
        let value = value.filter(|value| !(value.is_null() && is_nullable(field)));
        match (value, field.default) {
            (None, Default::Required) => problems.push(Problem {
                kind: "required",
                field: "input".to_owned(),
                description: format!("{} is required", field.name),
            }),
            (None, _) => {
                if let Some(default) = default_value(field) {
                    filled.insert(field.name.to_owned(), default);
                }
            }
            (Some(value), _) => {
                let before = problems.len();
                check_field(field, value, &mut problems);
                if problems.len() == before {
                    filled.insert(field.name.to_owned(), value.clone());
                }
            }
        }
    }
    if problems.is_empty() { Ok(filled) } else { Err(problems) }
}

fn is_nullable(field: &Input) -> bool {
    matches!(field.default, Default::Nothing)
}

/// The default as JSON; None where there is none.
pub(super) fn default_value(field: &Input) -> Option<Value> {
    match field.default {
        Default::Required | Default::Nothing => None,
        Default::Text(text) => Some(json!(text)),
        Default::Integer(number) => Some(json!(number)),
        Default::Number(number) => Some(json!(number)),
        Default::Boolean(flag) => Some(json!(flag)),
        Default::Empty(_) => Some(json!([])),
    }
}

fn check_field(field: &Input, value: &Value, problems: &mut Vec<Problem>) {
    let name = format!("input.{}", field.name);
    match field.kind {
        Kind::Text | Kind::Secret => {
            if !value.is_string() {
                problems.push(wrong_type(name, "string", value));
            }
        }
        Kind::Boolean => {
            if !value.is_boolean() {
                problems.push(wrong_type(name, "boolean", value));
            }
        }
        Kind::Choice(allowed) => {
            if value.as_str().is_none_or(|text| !allowed.contains(&text)) {
                let listed: Vec<String> = allowed.iter().map(|word| format!("\"{word}\"")).collect();
                problems.push(Problem {
                    kind: "enum",
                    description: format!("{name} must be one of the following: {}", listed.join(", ")),
                    field: name,
                });
            }
        }
        Kind::AnyInteger => {
            if whole(value).is_none() {
                problems.push(wrong_type(name, "integer", value));
            }
        }
        Kind::Integer(least, most) => match whole(value) {
            None => problems.push(wrong_type(name, "integer", value)),
            Some(number) => check_range(name, number as f64, least as f64, most as f64, problems),
        },
        Kind::Number(least, most) => match value.as_f64() {
            None => problems.push(wrong_type(name, "number", value)),
            Some(number) => check_range(name, number, least, most, problems),
        },
        Kind::Image => check_link(name, value, problems),
        Kind::Images => match value.as_array() {
            None => problems.push(wrong_type(name, "array", value)),
            Some(items) => {
                for (at, item) in items.iter().enumerate() {
                    check_link(format!("{name}.{at}"), item, problems);
                }
            }
        },
    }
}

fn check_link(field: String, value: &Value, problems: &mut Vec<Problem>) {
    match value.as_str() {
        None => problems.push(wrong_type(field, "string", value)),
        Some(text) if is_uri(text) => {}
        Some(_) => problems.push(Problem {
            kind: "format",
            field,
            description: "Does not match format 'uri'".to_owned(),
        }),
    }
}

fn is_uri(text: &str) -> bool {
    ["http://", "https://", "data:"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

fn whole(value: &Value) -> Option<i64> {
    let float = || value.as_f64().filter(|number| number.fract() == 0.0);
    value.as_i64().or_else(|| float().map(|number| number as i64))
}

fn check_range(field: String, number: f64, least: f64, most: f64, problems: &mut Vec<Problem>) {
    if number < least {
        problems.push(Problem {
            kind: "number_gte",
            field,
            description: format!("Must be greater than or equal to {least}"),
        });
    } else if number > most {
        problems.push(Problem {
            kind: "number_lte",
            field,
            description: format!("Must be less than or equal to {most}"),
        });
    }
}

fn wrong_type(field: String, expected: &str, given: &Value) -> Problem {
    let given = match given {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Problem {
        kind: "invalid_type",
        field,
        description: format!("Invalid type. Expected: {expected}, given: {given}"),
    }
}

/// The body of HTTP 422.
pub(super) fn problems_body(problems: &[Problem]) -> Value {
    let lines: String = problems
        .iter()
        .map(|problem| format!("- {}: {}\n", problem.field, problem.description))
        .collect();
    let fields: Vec<Value> = problems
        .iter()
        .map(|problem| json!({"type": problem.kind, "field": problem.field, "description": problem.description}))
        .collect();
    json!({"title": "Input validation failed", "detail": lines, "status": 422, "invalid_fields": fields})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, input: &Value) -> Result<Map<String, Value>, Vec<(String, &'static str)>> {
        let owner = if name.starts_with("flux") {
            "black-forest-labs"
        } else {
            "openai"
        };
        let model = Model::find(owner, name).expect("the model is in the table");
        check(model, input).map_err(|problems| {
            problems
                .into_iter()
                .map(|problem| (problem.field, problem.kind))
                .collect()
        })
    }

    #[test]
    fn defaults_are_filled_in_and_strangers_ignored() {
        let input = json!({"prompt": "a", "size": "1024x1024", "user_id": null, "input_images": null});
        let filled = checked("gpt-image-2", &input).expect("the input is valid");
        assert_eq!(filled["output_format"], "webp");
        assert_eq!(filled["number_of_images"], 1);
        assert!(!filled.contains_key("size"));
        assert!(!filled.contains_key("user_id"));
    }

    #[test]
    fn every_problem_is_told_in_the_validators_words() {
        let input = json!({
            "number_of_images": 11, "quality": "max", "output_compression": "90", "background": null,
            "input_images": ["data:,", "file.png", 3],
        });
        let problems = checked("gpt-image-1", &input).expect_err("the input is invalid");
        let expected = [
            ("input", "required"),
            ("input", "required"),
            ("input.input_images.1", "format"),
            ("input.input_images.2", "invalid_type"),
            ("input.number_of_images", "number_lte"),
            ("input.quality", "enum"),
            ("input.background", "enum"),
            ("input.output_compression", "invalid_type"),
        ];
        assert_eq!(problems, expected.map(|(field, kind)| (field.to_owned(), kind)));
        assert!(checked("gpt-image-2.5-flare", &json!({"prompt": "a", "quality": "max"})).is_ok());
        assert!(checked("flux-schnell", &json!({"prompt": "a", "seed": 1.5})).is_err());
        assert!(checked("flux-schnell", &json!({"prompt": "a", "seed": -3})).is_ok());
    }

    #[test]
    fn numbers_and_links_are_checked() {
        let input = json!({
            "prompt": "a", "guidance": 10.5, "prompt_strength": "0.5", "image": "a.png", "seed": null, "go_fast": null,
        });
        let problems = checked("flux-dev", &input).expect_err("the input is invalid");
        let expected = [
            ("input.image", "format"),
            ("input.prompt_strength", "invalid_type"),
            ("input.guidance", "number_lte"),
            ("input.go_fast", "invalid_type"),
        ];
        assert_eq!(problems, expected.map(|(field, kind)| (field.to_owned(), kind)));
        let input = json!({"prompt": "a", "guidance": 3, "image": "data:,", "prompt_strength": 0});
        assert!(checked("flux-dev", &input).is_ok());
    }

    #[test]
    fn the_body_lists_fields_and_lines() {
        let model = Model::find("black-forest-labs", "flux-schnell").expect("the model is in the table");
        let problems = check(model, &json!({"go_fast": 1})).expect_err("the input is invalid");
        let body = problems_body(&problems);
        assert_eq!(body["title"], "Input validation failed");
        assert_eq!(
            body["detail"],
            "- input: prompt is required\n- input.go_fast: Invalid type. Expected: boolean, given: integer\n"
        );
        assert_eq!(body["invalid_fields"][1]["field"], "input.go_fast");
    }
}
