//! One control for a parameter of several models: what any of them takes can be asked for.

use std::fmt::Write as _;

use planner::view::ParameterView;
use serde_json::Value;

use super::{Shown, Taken};
use crate::html::escape;
use crate::words;

/// Values that are shown side by side; more go into a list.
const SIDE_BY_SIDE_MAX: usize = 4;

/// One field with its label, and the models that take it where not all do.
pub(super) fn field(shown: &Shown<'_>, one: &Taken<'_>) -> String {
    let name = escape(one.name);
    let label = match one.name {
        "quality" => "Quality",
        "scale_factor" => "Scale",
        other => other,
    };
    let hint = if one.by.len() == shown.chosen.len() {
        String::new()
    } else {
        let names: Vec<&str> = one.by.iter().map(|(chosen, _)| chosen.name.as_str()).collect();
        format!(" <span class=\"hint\">{}</span>", escape(&words::list(&names)))
    };
    let takers = one.takers();
    let values = values(one);
    let is_everybodys = values.iter().all(|(_, by)| by.len() == one.by.len());
    if one.name == "quality" && is_everybodys && (1..=SIDE_BY_SIDE_MAX).contains(&values.len()) {
        let mut out = format!(
            "<fieldset class=\"field\" data-takers=\"{takers}\"><legend>{label}{hint}</legend><div class=\"seg sm\">"
        );
        let asked = shown.value(one.name);
        let has_auto = values.iter().any(|(value, _)| value == "auto");
        let usual = std::iter::once(String::new()).filter(|_| !has_auto);
        for value in usual.chain(values.into_iter().map(|(value, _)| value)) {
            let is_chosen = value == asked || (asked.is_empty() && value == "auto");
            let _ = write!(
                out,
                "<label><input type=\"radio\" name=\"{name}\" value=\"{}\"{}>{}</label>",
                escape(&value),
                if is_chosen { " checked" } else { "" },
                if value.is_empty() {
                    "usual".to_owned()
                } else {
                    escape(&value)
                }
            );
        }
        out.push_str("</div></fieldset>");
        return out;
    }
    let id = format!("pg-f-{name}");
    let is_switch = one.by.iter().any(|(_, own)| has_type(own, &["boolean"]));
    let control = if !values.is_empty() || is_switch {
        select(shown, &id, one)
    } else {
        input(shown, &id, one)
    };
    format!(
        "<div class=\"field\" data-takers=\"{takers}\"><label for=\"{id}\">{}{hint}</label>{control}</div>",
        escape(label)
    )
}

fn has_type(parameter: &ParameterView, types: &[&str]) -> bool {
    parameter.types.iter().any(|kind| types.contains(&kind.as_str()))
}

/// The values of a parameter as they are typed.
pub(super) fn texts(parameter: &ParameterView) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let mut all: Vec<String> = parameter.values.iter().map(text).collect();
    all.retain(|value| value != "null");
    all
}

/// Every value that some model takes, with the names of those that do.
fn values<'a>(one: &Taken<'a>) -> Vec<(String, Vec<&'a str>)> {
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for (chosen, own) in &one.by {
        for value in texts(own) {
            match found.iter_mut().find(|(known, _)| *known == value) {
                Some((_, by)) => by.push(chosen.name.as_str()),
                None => found.push((value, vec![chosen.name.as_str()])),
            }
        }
    }
    found
}

/// What holds when nothing is chosen, where that is the same at all models.
fn usual(one: &Taken<'_>) -> String {
    let default = |own: &ParameterView| {
        let value = own.default.as_ref().filter(|value| !value.is_null())?;
        Some(value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
    };
    let mut all = one.by.iter().map(|(_, own)| default(own));
    match all.next().flatten() {
        Some(first) if all.all(|other| other.as_ref() == Some(&first)) => format!("as usual: {first}"),
        _ => "as usual".to_owned(),
    }
}

/// A list of every value that some model takes, with whose it is where it is not everybody's.
pub(super) fn select(shown: &Shown<'_>, id: &str, one: &Taken<'_>) -> String {
    let asked = shown.value(one.name);
    let mut values = values(one);
    if values.is_empty() {
        let everybody: Vec<&str> = one.by.iter().map(|(chosen, _)| chosen.name.as_str()).collect();
        values = ["true", "false"]
            .map(|value| (value.to_owned(), everybody.clone()))
            .to_vec();
    }
    let required = if one.is_required() { " required" } else { "" };
    let mut out = format!(
        "<select id=\"{id}\" name=\"{}\"{required}><option value=\"\">{}</option>",
        escape(one.name),
        escape(&usual(one))
    );
    for (value, by) in values {
        let chosen = if value == asked { " selected" } else { "" };
        let whose = if by.len() == one.by.len() {
            String::new()
        } else {
            format!(" ({})", words::list(&by))
        };
        let _ = write!(
            out,
            "<option value=\"{0}\"{chosen}>{0}{1}</option>",
            escape(&value),
            escape(&whose)
        );
    }
    out.push_str("</select>");
    out
}

/// The bound that lets in what any model takes: none where one of them has none.
fn widest(bounds: impl Iterator<Item = Option<f64>>, wider: fn(f64, f64) -> f64) -> Option<f64> {
    bounds.reduce(|a, b| Some(wider(a?, b?))).flatten()
}

fn input(shown: &Shown<'_>, id: &str, one: &Taken<'_>) -> String {
    let is_number = one.by.iter().any(|(_, own)| has_type(own, &["integer", "number"]));
    let mut more = String::new();
    if is_number {
        let is_whole = !one.by.iter().any(|(_, own)| has_type(own, &["number"]));
        let _ = write!(more, " type=\"number\" step=\"{}\"", if is_whole { "1" } else { "any" });
        let least = widest(one.by.iter().map(|(_, own)| own.min), f64::min);
        let most = widest(one.by.iter().map(|(_, own)| own.max), f64::max);
        for (name, bound) in [("min", least), ("max", most)] {
            if let Some(bound) = bound {
                let _ = write!(more, " {name}=\"{bound}\"");
            }
        }
    } else {
        more.push_str(" type=\"text\" autocomplete=\"off\"");
        let longest = one
            .by
            .iter()
            .map(|(_, own)| own.max_chars)
            .reduce(|a, b| Some(a?.max(b?)));
        if let Some(chars) = longest.flatten() {
            let _ = write!(more, " maxlength=\"{chars}\"");
        }
    }
    if one.is_required() {
        more.push_str(" required");
    }
    format!(
        "<input id=\"{id}\" name=\"{}\" value=\"{}\"{more} placeholder=\"{}\">",
        escape(one.name),
        escape(shown.value(one.name)),
        escape(&usual(one))
    )
}
