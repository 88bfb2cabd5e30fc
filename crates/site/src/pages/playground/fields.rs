//! The fields of the form: what at least one of the chosen models takes, and which; and what is left out.

use std::fmt::Write as _;

use planner::mode::Mode;
use planner::size::Size;
use planner::view::ParameterView;
use serde_json::Value;

use super::{Chosen, Shown};
use crate::charts::shape;
use crate::html::{Html, escape, icon};
use crate::words;

/// Shapes that are offered beside the model's own.
const SHAPES: [(&str, u32, u32); 6] = [
    ("1:1", 1, 1),
    ("3:2", 3, 2),
    ("2:3", 2, 3),
    ("4:3", 4, 3),
    ("16:9", 16, 9),
    ("9:16", 9, 16),
];
/// Parameters that have a place of their own on the page, or that the page sets itself.
const PLACED: [&str; 19] = [
    "model",
    "prompt",
    "n",
    "size",
    "aspect_ratio",
    "resolution",
    "width",
    "height",
    "quality",
    "images",
    "image",
    "mask",
    "response_format",
    "stream",
    "partial_images",
    "user",
    "route",
    "webhook_url",
    "scale_factor",
];
/// Values that are shown side by side; more go into a list.
const SIDE_BY_SIDE_MAX: usize = 4;
/// Parameters that people look for, and are told of when no chosen model takes them.
const LOOKED_FOR: [&str; 7] = [
    "seed",
    "negative_prompt",
    "guidance_scale",
    "strength",
    "reasoning",
    "background",
    "style",
];

/// A parameter and the chosen models that take it.
struct Taken<'a> {
    parameter: &'a ParameterView,
    by: Vec<&'a Chosen>,
}

/// All fields of the mode.
pub(super) fn all(shown: &Shown<'_>) -> Html {
    let taken = taken(shown);
    let find = |name: &str| taken.iter().find(|one| one.parameter.name == name);
    let mut out = String::new();
    if shown.mode != Mode::Upscale {
        prompt(&mut out, shown, find("prompt"));
    }
    if shown.mode != Mode::TextToImage {
        inputs(&mut out, shown, find("mask").is_some());
    }
    if shown.mode == Mode::Upscale {
        if let Some(factor) = find("scale_factor") {
            out.push_str(&field(shown, factor));
        }
    } else {
        sizes(&mut out, shown, find("resolution"));
    }
    out.push_str("<div class=\"duo\">");
    if let Some(quality) = find("quality") {
        out.push_str(&field(shown, quality));
    } else {
        out.push_str("<span></span>");
    }
    let n = escape(shown.value("n"));
    let _ = writeln!(
        out,
        "<div class=\"field\"><label for=\"pg-n\">Images</label><input id=\"pg-n\" name=\"n\" type=\"number\" min=\"1\" max=\"10\" value=\"{}\"></div></div>",
        if n.is_empty() { "1" } else { &n }
    );
    more(&mut out, shown, &taken);
    Html(out)
}

/// What at least one model takes in this mode.
fn taken<'a>(shown: &'a Shown<'_>) -> Vec<Taken<'a>> {
    let mut found: Vec<Taken<'a>> = Vec::new();
    for chosen in &shown.chosen {
        for parameter in &chosen.parameters {
            if !parameter.modes.contains(&shown.mode) {
                continue;
            }
            match found.iter_mut().find(|one| one.parameter.name == parameter.name) {
                Some(one) => one.by.push(chosen),
                None => found.push(Taken {
                    parameter,
                    by: vec![chosen],
                }),
            }
        }
    }
    found
}

fn prompt(out: &mut String, shown: &Shown<'_>, taken: Option<&Taken<'_>>) {
    let longest = taken.and_then(|one| one.by.iter().filter_map(|chosen| longest(chosen)).min());
    let limit = longest.map_or_else(String::new, |chars| {
        format!(
            " <span class=\"hint num\">up to {} characters</span>",
            words::number(chars)
        )
    });
    let most = longest.map_or_else(String::new, |chars| format!(" maxlength=\"{chars}\""));
    let is_required = taken.is_some_and(|one| one.parameter.required);
    let _ = writeln!(
        out,
        "<div class=\"field\"><label for=\"pg-p\">Prompt{limit}</label><textarea id=\"pg-p\" name=\"prompt\" rows=\"4\"{most}{}>{}</textarea></div>",
        if is_required { " required" } else { "" },
        escape(shown.value("prompt")),
    );
}

fn longest(chosen: &Chosen) -> Option<u64> {
    let mut own = chosen.parameters.iter();
    own.find(|parameter| parameter.name == "prompt")?.max_chars
}

/// Input images and their mask.
fn inputs(out: &mut String, shown: &Shown<'_>, has_mask: bool) {
    let most = shown
        .chosen
        .iter()
        .map(|chosen| chosen.inputs_max)
        .min()
        .unwrap_or(1)
        .max(1);
    let without: Vec<&Chosen> = shown
        .chosen
        .iter()
        .filter(|chosen| {
            !chosen
                .parameters
                .iter()
                .any(|parameter| parameter.name == "mask" && parameter.modes.contains(&shown.mode))
        })
        .collect();
    let maskless: Vec<&str> = without.iter().map(|chosen| chosen.id.as_str()).collect();
    let multiple = if most > 1 { " multiple" } else { "" };
    let _ = write!(
        out,
        "<div class=\"field\" data-inputs data-most=\"{most}\" data-maskless=\"{}\"{}><span class=\"lbl\" id=\"pg-il\">Images <span class=\"hint\" data-count>up to {most}, in order</span></span>\n<ol class=\"inputs\" role=\"list\" aria-labelledby=\"pg-il\"><li class=\"drop\"><label><input type=\"file\" name=\"image\" accept=\"image/png,image/jpeg,image/webp,image/gif,image/avif\"{multiple} class=\"sr\" required>{}<span>Drop, paste<br>or choose</span></label></li></ol>",
        escape(&maskless.join(" ")),
        if has_mask { " data-masked" } else { "" },
        icon("image-plus").0.replace("class=\"i\"", "class=\"i l\""),
    );
    if has_mask {
        out.push_str("<div class=\"field\" data-maskfile><label for=\"pg-mk\">Mask <span class=\"hint\">a PNG as large as image 1, transparent where it may change</span></label><input id=\"pg-mk\" type=\"file\" name=\"mask\" accept=\"image/png\"></div>");
    }
    if has_mask && !without.is_empty() {
        let names: Vec<&str> = without.iter().map(|chosen| chosen.name.as_str()).collect();
        let _ = write!(
            out,
            "<p class=\"hint\">{} {} no mask, and {} asked without it.</p>",
            escape(&words::list(&names)),
            if without.len() == 1 { "takes" } else { "take" },
            if without.len() == 1 { "is" } else { "are" },
        );
    }
    out.push_str("</div>\n");
}

/// Shapes to scale, an exact size, a tier; and what each model makes of it.
fn sizes(out: &mut String, shown: &Shown<'_>, resolution: Option<&Taken<'_>>) {
    let asked = shown.value("aspect_ratio");
    let _ = write!(
        out,
        "<fieldset class=\"field\"><legend>Size <span class=\"hint num\" data-live=\"size\">{}</span></legend><div class=\"shapes\">",
        escape(&makes(shown))
    );
    let auto = std::iter::once(("", "auto", None));
    let shapes = SHAPES
        .into_iter()
        .map(|(name, width, height)| (name, name, Some(Size::new(width, height))));
    let mut all: Vec<(&str, &str, Option<Size>)> = auto.chain(shapes).collect();
    if !all.iter().any(|(value, _, _)| *value == asked) {
        all.push((asked, asked, None));
    }
    for (value, name, size) in all {
        let checked = if value == asked { " checked" } else { "" };
        let _ = write!(
            out,
            "<label><input type=\"radio\" name=\"aspect_ratio\" value=\"{}\"{checked}>{}{}</label>",
            escape(value),
            shape(size),
            escape(name)
        );
    }
    let _ = write!(
        out,
        "</div><div class=\"duo\"><div class=\"field\"><label for=\"pg-s\">Exact size</label><input id=\"pg-s\" type=\"text\" name=\"size\" class=\"mono\" value=\"{}\" placeholder=\"1536x1024\" pattern=\"\\s*|auto|[0-9]+[x:][0-9]+\" autocomplete=\"off\"></div>",
        escape(shown.value("size"))
    );
    if let Some(resolution) = resolution {
        let _ = write!(
            out,
            "<div class=\"field\"><label for=\"pg-r\">Resolution</label>{}</div>",
            select(shown, "pg-r", resolution)
        );
    }
    out.push_str("</div></fieldset>\n");
}

/// What comes of the size, by model.
fn makes(shown: &Shown<'_>) -> String {
    let told: Vec<(&str, &str)> = shown
        .chosen
        .iter()
        .filter_map(|chosen| Some((chosen.name.as_str(), chosen.quote.makes.as_deref()?)))
        .collect();
    match told.as_slice() {
        [] => "as each model likes".to_owned(),
        [(_, one)] => format!("makes {one}"),
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => format!("all make {first}"),
        many => {
            let each: Vec<String> = many.iter().map(|(name, size)| format!("{name} {size}")).collect();
            each.join(", ")
        }
    }
}

/// Everything else, folded, with what is not shown and why.
fn more(out: &mut String, shown: &Shown<'_>, taken: &[Taken<'_>]) {
    let is_simple = |parameter: &ParameterView| {
        let simple = ["string", "integer", "number", "boolean"];
        !parameter.secret
            && !parameter.types.is_empty()
            && parameter
                .types
                .iter()
                .all(|kind| simple.contains(&kind.as_str()) || kind == "null")
    };
    let (fields, others): (Vec<&Taken<'_>>, Vec<&Taken<'_>>) = taken
        .iter()
        .filter(|one| !PLACED.contains(&one.parameter.name.as_str()))
        .partition(|one| is_simple(one.parameter));
    let open = fields
        .iter()
        .any(|one| one.parameter.required || !shown.value(&one.parameter.name).is_empty());
    let _ = write!(
        out,
        "<details class=\"more\"{}><summary>More parameters <span class=\"hint\">{}</span></summary><div class=\"morebox\"><div class=\"duo\">",
        if open { " open" } else { "" },
        fields.len() + 1
    );
    for one in &fields {
        out.push_str(&field(shown, one));
    }
    let partial = taken.iter().find(|one| one.parameter.name == "partial_images");
    if let Some(partial) = partial {
        out.push_str(&field(shown, partial));
    }
    out.push_str("</div>");
    let is_taken = |name: &str| taken.iter().any(|one| one.parameter.name == name);
    let missing: Vec<String> = LOOKED_FOR
        .iter()
        .filter(|name| !is_taken(name))
        .map(|name| format!("<code>{name}</code>"))
        .collect();
    if !missing.is_empty() {
        let _ = write!(
            out,
            "<p class=\"hint\">{} not shown: {} them in this mode.</p>",
            words::list(&missing) + if missing.len() == 1 { " is" } else { " are" },
            if shown.chosen.len() == 1 {
                "the model does not take"
            } else {
                "no chosen model takes"
            }
        );
    }
    let only_api: Vec<String> = others
        .iter()
        .map(|one| format!("<code>{}</code>", escape(&one.parameter.name)))
        .collect();
    if !only_api.is_empty() {
        let _ = write!(
            out,
            "<p class=\"hint\">By the API alone: {}.</p>",
            words::list(&only_api)
        );
    }
    out.push_str("</div></details>\n");
}

/// One field with its label, and the models that take it where not all do.
fn field(shown: &Shown<'_>, one: &Taken<'_>) -> String {
    let parameter = one.parameter;
    let name = escape(&parameter.name);
    let label = match parameter.name.as_str() {
        "quality" => "Quality",
        "scale_factor" => "Scale",
        other => other,
    };
    let hint = if one.by.len() == shown.chosen.len() {
        String::new()
    } else {
        let names: Vec<&str> = one.by.iter().map(|chosen| chosen.name.as_str()).collect();
        format!(" <span class=\"hint\">{}</span>", escape(&words::list(&names)))
    };
    let takers: Vec<&str> = one.by.iter().map(|chosen| chosen.id.as_str()).collect();
    let takers = escape(&takers.join(" "));
    let values: Vec<String> = texts(parameter);
    if parameter.name == "quality" && (1..=SIDE_BY_SIDE_MAX).contains(&values.len()) {
        let mut out = format!(
            "<fieldset class=\"field\" data-takers=\"{takers}\"><legend>{label}{hint}</legend><div class=\"seg sm\">"
        );
        let asked = shown.value(&parameter.name);
        let has_auto = values.iter().any(|value| value == "auto");
        let usual = std::iter::once(String::new()).filter(|_| !has_auto);
        for value in usual.chain(values) {
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
    let control = if !values.is_empty() || parameter.types.iter().any(|kind| kind == "boolean") {
        select(shown, &id, one)
    } else {
        input(shown, &id, parameter)
    };
    format!(
        "<div class=\"field\" data-takers=\"{takers}\"><label for=\"{id}\">{}{hint}</label>{control}</div>",
        escape(label)
    )
}

/// The values of a parameter as they are typed.
fn texts(parameter: &ParameterView) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let mut all: Vec<String> = parameter.values.iter().map(text).collect();
    all.retain(|value| value != "null");
    all
}

fn usual(parameter: &ParameterView) -> String {
    let text = parameter
        .default
        .as_ref()
        .filter(|value| !value.is_null())
        .map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned));
    text.map_or_else(|| "as usual".to_owned(), |value| format!("as usual: {value}"))
}

fn select(shown: &Shown<'_>, id: &str, one: &Taken<'_>) -> String {
    let parameter = one.parameter;
    let asked = shown.value(&parameter.name);
    let mut values: Vec<String> = Vec::new();
    for chosen in &one.by {
        for own in chosen.parameters.iter().filter(|own| own.name == parameter.name) {
            for value in texts(own) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
    }
    if values.is_empty() {
        values = vec!["true".to_owned(), "false".to_owned()];
    }
    let required = if parameter.required { " required" } else { "" };
    let mut out = format!(
        "<select id=\"{id}\" name=\"{}\"{required}><option value=\"\">{}</option>",
        escape(&parameter.name),
        escape(&usual(parameter))
    );
    for value in values {
        let chosen = if value == asked { " selected" } else { "" };
        let _ = write!(out, "<option value=\"{0}\"{chosen}>{0}</option>", escape(&value));
    }
    out.push_str("</select>");
    out
}

fn input(shown: &Shown<'_>, id: &str, parameter: &ParameterView) -> String {
    let is_number = parameter.types.iter().any(|kind| kind == "integer" || kind == "number");
    let mut more = String::new();
    if is_number {
        let step = if parameter.types.iter().any(|kind| kind == "number") {
            "any"
        } else {
            "1"
        };
        let _ = write!(more, " type=\"number\" step=\"{step}\"");
        for (name, bound) in [("min", parameter.min), ("max", parameter.max)] {
            if let Some(bound) = bound {
                let _ = write!(more, " {name}=\"{bound}\"");
            }
        }
    } else {
        more.push_str(" type=\"text\" autocomplete=\"off\"");
        if let Some(chars) = parameter.max_chars {
            let _ = write!(more, " maxlength=\"{chars}\"");
        }
    }
    if parameter.required {
        more.push_str(" required");
    }
    format!(
        "<input id=\"{id}\" name=\"{}\" value=\"{}\"{more} placeholder=\"{}\">",
        escape(&parameter.name),
        escape(shown.value(&parameter.name)),
        escape(&usual(parameter))
    )
}
