//! The sizes of a model, as its schema and its page show them.

use serde_json::{Value, json};

use super::{Served, served, unconditional};
use crate::catalog::model::Model;
use crate::size::{OfferSizes, SizeRange, SizeTableRow, size_range, size_table};

/// The table of `size` against `aspect_ratio` and `resolution`.
pub(super) fn rows(model: &Model, served: &[Served<'_>]) -> Vec<SizeTableRow> {
    size_table(&model.sizes(), &offers(served))
}

fn offers<'s>(served: &'s [Served<'_>]) -> Vec<&'s OfferSizes> {
    let mut distinct: Vec<&OfferSizes> = Vec::new();
    for one in unconditional(served) {
        if !distinct.contains(&&one.mode_offer.sizes) {
            distinct.push(&one.mode_offer.sizes);
        }
    }
    distinct
}

/// Sizes by name.
#[must_use]
pub fn sizes_of(model: &Model) -> Vec<SizeTableRow> {
    rows(model, &served(model))
}

/// The bounds between which a caller may name any size.
#[must_use]
pub fn range_of(model: &Model) -> Option<SizeRange> {
    let served = served(model);
    size_range(&model.sizes(), &offers(&served))
}

/// Sizes by name, each with the ratio and tier that mean the same.
#[must_use]
pub fn sizes_json(model: &Model) -> Value {
    let row = |row: SizeTableRow| {
        json!({
            "size": row.size.to_string(),
            "aspect_ratio": row.aspect_ratio.to_string(),
            "resolution": row.resolution.to_string(),
            "nominal": row.nominal,
        })
    };
    sizes_of(model).into_iter().map(row).collect()
}

/// The bounds between which a caller may name any size; null when there are none.
#[must_use]
pub fn range_json(model: &Model) -> Value {
    let Some(range) = range_of(model) else {
        return Value::Null;
    };
    let mut told = bounds(&range);
    told["exact"] = json!(model.exact_range.is_some());
    told
}

/// The bounds themselves.
pub(super) fn bounds(range: &SizeRange) -> Value {
    json!({
        "min_edge_px": range.min_edge_px,
        "max_edge_px": range.max_edge_px,
        "multiple_of": range.multiple_of.max(1),
        "min_pixels": range.min_pixels,
        "max_pixels": (range.max_pixels < u64::MAX).then_some(range.max_pixels),
        "max_ratio": range.max_ratio,
    })
}
