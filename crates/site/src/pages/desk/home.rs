//! `/app`: what there is to know at once, and what wants somebody's attention.

use std::fmt::Write as _;

use super::{Desk, Place};
use crate::frame::Page;
use crate::html::{escape, status};

/// Something that wants attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// `warn`, `fail` or `info`.
    pub kind: &'static str,
    /// What is so.
    pub text: String,
    /// Where more stands.
    pub path: &'static str,
}

/// The page.
#[must_use]
pub fn page(desk: &Desk, balance: &str, notes: &[Note]) -> Page {
    let mut out = String::from(
        "<div class=\"sums\" data-load=\"/app/requests/totals?days=30\"><p><a class=\"btn sm\" href=\"/app/requests?totals=1\">Add up the last 30 days</a></p></div>\n<section class=\"stack\"><h2 class=\"h3\">Wants attention</h2>",
    );
    if notes.is_empty() {
        let _ = write!(out, "<p>{}</p>", status("ok", "nothing"));
    } else {
        out.push_str("<ul class=\"notes-list\" role=\"list\">");
        for note in notes {
            let _ = write!(
                out,
                "<li>{} <a href=\"{}\">Look</a></li>",
                status(note.kind, &note.text),
                note.path
            );
        }
        out.push_str("</ul>");
    }
    let _ = write!(
        out,
        "</section>\n<section class=\"stack\"><h2 class=\"h3\">Money of {}</h2><p>{}</p><p class=\"row tight\"><a class=\"btn sm\" href=\"/app/requests\">Find a request</a><a class=\"btn sm\" href=\"/app/keys\">Keys</a><a class=\"btn sm\" href=\"/app/usage\">Spending</a></p></section>",
        escape(&desk.account_id),
        escape(balance)
    );
    desk.page(Place::Home, "Overview", "", &out)
}
