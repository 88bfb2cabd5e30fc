//! `/app/media`: which pictures are kept, until when, and how much room they take.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Desk, Place, address, empty, table};
use crate::frame::Page;
use crate::html::escape;
use crate::words;

/// A stored picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// The request that made it.
    pub request_id: String,
    /// Its account.
    pub account_id: String,
    /// Format and size in pixels.
    pub format: String,
    /// Its width and height.
    pub size: (u64, u64),
    /// Its bytes.
    pub bytes: u64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it is removed.
    pub expires_at: Timestamp,
}

/// What the page shows.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// Pictures by when they are removed, the next first.
    pub kept: &'a [Kept],
    /// Where the list goes on.
    pub next: Option<String>,
    /// Bytes by account, where they were added up at once.
    pub bytes: Option<&'a [(String, u64)]>,
    /// Most bytes of all accounts.
    pub bytes_max: Option<u64>,
    /// Where they lie, without what is secret.
    pub store: &'a str,
}

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let mut out = match shown.bytes {
        Some(bytes) => totals(bytes, shown.bytes_max),
        None => "<div data-load=\"/app/media/totals\"><p><a class=\"btn sm\" href=\"/app/media?totals=1\">Add up the room</a></p></div>".to_owned(),
    };
    let _ = write!(
        out,
        "<p class=\"dim\">They lie in {}. The next to be removed stand first.</p>",
        escape(shown.store)
    );
    if shown.kept.is_empty() {
        out.push_str(&empty(
            "No picture is kept",
            "Pictures are kept when a link was asked for, when the answer could not be delivered, or when an account keeps its texts.",
            "<a class=\"btn\" href=\"/docs/media\">When pictures are kept</a>",
        ));
    } else {
        let row = |kept: &Kept| {
            format!(
                "<tr><th scope=\"row\" class=\"num\">{}</th><td><a class=\"mono\" href=\"/app/requests/{request}\">{request}</a></td><td class=\"mono\">{}</td><td>{}</td><td class=\"n\">{} × {}</td><td class=\"n\">{}</td><td class=\"num\">{}</td></tr>\n",
                words::brief(kept.expires_at),
                escape(&kept.account_id),
                escape(&kept.format),
                kept.size.0,
                kept.size.1,
                words::bytes(kept.bytes),
                words::brief(kept.created_at),
                request = escape(&kept.request_id),
            )
        };
        let rows: String = shown.kept.iter().map(row).collect();
        out.push_str(&table(
            "Pictures that are kept",
            &[
                ("Removed", false),
                ("Request", false),
                ("Account", false),
                ("Format", false),
                ("Size", true),
                ("Bytes", true),
                ("Stored", false),
            ],
            &rows,
        ));
        if let Some(next) = &shown.next {
            let href = address("/app/media", &[("after".to_owned(), next.clone())]);
            let _ = write!(
                out,
                "<nav class=\"row tight under\" aria-label=\"Pages\"><a class=\"btn sm\" href=\"{}\">More</a></nav>",
                escape(&href)
            );
        }
    }
    shown.desk.page(Place::Media, "Media", "", &out)
}

/// What pictures take, by account.
#[must_use]
pub fn totals(bytes: &[(String, u64)], most: Option<u64>) -> String {
    let all: u64 = bytes.iter().map(|(_, bytes)| bytes).sum();
    let of = most.map_or_else(
        || "without a limit".to_owned(),
        |most| format!("of {} at the most", words::bytes(most)),
    );
    let mut out = format!(
        "<div class=\"sums\"><section><h2 class=\"hint\">In all</h2><p class=\"fig\">{}</p><p class=\"hint\">{of}</p></section>",
        words::bytes(all)
    );
    for (account, bytes) in bytes.iter().take(3) {
        let _ = write!(
            out,
            "<section><h2 class=\"hint\">{}</h2><p class=\"fig\">{}</p></section>",
            escape(if account.is_empty() {
                "of no request any more"
            } else {
                account
            }),
            words::bytes(*bytes)
        );
    }
    out.push_str("</div>");
    out
}
