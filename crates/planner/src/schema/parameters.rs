//! One parameter as a property of a schema.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{Served, served, sizes, unconditional};
use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::catalog::parameter::Parameter;
use crate::handling::{Handling, handling};
use crate::mode::Mode;
use crate::size::pattern;

/// What a bare number may name, as text may too: megapixels, and above 256 the side of a square in pixels.
const MEGAPIXELS: (f64, f64) = (0.001, 65_536.0);

/// Sets a key that has a value.
fn set(schema: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        schema[key] = value.into();
    }
}

/// Type, bounds and legal values: what a request is checked by.
pub(super) fn checks(name: &str, parameter: &Parameter) -> Value {
    let mut schema = match name {
        "image" => return images(),
        "mask" => return link(),
        "size" => return json!({ "type": "string", "pattern": pattern::size() }),
        "aspect_ratio" => return json!({ "type": "string", "pattern": pattern::aspect_ratio() }),
        "resolution" => {
            let (least, most) = MEGAPIXELS;
            return json!({ "type": ["string", "number"], "pattern": pattern::resolution(), "minimum": least, "maximum": most });
        }
        _ => json!({ "type": parameter.kind() }),
    };
    set(&mut schema, "minimum", parameter.min.map(number));
    set(&mut schema, "maximum", parameter.max.map(number));
    set(&mut schema, "maxLength", parameter.max_chars);
    if let Some(mut understood) = parameter.understood() {
        if parameter.booleans.is_some() {
            schema["type"] = json!([parameter.kind(), "boolean"]);
            understood.extend([true, false].map(Value::Bool));
        }
        schema["enum"] = understood.into();
        set(&mut schema, "x-values", parameter.values.clone());
    }
    schema
}

/// Whole numbers without a fraction, as people write them.
pub(super) fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

fn link() -> Value {
    json!({ "type": "object", "required": ["image_url"], "properties": {
        "image_url": { "type": "string", "description": "An https:// or data: URL." } } })
}

fn images() -> Value {
    json!({ "type": "array", "minItems": 1, "items": link() })
}

/// What is told to people: the same for every model.
fn described(name: &str, parameter: &Parameter) -> Value {
    let mut schema = checks(name, parameter);
    set(&mut schema, "description", parameter.description.clone());
    set(&mut schema, "default", parameter.default.clone());
    schema["x-group"] = json!(parameter.group.unwrap_or_default());
    if !parameter.aliases.is_empty() {
        schema["x-aliases"] = json!(parameter.aliases);
    }
    if parameter.is_secret() {
        schema["writeOnly"] = Value::Bool(true);
    }
    schema
}

/// The property of a parameter that `model` declares.
pub(super) fn property(name: &str, parameter: &Parameter, model: &Model, served: &[Served<'_>]) -> Value {
    let mut schema = described(name, parameter);
    let taking: Vec<(&Served<'_>, Handling)> = served
        .iter()
        .filter(|served| parameter.applies_in(served.mode))
        .map(|served| (served, handling(name, served.mode_offer)))
        .collect();
    let takes = |(_, handling): &&(&Served<'_>, Handling)| *handling != Handling::Unsupported;
    let modes: BTreeSet<Mode> = taking.iter().filter(takes).map(|(served, _)| served.mode).collect();
    let mut handlings: IndexMap<&str, Handling> = IndexMap::new();
    let mut defaults = Map::new();
    for (served, handling) in &taking {
        let provider = served.offer.provider.as_str();
        let strongest = handlings.entry(provider).or_insert(*handling);
        *strongest = (*strongest).max(*handling);
        if let Some(default) = served
            .mode_offer
            .fields
            .get(name)
            .and_then(|field| field.default.clone())
        {
            defaults.entry(provider).or_insert(default);
        }
    }
    let providers: Vec<&str> = handlings
        .iter()
        .filter(|(_, handling)| **handling != Handling::Unsupported)
        .map(|(provider, _)| *provider)
        .collect();
    schema["x-modes"] = json!(modes);
    schema["x-provider-group"] = provider_group(name, served, &providers);
    schema["x-providers"] = json!(providers);
    schema["x-handling"] = json!(handlings);
    if !defaults.is_empty() {
        schema["x-defaults"] = Value::Object(defaults);
    }
    match name {
        "image" => schema["maxItems"] = json!(most_inputs(served)),
        "size" | "aspect_ratio" | "resolution" => schema["x-values"] = named_sizes(name, model, served),
        _ => {}
    }
    schema
}

/// The one provider that takes the parameter, or `universal`. An offer that only serves callers with a key of another
/// provider does not make a parameter universal.
fn provider_group(name: &str, served: &[Served<'_>], providers: &[&str]) -> Value {
    let free: BTreeSet<&str> = unconditional(served)
        .into_iter()
        .filter(|served| handling(name, served.mode_offer) != Handling::Unsupported)
        .map(|served| served.offer.provider.as_str())
        .collect();
    let all: BTreeSet<&str> = served.iter().map(|served| served.offer.provider.as_str()).collect();
    let group = if free.is_empty() {
        providers.iter().copied().collect()
    } else {
        free
    };
    match group.first() {
        Some(provider) if group.len() == 1 && all.len() > 1 => json!(provider),
        _ => json!("universal"),
    }
}

fn most_inputs(served: &[Served<'_>]) -> u32 {
    let most = served.iter().filter_map(|served| served.mode_offer.inputs.as_ref());
    most.map(|inputs| inputs.max).max().unwrap_or(0)
}

/// The sizes, ratios or tiers by name, each once.
fn named_sizes(name: &str, model: &Model, served: &[Served<'_>]) -> Value {
    let mut names: Vec<String> = Vec::new();
    for row in sizes::rows(model, served) {
        let own = match name {
            "size" => row.size.to_string(),
            "aspect_ratio" => row.aspect_ratio.to_string(),
            _ => row.resolution.to_string(),
        };
        if !names.contains(&own) {
            names.push(own);
        }
    }
    json!(names)
}

/// Every standard parameter as a property, with the strongest handling over all live offers of all models.
#[must_use]
pub fn standard_properties(catalog: &Catalog) -> Map<String, Value> {
    let all: Vec<Served<'_>> = catalog.models().flat_map(served).collect();
    let property = |(name, parameter): (&str, &Parameter)| {
        let mut schema = described(name, parameter);
        let applying = all.iter().filter(|served| parameter.applies_in(served.mode));
        let strongest = applying.map(|served| handling(name, served.mode_offer)).max();
        schema["x-handling"] = json!(strongest.unwrap_or(Handling::Unsupported));
        (name.to_owned(), schema)
    };
    catalog.standard_parameters().map(property).collect()
}
