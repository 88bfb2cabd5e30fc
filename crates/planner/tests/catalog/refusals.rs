//! What is refused, what is dropped, and what is kept from providers that have no use for it.

use planner::catalog::model::Model;
use planner::mode::Mode;
use planner::native::NativeValue;
use planner::request::{Endpoint, Inputs, parse};
use serde_json::{Value, json};

use crate::folder::{at, catalog, edit, generate, images, png};

#[test]
fn a_transparent_background_is_refused_where_no_offer_has_it() {
    let catalog = catalog();
    let message = |id: &str, fields| -> Vec<(String, String)> {
        let faults = generate(&catalog, id, fields).expect_err("it is refused");
        faults.into_iter().map(|fault| (fault.param, fault.message)).collect()
    };
    let listed = "'background' must be one of opaque, auto for model 'gpt-image-2', not 'transparent'";
    assert_eq!(
        message("gpt-image-2", json!({"background": "transparent"})),
        [("background".to_owned(), listed.to_owned())]
    );
    let faults = message("flux.1-schnell", json!({"background": "transparent"}));
    assert!(
        faults
            .iter()
            .all(|(param, text)| param == "background" && text.contains("does not take")),
        "{faults:?}"
    );
    assert_eq!(faults.len(), 3, "one for each offer");
    let jpeg = message(
        "gpt-image-1.5",
        json!({"background": "transparent", "output_format": "jpeg"}),
    );
    assert_eq!(jpeg[0].0, "background");
}

#[test]
fn a_value_that_no_offer_takes_is_refused_with_the_legal_ones() {
    let catalog = catalog();
    for (id, fields, param, legal) in [
        (
            "gpt-image-1.5",
            json!({"quality": "ultra"}),
            "quality",
            "high, low, medium",
        ),
        (
            "gpt-image-1.5",
            json!({"input_fidelity": "middling"}),
            "input_fidelity",
            "high, low",
        ),
        (
            "mock-image",
            json!({"reasoning": "deep"}),
            "reasoning",
            "off, on, minimal, high",
        ),
        ("mock-image", json!({"style": "drab"}), "style", "vivid, natural"),
    ] {
        let faults = generate(&catalog, id, fields).expect_err("it is refused");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].param, param);
        assert!(faults[0].message.contains(legal), "{}", faults[0].message);
    }
    let long = generate(&catalog, "gpt-image-2", json!({"prompt": "é".repeat(32_001)})).expect_err("it is too long");
    assert!(long[0].message.contains("32000"), "{}", long[0].message);
}

#[test]
fn what_a_refusal_lists_is_all_that_is_taken() {
    let catalog = catalog();
    let (mut refused, mut taken) = (0, 0);
    for model in catalog
        .models()
        .filter(|model| model.modes().contains(&Mode::TextToImage))
    {
        for (name, parameter) in catalog.parameters_of(model) {
            let Some(understood) = parameter
                .understood()
                .filter(|_| parameter.applies_in(Mode::TextToImage))
            else {
                continue;
            };
            let wrong = json!({ "prompt": "a boat", "model": model.id, name.as_str(): "no such word" });
            let wrong = wrong.as_object().expect("an object");
            // Some words are looked at as the request is read, the others with the model.
            let mut faults = parse(Endpoint::Generations, wrong, false, &catalog).1;
            if faults.is_empty() {
                let refused = generate(&catalog, &model.id, json!({ name.as_str(): "no such word" }));
                faults = refused.err().unwrap_or_default();
            }
            if faults.is_empty() {
                continue;
            }
            refused += 1;
            for value in understood.iter().filter_map(Value::as_str) {
                if generate(&catalog, &model.id, json!({ name.as_str(): value })).is_ok() {
                    taken += 1;
                    let is_listed = faults.iter().any(|fault| fault.message.contains(value));
                    assert!(is_listed, "{} {name}: '{value}' works: {}", model.id, faults[0].message);
                }
            }
        }
    }
    assert!(refused > 50 && taken > 200, "{refused} refused, {taken} taken");
}

#[test]
fn a_mask_leaves_only_the_offers_that_take_one() {
    let catalog = catalog();
    let masked = Inputs {
        images: vec![png(1024, 1024)],
        mask: Some(png(1024, 1024)),
    };
    for (id, left) in [
        ("gpt-image-1", vec!["openai"]),
        ("gpt-image-1-mini", vec!["openai"]),
        ("gpt-image-1.5", vec!["openai", "fal"]),
        ("gpt-image-2", vec!["openai", "fal"]),
    ] {
        let resolution = edit(&catalog, id, json!({}), &masked).expect("some offer takes it");
        let providers: Vec<&str> = resolution
            .offers
            .iter()
            .map(|resolved| resolved.offer.provider.as_str())
            .collect();
        assert_eq!(providers, left, "{id}");
    }
}

#[test]
fn too_many_inputs_leave_only_the_offers_that_take_them() {
    let catalog = catalog();
    let resolution =
        edit(&catalog, "gpt-image-2", json!({}), &images(&[png(64, 64); 11])).expect("some offer takes eleven");
    let providers: Vec<&str> = resolution
        .offers
        .iter()
        .map(|resolved| resolved.offer.provider.as_str())
        .collect();
    assert_eq!(providers, ["openai", "fal"]);
    edit(&catalog, "gpt-image-2", json!({}), &images(&[png(64, 64); 17])).expect_err("none takes seventeen");
}

#[test]
fn replicate_needs_the_callers_key_where_it_has_none_of_its_own() {
    let catalog = catalog();
    for (id, needed) in [
        ("gpt-image-1", true),
        ("gpt-image-1-mini", true),
        ("gpt-image-1.5", false),
        ("gpt-image-2", false),
    ] {
        let without = generate(&catalog, id, json!({})).expect("others serve it");
        assert_eq!(
            without.refusals.iter().any(|refusal| refusal.param == "openai_api_key"),
            needed,
            "{id}"
        );
        let with = generate(&catalog, id, json!({"openai_api_key": "sk-caller"})).expect("it is served");
        let native = &at(&with, "replicate").native.fields;
        assert_eq!(
            native["openai_api_key"],
            NativeValue::Secret("sk-caller".to_owned()),
            "{id}"
        );
        for other in with
            .offers
            .iter()
            .filter(|resolved| resolved.offer.provider != "replicate")
        {
            assert!(
                !other.native.fields.contains_key("openai_api_key"),
                "{id} {}",
                other.offer.provider
            );
            assert!(
                !format!("{other:?}").contains("sk-caller"),
                "{id} {}",
                other.offer.provider
            );
        }
    }
}

#[test]
fn a_callers_key_never_reaches_a_provider_that_has_no_use_for_it() {
    let catalog = catalog();
    let draws = |model: &&Model| model.modes().contains(&Mode::TextToImage);
    for model in catalog.models().filter(draws) {
        let fields = json!({"openai_api_key": "sk-caller", "sync_mode": true, "user_id": "u"});
        let resolution = generate(&catalog, &model.id, fields).expect("it is served");
        for resolved in &resolution.offers {
            let mode_offer = resolved.offer.in_mode(Mode::TextToImage).expect("it was resolved");
            let takes = |name| mode_offer.fields.contains_key(name);
            for name in ["openai_api_key", "sync_mode", "user_id"] {
                assert_eq!(
                    resolved.native.fields.contains_key(name),
                    takes(name),
                    "{} {} {name}",
                    model.id,
                    resolved.offer.provider
                );
            }
            assert!(
                !format!("{resolved:?}").contains("sk-caller"),
                "{} {}",
                model.id,
                resolved.offer.provider
            );
        }
    }
}

#[test]
fn a_standard_parameter_that_an_offer_lacks_is_dropped_and_told() {
    let catalog = catalog();
    let fields = json!({"reasoning": "high", "negative_prompt": "rain", "strength": 0.5, "input_fidelity": "low"});
    let resolution = generate(&catalog, "gpt-image-1-mini", fields).expect("it is served");
    let resolved = at(&resolution, "openai");
    let told: Vec<&str> = resolved
        .adjustments
        .iter()
        .filter(|change| change.used.is_null())
        .map(|change| change.parameter.as_str())
        .collect();
    assert_eq!(told, ["reasoning", "negative_prompt", "strength", "input_fidelity"]);
    assert!(told.iter().all(|name| !resolved.native.fields.contains_key(*name)));
}
