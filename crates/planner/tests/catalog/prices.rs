//! Every printed price against the catalogue, and the catalogue against the table of printed prices.

#[path = "prices/asked.rs"]
mod asked;
#[path = "prices/check.rs"]
mod check;
#[path = "prices/sheet.rs"]
mod sheet;
#[path = "prices/table.rs"]
mod table;

use std::collections::HashSet;

use planner::catalog::Catalog;
use planner::catalog::pricing::{Direction, OutputTokens, Pricing};
use planner::mode::Mode;
use planner::money::Micros;
use planner::resolve::Resolved;
use planner::size::SizeSupport;
use rust_decimal::Decimal;
use serde_json::json;

use crate::folder::{at, catalog, edit, generate, images, png};
use check::Case;
use table::{Covers, Kind, Price, Row, Table, named};

fn cases<'a>(catalog: &'a Catalog, table: &'a Table) -> Vec<Case<'a>> {
    let mut mistakes = Vec::new();
    let mut cases = Vec::new();
    for (_, name, row) in table.entries() {
        let shown = format!("{row:?}");
        match Case::new(catalog, name, row) {
            Ok(case) => cases.push(case),
            Err(mistake) => mistakes.push(format!("{name}: {mistake}\n  {shown}")),
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    cases
}

#[test]
fn estimates_and_charges_are_what_the_sources_print() {
    let (catalog, table) = (catalog(), Table::load());
    let mut mistakes = Vec::new();
    for case in cases(&catalog, &table) {
        if let Err(mistake) = case.check(&table, &case.offer.pricing) {
            mistakes.push(format!("{}: {mistake}\n  {:?}", case.name, case.row));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn every_figure_names_its_source_as_the_catalog_does() {
    let (catalog, table) = (catalog(), Table::load());
    for (sheet, name, row) in table.entries() {
        match row.differs() {
            Some(reason) => assert!(!reason.is_empty() && !sheet.source.is_empty(), "{name} {row:?}"),
            None => {
                let (_, offer) = named(&catalog, name);
                let told = (offer.pricing.source.contains(&sheet.source), offer.pricing.as_of);
                assert_eq!(told, (true, sheet.as_of), "{name}, from {}", sheet.source);
            }
        }
    }
}

#[test]
fn every_offer_has_a_printed_price() {
    let (catalog, table) = (catalog(), Table::load());
    let priced: HashSet<&str> = table
        .sheets
        .iter()
        .flat_map(|sheet| &sheet.offers)
        .map(String::as_str)
        .collect();
    let unpriced: Vec<String> = catalog
        .models()
        .flat_map(|model| {
            model
                .offers
                .iter()
                .map(|offer| format!("{}/{}", offer.provider, model.id))
        })
        .filter(|name| !priced.contains(name.as_str()))
        .collect();
    if std::env::var_os("PICTOR_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalog/prices.toml");
        let sheets: String = unpriced
            .iter()
            .map(|name| sheet::of(name, named(&catalog, name).1))
            .collect();
        let text = std::fs::read_to_string(path).expect("the table of prices");
        std::fs::write(path, text + &sheets).expect("the table can be written");
        return;
    }
    assert!(
        unpriced.is_empty(),
        "`cargo xtask bless` writes their sheets: {unpriced:?}"
    );
}

/// The row with each of its figures off by one in its last digit, where the catalogue follows them.
fn falsified(row: &Row) -> Vec<Row> {
    let off = |figure: Decimal| figure + Decimal::new(1, figure.scale());
    let off_by = |arithmetic: &str, figure: Decimal| format!("{arithmetic} + {}", Decimal::new(1, figure.scale()));
    match row {
        Row::Price(price) => {
            let mut all = Vec::new();
            if let (Some(figure), None) = (price.figure, price.estimate) {
                let arithmetic = price.arithmetic.as_deref().map(|text| off_by(text, figure));
                all.push(Price {
                    figure: Some(off(figure)),
                    arithmetic: arithmetic.filter(|_| price.of == Some(Kind::Sum)),
                    ..(**price).clone()
                });
            }
            // Of inputs the catalogue may have a bound instead. Two, as a single one may be less than half a millionth.
            let followed = price.estimate.is_none() || price.covers == Covers::Output;
            if let Some(tokens) = price.tokens.filter(|_| followed) {
                all.push(Price {
                    tokens: Some(tokens + 2),
                    arithmetic: price.arithmetic.as_deref().map(|text| format!("{text} + 2")),
                    ..(**price).clone()
                });
            }
            if let Some(estimate) = price.estimate {
                all.push(Price {
                    estimate: Some(off(estimate)),
                    ..(**price).clone()
                });
            }
            all.into_iter().map(|price| Row::Price(Box::new(price))).collect()
        }
        Row::Rate(rate) => {
            let mut rate = rate.clone();
            match &mut rate.estimate {
                Some(other) => *other = off(*other),
                None => rate.figure = off(rate.figure),
            }
            vec![Row::Rate(rate)]
        }
        Row::Usage(spent) => {
            let mut spent = spent.clone();
            spent.arithmetic = off_by(&spent.arithmetic, spent.figure);
            spent.figure = off(spent.figure);
            vec![Row::Usage(spent)]
        }
    }
}

#[test]
fn a_figure_that_is_off_by_its_last_digit_is_noticed() {
    let (catalog, table) = (catalog(), Table::load());
    let mut falsified_rows = 0;
    let mut unnoticed = Vec::new();
    for (_, name, row) in table.entries() {
        for wrong in falsified(&row) {
            falsified_rows += 1;
            let shown = format!("{wrong:?}");
            let case = Case::new(&catalog, name, wrong).expect("the request itself is right");
            if case.check(&table, &case.offer.pricing).is_ok() {
                unnoticed.push(format!("{name}: {shown}"));
            }
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
    assert!(
        falsified_rows >= table.entries().count(),
        "each row is falsified at least once"
    );
}

/// The pricing with one of its numbers changed, in every way, each with what was changed.
fn mutated(pricing: &Pricing) -> Vec<(String, Pricing)> {
    let mut all = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Pricing)| {
        let mut other = pricing.clone();
        change(&mut other);
        if other != *pricing {
            all.push((what, other));
        }
    };
    for (i, part) in pricing.components.iter().enumerate() {
        let more = Decimal::new(1, 3);
        add(format!("price of {part:?}"), &|other| {
            other.components[i].unit_price += more;
        });
        add(format!("first unit of {part:?}"), &|other| {
            other.components[i].first_unit_price = part.first_unit_price.map(|price| price + more);
        });
        add(format!("step of {part:?}"), &|other| other.components[i].step = None);
        add(format!("most units of {part:?}"), &|other| {
            other.components[i].max_units = None;
        });
    }
    add("rounding".to_owned(), &|other| other.round_up_to = None);
    add("tokens of a partial image".to_owned(), &|other| {
        if other.partial_tokens > 0 {
            other.partial_tokens += 1;
        }
    });
    match &pricing.output_tokens {
        None => {}
        Some(OutputTokens::Grid { cells, .. }) => {
            for quality in cells.keys() {
                add(format!("cells of {quality}"), &|other| {
                    if let Some(OutputTokens::Grid { cells, .. }) = &mut other.output_tokens {
                        cells[quality] += 1;
                    }
                });
            }
        }
        Some(OutputTokens::Table { tokens }) => {
            for (quality, sizes) in tokens {
                for size in sizes.keys() {
                    add(format!("tokens of {quality} {size}"), &|other| {
                        if let Some(OutputTokens::Table { tokens }) = &mut other.output_tokens {
                            tokens[quality][size] += 1;
                        }
                    });
                }
            }
        }
    }
    all
}

/// A price of the catalogue that no figure holds is a price that anybody could have invented.
#[test]
fn every_number_of_the_catalog_is_held_by_a_printed_figure() {
    let (catalog, table) = (catalog(), Table::load());
    let cases = cases(&catalog, &table);
    let mut loose = Vec::new();
    for model in catalog.models() {
        for offer in &model.offers {
            let name = format!("{}/{}", offer.provider, model.id);
            let own: Vec<&Case<'_>> = cases.iter().filter(|case| case.name == name).collect();
            for (what, pricing) in mutated(&offer.pricing) {
                if own.iter().all(|case| case.check(&table, &pricing).is_ok()) {
                    loose.push(format!("{name}: {what}"));
                }
            }
        }
    }
    assert!(loose.is_empty(), "{}", loose.join("\n"));
}

#[test]
fn what_the_provider_chooses_is_estimated_at_the_dearest() {
    let catalog = catalog();
    for (id, provider) in [
        ("gpt-image-1", "openai"),
        ("gpt-image-1", "fal"),
        ("gpt-image-1-mini", "openai"),
        ("gpt-image-1-mini", "fal"),
        ("gpt-image-1.5", "openai"),
        ("gpt-image-1.5", "fal"),
        ("gpt-image-1.5", "replicate"),
        ("gpt-image-2", "openai"),
        ("gpt-image-2", "fal"),
        ("gpt-image-2", "replicate"),
    ] {
        let auto = generate(&catalog, id, json!({"quality": "auto", "size": "auto"})).expect("it is served");
        let auto = at(&auto, provider).estimate.total;
        for quality in ["low", "medium", "high"] {
            for size in ["1024x1024", "1024x1536", "1536x1024"] {
                let named = generate(&catalog, id, json!({"quality": quality, "size": size})).expect("it is served");
                let named = at(&named, provider);
                let offer = named.offer.in_mode(Mode::TextToImage).expect("its mode");
                // Only an offer that takes `auto` may choose; another makes the default square.
                if offer.sizes.auto || size == "1024x1024" {
                    assert!(named.estimate.total <= auto, "{id} {provider} {quality} {size}");
                }
            }
        }
    }
}

#[test]
fn a_picture_too_large_for_flux_at_fal_is_sent_and_priced_as_a_megapixel() {
    let catalog = catalog();
    for (size, sent) in [("4096x4096", "1024x1024"), ("1920x1080", "1392x752")] {
        let resolution = generate(&catalog, "flux.1-schnell", json!({"size": size})).expect("it is served");
        let resolved = at(&resolution, "fal");
        assert_eq!(resolved.work.size.map(|size| size.to_string()).as_deref(), Some(sent));
        assert_eq!(resolved.estimate.total.0, 3_000, "{size}");
    }
}

/// What comes out of `resolved`, without its inputs.
fn output_price(resolved: &Resolved<'_>) -> Micros {
    let lines = resolved.estimate.components.iter();
    lines
        .filter(|line| line.direction == Direction::Output && matches!(line.metric, planner::price::Counted::Metric(_)))
        .map(|line| line.total_cost)
        .sum()
}

/// Offers of ratios keep the shape of an input and have a scale of their own, whatever is uploaded.
#[test]
fn where_only_the_shape_of_an_input_is_kept_its_scale_costs_nothing() {
    let catalog = catalog();
    let mut compared = Vec::new();
    for model in catalog.models() {
        let edited = |edge_px| {
            let inputs = images(&[png(edge_px, edge_px)]);
            edit(&catalog, &model.id, json!({"model": model.id}), &inputs)
        };
        if !model.modes().contains(&Mode::ImageEdit) {
            continue;
        }
        let (Ok(small), Ok(large)) = (edited(512), edited(4096)) else {
            continue;
        };
        for resolved in &small.offers {
            let sizes = &resolved.offer.in_mode(Mode::ImageEdit).expect("its mode").sizes;
            if sizes.auto_by_default && matches!(sizes.support, SizeSupport::Ratios { .. }) {
                let provider = &resolved.offer.provider;
                let other = at(&large, provider);
                assert_eq!(output_price(resolved), output_price(other), "{provider}/{}", model.id);
                compared.push(format!("{provider}/{}", model.id));
            }
        }
    }
    assert!(
        compared.contains(&"xai/grok-imagine-image-2.0".to_owned()),
        "{compared:?}"
    );
}
