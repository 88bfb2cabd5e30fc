//! The offers of a model as its schema and its page show them: what each takes, what it costs, and how long it is run.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::catalog::Catalog;
use crate::catalog::inputs::InputsSpec;
use crate::catalog::model::Model;
use crate::catalog::offer::{Field, ModeOffer, Offer};
use crate::catalog::parameter::Parameter;
use crate::catalog::pricing::{Component, Pricing};
use crate::handling::handling;
use crate::mode::Mode;
use crate::size::{OfferSizes, SizeSupport};

/// Every offer of `model`, retired ones too.
#[must_use]
pub fn offers_json(catalog: &Catalog, model: &Model) -> Value {
    let declared = catalog.parameters_of(model);
    model.offers.iter().map(|offer| offer_json(offer, declared)).collect()
}

fn offer_json(offer: &Offer, declared: &IndexMap<String, Parameter>) -> Value {
    let modes = offer
        .modes
        .keys()
        .filter_map(|mode| Some((*mode, offer.in_mode(*mode)?)));
    let modes: Map<String, Value> = modes
        .map(|(mode, mode_offer)| (mode.as_str().to_owned(), mode_json(mode, mode_offer, declared)))
        .collect();
    json!({
        "provider": offer.provider,
        "modes": modes,
        "requires": offer.requires,
        "pricing": pricing_json(&offer.pricing),
        "lifecycle": {
            "status": lifecycle(offer),
            "released": offer.released,
            "sunset": offer.sunset,
            "end_confirmed": offer.end_confirmed,
            "still_served": offer.still_served,
            "retired": offer.retired,
        },
    })
}

const fn lifecycle(offer: &Offer) -> &'static str {
    if offer.retired {
        "retired"
    } else if offer.switched_off {
        "switched off"
    } else if offer.sunset.is_some() {
        "deprecated"
    } else {
        "active"
    }
}

fn mode_json(mode: Mode, offer: &ModeOffer, declared: &IndexMap<String, Parameter>) -> Value {
    let parameters: Map<String, Value> = offer
        .fields
        .iter()
        .map(|(name, field)| (name.clone(), field_json(name, field, offer, declared.get(name))))
        .collect();
    let mut told = json!({
        "model": offer.model,
        "max_n": offer.max_n,
        "default_format": offer.default_format.as_str(),
        "sizes": sizes_json(&offer.sizes),
        "parameters": parameters,
        "passthrough": offer.passthrough,
    });
    if mode != Mode::TextToImage {
        told["inputs"] = offer.inputs.as_ref().map_or(Value::Null, inputs_json);
    }
    if let Some(scale) = offer.scale {
        told["scale"] = json!(scale);
    }
    told
}

/// A parameter at this offer: its native name, how it is handled, and what it may be there.
fn field_json(name: &str, field: &Field, offer: &ModeOffer, parameter: Option<&Parameter>) -> Value {
    let mut told = json!({ "native": field.native_name(name), "handling": handling(name, offer) });
    if let (Some(told), Value::Object(bounds)) = (told.as_object_mut(), bounds(field, parameter)) {
        told.extend(bounds);
    }
    told
}

/// What a parameter may be at an offer: the offer's own bounds, and the model's where it has none that are tighter.
#[must_use]
pub fn bounds(field: &Field, parameter: Option<&Parameter>) -> Value {
    let number = |own: Option<f64>, models: Option<f64>, tighter: fn(f64, f64) -> f64| match (own, models) {
        (Some(own), Some(models)) => Some(super::parameters::number(tighter(own, models))),
        (own, models) => own.or(models).map(super::parameters::number),
    };
    let max_chars = [field.max_chars, parameter.and_then(|parameter| parameter.max_chars)];
    let values = field.listed().or_else(|| parameter?.values.clone());
    let all = [
        ("type", parameter.map(|parameter| json!(parameter.kind()))),
        ("values", values.map(Value::from)),
        (
            "min",
            number(field.min, parameter.and_then(|parameter| parameter.min), f64::max),
        ),
        (
            "max",
            number(field.max, parameter.and_then(|parameter| parameter.max), f64::min),
        ),
        ("min_chars", field.min_chars.map(Value::from)),
        ("max_chars", max_chars.into_iter().flatten().min().map(Value::from)),
        ("default", field.default.clone()),
    ];
    present(all)
}

fn sizes_json(sizes: &OfferSizes) -> Value {
    let mut told = match &sizes.support {
        SizeSupport::Listed(listed) => json!({ "listed": texts(listed) }),
        SizeSupport::Range(range) => json!({ "range": super::sizes::bounds(range) }),
        SizeSupport::Ratios { ratios, tiers } => json!({ "ratios": texts(ratios), "tiers": texts(tiers) }),
        SizeSupport::Fixed => json!({}),
    };
    told["auto"] = json!(sizes.auto);
    told
}

fn inputs_json(inputs: &InputsSpec) -> Value {
    let formats: Vec<&str> = inputs.formats.iter().map(|format| format.as_str()).collect();
    let all = [
        ("max", Some(json!(inputs.max))),
        ("formats", Some(json!(formats))),
        ("mask", Some(json!(inputs.mask.is_some()))),
        ("max_bytes", inputs.max_bytes.map(Value::from)),
        ("max_pixels", inputs.max_pixels.map(Value::from)),
        ("max_output_pixels", inputs.max_output_pixels.map(Value::from)),
        ("max_edge_px", inputs.max_edge_px.map(Value::from)),
        ("min_pixels", inputs.min_pixels.map(Value::from)),
        ("min_edge_px", inputs.min_edge_px.map(Value::from)),
        ("max_ratio", inputs.max_ratio.map(|ratio| json!(ratio))),
    ];
    present(all)
}

fn pricing_json(pricing: &Pricing) -> Value {
    json!({
        "currency": "USD",
        "source": pricing.source,
        "as_of": pricing.as_of,
        "basis": pricing.basis,
        "notes": pricing.notes,
        "auto_quality": pricing.auto_quality,
        "auto_quality_in": pricing.auto_quality_in,
        "round_up_to": pricing.round_up_to.map(|step| step.to_string()),
        "markup_percent": pricing.markup_percent.to_string(),
        "components": pricing.components.iter().map(component_json).collect::<Vec<_>>(),
    })
}

/// One price with the conditions that it has. Amounts are text, as they are exact.
fn component_json(part: &Component) -> Value {
    let some = |list: Vec<String>| (!list.is_empty()).then(|| json!(list));
    let all = [
        ("type", Some(json!(part.direction))),
        ("metric", Some(json!(part.metric))),
        ("unit_size", Some(json!(part.unit_size))),
        ("unit_price", Some(json!(part.unit_price.to_string()))),
        (
            "first_unit_price",
            part.first_unit_price.map(|price| json!(price.to_string())),
        ),
        ("quality", some(part.quality.clone())),
        ("size", some(texts(&part.size))),
        ("resolution", some(texts(&part.resolution))),
        ("min_pixels", part.min_pixels.map(Value::from)),
        ("max_pixels", part.max_pixels.map(Value::from)),
        ("arguments", (!part.arguments.is_empty()).then(|| json!(part.arguments))),
        ("without", some(part.without.clone())),
        ("cached", part.cached.then_some(Value::Bool(true))),
        ("modes", (!part.modes.is_empty()).then(|| json!(part.modes))),
        ("step", part.step.map(Value::from)),
        ("free", (part.free > 0).then(|| json!(part.free))),
        ("max_units", part.max_units.map(Value::from)),
    ];
    present(all)
}

fn texts<T: std::fmt::Display>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// The entries that have a value.
fn present<const N: usize>(all: [(&str, Option<Value>); N]) -> Value {
    let given = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}
