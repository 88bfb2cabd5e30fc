//! One published picture: seen closer, beside another, and reported.

use std::fmt::Write as _;

use super::Choice;
use crate::arena::{Exhibit, Opinion, SANDBOX_NOTE, closer, paid};
use crate::frame::{Page, Section};
use crate::html::{Html, escape};
use crate::words;

/// Everything that the page shows.
#[derive(Debug, Clone)]
pub struct One<'a> {
    /// Its id.
    pub id: &'a str,
    /// The picture.
    pub exhibit: &'a Exhibit,
    /// What was asked beside the prompt: name and value.
    pub settings: &'a [Choice],
    /// What a machine says of it.
    pub opinion: Option<&'a Opinion>,
    /// Others of its competition, or by its model: id and name.
    pub others: &'a [Choice],
    /// The one that is seen beside it: id and picture.
    pub beside: Option<(&'a str, &'a Exhibit)>,
    /// Whether the reader has reported it just now.
    pub reported: bool,
}

/// The page.
#[must_use]
pub fn page(shown: &One<'_>) -> Page {
    let exhibit = shown.exhibit;
    let path = format!("/gallery/{}", shown.id);
    let name = escape(&exhibit.model.1);
    let mut out = format!(
        "<div class=\"wrap\"><header class=\"pagehead\"><p class=\"kicker\"><a href=\"/gallery\">Gallery</a></p><h1 class=\"h2\">A picture by {name}</h1></header>\n<div class=\"onepic\">"
    );
    match shown.beside {
        Some((_, other)) => {
            let title = format!("{name} and {}", escape(&other.model.1));
            out.push_str(&closer(&title, [exhibit.seen(), other.seen()]));
        }
        None => {
            let _ = write!(
                out,
                "<figure class=\"plate\"><a href=\"{0}\"><img src=\"{0}\" alt=\"{1}\" width=\"{2}\" height=\"{3}\"></a></figure>",
                exhibit.path,
                escape(&exhibit.prompt),
                exhibit.width_px,
                exhibit.height_px
            );
        }
    }
    out.push_str("<div class=\"stack\">");
    facts(&mut out, shown);
    if let Some(opinion) = shown.opinion {
        out.push_str(&opinion.section().0);
    }
    beside(&mut out, shown, &path);
    report(&mut out, shown, &path);
    out.push_str("</div></div>");
    if exhibit.sandbox {
        out.push_str(SANDBOX_NOTE);
    }
    out.push_str("</div>");
    Page {
        description: format!("“{}”, by {}.", exhibit.prompt, exhibit.model.1),
        class: "p-gallery",
        scripts: &["closer.js"],
        picture: Some(exhibit.path.clone()),
        ..Page::new(
            Section::Gallery,
            path,
            format!("A picture by {}", exhibit.model.1),
            Html(out),
        )
    }
}

fn facts(out: &mut String, shown: &One<'_>) {
    let exhibit = shown.exhibit;
    let _ = write!(
        out,
        "<blockquote class=\"lede\">{}</blockquote><dl class=\"facts\"><dt>Model</dt><dd><a href=\"{}\">{}</a>, through {}</dd><dt>Size</dt><dd class=\"num\">{} × {}</dd>",
        escape(&exhibit.prompt),
        exhibit.model.0,
        escape(&exhibit.model.1),
        escape(&exhibit.provider),
        exhibit.width_px,
        exhibit.height_px
    );
    if let Some(competition) = &exhibit.competition {
        let _ = write!(out, "<dt>Competition</dt><dd>{}</dd>", escape(competition));
    }
    if let Some(cost) = exhibit.cost {
        let _ = write!(out, "<dt>Price</dt><dd>{}</dd>", paid(cost));
    }
    if let Some(ms) = exhibit.duration_ms {
        let _ = write!(out, "<dt>Time</dt><dd class=\"num\">{}</dd>", words::duration(ms));
    }
    for (setting, value) in shown.settings {
        let _ = write!(
            out,
            "<dt class=\"mono\">{}</dt><dd class=\"mono\">{}</dd>",
            escape(setting),
            escape(value)
        );
    }
    out.push_str("</dl>");
    if let Some(again) = &exhibit.again {
        let _ = write!(
            out,
            "<p><a class=\"btn\" href=\"{}\">Use settings</a></p>",
            escape(again)
        );
    }
}

/// The choice of a picture to be seen beside this one.
fn beside(out: &mut String, shown: &One<'_>, path: &str) {
    if shown.others.is_empty() {
        return;
    }
    let chosen = shown.beside.map_or("", |(id, _)| id);
    let _ = write!(
        out,
        "<form class=\"row tight\" action=\"{path}\" aria-label=\"See another beside it\"><div class=\"field grow\"><label for=\"gp-b\">Beside it</label><select id=\"gp-b\" name=\"beside\"><option value=\"\">nothing</option>"
    );
    for (id, name) in shown.others {
        let selected = if id == chosen { " selected" } else { "" };
        let _ = write!(
            out,
            "<option value=\"{}\"{selected}>{}</option>",
            escape(id),
            escape(name)
        );
    }
    out.push_str("</select></div><button class=\"btn\" type=\"submit\">Show</button></form>");
}

fn report(out: &mut String, shown: &One<'_>, path: &str) {
    if shown.reported {
        out.push_str("<p class=\"banner ok\" role=\"status\">Your report waits for the operator.</p>");
        return;
    }
    let _ = write!(
        out,
        "<details class=\"more\" id=\"report\"><summary>Report this picture</summary><form method=\"post\" action=\"{path}/reports\" aria-label=\"Report this picture\"><div class=\"field\"><label for=\"gp-r\">What is wrong with it? The operator looks at it.</label><textarea id=\"gp-r\" name=\"reason\" rows=\"2\" maxlength=\"500\" required></textarea></div><button class=\"btn\" type=\"submit\">Report</button></form></details>"
    );
}
