//! What is checked of one resolved request: that the offer may get it, that all of it is sent or told, and that asking
//! again for what was used changes nothing.

use planner::argument;
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::catalog::offer::{Field, Form, ModeOffer, key_of};
use planner::catalog::parameter::Parameter;
use planner::handling::{Handling, handling};
use planner::mode::Mode;
use planner::native::NativeValue;
use planner::resolve::Resolved;
use planner::size::SizeSupport;
use serde_json::{Map, Value, json};

use super::resolved;

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

pub(super) fn check_nothing_illegal(resolved: &Resolved<'_>, mode: Mode, what: &str) {
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

pub(super) fn check_nothing_silent(
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
pub(super) fn check_twice(
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
