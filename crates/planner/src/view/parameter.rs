//! One parameter of a model, read from the very schema that callers get.

use indexmap::IndexMap;
use serde_json::Value;

use super::OfferView;
use crate::handling::Handling;
use crate::mode::Mode;

/// What a parameter takes, where, and how it reaches each provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterView {
    /// Its name in a JSON body.
    pub name: String,
    /// Its group.
    pub group: String,
    /// The one provider that takes it, or `universal`.
    pub provider_group: String,
    /// JSON types.
    pub types: Vec<String>,
    /// One or two sentences, with `code` in backticks.
    pub description: String,
    /// Whether a request must have it.
    pub required: bool,
    /// Whether its value is never shown.
    pub secret: bool,
    /// The model's own values, or sizes by name.
    pub values: Vec<Value>,
    /// Other values that are understood.
    pub also_understood: Vec<Value>,
    /// The value that holds when the caller says nothing.
    pub default: Option<Value>,
    /// What holds at each provider when nothing is sent, where it says so.
    pub defaults: IndexMap<String, Value>,
    /// Least number, or fewest items.
    pub min: Option<f64>,
    /// Greatest number, or most items.
    pub max: Option<f64>,
    /// Longest text in characters.
    pub max_chars: Option<u64>,
    /// Other spellings.
    pub aliases: Vec<String>,
    /// Modes in which some offer takes it.
    pub modes: Vec<Mode>,
    /// By provider.
    pub at: IndexMap<String, AtProvider>,
}

/// How one provider gets a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtProvider {
    /// The strongest handling over its modes.
    pub handling: Handling,
    /// The name under which it arrives, where it is another one.
    pub native_name: Option<String>,
}

/// Every property of the schema but the model's name and what no offer takes.
pub(super) fn read(schema: &Value, offers: &[OfferView<'_>]) -> Vec<ParameterView> {
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let required: Vec<&str> = list(&schema["required"])
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    let prompt_is_required = list(&schema["allOf"])
        .iter()
        .any(|part| list(&part["required"]).contains(&Value::from("prompt")));
    properties
        .iter()
        .filter(|(name, property)| *name != "model" && property.get("x-handling").is_some())
        .map(|(name, property)| {
            let required = required.contains(&name.as_str()) || (name == "prompt" && prompt_is_required);
            one(name, property, required, offers)
        })
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        other => list(other)
            .iter()
            .filter_map(|text| text.as_str())
            .map(ToOwned::to_owned)
            .collect(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn one(name: &str, property: &Value, required: bool, offers: &[OfferView<'_>]) -> ParameterView {
    let understood = list(&property["enum"]);
    let own = list(&property["x-values"]);
    let values = if own.is_empty() { understood } else { own };
    let also = understood
        .iter()
        .filter(|value| !values.contains(value) && !value.is_boolean());
    let defaults = property["x-defaults"].as_object();
    let handlings = property["x-handling"].as_object();
    // A form's field is `image`; a JSON body has a list of them.
    let canonical = if name == "images" { "image" } else { name };
    ParameterView {
        name: name.to_owned(),
        group: text(&property["x-group"]),
        provider_group: text(&property["x-provider-group"]),
        types: texts(&property["type"]),
        description: text(&property["description"]),
        required,
        secret: property["writeOnly"].as_bool().unwrap_or(false),
        values: values.to_vec(),
        also_understood: also.cloned().collect(),
        default: property.get("default").cloned(),
        defaults: defaults
            .into_iter()
            .flatten()
            .map(|(provider, value)| (provider.clone(), value.clone()))
            .collect(),
        min: property["minimum"].as_f64().or_else(|| property["minItems"].as_f64()),
        max: property["maximum"].as_f64().or_else(|| property["maxItems"].as_f64()),
        max_chars: property["maxLength"].as_u64(),
        aliases: texts(&property["x-aliases"]),
        modes: list(&property["x-modes"])
            .iter()
            .filter_map(|mode| serde_json::from_value(mode.clone()).ok())
            .collect(),
        at: handlings
            .into_iter()
            .flatten()
            .filter_map(|(provider, handling)| {
                let handling: Handling = serde_json::from_value(handling.clone()).ok()?;
                let native_name = native_name(canonical, provider, offers);
                Some((provider.clone(), AtProvider { handling, native_name }))
            })
            .collect(),
    }
}

fn native_name(name: &str, provider: &str, offers: &[OfferView<'_>]) -> Option<String> {
    let own = offers
        .iter()
        .filter(|view| view.offer.provider == provider && view.offer.is_live());
    let mut fields = own.flat_map(|view| view.modes.iter().filter_map(|(_, mode)| mode.fields.get(name)));
    let native = fields.next()?.native_name(name).to_owned();
    (native.trim_end_matches("[]") != name).then_some(native)
}
