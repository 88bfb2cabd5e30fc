//! Parameters by group, and how each reaches each provider.

use std::fmt::Write as _;

use planner::handling::Handling;
use planner::view::ParameterView;
use serde_json::Value;

use super::Sheet;
use crate::html::{Html, escape, hand, hand_box, value_tags};
use crate::markdown::inline;
use crate::words;

/// Groups of parameters in the order of the page.
pub(crate) const GROUPS: [(&str, &str); 5] = [
    ("core", "Core"),
    ("size", "Size"),
    ("media", "Media"),
    ("output", "Output"),
    ("additional", "Additional"),
];

/// Handlings in the order of the legend, each with what it means in three words.
pub(crate) const MEANINGS: [(Handling, &str); 5] = [
    (Handling::Passthrough, "as it is"),
    (Handling::Renamed, "under another name"),
    (Handling::Converted, "in another form"),
    (Handling::Emulated, "done by Pictor"),
    (Handling::Unsupported, "left out, and told"),
];

/// The five signs and what they mean.
#[must_use]
pub(crate) fn legend() -> Html {
    let mut out = String::new();
    for (handling, meaning) in MEANINGS {
        let _ = write!(
            out,
            "<li>{} <span class=\"hint\">{meaning}</span></li>",
            hand_box(handling)
        );
    }
    Html(format!("<ul class=\"legend\" role=\"list\">{out}</ul>"))
}

pub(super) fn section(sheet: &Sheet<'_>) -> Html {
    let mut out = format!(
        "<section id=\"parameters\" class=\"sec\" aria-labelledby=\"h-par\"><header><h2 id=\"h-par\">Parameters</h2><p>How each reaches each provider. Whatever is changed or dropped on the way is told in <code>metadata.adjustments</code>.</p></header>\n{}\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of parameters\">\n<table class=\"params\"><thead><tr><th scope=\"col\">Parameter</th><th scope=\"col\">What it does</th><th scope=\"col\">Modes</th>",
        legend()
    );
    for (_, name) in &sheet.columns {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(name));
    }
    out.push_str("</tr></thead>\n");
    let width = sheet.columns.len() + 3;
    for (group, title) in GROUPS {
        let own: Vec<&ParameterView> = sheet
            .parameters
            .iter()
            .filter(|parameter| parameter.group == group)
            .collect();
        if own.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "<tbody class=\"grp\"><tr><th scope=\"rowgroup\" colspan=\"{width}\">{title}</th></tr>"
        );
        for parameter in own {
            row(&mut out, sheet, parameter);
        }
        out.push_str("</tbody>");
    }
    let _ = write!(
        out,
        "</table></div>\n<p class=\"hint under\">Parameters that Pictor does not know are handed to the provider as they are. The same as JSON Schema, with a key: <code>GET /openai/v1/models/{}?schema=true</code></p></section>",
        escape(&sheet.shown.view.model.id)
    );
    Html(out)
}

fn row(out: &mut String, sheet: &Sheet<'_>, parameter: &ParameterView) {
    let name = escape(&parameter.name);
    let modes: Vec<&str> = parameter.modes.iter().map(|mode| words::short_mode(*mode)).collect();
    let _ = write!(
        out,
        "<tr id=\"p-{name}\"><th scope=\"row\"><a class=\"anchor\" href=\"#p-{name}\"><code>{name}</code></a><span class=\"ty\">{}</span></th>\n<td>{}{}{}</td>\n<td class=\"modes\">{}</td>",
        kind(parameter),
        inline(&parameter.description),
        values(parameter),
        hints(sheet, parameter),
        words::capital(&modes.join(", ")),
    );
    for (id, provider) in &sheet.columns {
        let at = parameter.at.get(*id);
        let handling = at.map_or(Handling::Unsupported, |at| at.handling);
        let native = at.and_then(|at| at.native_name.as_deref());
        let _ = write!(
            out,
            "<td data-p=\"{}\">{}</td>",
            escape(provider),
            hand(handling, native)
        );
    }
    out.push_str("</tr>\n");
}

/// Its type in words.
fn kind(parameter: &ParameterView) -> String {
    let types: Vec<&str> = parameter.types.iter().map(String::as_str).collect();
    let mut told = match (parameter.name.as_str(), types.as_slice()) {
        ("images", _) => match parameter.max {
            Some(most) if most > 1.0 => format!("1 to {} images", words::plain(most)),
            _ => "one image".to_owned(),
        },
        ("mask", _) => "image".to_owned(),
        (_, many) => many.join(" or "),
    };
    if parameter.required {
        told.push_str(", <b>required</b>");
    }
    if parameter.secret {
        told.push_str(", secret");
    }
    told
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The legal values. Sizes by name have a table of their own below.
fn values(parameter: &ParameterView) -> Html {
    /// Values that are shown as tags; more are folded away.
    const TAGS_MAX: usize = 12;
    let all: Vec<String> = parameter.values.iter().map(shown).collect();
    let tags = value_tags(all.iter().map(String::as_str));
    if all.len() <= TAGS_MAX {
        return tags;
    }
    if parameter.group == "size" {
        return Html(format!(
            " <span class=\"hint\">{} of them: <a href=\"#sizes\">see Sizes</a></span>",
            all.len()
        ));
    }
    Html(format!(
        "<details><summary>{}</summary>{tags}</details>",
        words::count(all.len(), "value")
    ))
}

/// The bounds of a parameter in words.
pub(crate) fn bounds(parameter: &ParameterView) -> Vec<String> {
    let range = match (parameter.min, parameter.max) {
        (Some(min), Some(max)) => Some(format!("{} to {}", words::plain(min), words::plain(max))),
        (Some(min), None) => Some(format!("At least {}", words::plain(min))),
        (None, Some(max)) => Some(format!("At most {}", words::plain(max))),
        (None, None) => None,
    };
    range.into_iter().chain(longest(parameter)).collect()
}

fn longest(parameter: &ParameterView) -> Option<String> {
    let most = parameter.max_chars?;
    Some(format!("Up to {} characters", words::number(most)))
}

fn hints(sheet: &Sheet<'_>, parameter: &ParameterView) -> String {
    let mut told = Vec::new();
    if !parameter.also_understood.is_empty() {
        let also: Vec<String> = parameter.also_understood.iter().map(shown).collect();
        told.push(format!("Also understood: {}", escape(&also.join(", "))));
    }
    if let Some(default) = &parameter.default {
        told.push(format!("Default <code>{}</code>", escape(&shown(default))));
    }
    if !parameter.defaults.is_empty() {
        let at: Vec<String> = parameter
            .defaults
            .iter()
            .map(|(provider, value)| {
                format!(
                    "<code>{}</code> at {}",
                    escape(&shown(value)),
                    escape(sheet.shown.providers.name(provider))
                )
            })
            .collect();
        told.push(format!("Left out it is {}", at.join(", ")));
    }
    if parameter.name == "images" {
        told.extend(longest(parameter));
    } else {
        told.extend(bounds(parameter));
    }
    if !parameter.aliases.is_empty() {
        let names: Vec<String> = parameter
            .aliases
            .iter()
            .map(|name| format!("<code>{}</code>", escape(name)))
            .collect();
        told.push(format!("Also called {}", words::list(&names)));
    }
    if parameter.provider_group != "universal" && !parameter.provider_group.is_empty() {
        told.push(format!(
            "{} only",
            escape(sheet.shown.providers.name(&parameter.provider_group))
        ));
    }
    told.iter()
        .map(|hint| format!("<span class=\"hint\">{hint}</span>"))
        .collect()
}

/// What Pictor does with a parameter, with examples of this very model.
pub(super) fn handlings(sheet: &Sheet<'_>) -> Html {
    let mut out = String::from(
        "<section id=\"handling\" class=\"sec\" aria-labelledby=\"h-hand\"><header><h2 id=\"h-hand\">What Pictor does with a parameter</h2></header>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of handlings\"><table><thead><tr><th scope=\"col\">Handling</th><th scope=\"col\">What happens</th><th scope=\"col\">Here, for example</th></tr></thead><tbody>\n",
    );
    for (handling, _) in MEANINGS {
        let what = match handling {
            Handling::Passthrough => "The same name and the same value go to the provider",
            Handling::Renamed => "The same value under the provider’s own name",
            Handling::Converted => "The value is put into the provider’s form",
            Handling::Emulated => "Pictor does it itself, so it works everywhere",
            Handling::Unsupported => {
                "Left out and told in <code>adjustments</code>; if you cannot do without it, that provider is not tried"
            }
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{what}</td><td>{}</td></tr>",
            hand(handling, None),
            example(sheet, handling)
        );
    }
    out.push_str("</tbody></table></div></section>");
    Html(out)
}

/// Up to two parameters of this model with that handling.
fn example(sheet: &Sheet<'_>, handling: Handling) -> String {
    let mut told = Vec::new();
    for parameter in &sheet.parameters {
        let Some((provider, at)) = parameter.at.iter().find(|(_, at)| at.handling == handling) else {
            continue;
        };
        let name = format!("<code>{}</code>", escape(&parameter.name));
        let provider = escape(sheet.shown.providers.name(provider));
        told.push(match (handling, &at.native_name) {
            (Handling::Renamed | Handling::Converted, Some(native)) => {
                format!("{name} is <code>{}</code> at {provider}", escape(native))
            }
            (Handling::Passthrough | Handling::Emulated, _) => name,
            _ => format!("{name} at {provider}"),
        });
        if told.len() == 2 {
            break;
        }
    }
    if told.is_empty() {
        "<span class=\"dimmer\">none</span>".to_owned()
    } else {
        told.join(", ")
    }
}
