//! What a model declares: the standard parameters that it takes, its own, and the values that its offers leave legal.

use indexmap::IndexMap;
use serde_json::Value;

use super::Catalog;
use super::model::Model;
use super::offer::{Field, ModeOffer, Offer};
use super::parameter::{Parameter, is_provided_by_the_gateway};

impl Catalog {
    /// The parameters of `model` by canonical name: the standard ones that some offer of it takes or that the gateway
    /// provides for all, with the model's own entries applied, then the model's further ones. A value that no offer
    /// takes is not among the legal ones.
    #[must_use]
    pub fn parameters_of<'a>(&self, model: &'a Model) -> &'a IndexMap<String, Parameter> {
        model.declared.get(|| self.declared_by(model))
    }

    fn declared_by(&self, model: &Model) -> IndexMap<String, Parameter> {
        let modes = modes_of(model);
        let mut declared = IndexMap::new();
        for (name, standard) in self.standard_parameters() {
            let own = model.parameters.get(name);
            let taken = modes.iter().any(|mode| mode.fields.contains_key(name));
            if own.is_some() || taken || is_provided_by_the_gateway(name) {
                let parameter = own.map_or_else(|| standard.clone(), |own| standard.overridden_by(own));
                declared.insert(name.to_owned(), parameter);
            }
        }
        for (name, own) in &model.parameters {
            declared.entry(name.clone()).or_insert_with(|| own.clone());
        }
        for (name, parameter) in &mut declared {
            if name == "prompt" {
                shorten(parameter, &modes);
            }
            if !is_provided_by_the_gateway(name) {
                let fields: Vec<&Field> = modes.iter().filter_map(|mode| mode.fields.get(name)).collect();
                narrow(parameter, &fields);
            }
        }
        declared
    }
}

/// Every mode of every offer that can be planned; of a retired model, of every offer that there was.
fn modes_of<'a>(model: &'a Model) -> Vec<&'a ModeOffer> {
    let live: Vec<&'a Offer> = model.live_offers().collect();
    let offers = if live.is_empty() {
        model.offers.iter().collect()
    } else {
        live
    };
    let modes = |offer: &'a Offer| offer.modes.keys().filter_map(|mode| offer.in_mode(*mode));
    offers.into_iter().flat_map(modes).collect()
}

/// The longest prompt is that of the offer that takes the longest one.
fn shorten(prompt: &mut Parameter, modes: &[&ModeOffer]) {
    let fields = modes.iter().filter_map(|mode| mode.fields.get("prompt"));
    let most = fields.map(|field| field.max_chars).collect::<Option<Vec<usize>>>();
    if let Some(most) = most.and_then(|all| all.into_iter().max()) {
        prompt.max_chars = Some(prompt.max_chars.map_or(most, |max| max.min(most)));
    }
}

/// Takes away what none of `fields` takes.
fn narrow(parameter: &mut Parameter, fields: &[&Field]) {
    if fields.is_empty() {
        return;
    }
    let listed: Option<Vec<Vec<Value>>> = fields.iter().map(|field| field.listed()).collect();
    if let Some(lists) = listed {
        let taken: Vec<Value> = lists.into_iter().flatten().collect();
        let is_universal = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| parameter.universal.iter().any(|name| name == text))
        };
        let legal = match parameter.values.take() {
            Some(declared) => declared.into_iter().filter(|value| taken.contains(value)).collect(),
            None => taken
                .into_iter()
                .filter(|value| !is_universal(value))
                .fold(Vec::new(), |mut union, value| {
                    if !union.contains(&value) {
                        union.push(value);
                    }
                    union
                }),
        };
        parameter.values = Some(legal);
    }
    let least = fields.iter().map(|field| field.min).collect::<Option<Vec<f64>>>();
    if let Some(least) = least.and_then(|all| all.into_iter().reduce(f64::min)) {
        parameter.min = Some(parameter.min.map_or(least, |min| min.max(least)));
    }
    let most = fields.iter().map(|field| field.max).collect::<Option<Vec<f64>>>();
    if let Some(most) = most.and_then(|all| all.into_iter().reduce(f64::max)) {
        parameter.max = Some(parameter.max.map_or(most, |max| max.min(most)));
    }
}
