//! What becomes of each parameter of a request at one offer.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::handling::{Handling, handling};
use crate::request::{ImageRequest, Inputs};
use crate::resolve::Resolved;
use crate::schema::bounds;
use crate::secret::{SHOWN, shown};
use crate::size::{RatioArgument, TierArgument};

/// One parameter of the request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterExplanation {
    /// Its canonical name.
    pub parameter: String,
    /// What the caller sent; secrets are hidden.
    pub requested: Value,
    /// How the offer takes the parameter; null for one that the catalogue does not know, which goes through as it is.
    pub handling: Option<Handling>,
    /// The native fields that are there for its sake.
    pub sent: Map<String, Value>,
    /// What the offer takes for it: type, values, least and greatest number, lengths, default; null for one that it lacks.
    pub takes: Option<Value>,
    /// What was changed, in a few words.
    pub note: Option<String>,
}

/// Every parameter that the caller sent, in the order of the catalogue, then those that it does not know.
pub(super) fn explain(
    catalog: &Catalog,
    model: &Model,
    request: &ImageRequest,
    inputs: &Inputs,
    resolved: &Resolved<'_>,
    fields: &Map<String, Value>,
) -> Vec<ParameterExplanation> {
    let declared = catalog.parameters_of(model);
    let place = |name: &str| declared.get_index_of(name).unwrap_or(usize::MAX);
    let mode_offer = resolved.offer.in_mode(request.mode);
    let mut given = given(request, inputs);
    given.sort_by_key(|(name, _)| place(name));
    let named: Vec<String> = given.iter().map(|(name, _)| name.clone()).collect();
    let one = |(name, requested): (String, Value)| {
        let known = declared.get(&name).or_else(|| catalog.standard_parameter(&name));
        let is_secret = known.is_some_and(crate::catalog::parameter::Parameter::is_secret);
        let is_of_it = |native: &String| match resolved.origins.get(native) {
            // A shape may reach the offer in the words of another parameter of the three.
            Some(origin) if is_size(&name) && is_size(origin) => *origin == name || !named.contains(origin),
            Some(origin) => *origin == name,
            None => name == "n" && resolved.n_field.as_ref() == Some(native),
        };
        let sent = fields.iter().filter(|(native, _)| is_of_it(native));
        let told = resolved.adjustments.iter().filter(|change| change.parameter == name);
        let mut notes: Vec<String> = told
            .map(|change| match &change.used {
                Value::Null => format!("not used: {}", change.reason),
                Value::String(used) => format!("becomes {used}: {}", change.reason),
                used => format!("becomes {used}: {}", change.reason),
            })
            .collect();
        if known.is_none()
            && let Some(offer) = mode_offer
        {
            notes.push(if offer.passthrough.contains(&name) {
                "a field that the provider documents; goes through as it is".to_owned()
            } else {
                "no field that the catalogue knows; goes through as it is, and the provider decides".to_owned()
            });
        }
        let field = mode_offer.and_then(|offer| offer.fields.get(&name));
        ParameterExplanation {
            takes: field.map(|field| bounds(field, known)),
            handling: known.and_then(|_| mode_offer.as_ref().map(|offer| handling(&name, offer))),
            requested: if is_secret {
                json!(SHOWN)
            } else {
                shown(&name, &requested)
            },
            sent: sent.map(|(native, value)| (native.clone(), value.clone())).collect(),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            parameter: name,
        }
    };
    given.into_iter().map(one).collect()
}

fn is_size(name: &str) -> bool {
    matches!(name, "size" | "aspect_ratio" | "resolution")
}

/// Every parameter that the caller sent, by canonical name.
fn given(request: &ImageRequest, inputs: &Inputs) -> Vec<(String, Value)> {
    let mut given: Vec<(String, Value)> = Vec::new();
    let mut add = |name: &str, value: Option<Value>| given.extend(value.map(|value| (name.to_owned(), value)));
    add("prompt", request.prompt.clone().map(Value::from));
    add("n", (request.n > 1).then(|| json!(request.n)));
    let size = &request.size;
    add("size", size.size.map(|size| json!(size.to_string())));
    add(
        "aspect_ratio",
        size.aspect_ratio.map(|ratio| match ratio {
            RatioArgument::Auto => json!("auto"),
            RatioArgument::Ratio(ratio) => json!(ratio.to_string()),
        }),
    );
    add(
        "resolution",
        size.resolution.map(|tier| match tier {
            TierArgument::Auto => json!("auto"),
            TierArgument::Tier(tier) => json!(tier.to_string()),
        }),
    );
    add("response_format", request.response_format.map(|format| json!(format)));
    add(
        "output_format",
        request.output_format.map(|format| json!(format.as_str())),
    );
    add("output_compression", request.output_compression.map(Value::from));
    add("stream", request.stream.then_some(Value::Bool(true)));
    add(
        "partial_images",
        (request.partial_images > 0).then(|| json!(request.partial_images)),
    );
    let images = inputs.images.len();
    add("image", (images > 0).then(|| json!(format!("({images} input images)"))));
    add("mask", inputs.mask.map(|_| json!("(a mask)")));
    given.extend(
        request
            .arguments
            .iter()
            .map(|(name, value)| (name.clone(), Value::clone(value))),
    );
    given
}
