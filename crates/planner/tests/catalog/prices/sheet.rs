//! A sheet for an offer that has none yet, written by `cargo xtask bless` from the catalogue: each figure is to be held against
//! the page before it is kept.

use std::fmt::Write as _;

use planner::catalog::offer::Offer;
use planner::catalog::pricing::{Component, Direction, Metric};
use rust_decimal::Decimal;

/// The sheet of `provider/model`.
pub(super) fn of(name: &str, offer: &Offer) -> String {
    let pricing = &offer.pricing;
    let mut sheet = format!(
        "\n# Written by `cargo xtask bless`: hold each figure against the page, then remove this line.\n[[sheet]]\nsource = {:?}\n\
         as_of = {:?}\noffers = [{name:?}]\n",
        pricing.source,
        pricing.as_of.to_string(),
    );
    let is_token = |part: &&Component| matches!(part.metric, Metric::TokenText | Metric::TokenImage);
    let (rates, prices): (Vec<&Component>, Vec<&Component>) = pricing.components.iter().partition(is_token);
    list(&mut sheet, "rates", rates.into_iter().map(rate));
    list(&mut sheet, "prices", prices.into_iter().map(price));
    sheet
}

fn list(sheet: &mut String, name: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.collect();
    if !rows.is_empty() {
        write!(sheet, "{name} = [\n{}]\n", rows.concat()).expect("a text takes more");
    }
}

fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).expect("a word");
    value.as_str().unwrap_or_default().to_owned()
}

fn rate(part: &Component) -> String {
    let million = Decimal::from(1_000_000);
    let figure = (part.unit_price * million / Decimal::from(part.unit_size)).normalize();
    let cached = if part.cached { ", cached = true" } else { "" };
    format!(
        "  {{ type = {:?}, metric = {:?}{cached}, figure = \"{figure}\" }},\n",
        word(&part.direction),
        word(&part.metric),
    )
}

fn price(part: &Component) -> String {
    let of = match part.metric {
        Metric::Megapixel => "megapixel",
        _ => "image",
    };
    let covers = match part.direction {
        Direction::Input => ", covers = \"inputs\"",
        Direction::Output => "",
    };
    let first = [
        ("quality", part.quality.first().cloned()),
        ("size", part.size.first().map(ToString::to_string)),
        ("resolution", part.resolution.first().map(ToString::to_string)),
    ];
    let asked = first
        .into_iter()
        .filter_map(|(name, value)| Some(format!(", {name} = {:?}", value?)));
    let figure = (part.unit_price / Decimal::from(part.unit_size)).normalize();
    format!(
        "  {{ of = {of:?}{}{covers}, figure = \"{figure}\" }},\n",
        asked.collect::<String>()
    )
}
