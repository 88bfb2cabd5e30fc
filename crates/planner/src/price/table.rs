//! What one image costs at every offer of a model, by quality and size: the matrix of its page.

use std::cmp::Reverse;

use indexmap::IndexMap;

use super::estimate::{Work, estimate};
use super::tokens::listed_sizes;
use crate::catalog::model::Model;
use crate::catalog::offer::Offer;
use crate::catalog::pricing::{Component, Direction, Metric, OutputTokens};
use crate::mode::Mode;
use crate::money::Micros;
use crate::size::{
    RATIO_SLACK, Ratio, Size, SizeArgument, SizeRequest, SizeSupport, Tier, derived_size, ratio_distance, resolve_size,
    size_range, standard_tier, tier_of,
};

/// Squares beside the default size by which prices that grow with the area are told, in pixels a side.
const LARGER_SQUARES_PX: [u32; 2] = [2048, 4096];

/// Prices of one image, offers side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceTable<'a> {
    /// The live offers that bill this account, in the order of the catalogue.
    pub offers: Vec<&'a Offer>,
    /// Qualities in their order, in each the sizes.
    pub rows: Vec<PriceRow>,
}

/// One condition, and what it costs at each offer.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceRow {
    /// The quality; absent where no price depends on it.
    pub quality: Option<String>,
    /// The size.
    pub size: PricedSize,
    /// By offer, in the order of [`PriceTable::offers`]; absent where it does not make that.
    pub prices: Vec<Option<Micros>>,
}

impl PriceRow {
    /// The least price, where offers differ.
    #[must_use]
    pub fn lowest(&self) -> Option<Micros> {
        let known: Vec<Micros> = self.prices.iter().flatten().copied().collect();
        let least = *known.iter().min()?;
        known.iter().any(|price| *price != least).then_some(least)
    }
}

/// The size that a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricedSize {
    /// Every size costs the same.
    Any,
    /// Every size of a tier does.
    Tier(Tier),
    /// This one.
    Exact(Size),
}

/// The matrix of `model` in its first mode, for outputs alone, with the operator's mark-up.
#[must_use]
pub fn price_table(model: &Model) -> PriceTable<'_> {
    let offers: Vec<&Offer> = model.live_offers().filter(|offer| offer.requires.is_empty()).collect();
    let Some(mode) = model.modes().first().copied() else {
        return PriceTable {
            offers,
            rows: Vec::new(),
        };
    };
    let mut rows = Vec::new();
    for quality in qualities(&offers) {
        for size in priced_sizes(model, &offers) {
            let prices: Vec<Option<Micros>> = offers
                .iter()
                .map(|offer| price(model, offer, mode, quality.as_deref(), size))
                .collect();
            if prices.iter().any(Option::is_some) {
                rows.push(PriceRow {
                    quality: quality.clone(),
                    size,
                    prices,
                });
            }
        }
    }
    PriceTable { offers, rows }
}

/// The price of one image at one offer; `None` where it does not make that size, or has no price for that quality.
fn price(model: &Model, offer: &Offer, mode: Mode, quality: Option<&str>, size: PricedSize) -> Option<Micros> {
    let mode_offer = offer.in_mode(mode)?;
    let wanted = match size {
        PricedSize::Any => model.sizes().default,
        PricedSize::Tier(tier) => derived_size(Ratio::of(Size::new(1, 1)), tier),
        PricedSize::Exact(size) => size,
    };
    let made = if size == PricedSize::Any || matches!(mode_offer.sizes.support, SizeSupport::Fixed) {
        wanted
    } else {
        let request = SizeRequest {
            size: Some(SizeArgument::Exact(wanted)),
            aspect_ratio: None,
            resolution: None,
        };
        let resolved = resolve_size(&request, &model.sizes(), &mode_offer.sizes);
        let made = resolved.nominal?;
        let is_same = match size {
            PricedSize::Tier(tier) => standard_tier(made) == standard_tier(wanted) || tier == tier_of(made),
            _ => resolved.cover.is_some() || close(made, wanted),
        };
        is_same.then_some(made)?
    };
    let work = Work {
        mode,
        quality: quality.map(ToOwned::to_owned),
        size: Some(made),
        calls: vec![1],
        partials: 0,
        prompt_bytes: 0,
        inputs: Vec::new(),
        high_fidelity: false,
        arguments: IndexMap::new(),
    };
    let lines = estimate(&offer.pricing, &work).components;
    let mut outputs = lines.iter().filter(|line| line.is_of_pictures()).peekable();
    if outputs.peek().is_none() && !offer.pricing.components.is_empty() {
        return None;
    }
    let amount = outputs.map(|line| line.total_cost).sum::<Micros>();
    Some(amount + offer.pricing.markup_on(amount))
}

/// Whether an offer's own size stands for the one that is wanted: of one ratio and, to a few pixels, of one area.
fn close(made: Size, wanted: Size) -> bool {
    const AREA_SLACK: f64 = 0.06;
    let area = (made.pixels() as f64 / wanted.pixels() as f64).ln().abs();
    let ratio = ratio_distance(Ratio::of(made), Ratio::of(wanted));
    ratio <= RATIO_SLACK && area <= AREA_SLACK
}

/// Every quality that a price depends on, in the order of the catalogue; one of none where none does.
fn qualities(offers: &[&Offer]) -> Vec<Option<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |name: &String| {
        if !found.contains(name) {
            found.push(name.clone());
        }
    };
    for offer in offers {
        let outputs = offer
            .pricing
            .components
            .iter()
            .filter(|part| part.direction == Direction::Output);
        outputs.flat_map(|part| &part.quality).for_each(&mut add);
        match &offer.pricing.output_tokens {
            Some(OutputTokens::Table { tokens }) => tokens.keys().for_each(&mut add),
            Some(OutputTokens::Grid { cells, .. }) => cells.keys().for_each(&mut add),
            None => {}
        }
    }
    if found.is_empty() {
        vec![None]
    } else {
        found.into_iter().map(Some).collect()
    }
}

/// The sizes that prices depend on.
fn priced_sizes(model: &Model, offers: &[&Offer]) -> Vec<PricedSize> {
    let components = || offers.iter().flat_map(|offer| &offer.pricing.components);
    let outputs = || components().filter(|part| part.direction == Direction::Output);
    let mut sizes: Vec<Size> = outputs().flat_map(|part| part.size.clone()).collect();
    for rule in offers.iter().filter_map(|offer| offer.pricing.output_tokens.as_ref()) {
        if let OutputTokens::Table { tokens } = rule {
            for quality in tokens.keys() {
                sizes.extend(listed_sizes(rule, quality));
            }
        }
    }
    let mut tiers: Vec<Tier> = Vec::new();
    for tier in outputs().flat_map(|part| part.resolution.clone()) {
        if !tiers.contains(&tier) {
            tiers.push(tier);
        }
    }
    if sizes.is_empty() && !tiers.is_empty() {
        tiers.sort_by(|a, b| a.scale().total_cmp(&b.scale()));
        return tiers.into_iter().map(PricedSize::Tier).collect();
    }
    let by_grid = offers
        .iter()
        .any(|offer| matches!(offer.pricing.output_tokens, Some(OutputTokens::Grid { .. })));
    if by_grid || outputs().any(grows) {
        sizes.extend(larger(model, offers));
    }
    if sizes.is_empty() {
        return vec![PricedSize::Any];
    }
    sizes.sort_by_key(|size| (size.pixels(), Reverse(size.width_px)));
    sizes.dedup();
    sizes.into_iter().map(PricedSize::Exact).collect()
}

/// Whether a price grows with the area.
const fn grows(part: &Component) -> bool {
    matches!(part.metric, Metric::Megapixel) || part.min_pixels.is_some() || part.max_pixels.is_some()
}

/// The default size, and the larger squares that the model makes.
fn larger(model: &Model, offers: &[&Offer]) -> Vec<Size> {
    let own: Vec<_> = offers
        .iter()
        .flat_map(|offer| offer.modes.keys().filter_map(|mode| offer.in_mode(*mode)))
        .map(|mode| &mode.sizes)
        .collect();
    let range = size_range(&model.sizes(), &own);
    let makes = |size: &Size| {
        let listed = |support: &SizeSupport| matches!(support, SizeSupport::Listed(sizes) if sizes.contains(size));
        range.is_some_and(|range| range.allows(*size)) || own.iter().any(|sizes| listed(&sizes.support))
    };
    let squares = LARGER_SQUARES_PX.map(|side_px| Size::new(side_px, side_px));
    std::iter::once(model.sizes().default)
        .chain(squares.into_iter().filter(makes))
        .collect()
}
