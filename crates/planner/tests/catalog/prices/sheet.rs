//! A sheet for an offer that has none yet, written by `cargo xtask bless` from the catalogue: each figure is to be held against
//! the page before it is kept.

use std::fmt::Write as _;

use planner::catalog::offer::Offer;
use planner::catalog::pricing::{Component, Direction, Metric};
use planner::mode::Mode;
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
    let (prices, rates): (Vec<&Component>, Vec<&Component>) =
        pricing.components.iter().partition(|part| kind(part.metric).is_some());
    list(&mut sheet, "rates", rates.into_iter().map(rate));
    list(&mut sheet, "prices", prices.into_iter().flat_map(price_by_mode));
    sheet
}

/// What a figure of this metric is called among prices; None where it can only be a rate.
fn kind(metric: Metric) -> Option<&'static str> {
    match metric {
        Metric::Image => Some("image"),
        Metric::Megapixel => Some("megapixel"),
        Metric::TokenText | Metric::TokenImage | Metric::Second => None,
    }
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
    let (per, told) = match part.metric {
        Metric::TokenText | Metric::TokenImage => (1_000_000, String::new()),
        Metric::Image | Metric::Megapixel | Metric::Second => (part.unit_size, format!(", per = {}", part.unit_size)),
    };
    let figure = (part.unit_price * Decimal::from(per) / Decimal::from(part.unit_size)).normalize();
    let cached = if part.cached { ", cached = true" } else { "" };
    format!(
        "  {{ type = {:?}, metric = {:?}{cached}{told}, figure = \"{figure}\" }},\n",
        word(&part.direction),
        word(&part.metric),
    )
}

/// A row for each mode that the price is for; one where it holds in all.
fn price_by_mode(part: &Component) -> Vec<String> {
    if part.modes.is_empty() {
        return vec![price(part, None)];
    }
    part.modes.iter().map(|mode| price(part, Some(*mode))).collect()
}

fn price(part: &Component, mode: Option<Mode>) -> String {
    let of = kind(part.metric).unwrap_or_default();
    let covers = match part.direction {
        Direction::Input => ", covers = \"inputs\"",
        Direction::Output => "",
    };
    let first = [
        ("mode", mode.map(|mode| mode.to_string())),
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::folder::catalog;
    use crate::prices::table::{Kind, Row, Table, named};

    #[derive(Deserialize)]
    struct Components {
        components: Vec<Component>,
    }

    #[test]
    fn a_sheet_says_what_each_price_is_for() {
        let components: Components = toml::from_str(
            r#"components = [
                { type = "output", metric = "megapixel", unit_price = "0.01", modes = ["text-to-image", "image-edit"] },
                { type = "output", metric = "image", unit_price = "0.02", quality = ["low"] },
                { type = "output", metric = "second", unit_price = "0.5", unit_size = 10 },
                { type = "input", metric = "token_text", unit_price = "5", unit_size = 1000000 },
            ]"#,
        )
        .expect("prices");
        let catalog = catalog();
        let mut offer = named(&catalog, "fal/flux.1-schnell").1.clone();
        offer.pricing.components = components.components;
        let table: Table = toml::from_str(&of("fal/flux.1-schnell", &offer)).expect("a sheet");
        let rows = table.sheets[0].rows().map(|row| match row {
            Row::Price(price) => {
                let mode = price.mode.map(|mode| mode.to_string());
                (
                    format!("{:?} {mode:?} {:?}", price.of.expect("it is told"), price.quality),
                    price.figure,
                )
            }
            Row::Rate(rate) => (format!("{:?} per {}", rate.metric, rate.per), Some(rate.figure)),
            Row::Usage(_) => panic!("nothing was used"),
        });
        let rows: Vec<(String, String)> = rows
            .map(|(what, figure)| (what, figure.expect("it has a figure").to_string()))
            .collect();
        let expected = [
            (format!("{:?} Some(\"text-to-image\") None", Kind::Megapixel), "0.01"),
            (format!("{:?} Some(\"image-edit\") None", Kind::Megapixel), "0.01"),
            (format!("{:?} None Some(\"low\")", Kind::Image), "0.02"),
            (format!("{:?} per 10", Metric::Second), "0.5"),
            (format!("{:?} per 1000000", Metric::TokenText), "5"),
        ];
        assert_eq!(rows, expected.map(|(what, figure)| (what, figure.to_owned())));
    }
}
