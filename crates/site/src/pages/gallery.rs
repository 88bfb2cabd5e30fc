//! Published pictures.

mod picture;

use std::fmt::Write as _;

use crate::arena::{Exhibit, SANDBOX_NOTE};
use crate::frame::{Page, Section};
use crate::html::{Html, escape};
use crate::words;

pub use picture::{One, page as picture};

/// What can be chosen: its name in addresses, and in words.
pub type Choice = (String, String);

/// Everything that the page shows.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The pictures, the newest first.
    pub exhibits: &'a [Exhibit],
    /// How many there are.
    pub total: u64,
    /// Models that have pictures.
    pub models: &'a [Choice],
    /// Competitions.
    pub competitions: &'a [Choice],
    /// The model that is chosen.
    pub model: Option<&'a str>,
    /// The competition that is chosen.
    pub competition: Option<&'a str>,
    /// The number of this page, from 1, and of how many.
    pub page: (u64, u64),
    /// Whether the sandbox drew the pictures.
    pub sandbox: bool,
}

fn choice(
    out: &mut String,
    (id, name, label, all): (&str, &str, &str, &str),
    choices: &[Choice],
    chosen: Option<&str>,
) {
    let _ = write!(
        out,
        "<label class=\"sr\" for=\"{id}\">{label}</label><select id=\"{id}\" name=\"{name}\" class=\"auto\"><option value=\"\">{all}</option>"
    );
    for (value, words) in choices {
        let selected = if chosen == Some(value.as_str()) {
            " selected"
        } else {
            ""
        };
        let _ = write!(
            out,
            "<option value=\"{}\"{selected}>{}</option>",
            escape(value),
            escape(words)
        );
    }
    out.push_str("</select>");
}

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let mut out = String::from(
        "<div class=\"wrap\"><header class=\"pagehead split\"><h1>Gallery</h1><form class=\"row\" action=\"/gallery\" aria-label=\"Filter pictures\">",
    );
    choice(
        &mut out,
        ("g-m", "model", "Model", "All models"),
        shown.models,
        shown.model,
    );
    choice(
        &mut out,
        ("g-c", "competition", "Competition", "All pictures"),
        shown.competitions,
        shown.competition,
    );
    let _ = writeln!(
        out,
        "<button class=\"btn\" type=\"submit\">Show</button><span class=\"hint num\">{}</span></form></header>",
        words::count(usize::try_from(shown.total).unwrap_or(usize::MAX), "picture")
    );
    if shown.exhibits.is_empty() {
        out.push_str("<div class=\"state\"><p class=\"h2\">Nothing hangs here yet</p><p>Entries of competitions hang here, and what owners publish of their own requests.</p><a class=\"btn\" href=\"/docs/arena#gallery\">How to publish a picture</a></div>");
    } else {
        if shown.sandbox {
            out.push_str(SANDBOX_NOTE);
        }
        out.push_str("<div class=\"hang four\">");
        for (place, exhibit) in shown.exhibits.iter().enumerate() {
            out.push_str(&exhibit.figure(true, place >= 4).0);
        }
        out.push_str("</div>");
        pages(&mut out, shown);
    }
    out.push_str("</div>");
    Page {
        description: "Pictures of this installation with prompt, model, settings and price.".to_owned(),
        class: "p-gallery",
        ..Page::new(Section::Gallery, "/gallery", "Gallery", Html(out))
    }
}

fn pages(out: &mut String, shown: &Shown<'_>) {
    let (here, of) = shown.page;
    if of < 2 {
        return;
    }
    let link = |number: u64, words: &str| {
        let mut query = format!("page={number}");
        for (name, value) in [("model", shown.model), ("competition", shown.competition)] {
            if let Some(value) = value {
                let _ = write!(query, "&amp;{name}={}", escape(value));
            }
        }
        format!("<a class=\"btn\" href=\"/gallery?{query}\">{words}</a>")
    };
    let newer = if here > 1 {
        link(here - 1, "Newer")
    } else {
        String::new()
    };
    let older = if here < of {
        link(here + 1, "Older")
    } else {
        String::new()
    };
    let _ = write!(
        out,
        "<nav class=\"row\" aria-label=\"Pages\">{newer}<span class=\"num dim\">Page {here} of {of}</span>{older}</nav>"
    );
}
