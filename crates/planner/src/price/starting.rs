//! The price from which a model starts.

use super::estimate::{Work, estimate};
use crate::catalog::model::Model;
use crate::catalog::offer::Offer;
use crate::catalog::pricing::{Direction, Metric};
use crate::money::Micros;

/// The least price of one image of the default size.
#[derive(Debug, Clone, PartialEq)]
pub struct StartingPrice<'a> {
    /// For outputs alone, with the operator's mark-up.
    pub price: Micros,
    /// The offer that has it.
    pub offer: &'a Offer,
    /// The quality that has it, when one must be asked for.
    pub quality: Option<String>,
}

/// The least price of `model` at any live offer. Offers that bill somebody else's account have no price here.
#[must_use]
pub fn starting_price(model: &Model) -> Option<StartingPrice<'_>> {
    let qualities = |offer: &Offer| {
        let components = offer.pricing.components.iter();
        let mut names: Vec<Option<String>> = components.flat_map(|part| part.quality.clone()).map(Some).collect();
        names.push(None);
        names
    };
    let mode = *model.modes().first()?;
    let start = |(offer, quality): (_, Option<String>)| {
        let offer: &Offer = offer;
        let work = Work {
            mode,
            quality: quality.clone(),
            size: Some(model.sizes().default),
            calls: vec![1],
            partials: 0,
            prompt_bytes: 0,
            inputs: Vec::new(),
            high_fidelity: false,
            arguments: indexmap::IndexMap::new(),
        };
        let lines = estimate(&offer.pricing, &work).components;
        let outputs = lines
            .iter()
            .filter(|line| line.direction == Direction::Output && line.metric != Metric::TokenText);
        let amount = outputs.map(|line| line.total_cost).sum::<Micros>();
        (amount + offer.pricing.markup_on(amount), quality)
    };
    model
        .live_offers()
        .filter(|offer| offer.requires.is_empty())
        .flat_map(|offer| qualities(offer).into_iter().map(move |quality| (offer, quality)))
        .map(|(offer, quality)| {
            let (price, quality) = start((offer, quality));
            StartingPrice { price, offer, quality }
        })
        .min_by_key(|start| start.price)
}
