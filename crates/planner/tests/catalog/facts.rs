//! Identity, lifecycle, limits and sizes.

use std::collections::HashSet;

use planner::catalog::lookup::NotFound;
use planner::catalog::model::Status;
use planner::catalog::offer::MaskPolarity;
use planner::mode::Mode;
use planner::native::NativeValue;
use planner::plan::{Circumstances, plan};
use planner::size::{Size, SizeRange, SizeSupport, size_range, size_table};
use planner::strategy::Strategy;
use serde_json::json;

use crate::folder::{at, catalog, generate, mode_offer, model, offer, sources};

#[test]
fn every_file_is_named_after_what_it_holds() {
    let catalog = catalog();
    let names: HashSet<String> = sources().into_iter().map(|(name, _)| name).collect();
    let mut expected = HashSet::from(["parameters.toml".to_owned()]);
    expected.extend(
        catalog
            .providers()
            .map(|provider| format!("providers/{}.toml", provider.id)),
    );
    expected.extend(
        catalog
            .models()
            .map(|model| format!("models/{}/{}.toml", model.creator, model.id)),
    );
    assert_eq!(names, expected);
}

#[test]
fn featured_models_come_first() {
    let catalog = catalog();
    let featured: Vec<bool> = catalog.models().map(|model| model.featured).collect();
    let first_other = featured.iter().position(|featured| !featured).expect("not all are");
    assert!((3..16).contains(&first_other), "{first_other}");
    assert!(featured[first_other..].iter().all(|featured| !featured));
    let ids: Vec<&str> = catalog
        .models()
        .take(first_other)
        .map(|model| model.id.as_str())
        .collect();
    assert!(ids.is_sorted() && ids.contains(&"gpt-image-1-mini"), "{ids:?}");
}

#[test]
fn parameters_keep_the_order_of_the_file() {
    let catalog = catalog();
    let mock = model(&catalog, "mock-image");
    let declared: Vec<String> = catalog.parameters_of(mock).keys().cloned().collect();
    assert_eq!(declared[..4], ["prompt", "quality", "style", "reasoning"]);
}

#[test]
fn every_live_offer_says_what_a_page_needs() {
    let catalog = catalog();
    for model in catalog.models() {
        assert!(
            !model.description.is_empty() && !model.prose.overview.is_empty(),
            "{}",
            model.id
        );
        for (name, parameter) in catalog.parameters_of(model) {
            assert!(
                parameter.description.is_some(),
                "{} {name} has no description",
                model.id
            );
        }
        for offer in &model.offers {
            assert!(!offer.pricing.source.is_empty(), "{} {}", model.id, offer.provider);
            // What only enlarges needs no words.
            for mode in offer.modes.keys().filter(|mode| **mode != Mode::Upscale) {
                let mode_offer = offer.in_mode(*mode).expect("its own mode");
                assert!(
                    mode_offer.fields.contains_key("prompt"),
                    "{} {} sends no prompt",
                    model.id,
                    offer.provider
                );
            }
        }
    }
}

#[test]
fn aliases_and_forced_providers_are_found() {
    let catalog = catalog();
    for (name, id, forced) in [
        ("gpt-image-1.5-2025-12-16", "gpt-image-1.5", None),
        ("gpt-image-2-2026-04-21", "gpt-image-2", None),
        ("fal/gpt-image-2", "gpt-image-2", Some("fal")),
        ("replicate/flux-schnell", "flux.1-schnell", Some("replicate")),
    ] {
        let found = catalog.find(name).expect("a live model");
        assert_eq!((found.model.id.as_str(), found.forced_provider), (id, forced), "{name}");
    }
    for (name, suggestion) in [
        ("gpt-image-1-mni", "gpt-image-1-mini"),
        ("fal-ai/flux/schnel", "flux.1-schnell"),
    ] {
        let unknown = NotFound::Unknown {
            suggestion: Some(suggestion.to_owned()),
        };
        assert_eq!(catalog.find(name), Err(unknown), "{name}");
    }
}

#[test]
fn models_that_were_shut_down_name_their_successor() {
    let catalog = catalog();
    for id in ["dall-e-2", "dall-e-3"] {
        let retired = NotFound::Disabled {
            switched_off: false,
            model: id.to_owned(),
            successor: Some("gpt-image-2".to_owned()),
        };
        assert_eq!(catalog.find(id), Err(retired));
        assert_eq!(model(&catalog, id).status(), Status::Retired);
    }
}

#[test]
fn announced_ends_are_those_of_openai() {
    let catalog = catalog();
    for (id, day) in [
        ("gpt-image-1", Some("2026-10-23")),
        ("gpt-image-1-mini", Some("2026-12-01")),
        ("gpt-image-1.5", Some("2026-12-01")),
        ("gpt-image-2", None),
    ] {
        let model = model(&catalog, id);
        let sunset = offer(model, "openai").sunset.map(|day| day.to_string());
        assert_eq!(sunset.as_deref(), day, "{id}");
        // Other providers have announced nothing.
        assert_eq!(model.status(), Status::Active, "{id}");
    }
}

#[test]
fn an_offer_past_its_last_day_stays_but_goes_last() {
    let catalog = catalog();
    let available = HashSet::from(["openai".to_owned(), "fal".to_owned()]);
    let order = |today: &str| -> Vec<(String, bool)> {
        let now = Circumstances {
            strategy: Strategy::Cheapest,
            ..Circumstances::new(&available, format!("{today}T12:00:00Z").parse().expect("an instant"))
        };
        let resolution = generate(&catalog, "gpt-image-1", json!({"quality": "low"})).expect("it is served");
        let plan = plan(resolution, &now).expect("a plan");
        plan.candidates
            .iter()
            .map(|candidate| (candidate.resolved.offer.provider.clone(), candidate.past_sunset))
            .collect()
    };
    assert_eq!(
        order("2026-10-23"),
        [("openai".to_owned(), false), ("fal".to_owned(), false)]
    );
    assert_eq!(
        order("2026-10-24"),
        [("fal".to_owned(), false), ("openai".to_owned(), true)]
    );
}

#[test]
fn the_mock_takes_every_parameter() {
    let catalog = catalog();
    let mock = model(&catalog, "mock-image");
    let declared = catalog.parameters_of(mock);
    let all = [
        "prompt",
        "n",
        "size",
        "aspect_ratio",
        "resolution",
        "width",
        "height",
        "quality",
        "response_format",
        "output_format",
        "output_compression",
        "style",
        "reasoning",
        "prompt_enhancement",
        "seed",
        "negative_prompt",
        "guidance_scale",
        "strength",
        "background",
        "moderation",
        "input_fidelity",
        "user",
        "stream",
        "partial_images",
        "image",
        "mask",
        "scale_factor",
    ];
    for name in all {
        let parameter = declared.get(name).unwrap_or_else(|| panic!("{name} is not declared"));
        let mode_offers = Mode::ALL.map(|mode| (mode, mode_offer(&catalog, "mock-image", "mock", mode)));
        let taken = mode_offers.iter().any(|(mode, mode_offer)| {
            parameter.applies_in(*mode)
                && planner::handling::handling(name, mode_offer) != planner::handling::Handling::Unsupported
        });
        assert!(taken, "{name} is declared, but no mode takes it");
    }
    assert_eq!(declared.len(), all.len());
    assert_eq!(mock.modes(), Mode::ALL);
}

#[test]
fn the_most_images_of_a_request_is_one_fact() {
    let n = catalog().standard_parameter("n").and_then(|n| n.max);
    assert_eq!(n, Some(f64::from(planner::request::N_MAX)));
}

#[test]
fn switches_of_the_mock_are_understood_in_every_spelling() {
    let catalog = catalog();
    let fields = json!({"thinking_level": "minimal", "enhance_prompt": true, "seed": 7, "n": 2, "style": "natural"});
    let resolution = generate(&catalog, "mock-image", fields).expect("it is served");
    let native = at(&resolution, "mock").call(2, 0);
    let sent = |name: &str| match &native.fields[name] {
        NativeValue::Json(value) => value.clone(),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(
        (
            sent("thinking"),
            sent("prompt_enhancement"),
            sent("seed"),
            sent("style")
        ),
        (json!("little"), json!(true), json!(7), json!("natural"))
    );
}

#[test]
fn the_tables_of_sizes_are_those_of_the_model_pages() {
    let catalog = catalog();
    let table = |id: &str, providers: &[&str]| -> Vec<String> {
        let model = model(&catalog, id);
        let sizes: Vec<_> = providers
            .iter()
            .map(|provider| mode_offer(&catalog, id, provider, Mode::TextToImage).sizes)
            .collect();
        let rows = size_table(&model.sizes(), &sizes.iter().collect::<Vec<_>>());
        rows.iter()
            .map(|row| format!("{} {} {}", row.size, row.aspect_ratio, row.resolution))
            .collect()
    };
    let three = ["1024x1536 2:3 1K", "1536x1024 3:2 1K", "1024x1024 1:1 1K"];
    let five = [&three[..], &["836x1254 2:3 1K", "1254x836 3:2 1K"]].concat();
    assert_eq!(table("gpt-image-1-mini", &["openai", "fal"]), three);
    assert_eq!(table("gpt-image-1.5", &["openai", "fal", "replicate"]), five);
    assert_eq!(
        table("flux.1-schnell", &["replicate"]).len(),
        22,
        "eleven ratios in two tiers"
    );
}

#[test]
fn flexible_ranges_are_those_of_the_model_pages() {
    let catalog = catalog();
    for (id, sides) in [
        ("gpt-image-1-mini", Some((1024, 1536))),
        ("gpt-image-1.5", Some((1024, 1536))),
        ("gpt-image-1", None),
    ] {
        let sizes = model(&catalog, id).sizes();
        assert_eq!(
            size_range(&sizes, &[]).map(|range| (range.min_edge_px, range.max_edge_px)),
            sides,
            "{id}"
        );
    }
}

#[test]
fn free_sizes_have_the_published_bounds() {
    let catalog = catalog();
    let published = SizeRange {
        min_edge_px: 16,
        max_edge_px: 3840,
        multiple_of: 16,
        min_pixels: 655_360,
        max_pixels: 8_294_400,
        max_ratio: Some(3.0),
    };
    for provider in ["openai", "fal"] {
        for mode in [Mode::TextToImage, Mode::ImageEdit] {
            let sizes = mode_offer(&catalog, "gpt-image-2", provider, mode).sizes;
            assert_eq!(sizes.support, SizeSupport::Range(published), "{provider} {mode}");
            assert!(sizes.auto);
        }
    }
    let listed = mode_offer(&catalog, "gpt-image-2", "replicate", Mode::TextToImage)
        .sizes
        .support;
    assert!(
        matches!(listed, SizeSupport::Listed(sizes) if sizes.len() == 10 && sizes.contains(&Size::new(2160, 3840)))
    );
}

#[test]
fn calls_masks_and_inputs_have_the_published_limits() {
    let catalog = catalog();
    for (id, provider, max_n, inputs, has_mask) in [
        ("gpt-image-1", "openai", 10, 16, true),
        ("gpt-image-1", "fal", 4, 10, false),
        ("gpt-image-1", "replicate", 10, 10, false),
        ("gpt-image-1-mini", "openai", 10, 16, true),
        ("gpt-image-1-mini", "fal", 4, 10, false),
        ("gpt-image-1.5", "openai", 10, 16, true),
        ("gpt-image-1.5", "fal", 4, 10, true),
        ("gpt-image-1.5", "replicate", 10, 10, false),
        ("gpt-image-2", "openai", 10, 16, true),
        ("gpt-image-2", "fal", 4, 16, true),
        ("gpt-image-2", "replicate", 10, 10, false),
    ] {
        let offer = mode_offer(&catalog, id, provider, Mode::ImageEdit);
        let spec = offer.inputs.expect("an edit has inputs");
        let mask = has_mask.then_some(MaskPolarity::Alpha);
        assert_eq!(
            (offer.max_n, spec.max, spec.mask),
            (max_n, inputs, mask),
            "{id} {provider}"
        );
        assert_eq!(offer.fields.contains_key("mask"), has_mask, "{id} {provider}");
    }
}
