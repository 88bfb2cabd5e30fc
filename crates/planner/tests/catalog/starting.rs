//! The price from which each model starts, against estimates of everything that its starting price speaks of.

use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::catalog::pricing::{Direction, Metric};
use planner::mode::Mode;
use planner::money::Micros;
use planner::price::Counted;
use planner::price::starting::starting_price;
use planner::request::Inputs;
use planner::resolve::{Resolution, Resolved};
use planner::schema::sizes_of;
use serde_json::{Map, Value, json};

use crate::folder::{catalog, edit, generate, images, png};

/// What one image costs of an estimate without what goes in.
fn output(resolved: &Resolved<'_>) -> Micros {
    let lines = resolved.estimate.components.iter().cloned();
    let is_priced = |metric| matches!(metric, Counted::Metric(metric) if metric != Metric::TokenText);
    let outputs = lines.filter(|line| line.direction == Direction::Output && is_priced(line.metric));
    let amount = outputs.map(|line| line.total_cost).sum::<Micros>();
    let step = resolved.offer.pricing.round_up_to;
    step.map_or(amount, |step| amount.round_up_to(Micros::from_dollars(step)))
}

/// One image of `model`, asked for with these fields.
fn resolved<'a>(catalog: &'a Catalog, model: &'a Model, mode: Mode, fields: &Map<String, Value>) -> Resolution<'a> {
    let mut fields = Value::Object(fields.clone());
    let requires = |name: &str| {
        let mut offers = model.live_offers();
        offers.all(|offer| offer.requires.iter().any(|own| own == name))
    };
    for name in ["search_prompt", "select_prompt"] {
        if requires(name) {
            fields[name] = json!("the bicycle");
        }
    }
    let result = match mode {
        Mode::TextToImage => generate(catalog, &model.id, fields),
        Mode::ImageEdit => {
            let inputs = Inputs {
                mask: requires("mask").then(|| png(1024, 1024)),
                ..images(&[png(1024, 1024)])
            };
            edit(catalog, &model.id, fields, &inputs)
        }
        Mode::Upscale => {
            let factor = model
                .live_offers()
                .find_map(|offer| offer.in_mode(mode)?.scale)
                .unwrap_or(2.0);
            fields["scale_factor"] = json!(factor);
            let side_px = (1024.0 / factor) as u32;
            edit(catalog, &model.id, fields, &images(&[png(side_px, side_px)]))
        }
    };
    result.unwrap_or_else(|faults| panic!("{}: {faults:?}", model.id))
}

#[test]
fn every_model_starts_at_its_least_estimate() {
    let catalog = catalog();
    let mut checked = 0;
    for model in catalog.models().filter(|model| !model.is_disabled()) {
        let mode = model.modes()[0];
        let quality = catalog
            .parameters_of(model)
            .get("quality")
            .and_then(|quality| quality.values.clone());
        let qualities = std::iter::once(None).chain(quality.unwrap_or_default().into_iter().map(Some));
        let sizes: Vec<Option<String>> = std::iter::once(None)
            .chain(sizes_of(model).into_iter().map(|row| Some(row.size.to_string())))
            .collect();
        let mut least: Option<Micros> = None;
        for quality in qualities {
            for size in &sizes {
                let mut fields = Map::new();
                fields.extend(quality.clone().map(|quality| ("quality".to_owned(), quality)));
                fields.extend(size.clone().map(|size| ("size".to_owned(), json!(size))));
                let resolution = resolved(&catalog, model, mode, &fields);
                let free = resolution.offers.iter().filter(|one| one.offer.requires.is_empty());
                least = free.map(output).chain(least).min();
            }
        }
        let start = starting_price(&catalog, model);
        assert_eq!(start.as_ref().map(|start| start.price), least, "{}", model.id);
        if let Some(start) = start {
            let mut fields = Map::new();
            fields.extend(start.quality.map(|quality| ("quality".to_owned(), json!(quality))));
            fields.extend(start.size.map(|size| ("size".to_owned(), json!(size.to_string()))));
            let resolution = resolved(&catalog, model, mode, &fields);
            let there = resolution
                .offers
                .iter()
                .find(|one| std::ptr::eq(one.offer, start.offer));
            assert_eq!(
                there.map(output),
                Some(start.price),
                "{} under its conditions",
                model.id
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} models");
}
