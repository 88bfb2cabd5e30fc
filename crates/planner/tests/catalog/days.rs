//! The catalogue on other days than the one on which it was written: nothing falls out, what has ended goes last, and what
//! should be looked at is told.

use std::collections::HashSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use planner::catalog::stale::Doubt;
use planner::mode::Mode;
use planner::plan::{Circumstances, plan};
use planner::request::{Endpoint, Inputs, parse};
use planner::resolve::resolve;
use serde_json::{Map, Value, json};

use crate::folder::{catalog, png};

/// The day on which the ends of the catalogue were last looked at, and days after it.
const WRITTEN: &str = "2026-12-01";
const DAYS_LATER: [i32; 4] = [0, 3, 90, 1_000];

fn day(later: i32) -> Date {
    let written: Date = WRITTEN.parse().expect("a day");
    written.checked_add(later.days()).expect("a day of this century")
}

/// A request that every model of this mode takes.
fn fields(model: &str, mode: Mode) -> Map<String, Value> {
    let fields = match mode {
        Mode::TextToImage | Mode::ImageEdit => {
            json!({ "model": model, "prompt": "dunes", "openai_api_key": "sk-of-somebody" })
        }
        Mode::Upscale => json!({ "model": model, "scale_factor": 2 }),
    };
    fields.as_object().cloned().expect("an object")
}

#[test]
fn every_model_is_planned_on_every_day_and_what_ended_goes_last() {
    let catalog = catalog();
    let available: HashSet<String> = catalog.providers().map(|provider| provider.id.clone()).collect();
    for later in DAYS_LATER {
        let on = day(later);
        let now = Circumstances::new(&available, on.to_zoned(TimeZone::UTC).expect("a day").timestamp());
        for model in catalog.models().filter(|model| !model.is_disabled()) {
            for mode in model.modes() {
                let (endpoint, images) = match mode {
                    Mode::TextToImage => (Endpoint::Generations, Vec::new()),
                    Mode::ImageEdit | Mode::Upscale => (Endpoint::Edits, vec![png(1024, 1024)]),
                };
                // Some models do nothing without a mask.
                for mask in [None, Some(png(1024, 1024)).filter(|_| mode == Mode::ImageEdit)] {
                    let inputs = Inputs {
                        images: images.clone(),
                        mask,
                    };
                    let (request, faults) = parse(endpoint, &fields(&model.id, mode), false, &catalog);
                    assert!(faults.is_empty(), "{}: {faults:?}", model.id);
                    let Ok(resolution) = resolve(&catalog, model, &request, &inputs) else {
                        assert!(mask_decides(model, mode), "{} in {mode} on {on}", model.id);
                        continue;
                    };
                    let plan = plan(resolution, &now).expect("there is a plan on any day");
                    let past: Vec<bool> = plan.candidates.iter().map(|one| one.past_sunset).collect();
                    assert!(past.is_sorted(), "{} on {on}: {past:?}", model.id);
                    for candidate in &plan.candidates {
                        let is_over = candidate.resolved.offer.sunset.is_some_and(|sunset| sunset < on);
                        assert_eq!(candidate.past_sunset, is_over, "{} on {on}", model.id);
                    }
                }
            }
        }
    }
}

/// Whether offers of the mode insist on a mask, or take none.
fn mask_decides(model: &planner::catalog::model::Model, mode: Mode) -> bool {
    let mut offers = model.live_offers().filter(|offer| offer.in_mode(mode).is_some());
    offers.all(|offer| {
        let takes = offer
            .in_mode(mode)
            .and_then(|own| own.inputs.as_ref())
            .is_some_and(|inputs| inputs.mask.is_some());
        !takes || offer.requires.iter().any(|name| name == "mask")
    })
}

#[test]
fn a_start_warns_of_ends_that_nobody_has_looked_at_and_of_nothing_else() {
    let catalog = catalog();
    let unconfirmed = |later: i32| -> Vec<(String, String)> {
        let all = catalog.unconfirmed(day(later));
        all.iter()
            .map(|one| (one.provider.to_owned(), one.model.to_owned()))
            .collect()
    };
    assert_eq!(unconfirmed(0), [], "all that ended was looked at");
    assert_eq!(unconfirmed(3), []);
    let openai = |model: &str| ("openai".to_owned(), model.to_owned());
    // These end on the day on which the catalogue was written; what became of it is known to nobody yet.
    assert_eq!(unconfirmed(90), [openai("gpt-image-1-mini"), openai("gpt-image-1.5")]);
    // Whatever the day: only ends that have passed by more than a month, and only while nobody has said what became of them.
    for later in [0, 3, 31, 90, 1_000] {
        let on = day(later);
        for stale in catalog.unconfirmed(on) {
            let Doubt::Unconfirmed { sunset } = stale.doubt else {
                panic!("{stale:?}");
            };
            assert!(sunset.checked_add(30.days()).expect("a day") < on);
            let model = catalog.model(stale.model).expect("a model");
            let mut offers = model.offers.iter().filter(|offer| offer.provider == stale.provider);
            assert!(offers.any(|offer| offer.end_confirmed.is_none() && offer.still_served.is_none()));
        }
    }
}

#[test]
fn what_was_seen_past_its_end_is_looked_at_again() {
    let catalog = catalog();
    let seen = |later: i32| -> Vec<String> {
        let all = catalog.stale(day(later));
        let long_ago = all.iter().filter(|one| matches!(one.doubt, Doubt::SeenLongAgo { .. }));
        long_ago.map(|one| format!("{}/{}", one.provider, one.model)).collect()
    };
    assert_eq!(seen(3), Vec::<String>::new());
    assert_eq!(
        seen(89),
        [
            "replicate/imagen-4.0-fast-generate-001",
            "replicate/imagen-4.0-generate-001",
            "replicate/imagen-4.0-ultra-generate-001",
        ]
    );
    assert_eq!(seen(90).len(), 5, "xAI's redirected names too");
    let soon = catalog.stale(day(90));
    let ends: Vec<&str> = soon
        .iter()
        .filter(|one| matches!(one.doubt, Doubt::EndsSoon { .. }))
        .map(|one| one.model)
        .collect();
    assert_eq!(
        ends,
        ["gemini-2.5-flash-image", "gemini-2.5-flash-image"],
        "at both of Google's APIs"
    );
}
