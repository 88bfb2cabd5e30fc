//! Parameters of an offer beside the JSON Schema that the provider has for the same input.

use indexmap::IndexMap;
use planner::catalog::model::Model;
use planner::catalog::offer::{Field, Form, ModeOffer, key_of};
use planner::catalog::parameter::Parameter;
use planner::size::SizeSupport;
use serde_json::Value;

use super::difference::Difference;

/// What a choice may hold that is no value of a parameter here: Pictor says it in other ways, or never.
const OWN_WORDS: [&str; 3] = ["auto", "custom", "match_input_image"];

/// The schema of one input, with the document that its references lead into.
pub(super) struct Input<'a> {
    document: &'a Value,
    schema: &'a Value,
}

impl<'a> Input<'a> {
    /// The schema called `name` in `document`.
    pub(super) fn of(document: &'a Value, name: &str) -> Self {
        Self {
            document,
            schema: &document["components"]["schemas"][name],
        }
    }

    fn property(&self, name: &str) -> Option<Vec<&'a Value>> {
        Some(self.parts(self.schema["properties"].get(name)?))
    }

    /// A schema and everything that it is put together of.
    fn parts(&self, schema: &'a Value) -> Vec<&'a Value> {
        let mut parts = vec![schema];
        let mut next = 0;
        while let Some(part) = parts.get(next).copied() {
            next += 1;
            let lists = ["allOf", "anyOf", "oneOf"]
                .into_iter()
                .filter_map(|name| part[name].as_array());
            let referred = part["$ref"]
                .as_str()
                .and_then(|to| self.document.pointer(to.trim_start_matches('#')));
            let more: Vec<&Value> = lists.flatten().chain(referred).collect();
            parts.extend(more.into_iter().filter(|more| !std::ptr::eq(*more, part)));
            // A document that refers in a circle ends here.
            if parts.len() > 64 {
                break;
            }
        }
        parts
    }
}

fn number(parts: &[&Value], name: &str) -> Option<f64> {
    parts.iter().find_map(|part| part[name].as_f64())
}

fn choices(parts: &[&Value]) -> Vec<Value> {
    parts
        .iter()
        .filter_map(|part| part["enum"].as_array())
        .flatten()
        .cloned()
        .collect()
}

/// Where the catalogue and the schema disagree about one mode.
pub(super) fn differences(
    model: &Model,
    declared: &IndexMap<String, Parameter>,
    mode: &ModeOffer,
    input: &Input<'_>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, field) in &mode.fields {
        let native = field.native_name(name).trim_end_matches("[]");
        let Some(parts) = input.property(native) else {
            found.push(Difference::new(
                format!("has no field '{native}' ({name})"),
                format!("without = [\"{name}\"]"),
            ));
            continue;
        };
        let parameter = declared.get(name);
        found.extend(of_values(name, field, mode, parameter, &choices(&parts)));
        found.extend(of_bounds(name, field, parameter, mode, &parts));
        found.extend(of_default(name, field, &parts));
    }
    found.extend(of_needs(mode, input));
    found.extend(of_further(model, mode, input));
    found
}

/// What the offer sends for a parameter, as far as that is listed.
fn sent(name: &str, field: &Field, mode: &ModeOffer, parameter: Option<&Parameter>) -> Vec<Value> {
    if !field.map.is_empty() {
        return field.map.values().cloned().collect();
    }
    match (field.form, &mode.sizes.support) {
        (Form::Ratio, SizeSupport::Ratios { ratios, .. }) => {
            ratios.iter().map(|ratio| Value::from(ratio.to_string())).collect()
        }
        (Form::Tier, SizeSupport::Ratios { tiers, .. }) => {
            tiers.iter().map(|tier| Value::from(tier.to_string())).collect()
        }
        (Form::Wxh, SizeSupport::Listed(sizes)) => sizes.iter().map(|size| Value::from(size.to_string())).collect(),
        // What is not listed here has no one value beside it.
        _ if name == "output_format" || !matches!(field.form, Form::Plain) => field.values.clone().unwrap_or_default(),
        _ => field
            .values
            .clone()
            .or_else(|| parameter?.values.clone())
            .unwrap_or_default(),
    }
}

fn of_values(
    name: &str,
    field: &Field,
    mode: &ModeOffer,
    parameter: Option<&Parameter>,
    allowed: &[Value],
) -> Vec<Difference> {
    let sent = sent(name, field, mode, parameter);
    if allowed.is_empty() || sent.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let same = |a: &Value, b: &Value| key_of(a) == key_of(b);
    let listed = |values: &[&Value]| values.iter().map(|value| key_of(value)).collect::<Vec<_>>().join(", ");
    let refused: Vec<&Value> = sent
        .iter()
        .filter(|value| !allowed.iter().any(|other| same(value, other)))
        .collect();
    let toml = || format!("{name} = {{ values = {} }}", Value::from(allowed.to_vec()));
    if !refused.is_empty() {
        found.push(Difference::new(
            format!("does not take {} for {name}", listed(&refused)),
            toml(),
        ));
    }
    // A size by name says more than the name.
    let further: Vec<&Value> = allowed
        .iter()
        .filter(|value| !sent.iter().any(|own| same(own, value)) && !OWN_WORDS.contains(&key_of(value).as_str()))
        .collect();
    let is_size = matches!(name, "size" | "resolution")
        || (name == "aspect_ratio" && further.iter().any(|value| key_of(value).contains('x')));
    if !further.is_empty() && field.map.is_empty() && !is_size {
        found.push(Difference::new(
            format!("takes {} for {name} too", listed(&further)),
            toml(),
        ));
    }
    found
}

fn of_bounds(
    name: &str,
    field: &Field,
    parameter: Option<&Parameter>,
    mode: &ModeOffer,
    parts: &[&Value],
) -> Option<Difference> {
    if !field.map.is_empty() {
        return None;
    }
    let (least, most) = (number(parts, "minimum"), number(parts, "maximum"));
    if name == "n" {
        let most = most?;
        let toml = format!("max_n = {most}");
        return (most != f64::from(mode.max_n)).then(|| {
            Difference::new(
                format!("makes {most} images in a call, and the catalogue says {}", mode.max_n),
                toml,
            )
        });
    }
    let own = (
        field.min.or_else(|| parameter?.min),
        field.max.or_else(|| parameter?.max),
    );
    let differs = |own: Option<f64>, theirs: Option<f64>| theirs.is_some() && own != theirs;
    if !differs(own.0, least) && !differs(own.1, most) {
        return None;
    }
    let shown = |bounds: (Option<f64>, Option<f64>)| {
        let one = |bound: Option<f64>| bound.map_or_else(|| "?".to_owned(), |bound| bound.to_string());
        format!("{} to {}", one(bounds.0), one(bounds.1))
    };
    let keys = [("min", least), ("max", most)].into_iter();
    let keys: Vec<String> = keys
        .filter_map(|(key, bound)| Some(format!("{key} = {}", bound?)))
        .collect();
    Some(Difference::new(
        format!(
            "takes {} for {name}, and the catalogue says {}",
            shown((least, most)),
            shown(own)
        ),
        format!("{name} = {{ {} }}", keys.join(", ")),
    ))
}

fn of_default(name: &str, field: &Field, parts: &[&Value]) -> Option<Difference> {
    let own = field.default.as_ref()?;
    let own = field.map.get(&key_of(own)).unwrap_or(own);
    let theirs = parts
        .iter()
        .find_map(|part| part.get("default"))
        .filter(|value| !value.is_null())?;
    let same = match (own.as_f64(), theirs.as_f64()) {
        (Some(own), Some(theirs)) => (own - theirs).abs() < f64::EPSILON,
        _ => key_of(own) == key_of(theirs),
    };
    (!same).then(|| {
        Difference::new(
            format!("has the default {theirs} for {name}, and the catalogue says {own}"),
            format!("{name} = {{ default = {theirs} }}"),
        )
    })
}

/// Fields that the provider insists on and the offer never sends.
fn of_needs(mode: &ModeOffer, input: &Input<'_>) -> Vec<Difference> {
    let needed = input.schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str());
    let is_sent = |name: &str| {
        let mut natives = mode
            .fields
            .iter()
            .map(|(own, field)| field.native_name(own).trim_end_matches("[]"));
        natives.any(|native| native == name) || mode.constants.contains_key(name)
    };
    needed
        .filter(|name| !is_sent(name))
        .map(|name| {
            Difference::new(
                format!("needs the field '{name}', which is never sent"),
                format!("constants = {{ {name} = ... }}"),
            )
        })
        .collect()
}

/// Fields that the provider documents and the offer has no word for.
fn of_further(model: &Model, mode: &ModeOffer, input: &Input<'_>) -> Option<Difference> {
    // What another mode maps is that mode's.
    let known = |name: &str| {
        let modes = model
            .offers
            .iter()
            .flat_map(|offer| offer.modes.keys().filter_map(|mode| offer.in_mode(*mode)));
        let mut natives = modes.flat_map(|mode| mode.fields.iter().map(|(own, field)| field.native_name(own)));
        natives.any(|native| native.trim_end_matches("[]") == name)
    };
    let names = input.schema["properties"].as_object()?.keys();
    let further: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !known(name) && !mode.constants.contains_key(*name))
        .filter(|name| !mode.passthrough.iter().any(|own| own == name))
        .collect();
    (!further.is_empty()).then(|| {
        Difference::new(
            format!("also takes {}", further.join(", ")),
            format!("passthrough = {}", Value::from(further.clone())),
        )
    })
}
