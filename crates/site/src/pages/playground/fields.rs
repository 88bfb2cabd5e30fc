//! The fields of the form: what at least one of the chosen models takes, and which; and what is left out.

mod controls;

use std::fmt::Write as _;

use planner::mode::Mode;
use planner::request::N_MAX;
use planner::size::Size;
use planner::view::ParameterView;

use super::{Chosen, Shown};
use crate::charts::shape;
use crate::html::{Html, escape, icon};
use crate::words;
use controls::{field, select, texts};

/// Shapes that people ask for most.
const SHAPES: [&str; 6] = ["1:1", "3:2", "2:3", "4:3", "16:9", "9:16"];
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

/// A parameter, and the chosen models that take it, each with what it takes.
struct Taken<'a> {
    name: &'a str,
    by: Vec<(&'a Chosen, &'a ParameterView)>,
}

impl Taken<'_> {
    /// Whether some model takes no request without it.
    fn is_required(&self) -> bool {
        self.by.iter().any(|(_, own)| own.required)
    }

    /// Ids of the models that take it, with spaces between.
    fn takers(&self) -> String {
        let ids: Vec<&str> = self.by.iter().map(|(chosen, _)| chosen.id.as_str()).collect();
        escape(&ids.join(" "))
    }
}

/// All fields of the mode.
pub(super) fn all(shown: &Shown<'_>) -> Html {
    let taken = taken(shown);
    let find = |name: &str| taken.iter().find(|one| one.name == name);
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
        sizes(&mut out, shown, &taken);
    }
    let (quality, n) = (find("quality"), find("n"));
    if quality.is_some() || n.is_some() {
        out.push_str("<div class=\"duo\">");
        out.push_str(&quality.map_or_else(|| "<span></span>".to_owned(), |one| field(shown, one)));
        if let Some(n) = n {
            count(&mut out, shown, n);
        }
        out.push_str("</div>\n");
    }
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
            match found.iter_mut().find(|one| one.name == parameter.name) {
                Some(one) => one.by.push((chosen, parameter)),
                None => found.push(Taken {
                    name: &parameter.name,
                    by: vec![(chosen, parameter)],
                }),
            }
        }
    }
    found
}

/// How many images.
fn count(out: &mut String, shown: &Shown<'_>, one: &Taken<'_>) {
    let asked = escape(shown.value("n"));
    let most = one.by.iter().map(|(_, own)| own.max.unwrap_or(f64::from(N_MAX)));
    let _ = write!(
        out,
        "<div class=\"field\" data-takers=\"{}\"><label for=\"pg-n\">Images</label><input id=\"pg-n\" name=\"n\" type=\"number\" min=\"1\" max=\"{}\" value=\"{}\"></div>",
        one.takers(),
        words::plain(most.fold(1.0, f64::max)),
        if asked.is_empty() { "1" } else { &asked }
    );
}

fn prompt(out: &mut String, shown: &Shown<'_>, taken: Option<&Taken<'_>>) {
    let longest = taken.and_then(|one| one.by.iter().filter_map(|(_, own)| own.max_chars).min());
    let limit = longest.map_or_else(String::new, |chars| {
        format!(
            " <span class=\"hint num\">up to {} characters</span>",
            words::number(chars)
        )
    });
    let most = longest.map_or_else(String::new, |chars| format!(" maxlength=\"{chars}\""));
    let is_required = taken.is_some_and(Taken::is_required);
    let _ = writeln!(
        out,
        "<div class=\"field\"><label for=\"pg-p\">Prompt{limit}</label><textarea id=\"pg-p\" name=\"prompt\" rows=\"4\"{most}{}>{}</textarea></div>",
        if is_required { " required" } else { "" },
        escape(shown.value("prompt")),
    );
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

/// The shapes that can be asked for: all that a chosen model makes by name, and where one makes any, those that people ask
/// for most.
fn shapes(one: &Taken<'_>) -> Vec<(String, Size)> {
    let named = one.by.iter().flat_map(|(_, own)| texts(own));
    let is_free = one.by.iter().any(|(_, own)| own.values.is_empty());
    let usual = SHAPES.iter().filter(|_| is_free).map(|name| (*name).to_owned());
    let mut found: Vec<(String, Size)> = Vec::new();
    for name in usual.chain(named) {
        let Some((width, height)) = name.split_once(':') else {
            continue;
        };
        let (Ok(width), Ok(height)) = (width.parse(), height.parse()) else {
            continue;
        };
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, Size::new(width, height)));
        }
    }
    // Square, then what people ask for most, then from the widest to the highest.
    let place = |name: &str| SHAPES.iter().position(|usual| *usual == name).unwrap_or(SHAPES.len());
    let width = |size: Size| f64::from(size.width_px) / f64::from(size.height_px.max(1));
    found.sort_by(|(a, a_size), (b, b_size)| {
        let by_width = width(*b_size).total_cmp(&width(*a_size));
        place(a).cmp(&place(b)).then(by_width)
    });
    found
}

/// Shapes to scale, an exact size, a tier; and what each model makes of it. Nothing where no chosen model takes a size.
fn sizes(out: &mut String, shown: &Shown<'_>, taken: &[Taken<'_>]) {
    let find = |name: &str| taken.iter().find(|one| one.name == name);
    let (shape_of, exact, resolution) = (find("aspect_ratio"), find("size"), find("resolution"));
    if shape_of.is_none() && exact.is_none() && resolution.is_none() {
        return;
    }
    let asked = shown.value("aspect_ratio");
    let _ = write!(
        out,
        "<fieldset class=\"field\"><legend>Size <span class=\"hint num\" data-live=\"size\">{}</span></legend>",
        escape(&makes(shown))
    );
    if let Some(one) = shape_of {
        let _ = write!(out, "<div class=\"shapes\" data-takers=\"{}\">", one.takers());
        let auto = std::iter::once((String::new(), None));
        let known = shapes(one).into_iter().map(|(name, size)| (name, Some(size)));
        let mut all: Vec<(String, Option<Size>)> = auto.chain(known).collect();
        if !all.iter().any(|(value, _)| *value == asked) {
            all.push((asked.to_owned(), None));
        }
        for (value, size) in all {
            let checked = if value == asked { " checked" } else { "" };
            let name = if value.is_empty() { "auto" } else { &value };
            let _ = write!(
                out,
                "<label><input type=\"radio\" name=\"aspect_ratio\" value=\"{}\"{checked}>{}{}</label>",
                escape(&value),
                shape(size),
                escape(name)
            );
        }
        out.push_str("</div>");
    }
    out.push_str("<div class=\"duo\">");
    if let Some(one) = exact {
        let _ = write!(
            out,
            "<div class=\"field\" data-takers=\"{}\"><label for=\"pg-s\">Exact size</label><input id=\"pg-s\" type=\"text\" name=\"size\" class=\"mono\" value=\"{}\" placeholder=\"1536x1024\" pattern=\"\\s*|auto|[0-9]+[x:][0-9]+\" autocomplete=\"off\"></div>",
            one.takers(),
            escape(shown.value("size"))
        );
    }
    if let Some(resolution) = resolution {
        let _ = write!(
            out,
            "<div class=\"field\" data-takers=\"{}\"><label for=\"pg-r\">Resolution</label>{}</div>",
            resolution.takers(),
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
        .filter(|one| !PLACED.contains(&one.name))
        .partition(|one| one.by.iter().any(|(_, own)| is_simple(own)));
    let partial = taken.iter().find(|one| one.name == "partial_images");
    let open = fields
        .iter()
        .any(|one| one.is_required() || !shown.value(one.name).is_empty());
    let _ = write!(
        out,
        "<details class=\"more\"{}><summary>More parameters <span class=\"hint\">{}</span></summary><div class=\"morebox\"><div class=\"duo\">",
        if open { " open" } else { "" },
        fields.len() + usize::from(partial.is_some())
    );
    for one in &fields {
        out.push_str(&field(shown, one));
    }
    if let Some(partial) = partial {
        out.push_str(&field(shown, partial));
    }
    out.push_str("</div>");
    let is_taken = |name: &str| taken.iter().any(|one| one.name == name);
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
        .map(|one| format!("<code>{}</code>", escape(one.name)))
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
