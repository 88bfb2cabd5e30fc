//! The sizes of a model as its page and schema show them, by the rules that resolve a request.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::resolve::resolve_size;
use super::tier::Scale;
use super::{
    ModelSizes, OfferSizes, Ratio, RatioArgument, Size, SizeRange, SizeRequest, SizeSupport, Tier, TierArgument,
    standard_tier, tier_of,
};

/// One row: a `size`, and the `aspect_ratio` and `resolution` that mean it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeTableRow {
    /// The size.
    pub size: Size,
    /// Its ratio.
    pub aspect_ratio: Ratio,
    /// Its tier.
    pub resolution: Tier,
    /// Whether the size is only a label of the ratio and tier, and the true output is measured.
    pub nominal: bool,
}

/// The union of what the offers take by name, each size once: tiers ascending, in a tier more pixels first, then
/// the narrower. Ranges have no rows, see [`size_range`].
#[must_use]
pub fn size_table(model: &ModelSizes, offers: &[&OfferSizes]) -> Vec<SizeTableRow> {
    let mut rows = BTreeMap::new();
    for offer in offers {
        for row in offer_rows(model, offer) {
            let kept = rows.entry(row.size).or_insert(row);
            if preference(&row) < preference(kept) {
                *kept = row;
            }
        }
    }
    let mut rows: Vec<SizeTableRow> = rows.into_values().collect();
    for row in &mut rows {
        row.nominal = !model.is_exact(row.size) && !offers.iter().any(|offer| makes(offer, row.size));
    }
    rows.sort_by_key(|row| {
        (
            row.resolution.area_millionths(),
            Reverse(row.size.pixels()),
            row.size.width_px,
        )
    });
    rows
}

/// Which of two spellings of one size is shown: tiers in K, then the standard tier, then short ratios.
fn preference(row: &SizeTableRow) -> (bool, bool, (u64, u64), u128) {
    let megapixels = matches!(row.resolution, Tier::Megapixels(_));
    let other_tier = row.resolution != standard_tier(row.size);
    (
        megapixels,
        other_tier,
        row.aspect_ratio.spelling(),
        row.resolution.area_millionths(),
    )
}

fn makes(offer: &OfferSizes, size: Size) -> bool {
    match &offer.support {
        SizeSupport::Listed(sizes) => sizes.contains(&size),
        SizeSupport::Range(range) => range.allows(size),
        SizeSupport::Ratios { .. } => offer.outputs.iter().any(|output| output.size == size),
        SizeSupport::Fixed => false,
    }
}

fn offer_rows(model: &ModelSizes, offer: &OfferSizes) -> Vec<SizeTableRow> {
    match &offer.support {
        SizeSupport::Listed(sizes) => sizes.iter().map(|size| listed_row(*size, model, offer)).collect(),
        SizeSupport::Ratios { ratios, tiers } if tiers.is_empty() => {
            let scale = Scale::of_size(model.default);
            let row = |ratio: &Ratio| nominal_row(*ratio, scale, standard_tier(model.default));
            ratios.iter().map(row).collect()
        }
        SizeSupport::Ratios { ratios, tiers } => {
            let row = |ratio: Ratio, tier: Tier| nominal_row(ratio, Scale::of_tier(tier), tier);
            ratios
                .iter()
                .flat_map(|ratio| tiers.iter().map(|tier| row(*ratio, *tier)))
                .collect()
        }
        SizeSupport::Range(_) | SizeSupport::Fixed => Vec::new(),
    }
}

fn nominal_row(aspect_ratio: Ratio, scale: Scale, resolution: Tier) -> SizeTableRow {
    SizeTableRow {
        size: scale.shaped(aspect_ratio),
        aspect_ratio,
        resolution,
        nominal: true,
    }
}

/// The plainest names that lead back to the size: common ratio and standard tier, else more exact ones.
fn listed_row(size: Size, model: &ModelSizes, offer: &OfferSizes) -> SizeTableRow {
    let (label, own) = (Ratio::label(size), Ratio::of(size));
    let names = [
        (label, standard_tier(size)),
        (own, standard_tier(size)),
        (own, tier_of(size)),
    ];
    let leads_back = |(ratio, tier): &(Ratio, Tier)| {
        let request = SizeRequest {
            size: None,
            aspect_ratio: Some(RatioArgument::Ratio(*ratio)),
            resolution: Some(TierArgument::Tier(*tier)),
        };
        resolve_size(&request, model, offer).nominal == Some(size)
    };
    let (aspect_ratio, resolution) = names.into_iter().find(leads_back).unwrap_or(names[2]);
    SizeTableRow {
        size,
        aspect_ratio,
        resolution,
        nominal: false,
    }
}

/// The bounds of free sizes: the model's exact range, else the least bounds that hold the ranges of all offers.
#[must_use]
pub fn size_range(model: &ModelSizes, offers: &[&OfferSizes]) -> Option<SizeRange> {
    if let Some((min_edge_px, max_edge_px)) = model.exact_range {
        return Some(SizeRange {
            min_edge_px,
            max_edge_px,
            multiple_of: 1,
            min_pixels: u64::from(min_edge_px) * u64::from(min_edge_px),
            max_pixels: u64::from(max_edge_px) * u64::from(max_edge_px),
            max_ratio: None,
        });
    }
    let ranges = offers.iter().filter_map(|offer| match offer.support {
        SizeSupport::Range(range) => Some(range),
        _ => None,
    });
    ranges.reduce(|a, b| SizeRange {
        min_edge_px: a.min_edge_px.min(b.min_edge_px),
        max_edge_px: a.max_edge_px.max(b.max_edge_px),
        multiple_of: common_step(a.multiple_of.max(1), b.multiple_of.max(1)),
        min_pixels: a.min_pixels.min(b.min_pixels),
        max_pixels: a.max_pixels.max(b.max_pixels),
        max_ratio: a.max_ratio.zip(b.max_ratio).map(|(a, b)| a.max(b)),
    })
}

const fn common_step(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
