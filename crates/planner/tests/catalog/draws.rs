//! What one gets is never drawn by lot: random requests, each planned many times, all offers healthy.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::date;
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::mode::Mode;
use planner::plan::{Candidate, Circumstances, plan};
use planner::request::{Endpoint, Inputs, parse};
use planner::resolve::{Resolved, resolve};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::folder::{catalog, images, png};

/// Plans of one request.
const DRAWS: u64 = 20;

/// Things that offers of one model take differently.
fn choices() -> Vec<(&'static str, Value)> {
    let mut all = vec![
        ("seed", json!(0)),
        ("seed", json!(5_000_000_000_u64)),
        ("prompt", json!("a")),
        ("prompt", json!("a".repeat(3500))),
        ("prompt", json!("a".repeat(12_000))),
        ("quality", json!("low")),
        ("quality", json!("hd")),
        ("background", json!("transparent")),
        ("moderation", json!("low")),
        ("negative_prompt", json!("fog")),
        ("guidance_scale", json!(4)),
        ("prompt_enhancement", json!("off")),
        ("n", json!(3)),
        ("stream", json!(true)),
        ("partial_images", json!(2)),
        ("user", json!("rider-7")),
    ];
    for size in [
        "1024x1024",
        "1664x2496",
        "1440x720",
        "1536x1024",
        "1000x1500",
        "1376x768",
        "300x300",
    ] {
        all.push(("size", json!(size)));
    }
    for format in ["png", "jpeg", "webp", "avif"] {
        all.push(("output_format", json!(format)));
    }
    all
}

/// The size and format that a caller gets from a candidate, as far as they are known.
fn got(candidate: &Candidate<'_>) -> (Option<String>, Option<String>) {
    let resolved = &candidate.resolved;
    let size = resolved.finish.cover.or(resolved.work.size);
    let format = resolved.finish.format.map(|format| format.to_string());
    (size.map(|size| size.to_string()), format)
}

fn check(catalog: &Catalog, model: &Model, mode: Mode, fields: &Map<String, Value>) -> Result<(), TestCaseError> {
    let (endpoint, inputs) = match mode {
        Mode::TextToImage => (Endpoint::Generations, Inputs::default()),
        Mode::ImageEdit | Mode::Upscale => (Endpoint::Edits, images(&[png(4032, 3024)])),
    };
    let (request, faults) = parse(endpoint, fields, false, catalog);
    prop_assert_eq!(faults, vec![]);
    let available: HashSet<String> = catalog.providers().map(|provider| provider.id.clone()).collect();
    let now: Timestamp = "2026-11-30T12:00:00Z".parse().expect("an instant");
    let mut seen = HashSet::new();
    for seed in 0..DRAWS {
        let Ok(resolution) = resolve(catalog, model, &request, &inputs) else {
            return Ok(());
        };
        let lasts = |one: &Resolved<'_>| one.offer.sunset.is_none_or(|day| day >= date(2026, 11, 30));
        let makes_it = resolution.offers.iter().any(|one| one.fit.is_exact() && lasts(one));
        let circumstances = Circumstances {
            seed: seed * 7919,
            ..Circumstances::new(&available, now)
        };
        let plan = plan(resolution, &circumstances).expect("every provider can be called");
        let first = &plan.candidates[0];
        prop_assert!(
            !makes_it || first.resolved.fit.is_exact(),
            "{:?}",
            first.resolved.adjustments
        );
        if fields.contains_key("size") {
            seen.insert(got(first));
        } else {
            seen.insert((None, got(first).1));
        }
    }
    prop_assert_eq!(seen.len(), 1, "{} {}: {:?} {:?}", &model.id, mode, fields, seen);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn a_request_gets_the_same_whatever_is_drawn(picks in prop::collection::vec(any::<Index>(), 0..5), at in any::<Index>()) {
        thread_local! { static CATALOG: Catalog = catalog(); }
        CATALOG.with(|catalog| {
            let mut places = Vec::new();
            for model in catalog.models().filter(|model| model.live_offers().count() > 1) {
                places.extend(model.modes().into_iter().map(|mode| (model, mode)));
            }
            let (model, mode) = *at.get(&places);
            let mut fields = Map::new();
            fields.insert("model".to_owned(), json!(model.id));
            fields.insert("prompt".to_owned(), json!("a red bicycle"));
            let choices = choices();
            for pick in picks {
                let (name, value) = pick.get(&choices);
                fields.insert((*name).to_owned(), value.clone());
            }
            check(catalog, model, mode, &fields)
        })?;
    }
}
