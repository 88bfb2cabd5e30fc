//! A model's request as JSON Schema 2020-12, from the declarations by which requests are checked.

mod offers;
mod parameters;
mod sizes;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::catalog::Catalog;
use crate::catalog::model::Model;
use crate::catalog::offer::{ModeOffer, Offer};
use crate::format::Format;
use crate::mode::Mode;

pub use offers::{bounds, offers_json};
pub use parameters::standard_properties;
pub use sizes::{range_json, range_of, sizes_json, sizes_of};

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// One mode of one live offer.
pub(crate) struct Served<'a> {
    pub(crate) offer: &'a Offer,
    pub(crate) mode: Mode,
    pub(crate) mode_offer: &'a ModeOffer,
}

/// Every mode of every live offer of `model`.
pub(crate) fn served(model: &Model) -> Vec<Served<'_>> {
    let live = model.live_offers().flat_map(|offer| {
        offer.modes.keys().filter_map(move |mode| {
            Some(Served {
                offer,
                mode: *mode,
                mode_offer: offer.in_mode(*mode)?,
            })
        })
    });
    live.collect()
}

/// Those of offers that need no argument of the caller's, such as a key of another provider; all when there is none.
pub(crate) fn unconditional<'s, 'a>(all: &'s [Served<'a>]) -> Vec<&'s Served<'a>> {
    let free: Vec<&Served<'a>> = all.iter().filter(|served| served.offer.requires.is_empty()).collect();
    if free.is_empty() { all.iter().collect() } else { free }
}

/// The schema of a JSON body for `model`, of generations and edits alike.
#[must_use]
pub fn of_model(catalog: &Catalog, model: &Model) -> Value {
    let served = served(model);
    let mut properties = Map::new();
    properties.insert("model".to_owned(), names(model));
    // What nobody takes is no property; what is refused of it all the same is a condition.
    let mut untaken = Map::new();
    for (name, parameter) in catalog.parameters_of(model) {
        let property = parameters::property(name, parameter, model, &served);
        let is_taken = served.is_empty() || property["x-providers"] != json!([]);
        // A JSON body holds the images in `images`; `image` is the field of a form.
        let field = if name == "image" { "images" } else { name.as_str() };
        if is_taken {
            properties.insert(field.to_owned(), property);
        } else {
            untaken.insert(field.to_owned(), parameters::checks(name, parameter));
        }
    }
    // A hard need that no offer meets is refused even where the parameter would otherwise be dropped.
    for (name, parameter) in catalog.standard_parameters() {
        if !properties.contains_key(name) && !parameter.hard.is_empty() {
            untaken.insert(name.to_owned(), json!({ "not": { "enum": parameter.hard } }));
        }
    }
    let modes: HashSet<Mode> = model.modes().into_iter().collect();
    let mut required = vec!["model"];
    if !modes.is_empty() && !modes.contains(&Mode::TextToImage) {
        required.push("images");
    }
    let offers: Vec<&Offer> = model.live_offers().collect();
    let by_all = |name: &&String| offers.iter().all(|offer| offer.requires.contains(*name));
    required.extend(
        offers
            .iter()
            .flat_map(|offer| &offer.requires)
            .filter(by_all)
            .map(String::as_str),
    );
    required.dedup();
    json!({
        "$schema": DIALECT,
        "title": format!("A request to {}", model.name),
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": true,
        "dependentRequired": { "width": ["height"], "height": ["width"] },
        "allOf": conditions(&modes, untaken),
    })
}

/// Every name by which a caller may call the model.
fn names(model: &Model) -> Value {
    let mut names = vec![model.id.clone()];
    names.extend(model.aliases.iter().cloned());
    let forced: Vec<String> = model
        .live_offers()
        .flat_map(|offer| names.iter().map(move |name| format!("{}/{name}", offer.provider)))
        .collect();
    names.extend(forced);
    json!({ "type": "string", "enum": names, "x-values": [model.id],
        "description": "The model; with a provider before it, no other provider is tried." })
}

fn conditions(modes: &HashSet<Mode>, untaken: Map<String, Value>) -> Vec<Value> {
    // Something to read must stand in it.
    let prompt = json!({ "required": ["prompt"], "properties": { "prompt": { "pattern": r"\S" } } });
    let upscale = json!({ "required": ["scale_factor"] });
    let mut conditions = vec![json!({ "not": { "required": ["size", "width"] } })];
    if !modes.contains(&Mode::Upscale) {
        conditions.push(prompt);
    } else if modes.len() > 1 {
        conditions.push(json!({ "if": upscale, "else": prompt }));
    }
    let opaque = Format::ALL.into_iter().filter(|format| !format.has_alpha());
    let opaque: Vec<&str> = opaque.map(Format::as_str).collect();
    conditions.push(json!({
        "if": { "required": ["background"], "properties": { "background": { "const": "transparent" } } },
        "then": { "properties": { "output_format": { "not": { "enum": opaque } } } },
    }));
    if !untaken.is_empty() {
        conditions.push(json!({ "properties": untaken }));
    }
    conditions
}
