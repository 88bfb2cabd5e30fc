//! One card for each offer: its native names, limits, life, notes and source.

use std::fmt::Write as _;

use planner::view::{ModelView, OfferView};
use serde_json::Value;

use super::Sheet;
use crate::facts;
use crate::here::Service;
use crate::html::{Html, escape, status};
use crate::markdown::inline;
use crate::told::typed;
use crate::words;

pub(super) fn cards(sheet: &Sheet<'_>) -> Html {
    let cards: String = sheet.shown.view.offers.iter().map(|offer| card(sheet, offer)).collect();
    Html(format!("<div class=\"offers\">{cards}</div>"))
}

fn state(sheet: &Sheet<'_>, offer: &OfferView<'_>) -> Html {
    let here = sheet.shown.providers;
    let id = &offer.offer.provider;
    if !offer.offer.is_live() {
        return status("off", offer.offer.end());
    }
    if let Some(day) = offer.offer.sunset {
        let verb = if day < sheet.shown.today { "ended" } else { "ends" };
        return status("warn", &format!("{verb} {}", words::short_date(day)));
    }
    match here.service(id) {
        Service::Off => status("off", "no credential"),
        _ if here.fails(id, &offer.native_models()) => status("fail", "failing"),
        Service::Real | Service::Sandbox => status("ok", "healthy"),
    }
}

fn fact(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "<dt>{name}</dt><dd>{value}</dd>");
}

fn mono_fact(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "<dt>{name}</dt><dd class=\"mono\">{}</dd>", escape(value));
}

fn card(sheet: &Sheet<'_>, offer: &OfferView<'_>) -> String {
    let own = offer.offer;
    let mut facts_of = String::new();
    mono_fact(&mut facts_of, "Native id", &offer.native_models().join(", "));
    let modes: Vec<String> = offer
        .modes
        .iter()
        .map(|(mode, _)| words::mode(*mode).to_lowercase())
        .collect();
    fact(&mut facts_of, "Modes", &words::capital(&modes.join(", ")));
    fact(&mut facts_of, "Inputs", &escape(&facts::offer_inputs(offer)));
    fact(&mut facts_of, "Sizes", &escape(&sizes(offer)));
    let most = offer.modes.iter().map(|(_, mode)| mode.max_n).max().unwrap_or(1);
    fact(&mut facts_of, "In one call", &words::count(most as usize, "image"));
    if let Some(day) = own.released {
        fact(&mut facts_of, "Since", &words::date(day));
    }
    if let Some(day) = own.sunset {
        fact(&mut facts_of, "Last day", &words::date(day));
    }
    if !own.requires.is_empty() {
        let names: Vec<String> = own
            .requires
            .iter()
            .map(|name| format!("<code>{}</code>", escape(name)))
            .collect();
        fact(&mut facts_of, "Only with", &names.join(", "));
    }
    takes(&mut facts_of, sheet, offer);
    if let Some(calls) = sheet.shown.performance.at(&sheet.shown.view.model.id, &own.provider) {
        let p50 = calls
            .p50_ms()
            .map_or_else(String::new, |ms| format!(", p50 {}", words::duration(ms)));
        let told = format!(
            "{} of {}{p50}",
            words::percent(calls.succeeded, calls.count),
            calls.count
        );
        let _ = write!(
            facts_of,
            "<dt>Last {} days</dt><dd class=\"num\">{told}</dd>",
            sheet.shown.performance.days
        );
    }
    if own.is_live() {
        mono_fact(
            &mut facts_of,
            "Force it",
            &format!("{}/{}", own.provider, sheet.shown.view.model.id),
        );
    }
    let notes: String = own
        .pricing
        .notes
        .iter()
        .map(|note| format!("<li>{}</li>", inline(note)))
        .collect();
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!("<ul class=\"notes\">{notes}</ul>")
    };
    format!(
        "<article class=\"offer\"><header class=\"row between baseline\"><h3>{}</h3>{}</header><dl class=\"facts\">{facts_of}</dl>{notes}<p class=\"hint\">{}, seen {}</p></article>\n",
        escape(offer.provider_name),
        state(sheet, offer),
        escape(&own.pricing.source),
        words::date(own.pricing.as_of)
    )
}

/// What it takes: parameters with their bounds, and further fields that the provider documents.
fn takes(out: &mut String, sheet: &Sheet<'_>, offer: &OfferView<'_>) {
    fact(out, "Parameters", &parameters(sheet, offer));
    let mut further: Vec<&str> = Vec::new();
    for name in offer.modes.iter().flat_map(|(_, mode)| &mode.passthrough) {
        if !further.contains(&name.as_str()) {
            further.push(name);
        }
    }
    if !further.is_empty() {
        let names: Vec<String> = further
            .iter()
            .map(|name| format!("<code>{}</code>", escape(name)))
            .collect();
        fact(out, "Also takes", &names.join(", "));
    }
}

/// What an offer takes for each parameter: its name, the native name where that is another, and its bounds in words. A name
/// stands there once for each way in which modes differ.
pub(crate) fn takes_each(view: &ModelView<'_>, offer: &OfferView<'_>) -> Vec<(String, Option<String>, String)> {
    let mut told = Vec::new();
    for (_, mode) in &offer.modes {
        for (name, native, bounds) in view.taken_by(mode) {
            let native = native.trim_end_matches("[]");
            let native = (native != name).then(|| native.to_owned());
            let one = (name.to_owned(), native, taken(&bounds));
            if !told.contains(&one) {
                told.push(one);
            }
        }
    }
    told
}

/// The same, folded away.
fn parameters(sheet: &Sheet<'_>, offer: &OfferView<'_>) -> String {
    let told = takes_each(sheet.shown.view, offer);
    let lines: String = told
        .iter()
        .map(|(name, native, bounds)| {
            let native = native
                .as_ref()
                .map_or_else(String::new, |native| format!(" as <code>{}</code>", escape(native)));
            let bounds = if bounds.is_empty() {
                String::new()
            } else {
                format!(": {}", escape(bounds))
            };
            format!("<li><code>{}</code>{native}{bounds}</li>", escape(name))
        })
        .collect();
    format!(
        "<details><summary>{}</summary><ul class=\"notes\">{lines}</ul></details>",
        words::count(told.len(), "parameter"),
    )
}

/// The bounds of a parameter in words.
fn taken(bounds: &Value) -> String {
    let mut told: Vec<String> = Vec::new();
    if let Some(values) = bounds["values"].as_array() {
        told.push(values.iter().map(typed).collect::<Vec<_>>().join(", "));
    }
    match (bounds.get("min"), bounds.get("max")) {
        (Some(least), Some(most)) => told.push(format!("{least} to {most}")),
        (Some(least), None) => told.push(format!("{least} or more")),
        (None, Some(most)) => told.push(format!("at most {most}")),
        (None, None) => {}
    }
    if let Some(most) = bounds.get("max_chars") {
        told.push(format!("at most {most} characters"));
    }
    if let Some(default) = bounds.get("default") {
        told.push(format!("{} when absent", typed(default)));
    }
    told.join("; ")
}

/// What it takes as a size, mode by mode where that differs.
pub(crate) fn sizes(offer: &OfferView<'_>) -> String {
    let told: Vec<(String, &str)> = offer
        .modes
        .iter()
        .map(|(mode, own)| {
            let text = match own.scale {
                Some(scale) => format!("{} times the input", words::plain(scale)),
                None => facts::offer_sizes(&own.sizes),
            };
            (text, words::short_mode(*mode))
        })
        .collect();
    match told.as_slice() {
        [] => "none".to_owned(),
        [(first, _), rest @ ..] if rest.iter().all(|(text, _)| text == first) => first.clone(),
        many => many
            .iter()
            .map(|(text, mode)| format!("{mode}: {text}"))
            .collect::<Vec<_>>()
            .join("; "),
    }
}
