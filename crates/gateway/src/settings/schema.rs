//! The JSON Schema of `pictor.toml`, made from the example that documents every setting: names, kinds, defaults and texts are
//! its own.

use serde_json::{Map, Value, json};

use super::in_force::TABLES;
use super::{Settings, sources};

/// The example, every line of which is checked against the settings by tests.
const EXAMPLE: &str = include_str!("../../../../pictor.example.toml");

/// The schema.
///
/// # Errors
/// The example cannot be read.
pub fn of_file() -> Result<Value, toml::de::Error> {
    let (uncommented, texts) = read();
    let example: toml::Table = uncommented.parse()?;
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut properties = Map::new();
    for (name, value) in &example {
        let property = match value {
            toml::Value::Table(inner) if TABLES.contains(&name.as_str()) => {
                let fields = inner.iter().map(|(key, value)| {
                    let default = &defaults[name][key];
                    (
                        key.clone(),
                        property(value, default, texts.get(&format!("{name}.{key}"))),
                    )
                });
                table(fields.collect())
            }
            toml::Value::Table(_) if name == "providers" => {
                json!({ "type": "object", "additionalProperties": provider() })
            }
            value => {
                let mut property = property(value, &defaults[name], texts.get(name));
                if sources::TABLES_OF_TEXTS.contains(&name.as_str()) {
                    property["additionalProperties"] = secret();
                } else if sources::TEXTS.contains(&name.as_str()) {
                    property["anyOf"] = secret()["anyOf"].take();
                    property.as_object_mut().map(|fields| fields.remove("type"));
                }
                property
            }
        };
        properties.insert(name.clone(), property);
    }
    let mut schema = table(properties);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "pictor.toml".into();
    Ok(schema)
}

fn table(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// What a provider may have: the same for all.
fn provider() -> Value {
    let text = json!({ "type": "string" });
    let of = |fields: Vec<(&str, Value)>| {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
        table(fields.collect())
    };
    let credential = of(vec![
        ("name", text.clone()),
        (
            "weight",
            json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 1 }),
        ),
        ("credential", secret()),
        ("credential_file", text.clone()),
    ]);
    of(vec![
        ("credential", secret()),
        ("credential_file", text.clone()),
        ("credentials", json!({ "type": "array", "items": credential })),
        ("base_url", text.clone()),
        ("region", text.clone()),
        ("options", json!({ "type": "object", "additionalProperties": text })),
    ])
}

/// A text, or where it is.
fn secret() -> Value {
    let text = json!({ "type": "string" });
    let command = json!({ "type": "array", "items": text, "minItems": 1 });
    let time = json!({ "type": "integer", "minimum": 1, "maximum": sources::TIMEOUT_MAX_S });
    let within = |fields: Value, required: &str| json!({ "type": "object", "properties": fields, "required": [required], "additionalProperties": false });
    json!({ "anyOf": [
        text.clone(),
        within(json!({ "file": text }), "file"),
        within(json!({ "command": command, "timeout_s": time }), "command"),
    ] })
}

/// A setting by the value that the example has for it.
fn property(value: &toml::Value, default: &Value, text: Option<&Value>) -> Value {
    let mut property = match value {
        toml::Value::String(_) => json!({ "type": "string" }),
        toml::Value::Integer(_) | toml::Value::Float(_) => json!({ "type": "number" }),
        toml::Value::Boolean(_) => json!({ "type": "boolean" }),
        toml::Value::Array(_) => json!({ "type": "array", "items": { "type": "string" } }),
        _ => json!({ "type": "object" }),
    };
    let is_default = match default {
        Value::Null => false,
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    if is_default {
        property["default"] = default.clone();
    }
    if let Some(text) = text {
        property["description"] = text.clone();
    }
    property
}

/// The example with its settings in force, and the text above each.
fn read() -> (String, Map<String, Value>) {
    let (mut lines, mut texts) = (Vec::new(), Map::new());
    let (mut within, mut text) = (String::new(), Vec::new());
    for line in EXAMPLE.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line);
        let starts = bare.starts_with(|letter: char| letter == '[' || letter.is_ascii_lowercase());
        if starts && bare.starts_with('[') {
            within = bare.trim_matches(['[', ']']).to_owned();
            lines.push(bare);
        } else if starts && bare.contains(" = ") {
            let name = bare.split(" = ").next().unwrap_or_default();
            let path = if within.is_empty() {
                name.to_owned()
            } else {
                format!("{within}.{name}")
            };
            if !text.is_empty() {
                texts.insert(path, text.join(" ").into());
            }
            lines.push(bare);
        } else if let Some(comment) = line.strip_prefix("# ") {
            text.push(comment);
            continue;
        }
        if line.trim().is_empty() {
            text.clear();
        }
    }
    (lines.join("\n"), texts)
}
