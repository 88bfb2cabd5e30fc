//! What must hold of every offer, mode and parameter: nothing illegal is sent, nothing is dropped in silence, and
//! resolving what was resolved changes nothing.

#[path = "properties/checks.rs"]
mod checks;

use planner::argument;
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::catalog::offer::key_of;
use planner::catalog::parameter::{Kind, Parameter};
use planner::format::Format;
use planner::mode::Mode;
use planner::request::{Endpoint, InputFacts, Inputs, parse};
use planner::resolve::{Resolution, resolve};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use self::checks::{check_nothing_illegal, check_nothing_silent, check_twice};
use crate::folder::{catalog, png};

/// Fields that hold images; they come in [`inputs`].
const IMAGES: [&str; 2] = ["image", "mask"];

/// Two halves of one spelling of `size`: neither stands alone.
const EDGES: [&str; 2] = ["width", "height"];
/// What a mode of a model cannot do without.
fn needed(model: &Model, mode: Mode) -> Map<String, Value> {
    let fields = match mode {
        Mode::TextToImage | Mode::ImageEdit => json!({ "prompt": "A red bicycle" }),
        // A model that does nothing else needs not be told.
        Mode::Upscale if model.modes() == [Mode::Upscale] => json!({}),
        Mode::Upscale => json!({ "scale_factor": 2 }),
    };
    let mut fields = fields.as_object().cloned().expect("an object");
    // What every offer insists on; offers that serve only callers with a key are left out instead.
    let offers: Vec<_> = model.live_offers().collect();
    for name in offers
        .iter()
        .flat_map(|offer| &offer.requires)
        .filter(|name| *name != "mask")
    {
        if offers.iter().all(|offer| offer.requires.contains(name)) {
            fields.insert(name.clone(), json!("the kite"));
        }
    }
    fields
}

fn inputs(model: &Model, mode: Mode) -> Inputs {
    let gif = InputFacts {
        format: Format::Gif,
        ..png(1024, 1024)
    };
    match mode {
        Mode::TextToImage => Inputs::default(),
        Mode::ImageEdit | Mode::Upscale => Inputs {
            images: vec![gif],
            mask: model
                .live_offers()
                .all(|offer| offer.requires.iter().any(|name| name == "mask"))
                .then(|| png(1024, 1024)),
        },
    }
}

/// Legal values of a parameter, also those at its bounds.
fn legal(name: &str, parameter: &Parameter) -> Vec<Value> {
    let sizes = [
        "1024x1024",
        "1536x1024",
        "2000x1000",
        "300x300",
        "1200x1100",
        "3:2",
        "21:9",
        "auto",
        "AUTO",
    ];
    let ratios = ["1:1", "16:9", "7:1", "19.5:9", "1:3", "auto"];
    let tiers = ["0.5K", "1k", "2K", "4K", "0.25", "1", "1MP", "auto"];
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect();
    match name {
        "prompt" => return vec![],
        "size" => return texts(&sizes),
        "aspect_ratio" => return texts(&ratios),
        "resolution" => return [texts(&tiers), vec![json!(1), json!(0.25)]].concat(),
        _ => {}
    }
    if let Some(understood) = parameter.understood() {
        let switch = if parameter.booleans.is_some() {
            vec![json!(true), json!(false)]
        } else {
            vec![]
        };
        return [understood, switch].concat();
    }
    match parameter.kind() {
        Kind::String => vec![json!("some text")],
        Kind::Boolean => vec![json!(true), json!(false)],
        Kind::Array => vec![json!([]), json!(["a"])],
        Kind::Object => vec![json!({}), json!({ "a": 1 })],
        Kind::Integer | Kind::Number => {
            let least = parameter.min.unwrap_or(0.0);
            let most = parameter.max.unwrap_or(least + 100.0);
            let middle = f64::midpoint(least, most).floor().max(least);
            let number = |value: f64| {
                if value.fract() == 0.0 {
                    json!(value as i64)
                } else {
                    json!(value)
                }
            };
            vec![number(least), number(middle), number(most)]
        }
    }
}

/// Values that no request may hold.
fn illegal(name: &str, parameter: &Parameter) -> Vec<Value> {
    match name {
        "size" => {
            return vec![
                json!("large"),
                json!("0x10"),
                json!(1024),
                json!("65537x1"),
                json!("1:0"),
            ];
        }
        "aspect_ratio" => return vec![json!("wide"), json!("1024x1024"), json!("0:1"), json!(1.5)],
        "resolution" => return vec![json!("huge"), json!("0K"), json!("65537"), json!(true), json!(0)],
        _ => {}
    }
    let mut values: Vec<Value> = [
        json!("text"),
        json!(1.5),
        json!(3),
        json!([1]),
        json!({ "a": 1 }),
        json!(true),
    ]
    .into_iter()
    .filter(|value| {
        let typed = argument::typed(parameter, value, false);
        argument::fault(name, parameter, &typed, "").is_some()
    })
    .collect();
    values.extend(parameter.min.map(|min| json!(min - 1.0)));
    values.extend(parameter.max.map(|max| json!(max + 1.0)));
    values.extend(parameter.max_chars.map(|max| json!("x".repeat(max + 1))));
    values
}

fn resolved<'a>(
    catalog: &'a Catalog,
    model: &'a Model,
    mode: Mode,
    fields: &Map<String, Value>,
) -> Result<Resolution<'a>, Vec<String>> {
    let endpoint = if mode == Mode::TextToImage {
        Endpoint::Generations
    } else {
        Endpoint::Edits
    };
    let mut all = needed(model, mode);
    all.insert("model".to_owned(), Value::from(model.id.as_str()));
    all.extend(fields.clone());
    let (request, faults) = parse(endpoint, &all, false, catalog);
    let params = |faults: Vec<planner::fault::Fault>| faults.into_iter().map(|fault| fault.param).collect::<Vec<_>>();
    if !faults.is_empty() {
        return Err(params(faults));
    }
    resolve(catalog, model, &request, &inputs(model, mode)).map_err(params)
}

/// Every live model and mode.
fn each(catalog: &Catalog, mut check: impl FnMut(&Model, Mode)) {
    for model in catalog.models() {
        for mode in model.modes() {
            check(model, mode);
        }
    }
}

/// Every parameter that the model declares, and every standard one besides.
fn parameters(catalog: &Catalog, model: &Model) -> Vec<(String, Parameter)> {
    let mut all: Vec<(String, Parameter)> = catalog.parameters_of(model).clone().into_iter().collect();
    for (name, parameter) in catalog.standard_parameters() {
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_owned(), parameter.clone()));
        }
    }
    all.retain(|(name, _)| !IMAGES.contains(&name.as_str()) && !EDGES.contains(&name.as_str()));
    all
}

#[test]
fn every_legal_value_is_sent_or_told_at_every_offer() {
    let catalog = catalog();
    let mut seen = 0;
    each(&catalog, |model, mode| {
        for (name, parameter) in parameters(&catalog, model) {
            for value in legal(&name, &parameter) {
                let what = format!("{} {mode} {name} = {value}", model.id);
                let fields = Map::from_iter([(name.clone(), value.clone())]);
                if name == "scale_factor" && mode != Mode::Upscale {
                    continue;
                }
                let resolution = match resolved(&catalog, model, mode, &fields) {
                    Ok(resolution) => resolution,
                    // A hard need may leave no offer.
                    Err(params) => {
                        assert!(
                            parameter.hard.contains(&key_of(&value)) && params.contains(&name),
                            "{what}: {params:?}"
                        );
                        continue;
                    }
                };
                for one in &resolution.offers {
                    let what = format!("{what} at {}", one.offer.provider);
                    check_nothing_illegal(one, mode, &what);
                    check_nothing_silent(one, mode, &name, &parameter, &value, &what);
                    check_twice(&catalog, model, mode, &fields, one, &what);
                    seen += 1;
                }
            }
        }
    });
    assert!(seen > 1_000, "only {seen} cases");
}

#[test]
fn every_illegal_value_of_a_declared_parameter_is_refused_by_name() {
    let catalog = catalog();
    each(&catalog, |model, mode| {
        for (name, parameter) in catalog.parameters_of(model) {
            if IMAGES.contains(&name.as_str())
                || EDGES.contains(&name.as_str())
                || (name == "scale_factor" && mode != Mode::Upscale)
            {
                continue;
            }
            let values = illegal(name, parameter);
            assert!(!values.is_empty(), "{name}");
            for value in values {
                let fields = Map::from_iter([(name.clone(), value.clone())]);
                let params = resolved(&catalog, model, mode, &fields).expect_err("it is refused");
                assert_eq!(params, [name.as_str()], "{} {mode} {name} = {value}", model.id);
            }
        }
    });
}

#[test]
fn all_faults_are_told_together() {
    let catalog = catalog();
    let model = catalog.model("mock-image").expect("the mock");
    let mut fields = Map::new();
    let mut expected = Vec::new();
    for (name, parameter) in catalog.parameters_of(model) {
        if !IMAGES.contains(&name.as_str())
            && !EDGES.contains(&name.as_str())
            && !matches!(name.as_str(), "prompt" | "scale_factor")
        {
            fields.insert(name.clone(), illegal(name, parameter)[0].clone());
            expected.push(name.clone());
        }
    }
    let (request, mut faults) = parse(Endpoint::Generations, &fields, false, &catalog);
    faults.extend(resolve(&catalog, model, &request, &Inputs::default()).expect_err("faults"));
    let mut found: Vec<String> = faults.into_iter().map(|fault| fault.param).collect();
    expected.push("prompt".to_owned());
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]
    #[test]
    fn any_mixture_of_legal_values_keeps_the_rules(picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8), at in any::<prop::sample::Index>()) {
        thread_local! { static CATALOG: Catalog = catalog(); }
        CATALOG.with(|catalog| {
            let mut places = Vec::new();
            each(catalog, |model, mode| places.push((model.id.clone(), mode)));
            let (id, mode) = at.get(&places);
            let model = catalog.model(id).expect("it was listed");
            let all = parameters(catalog, model);
            let mut fields = Map::new();
            let mut given = Vec::new();
            for (which, value) in picks {
                let (name, parameter) = which.get(&all);
                let values = legal(name, parameter);
                if !values.is_empty() && name != "scale_factor" && !fields.contains_key(name) {
                    let value = value.get(&values).clone();
                    fields.insert(name.clone(), value.clone());
                    given.push((name.clone(), parameter.clone(), value));
                }
            }
            let Ok(resolution) = resolved(catalog, model, *mode, &fields) else { return };
            for one in &resolution.offers {
                let what = format!("{id} {mode} at {}: {fields:?}", one.offer.provider);
                check_nothing_illegal(one, *mode, &what);
                for (name, parameter, value) in &given {
                    check_nothing_silent(one, *mode, name, parameter, value, &format!("{what}: {name}"));
                }
                check_twice(catalog, model, *mode, &fields, one, &what);
            }
        });
    }
}
