//! Bodies, parameters and answers of an operation.

use std::fmt::Write as _;

use planner::handling::Handling;
use serde_json::Value;

use super::{ErrorCode, badges};
use crate::html::{Html, escape, hand_box, value_tags};
use crate::markdown::inline;
use crate::openapi::{Operation, Reference};
use crate::pages::model::GROUPS;
use crate::words;

fn texts(value: &Value) -> Vec<String> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    match value {
        Value::Array(many) => many.iter().map(shown).collect(),
        Value::Null => Vec::new(),
        one => vec![shown(one)],
    }
}

/// The type of a schema in words.
fn kind(reference: &Reference, schema: &Value) -> String {
    let own = reference.resolve(schema);
    if let Some(constant) = own.get("const") {
        return constant.to_string();
    }
    let forms = own["anyOf"].as_array().into_iter().flatten();
    let types: Vec<String> = std::iter::once(own)
        .chain(forms)
        .flat_map(|form| texts(&form["type"]))
        .collect();
    if own["type"] == "array" {
        let item = reference.resolve(&own["items"]);
        let of = texts(&item["type"]).join(" or ");
        return if of.is_empty() {
            "array".to_owned()
        } else {
            format!("array of {of}s")
        };
    }
    if types.is_empty() && own.get("enum").is_some() {
        "string".to_owned()
    } else {
        types.join(" or ")
    }
}

/// The values of a property that are words.
fn words_of(own: &Value) -> Vec<String> {
    texts(own.get("enum").unwrap_or(&own["anyOf"][0]["enum"]))
}

fn entry(out: &mut String, reference: &Reference, place: &str, name: &str, schema: &Value, required: bool) {
    let own = reference.resolve(schema);
    let id = format!("{place}-{name}");
    let must = if required {
        " <span class=\"ty req\">required</span>"
    } else {
        ""
    };
    let handling: Option<Handling> = serde_json::from_value(own["x-handling"].clone()).ok();
    let badge = handling.map_or_else(String::new, |handling| {
        format!("<span class=\"hb\">{}</span>", hand_box(handling))
    });
    let description = own["description"].as_str().map_or_else(Html::default, inline);
    let values = words_of(own);
    let values = value_tags(values.iter().map(String::as_str));
    let mut hints = Vec::new();
    if let Some(default) = own.get("default") {
        hints.push(format!("Default <code>{}</code>", escape(&texts(default).join(", "))));
    }
    match (own["minimum"].as_f64(), own["maximum"].as_f64()) {
        (Some(min), Some(max)) => hints.push(format!("{} to {}", words::plain(min), words::plain(max))),
        (Some(min), None) => hints.push(format!("At least {}", words::plain(min))),
        (None, Some(max)) => hints.push(format!("At most {}", words::plain(max))),
        (None, None) => {}
    }
    if let Some(most) = own["maxLength"].as_u64() {
        hints.push(format!("Up to {} characters", words::number(most)));
    }
    let aliases = texts(&own["x-aliases"]);
    if !aliases.is_empty() {
        hints.push(format!("Also called {}", escape(&aliases.join(", "))));
    }
    let hints = if hints.is_empty() {
        String::new()
    } else {
        format!("<p class=\"hint\">{}</p>", hints.join(". "))
    };
    let text = if description.0.is_empty() {
        String::new()
    } else {
        format!("<p>{description}</p>")
    };
    let _ = write!(
        out,
        "<div id=\"{id}\"><dt><a class=\"anchor\" href=\"#{id}\"><code>{name}</code></a> <span class=\"ty\">{}</span>{must}{badge}</dt><dd>{text}{values}{hints}</dd></div>",
        escape(&kind(reference, schema)),
        id = escape(&id),
        name = escape(name),
    );
}

fn properties(out: &mut String, reference: &Reference, place: &str, schema: &Value, names: &[&String]) {
    let required = texts(&schema["required"]);
    out.push_str("<dl class=\"pl\">");
    for name in names {
        entry(
            out,
            reference,
            place,
            name,
            &schema["properties"][name.as_str()],
            required.contains(name),
        );
    }
    out.push_str("</dl>\n");
}

/// The body: its properties by group, each with its badge.
pub(super) fn body(out: &mut String, reference: &Reference, operation: &Value) {
    let content = &operation["requestBody"]["content"];
    let Some(schema) = content
        .get("application/json")
        .map(|content| reference.resolve(&content["schema"]))
    else {
        return;
    };
    let Some(all) = schema["properties"].as_object() else {
        return;
    };
    let has_badges = all.values().any(|property| property.get("x-handling").is_some());
    let told = if has_badges {
        "JSON. The badge is the strongest handling over all models and providers; a model’s own page has the exact one."
    } else {
        "JSON."
    };
    let form = if content.get("multipart/form-data").is_some() {
        " Or a multipart form with the same names."
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "<section class=\"sec\" aria-labelledby=\"d-b\"><header><h2 id=\"d-b\">Body</h2><p>{told}{form}</p></header>"
    );
    if has_badges {
        out.push_str(&badges());
    }
    let group_of = |name: &String| {
        all[name]["x-group"]
            .as_str()
            .unwrap_or(if has_badges { "core" } else { "" })
    };
    if has_badges {
        for (group, title) in GROUPS {
            let names: Vec<&String> = all.keys().filter(|name| group_of(name) == group).collect();
            if !names.is_empty() {
                let _ = write!(out, "<h3 class=\"grp-h\">{title}</h3>");
                properties(out, reference, "b", schema, &names);
            }
        }
    } else {
        properties(out, reference, "b", schema, &all.keys().collect::<Vec<_>>());
    }
    out.push_str("</section>\n");
}

/// What stands in the path, the query and the headers.
pub(super) fn parameters(out: &mut String, operation: &Value) {
    let Some(all) = operation["parameters"].as_array().filter(|all| !all.is_empty()) else {
        return;
    };
    out.push_str("<section class=\"sec\" aria-labelledby=\"d-q\"><header><h2 id=\"d-q\">Path, query and headers</h2></header><dl class=\"pl\">");
    for parameter in all {
        let name = parameter["name"].as_str().unwrap_or_default();
        let place = parameter["in"].as_str().unwrap_or_default();
        let schema = &parameter["schema"];
        let must = if parameter["required"] == true {
            " <span class=\"ty req\">required</span>"
        } else {
            ""
        };
        let values = texts(&schema["enum"]);
        let _ = write!(
            out,
            "<div><dt><code>{}</code> <span class=\"ty\">{place}, {}</span>{must}</dt><dd>{}{}</dd></div>",
            escape(name),
            escape(&texts(&schema["type"]).join(" or ")),
            parameter["description"].as_str().map_or_else(Html::default, inline),
            value_tags(values.iter().map(String::as_str))
        );
    }
    out.push_str("</dl></section>\n");
}

/// What comes back when all goes well.
pub(super) fn answers(out: &mut String, reference: &Reference, operation: &Value) {
    let Some(all) = operation["responses"].as_object() else {
        return;
    };
    out.push_str("<section class=\"sec\" aria-labelledby=\"d-a\"><header><h2 id=\"d-a\">Answer</h2></header>\n");
    for (status, answer) in all.iter().filter(|(status, _)| status.starts_with('2')) {
        let description = answer["description"].as_str().map_or_else(Html::default, inline);
        let _ = writeln!(out, "<h3><code>{}</code> {description}</h3>", escape(status));
        let content = answer["content"].as_object().into_iter().flatten().next();
        let Some(schema) = content.map(|(_, content)| reference.resolve(&content["schema"])) else {
            continue;
        };
        // Of several forms of an answer the first is the usual one.
        let schema = schema["anyOf"].get(0).map_or(schema, |first| reference.resolve(first));
        if let Some(own) = schema["properties"].as_object() {
            properties(
                out,
                reference,
                &format!("a{status}"),
                schema,
                &own.keys().collect::<Vec<_>>(),
            );
        }
    }
    out.push_str("</section>\n");
}

/// The page of an operation as Markdown.
#[must_use]
pub fn markdown(reference: &Reference, operation: &Operation, address: &str, codes: &[ErrorCode]) -> String {
    let mut out = format!(
        "# {}\n\n{}\n\n`{} {}`\n",
        operation.title(),
        operation.summary,
        operation.method,
        operation.path
    );
    let mut list = |title: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            let _ = write!(out, "\n## {title}\n\n{}\n", rows.join("\n"));
        }
    };
    let body = &operation.content["requestBody"]["content"]["application/json"]["schema"];
    let schema = reference.resolve(body);
    let row = |(name, property): (&String, &Value)| {
        let own = reference.resolve(property);
        let handling = own["x-handling"]
            .as_str()
            .map_or_else(String::new, |handling| format!(", {handling}"));
        let values = words_of(own);
        let values = if values.is_empty() {
            String::new()
        } else {
            format!(" One of: {}.", values.join(", "))
        };
        format!(
            "- `{name}` ({}{handling}): {}{values}",
            kind(reference, property),
            own["description"].as_str().unwrap_or_default()
        )
    };
    list(
        "Body",
        schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(row)
            .collect(),
    );
    let parameters = operation.content["parameters"].as_array().into_iter().flatten();
    let told = |parameter: &Value| {
        format!(
            "- `{}` ({}): {}",
            parameter["name"].as_str().unwrap_or_default(),
            parameter["in"].as_str().unwrap_or_default(),
            parameter["description"].as_str().unwrap_or_default()
        )
    };
    list("Path, query and headers", parameters.map(told).collect());
    let error = |code: &ErrorCode| format!("- `{}` ({}): {}", code.name, code.status, code.when);
    list("Errors", codes.iter().map(error).collect());
    let _ = write!(out, "\n## Example\n\n```sh\n{}\n```\n", operation.command(address));
    out
}
