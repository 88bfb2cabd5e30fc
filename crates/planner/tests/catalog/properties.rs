//! What must hold of every offer, mode and parameter: nothing illegal is sent, nothing is dropped in silence, and
//! resolving what was resolved changes nothing.

use planner::argument;
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::catalog::offer::{Field, Form, ModeOffer, key_of};
use planner::catalog::parameter::{Kind, Parameter};
use planner::format::Format;
use planner::handling::{Handling, handling};
use planner::mode::Mode;
use planner::native::NativeValue;
use planner::request::{Endpoint, InputFacts, Inputs, parse};
use planner::resolve::{Resolution, Resolved, resolve};
use planner::size::SizeSupport;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

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

/// A native value that this field may hold.
fn is_legal(field: &Field, offer: &ModeOffer, native: &Value) -> bool {
    let text = native.as_str().unwrap_or_default();
    match field.form {
        Form::Wxh | Form::SizeObject => {
            let size = match native {
                Value::Object(size) => format!("{}x{}", size["width"], size["height"]),
                _ => text.to_owned(),
            };
            let canonical = field
                .map
                .iter()
                .find(|(_, own)| *own == native)
                .map_or(size, |(from, _)| from.clone());
            let auto = canonical == "auto" && offer.sizes.auto;
            auto || canonical.parse().is_ok_and(|size| match &offer.sizes.support {
                SizeSupport::Listed(sizes) => sizes.contains(&size),
                SizeSupport::Range(range) => range.allows(size),
                SizeSupport::Ratios { .. } | SizeSupport::Fixed => false,
            })
        }
        Form::Ratio | Form::Tier | Form::Megapixels => {
            let SizeSupport::Ratios { ratios, tiers } = &offer.sizes.support else {
                return false;
            };
            let canonical = field
                .map
                .iter()
                .find(|(_, own)| *own == native)
                .map_or(text, |(from, _)| from.as_str());
            let known = ratios
                .iter()
                .map(ToString::to_string)
                .chain(tiers.iter().map(ToString::to_string));
            (canonical == "auto" && offer.sizes.auto)
                || known.into_iter().any(|known| known == canonical)
                || field.form == Form::Megapixels
        }
        Form::Plain if !field.map.is_empty() => field.map.values().any(|value| value == native),
        Form::Plain => field.takes(native),
        Form::File | Form::Link | Form::LinkList => false,
    }
}

fn check_nothing_illegal(resolved: &Resolved<'_>, mode: Mode, what: &str) {
    let offer = resolved.offer.in_mode(mode).expect("it was resolved");
    for (native, value) in &resolved.native.fields {
        let (Some(origin), Some(value)) = (resolved.origins.get(native), value.json()) else {
            continue;
        };
        let Some(field) = offer.fields.get(origin).filter(|_| origin != "prompt") else {
            assert!(
                matches!(origin.as_str(), "prompt" | "stream"),
                "{what}: {origin} is not the offer's"
            );
            continue;
        };
        assert!(is_legal(field, offer, value), "{what}: {native} = {value}");
    }
}

/// A value that changes nothing when it is left out.
fn is_neutral(parameter: &Parameter, value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("auto")) || parameter.default.as_ref() == Some(value)
}

/// Whether the provider makes the format that is handed out.
fn comes_as_wanted(resolved: &Resolved<'_>, offer: &ModeOffer) -> bool {
    let Some(wanted) = resolved.finish.format else {
        return true;
    };
    let wanted = json!(wanted.as_str());
    offer.fields.get("output_format").is_some_and(|field| {
        let native = field.map.get(&key_of(&wanted)).unwrap_or(&wanted);
        let sent = resolved.native.fields.get(field.native_name("output_format"));
        sent == Some(&NativeValue::Json(native.clone()))
    })
}

fn check_nothing_silent(
    resolved: &Resolved<'_>,
    mode: Mode,
    name: &str,
    parameter: &Parameter,
    value: &Value,
    what: &str,
) {
    let offer = resolved.offer.in_mode(mode).expect("it was resolved");
    let is_size = |name: &str| matches!(name, "size" | "aspect_ratio" | "resolution");
    // What agrees with a size goes where the size goes.
    let names = |told: &str| told == name || (told == "size" && is_size(name));
    let told = resolved.adjustments.iter().find(|change| names(&change.parameter));
    let sent = resolved
        .origins
        .iter()
        .find(|(_, origin)| *origin == name || (is_size(name) && is_size(origin)));
    // The gateway answers with events whether or not the offer streams.
    let re_encoded =
        name == "output_compression" && (resolved.finish.cover.is_some() || !comes_as_wanted(resolved, offer));
    // An offer of one scale makes that one without being told.
    let only_scale = matches!(&offer.sizes.support, SizeSupport::Ratios { tiers, .. } if tiers.len() <= 1);
    let by_gateway = handling(name, offer) == Handling::Emulated || matches!(name, "n" | "stream") || re_encoded;
    assert!(
        told.is_some()
            || sent.is_some()
            || (name == "resolution" && only_scale)
            || by_gateway
            || is_neutral(parameter, value),
        "{what}: dropped in silence"
    );
    // A plain field holds the value itself unless something else is told.
    let typed = match argument::typed(parameter, value, false) {
        // Zero is another way to say one.
        zero if name == "output_compression" && zero == 0 => json!(1),
        typed => typed,
    };
    let plain = offer
        .fields
        .get(name)
        .filter(|field| field.form == Form::Plain && !is_size(name) && name != "output_format");
    if let (None, Some((native, _)), Some(field)) = (told, sent, plain) {
        let expected = field.map.get(&key_of(&typed)).unwrap_or(&typed);
        match &resolved.native.fields[native] {
            NativeValue::Json(value) => assert_eq!(value, expected, "{what}: changed in silence"),
            NativeValue::Shared(value) => assert_eq!(&**value, expected, "{what}: changed in silence"),
            NativeValue::Secret(text) => assert_eq!(Some(text.as_str()), expected.as_str(), "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// A tier has three decimals, so a size that is told as ratio and tier may be off by a pixel or two.
fn is_a_pixel_off(a: &NativeValue, b: &NativeValue) -> bool {
    let sides = |value: &NativeValue| {
        let NativeValue::Json(value) = value else { return None };
        let of_object = || Some((value["width"].as_u64()?, value["height"].as_u64()?));
        let of_text = || {
            let (width, height) = value.as_str()?.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        };
        of_text().or_else(of_object)
    };
    let (Some((a_width, a_height)), Some((b_width, b_height))) = (sides(a), sides(b)) else {
        return false;
    };
    a_width.abs_diff(b_width) <= 2 && a_height.abs_diff(b_height) <= 2
}

/// Asks again for what was used, and expects the same request and nothing more to tell.
fn check_twice(
    catalog: &Catalog,
    model: &Model,
    mode: Mode,
    fields: &Map<String, Value>,
    resolved_once: &Resolved<'_>,
    what: &str,
) {
    // Bounds may change both shape and scale; who named one of them is told of that one, which says less than the size.
    let told = |name: &str| resolved_once.adjustments.iter().any(|change| change.parameter == name);
    let named = |name: &str| {
        let auto = |value: &Value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("auto"));
        fields.get(name).is_some_and(|value| !auto(value))
    };
    let (shape, scale) = (named("aspect_ratio") || named("size"), named("resolution"));
    if shape != scale && (told("aspect_ratio") || told("resolution") || told("size")) {
        let bounded = |sizes: &SizeSupport| matches!(sizes, SizeSupport::Range(_));
        let offer = resolved_once.offer.in_mode(mode).expect("it was resolved");
        let exact = fields
            .get("size")
            .and_then(Value::as_str)
            .is_some_and(|size| size.contains('x'));
        if bounded(&offer.sizes.support) && !exact {
            return;
        }
    }
    let mut again = fields.clone();
    for change in &resolved_once.adjustments {
        match &change.used {
            _ if change.reason.starts_with("emulated") => None,
            Value::Null => again.remove(&change.parameter),
            used => again.insert(change.parameter.clone(), used.clone()),
        };
    }
    let second = resolved(catalog, model, mode, &again).unwrap_or_else(|faults| panic!("{what}: {again:?} {faults:?}"));
    let second = second
        .offers
        .iter()
        .find(|other| std::ptr::eq(other.offer, resolved_once.offer))
        .unwrap_or_else(|| panic!("{what}: the offer refuses what it used"));
    // A size that was not to come out exactly may name one that is: then Pictor encodes, and the format asked is another.
    let now_exact = second.finish.cover.is_some() && resolved_once.finish.cover.is_none();
    let fields = |resolved: &Resolved<'_>| {
        let of_output = |native: &str| {
            resolved
                .origins
                .get(native)
                .is_some_and(|origin| origin.starts_with("output_"))
        };
        let mut fields = resolved.native.fields.clone();
        fields.retain(|native, _| !now_exact || !of_output(native));
        fields
    };
    let (first, second_fields) = (fields(resolved_once), fields(second));
    assert_eq!(first.len(), second_fields.len(), "{what}: {second_fields:?}");
    for (native, value) in &first {
        let other = &second_fields[native];
        assert!(
            value == other || is_a_pixel_off(value, other),
            "{what}: {native} = {value:?}, then {other:?}"
        );
    }
    if let Some(size) = resolved_once.finish.cover {
        assert_eq!(second.finish.cover, Some(size), "{what}");
    }
    // A ratio or tier that agreed with the size asked for may not agree with the one used.
    let known = |reason: &str| reason.starts_with("emulated") || reason == "overridden";
    let adjustments = second.adjustments.iter();
    let more: Vec<_> = adjustments.filter(|change| !known(&change.reason)).collect();
    assert!(more.is_empty(), "{what}: {more:?}");
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
