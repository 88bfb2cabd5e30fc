//! The providers of a model as text for programs: what each takes, and prices.

use std::fmt::Write as _;

use planner::view::{ModelView, OfferView};

use crate::facts;
use crate::pages::model::{Shown, offer_sizes, rates, takes_each};
use crate::words;

/// What each provider takes, and what it asks for it.
pub(super) fn providers(out: &mut String, shown: &Shown<'_>) {
    let view = shown.view;
    out.push_str("\n## Providers and prices\n");
    for offer in &view.offers {
        let state = if offer.offer.is_live() { "" } else { " (retired)" };
        let _ = write!(out, "\n### {}{state}\n\n", offer.provider_name);
        let _ = writeln!(out, "- Key: `{}`", offer.offer.provider);
        let _ = writeln!(out, "- Native id: {}", offer.native_models().join(", "));
        for (name, value) in limits(view, offer) {
            let _ = writeln!(out, "- {name}: {value}");
        }
        let _ = writeln!(
            out,
            "- Source: {}, seen {}",
            offer.offer.pricing.source,
            words::date(offer.offer.pricing.as_of)
        );
        for note in &offer.offer.pricing.notes {
            let _ = writeln!(out, "- {note}");
        }
    }
    price_table(out, view);
    rate_table(out, view);
}

/// Prices of an image by quality and size.
fn price_table(out: &mut String, view: &ModelView<'_>) {
    let table = view.prices();
    if table.rows.is_empty() {
        return;
    }
    let names: Vec<&str> = table.offers.iter().map(|offer| offer.provider.as_str()).collect();
    let _ = write!(
        out,
        "\nOne image, in dollars:\n\n| quality | size | {} |\n|---|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for row in &table.rows {
        let prices: Vec<String> = row
            .prices
            .iter()
            .map(|price| price.map_or_else(|| "not made".to_owned(), words::price))
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            row.quality.as_deref().unwrap_or("any"),
            facts::priced_size(row.size).unwrap_or_else(|| "any".to_owned()),
            prices.join(" | ")
        );
    }
}

/// What an offer takes: modes, inputs, sizes, how many in one call, and the bounds of each parameter.
fn limits(view: &ModelView<'_>, offer: &OfferView<'_>) -> Vec<(&'static str, String)> {
    let modes: Vec<&str> = offer.modes.iter().map(|(mode, _)| mode.as_str()).collect();
    let most = offer.modes.iter().map(|(_, mode)| mode.max_n).max().unwrap_or(1);
    let mut rows = vec![
        ("Modes", modes.join(", ")),
        ("Inputs", facts::offer_inputs(offer)),
        ("Sizes", offer_sizes(offer)),
        ("In one call", words::count(most as usize, "image")),
    ];
    if !offer.offer.requires.is_empty() {
        rows.push(("Only with", offer.offer.requires.join(", ")));
    }
    for (name, native, bounds) in takes_each(view, offer) {
        let native = native.map_or_else(String::new, |native| format!(" as `{native}`"));
        let bounds = if bounds.is_empty() {
            String::new()
        } else {
            format!(": {bounds}")
        };
        rows.push(("Takes", format!("`{name}`{native}{bounds}")));
    }
    rows
}

/// Prices by token, megapixel and the like.
fn rate_table(out: &mut String, view: &ModelView<'_>) {
    let rates = rates(view);
    if rates.is_empty() {
        return;
    }
    let table = view.prices();
    let names: Vec<&str> = table.offers.iter().map(|offer| offer.provider.as_str()).collect();
    let _ = write!(
        out,
        "\nRates, in dollars (of tokens: a million, unless it says so):\n\n| of | {} |\n|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for (label, cells) in rates {
        let cells: Vec<String> = cells
            .into_iter()
            .map(|cell| cell.unwrap_or_else(|| "none".to_owned()))
            .collect();
        let _ = writeln!(out, "| {label} | {} |", cells.join(" | "));
    }
}
