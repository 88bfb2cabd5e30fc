//! Sizes: the table of the three ways to say them, a form that shows what one becomes, and how matching works.

use std::fmt::Write as _;

use planner::explain::{OfferExplanation, ParameterExplanation, Sent};
use planner::size::{SizeSupport, SizeTableRow};
use planner::view::OfferView;
use serde_json::Value;

use super::Sheet;
use crate::charts::shape;
use crate::facts;
use crate::html::{Html, escape, hand};
use crate::words;

pub(super) fn section(sheet: &Sheet<'_>) -> Html {
    let view = sheet.shown.view;
    let rows = view.sizes();
    let mut out = String::from(
        "<section id=\"sizes\" class=\"sec\" aria-labelledby=\"h-sizes\"><header><h2 id=\"h-sizes\">Sizes</h2><p>Say it in pixels, or as a shape and a scale. Anything is understood; the nearest that the model has is used.</p></header>\n<div class=\"sizes\">\n",
    );
    if rows.is_empty() && view.range().is_none() {
        let _ = write!(
            out,
            "<p class=\"prose\">{}: no provider of this model takes a size.</p>",
            facts::sizes(view)
        );
    } else {
        table(&mut out, sheet, &rows);
    }
    if let Some(explanation) = &sheet.shown.size.explanation {
        form(
            &mut out,
            sheet,
            &explanation.offers,
            &explanation
                .faults
                .iter()
                .map(|fault| fault.message.clone())
                .collect::<Vec<_>>(),
        );
    }
    out.push_str("</div>\n");
    out.push_str(MATCHING);
    out.push_str("</section>");
    Html(out)
}

/// The rules, in three paragraphs.
const MATCHING: &str = "<div class=\"three\"><div><h3><code>size</code> <span class=\"tag v\">\"1920x1080\"</span></h3><p>Shape and scale at once. It goes before the other two. <code>\"16:9\"</code> is taken as a ratio.</p></div><div><h3><code>aspect_ratio</code> <span class=\"tag v\">\"16:9\"</span></h3><p>The shape alone, at the model’s own scale. The nearest by the quotient of the two ratios; of two equally near ones the larger, then the wider. 7:1 becomes 8:1 where 4:1 and 8:1 exist.</p></div><div><h3><code>resolution</code> <span class=\"tag v\">\"1K\"</span></h3><p>The scale alone: tiers 0.5K, 1K, 2K, 4K or megapixels such as 0.25 or 1. The nearest tier is used, the shape stays.</p></div></div>";

fn table(out: &mut String, sheet: &Sheet<'_>, rows: &[SizeTableRow]) {
    let view = sheet.shown.view;
    out.push_str("<div><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of sizes\"><table class=\"tint\"><thead><tr><th scope=\"col\"><span class=\"sr\">Shape</span></th><th scope=\"col\">Output</th><th scope=\"col\"><code>size</code></th><th scope=\"col\"><code>aspect_ratio</code> and <code>resolution</code></th><th scope=\"col\">Made by</th></tr></thead>\n");
    if let Some(range) = view.range() {
        let by = if view.model.exact_range.is_some() {
            "Pictor crops and resamples the nearest of those below".to_owned()
        } else {
            makers(sheet, |support| matches!(support, SizeSupport::Range(_)))
        };
        let _ = writeln!(
            out,
            "<tbody><tr class=\"tier-h\"><th scope=\"rowgroup\" colspan=\"5\">Flexible</th></tr><tr><td class=\"shp\">{}</td><td><b>Custom</b>: {}</td><td class=\"mono nowrap\">\"WxH\"</td><td class=\"dimmer\">no equal</td><td>{by}</td></tr></tbody>",
            shape(None),
            escape(&facts::free(&range))
        );
    }
    let mut from = 0;
    while from < rows.len() {
        let tier = rows[from].resolution;
        let many = rows[from..].iter().take_while(|row| row.resolution == tier).count();
        let _ = writeln!(
            out,
            "<tbody><tr class=\"tier-h\"><th scope=\"rowgroup\" colspan=\"5\">{} <span class=\"hint\">{}</span></th></tr>",
            words::tier(tier),
            words::count(many, "size")
        );
        for row in &rows[from..from + many] {
            size_row(out, sheet, row);
        }
        out.push_str("</tbody>\n");
        from += many;
    }
    out.push_str("</table></div></div>\n");
}

fn size_row(out: &mut String, sheet: &Sheet<'_>, row: &SizeTableRow) {
    let by = if row.nominal {
        let makers = makers(
            sheet,
            |support| matches!(support, SizeSupport::Ratios { ratios, .. } if ratios.contains(&row.aspect_ratio)),
        );
        format!(
            "{makers}: a name for {} at {}, measured on arrival",
            row.aspect_ratio,
            words::tier(row.resolution)
        )
    } else {
        makers(sheet, |support| match support {
            SizeSupport::Listed(sizes) => sizes.contains(&row.size),
            SizeSupport::Range(range) => range.allows(row.size),
            SizeSupport::Ratios { ratios, .. } => ratios.contains(&row.aspect_ratio),
            SizeSupport::Fixed => false,
        })
    };
    let _ = writeln!(
        out,
        "<tr><td class=\"shp\">{}</td><td class=\"nowrap\">{}</td><td class=\"mono nowrap\">\"{}\"</td><td class=\"mono nowrap\">\"{}\" and \"{}\"</td><td>{by}</td></tr>",
        shape(Some(row.size)),
        words::size(row.size),
        row.size,
        row.aspect_ratio,
        row.resolution,
    );
}

/// Names of the providers whose sizes are so; `All of them` where they all are.
fn makers(sheet: &Sheet<'_>, is_so: impl Fn(&SizeSupport) -> bool) -> String {
    let mut names: Vec<&str> = Vec::new();
    let makes = |offer: &OfferView<'_>| offer.modes.iter().any(|(_, mode)| is_so(&mode.sizes.support));
    for offer in sheet.shown.view.live_offers().filter(|offer| makes(offer)) {
        if !names.contains(&offer.provider_name) {
            names.push(offer.provider_name);
        }
    }
    match names.len() {
        many if many > 1 && many == sheet.columns.len() => format!("All {many}"),
        _ => escape(&words::list(&names)),
    }
}

fn form(out: &mut String, sheet: &Sheet<'_>, offers: &[OfferExplanation], faults: &[String]) {
    let asked = sheet.shown.size;
    let field = |id: &str, name: &str, value: &str, hint: &str| {
        format!(
            "<div class=\"field\"><label for=\"{id}\">{name}</label><input type=\"text\" id=\"{id}\" name=\"{name}\" value=\"{}\" placeholder=\"{hint}\" class=\"mono\" autocomplete=\"off\"></div>",
            escape(value)
        )
    };
    let _ = write!(
        out,
        "<form class=\"trysize\" action=\"#sizes\" aria-label=\"What becomes of a size\"><input type=\"hidden\" name=\"ask\" value=\"size\"><h3>Try one</h3>\n<div class=\"trio\">{}{}{}</div>\n<button class=\"btn\" type=\"submit\">Show what it becomes</button>\n<output class=\"res\" for=\"ts-s ts-r ts-t\">",
        field("ts-s", "size", &asked.size, "1600x900"),
        field("ts-r", "aspect_ratio", &asked.aspect_ratio, "16:9"),
        field("ts-t", "resolution", &asked.resolution, "1K"),
    );
    for fault in faults {
        let _ = write!(out, "<span>{}</span>", escape(fault));
    }
    let mut notes: Vec<String> = Vec::new();
    for offer in offers {
        let Some(sent) = &offer.sent else { continue };
        let sizes: Vec<&ParameterExplanation> = sent
            .parameters
            .iter()
            .filter(|parameter| matches!(parameter.parameter.as_str(), "size" | "aspect_ratio" | "resolution"))
            .collect();
        let told = becomes(&sizes);
        let _ = write!(
            out,
            "<span class=\"row between\"><b>{}</b><span class=\"num\">{told}</span></span>",
            escape(sheet.shown.providers.name(&offer.provider))
        );
        let name = sheet.shown.providers.name(&offer.provider);
        for note in sizes
            .iter()
            .filter_map(|parameter| Some(format!("{name}: {} {}", parameter.parameter, parameter.note.as_ref()?)))
        {
            notes.push(note);
        }
        for step in sent.after.iter().filter(|step| step.contains("resampled")) {
            notes.push(format!("{name}: {step}"));
        }
    }
    out.push_str("</output>\n");
    for note in &notes {
        let _ = write!(out, "<p class=\"hint\">{}.</p>", escape(note));
    }
    out.push_str("</form>");
}

/// The size that comes of what an offer is sent, in words; `None` where the provider decides.
#[must_use]
pub fn made(sent: &Sent) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    for parameter in &sent.parameters {
        if !matches!(parameter.parameter.as_str(), "size" | "aspect_ratio" | "resolution") {
            continue;
        }
        let used = adjusted(parameter).map(|used| pretty(&used));
        let values = parameter.sent.iter().map(|(name, value)| native(name, value));
        let known: Vec<String> = if used.is_some() {
            used.into_iter().collect()
        } else {
            values.collect()
        };
        told.extend(known);
    }
    told.dedup();
    (!told.is_empty()).then(|| told.join(", "))
}

/// What a value was changed to.
fn adjusted(parameter: &ParameterExplanation) -> Option<String> {
    let note = parameter.note.as_ref()?.strip_prefix("becomes ")?;
    note.split(':').next().map(ToOwned::to_owned)
}

/// What an offer is sent for the three parameters of size, and how.
fn becomes(sizes: &[&ParameterExplanation]) -> String {
    let mut told = Vec::new();
    for parameter in sizes {
        let values: Vec<String> = parameter.sent.iter().map(|(name, value)| native(name, value)).collect();
        let value = match (values.as_slice(), adjusted(parameter)) {
            ([], Some(used)) => pretty(&used),
            ([], None) => continue,
            (many, _) => many.join(", "),
        };
        let badge = parameter.handling.map_or_else(String::new, |handling| {
            let name = parameter.sent.keys().next().map(String::as_str);
            hand(handling, name).0
        });
        told.push(format!("{} {badge}", escape(&value)));
    }
    if told.is_empty() {
        return "<span class=\"dimmer\">the provider decides</span>".to_owned();
    }
    told.join(" ")
}

/// A native value as people write it.
fn native(name: &str, value: &Value) -> String {
    if let (Some(width), Some(height)) = (value["width"].as_u64(), value["height"].as_u64()) {
        return format!("{width} × {height}");
    }
    match value {
        Value::String(text) => pretty(text),
        other => format!("{name} {other}"),
    }
}

/// `1536x1024` as `1536 × 1024`; anything else as it is.
fn pretty(text: &str) -> String {
    text.parse::<planner::size::Size>()
        .map_or_else(|_| text.to_owned(), words::size)
}
