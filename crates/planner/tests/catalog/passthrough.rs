//! Fields that a provider documents and Pictor has no parameter for: declared, told of, sent unchanged.

use planner::explain::explain;
use planner::mode::Mode;
use planner::native::NativeValue;
use planner::plan::Circumstances;
use planner::request::{Endpoint, Inputs, parse};
use planner::resolve::resolve;
use planner::schema::offers_json;
use serde_json::{Value, json};

use crate::folder::{catalog, images, png};

/// Of an offer of a model, as the schema tells it.
fn told(model: &str, provider: &str, mode: &str) -> Value {
    let catalog = catalog();
    let model = catalog.model(model).expect("a model");
    let offers = offers_json(&catalog, model);
    let offers = offers.as_array().expect("a list");
    let own = offers.iter().find(|offer| offer["provider"] == provider);
    own.expect("an offer")["modes"][mode].clone()
}

#[test]
fn an_offer_tells_what_it_takes_for_each_parameter() {
    let flex = told("flux.2-flex", "fal", "text-to-image");
    let parameters = &flex["parameters"];
    assert_eq!(
        parameters["guidance_scale"],
        json!({ "native": "guidance_scale", "handling": "passthrough", "type": "number", "min": 1.5, "max": 10, "default": 3.5 })
    );
    // The lower bound is the offer's, as that of all seeds is none.
    assert_eq!(parameters["seed"]["min"], 0);
    assert_eq!(parameters["seed"]["type"], "integer");
    // What the offer says nothing of is as the model says.
    let openai = told("gpt-image-1.5", "openai", "text-to-image");
    assert_eq!(openai["parameters"]["prompt"]["max_chars"], 32_000);
    let named = told("gpt-image-1.5", "replicate", "image-edit");
    assert_eq!(named["parameters"]["image"]["native"], "input_images");
}

#[test]
fn an_offer_tells_which_further_fields_its_provider_documents() {
    let klein = told("flux.2-klein-4b", "replicate", "text-to-image");
    assert_eq!(klein["passthrough"][0], "go_fast");
    let none = told("gpt-image-1.5", "openai", "text-to-image");
    assert_eq!(none["passthrough"], json!([]));
}

#[test]
fn an_explanation_tells_a_documented_field_from_one_that_nobody_knows() {
    let catalog = catalog();
    let model = catalog.model("flux.2-klein-4b").expect("a model");
    let fields = json!({ "model": "replicate/flux.2-klein-4b", "prompt": "dunes", "go_fast": true, "goo_fast": true });
    let fields = fields.as_object().expect("an object");
    let (request, faults) = parse(Endpoint::Generations, fields, false, &catalog);
    let available = ["replicate".to_owned()].into();
    let now = Circumstances::new(&available, "2026-12-01T00:00:00Z".parse().expect("a time"));
    let explained = explain(&catalog, model, &request, &Inputs::default(), &now, faults);
    let sent = explained.offers[0].sent.as_ref().expect("it would be sent");
    assert_eq!(sent.passthrough[0], "go_fast");
    let of = |name: &str| {
        let found = sent.parameters.iter().find(|one| one.parameter == name);
        found.expect("it was given").clone()
    };
    let known = of("go_fast");
    assert_eq!(known.handling, None);
    assert!(known.note.expect("a note").contains("the provider documents"));
    let unknown = of("goo_fast");
    assert!(unknown.note.expect("a note").contains("the catalogue knows"));
    assert_eq!(sent.fields["go_fast"], true);
    assert_eq!(sent.fields["goo_fast"], true);
    let prompt = of("prompt");
    assert_eq!(
        (prompt.takes.expect("bounds")["type"].clone(), prompt.note),
        (json!("string"), None)
    );
}

#[test]
fn every_documented_field_goes_to_its_offer_unchanged() {
    let catalog = catalog();
    let mut count = 0;
    for model in catalog.models().filter(|model| !model.is_disabled()) {
        for offer in model.live_offers() {
            for mode in offer.modes.keys().copied() {
                let own = offer.in_mode(mode).expect("it serves it");
                for name in &own.passthrough {
                    let (endpoint, inputs) = match mode {
                        Mode::TextToImage => (Endpoint::Generations, Inputs::default()),
                        Mode::ImageEdit | Mode::Upscale => (Endpoint::Edits, images(&[png(1024, 1024)])),
                    };
                    let mut fields = json!({ "model": model.id, name: { "any": 7 } });
                    fields[if mode == Mode::Upscale {
                        "scale_factor"
                    } else {
                        "prompt"
                    }] = if mode == Mode::Upscale {
                        json!(2)
                    } else {
                        json!("dunes")
                    };
                    let (request, faults) = parse(endpoint, fields.as_object().expect("an object"), false, &catalog);
                    assert!(faults.is_empty(), "{} {name}: {faults:?}", model.id);
                    let resolution = resolve(&catalog, model, &request, &inputs).expect("it is served");
                    let resolved = resolution.offers.iter().find(|one| std::ptr::eq(one.offer, offer));
                    let resolved = resolved.unwrap_or_else(|| panic!("{}/{} {mode}", offer.provider, model.id));
                    let sent = resolved.call(1, 0).fields.get(name).cloned();
                    let is_it = match &sent {
                        Some(NativeValue::Json(sent)) => *sent == json!({ "any": 7 }),
                        Some(NativeValue::Shared(sent)) => **sent == json!({ "any": 7 }),
                        _ => false,
                    };
                    assert!(is_it, "{}/{} {name}: {sent:?}", offer.provider, model.id);
                    count += 1;
                }
            }
        }
    }
    assert!(count > 15, "{count}");
}
