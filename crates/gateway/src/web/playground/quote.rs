//! What a request would become at a model, before it is sent: planned and explained by what serves it.

use planner::explain::{Explanation, OfferExplanation};
use planner::mode::Mode;
use planner::size::Size;
use planner::view::{ModelView, ParameterView};
use serde_json::{Map, Value};
use site::pages::model::made;
use site::pages::playground::Quote;
use site::samples::Sample;

use super::super::asked::{explained, input};
use super::super::query::value;
use crate::generation::Generator;

/// Sides of an input image of which nothing is known, in pixels.
const INPUT_PX: u32 = 1024;
/// Most input images that are told.
const INPUTS_MAX: usize = 16;

/// The input images that a page has, as far as prices depend on them.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputsTold {
    count: usize,
    width_px: u32,
    height_px: u32,
    has_mask: bool,
}

impl InputsTold {
    /// Reads them from a query.
    pub(super) fn read(pairs: &[(String, String)]) -> Self {
        let size = value(pairs, "input_size").and_then(|text| text.parse::<Size>().ok());
        Self {
            count: value(pairs, "inputs")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1)
                .clamp(1, INPUTS_MAX),
            width_px: size.map_or(INPUT_PX, |size| size.width_px),
            height_px: size.map_or(INPUT_PX, |size| size.height_px),
            has_mask: value(pairs, "masked").is_some(),
        }
    }
}

/// What the fields would become.
pub(super) fn of(
    generator: &Generator,
    view: &ModelView<'_>,
    parameters: &[ParameterView],
    mode: Mode,
    values: &[(String, String)],
    told: InputsTold,
) -> Quote {
    if !view.modes.contains(&mode) {
        return Quote::default();
    }
    let takes = |name: &str| {
        parameters
            .iter()
            .any(|own| own.name == name && own.modes.contains(&mode))
    };
    let mut fields = Map::new();
    fields.insert("model".to_owned(), Value::from(view.model.id.as_str()));
    // Without words of the reader's own the sample's stand for them.
    if let Some(prompt) = Sample::of(view, mode).prompt {
        fields.insert("prompt".to_owned(), Value::from(prompt));
    }
    for (name, text) in values {
        if takes(name) {
            fields.insert(name.clone(), Value::from(text.as_str()));
        }
    }
    let images = vec![input(told.width_px, told.height_px); told.count];
    read(
        &explained(generator, view, mode, &fields, &images, told.has_mask),
        generator,
    )
}

fn read(explanation: &Explanation, generator: &Generator) -> Quote {
    let mut tried: Vec<(usize, &OfferExplanation)> = explanation
        .offers
        .iter()
        .filter_map(|offer| Some((offer.place?, offer)))
        .collect();
    tried.sort_by_key(|(place, _)| *place);
    let mut providers: Vec<String> = Vec::new();
    for (_, offer) in &tried {
        let name = generator
            .upstreams
            .get(&offer.provider)
            .map_or(&offer.provider, |known| &known.name);
        if !providers.contains(name) {
            providers.push(name.clone());
        }
    }
    let first = tried.first().and_then(|(_, offer)| offer.sent.as_ref());
    let mut faults: Vec<String> = explanation.faults.iter().map(|fault| fault.message.clone()).collect();
    if faults.is_empty() && tried.is_empty() {
        faults.extend(explanation.offers.first().map(|offer| offer.reason.clone()));
    }
    Quote {
        cost: tried
            .iter()
            .filter_map(|(_, offer)| offer.sent.as_ref())
            .map(|sent| sent.total_cost_micros)
            .max(),
        makes: first.and_then(made),
        providers,
        faults,
    }
}
