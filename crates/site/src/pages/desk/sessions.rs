//! `/app/sessions`: who is signed in with which key, and the button that ends it.

use jiff::Timestamp;

use super::{Desk, Place, table};
use crate::frame::Page;
use crate::html::{escape, status};
use crate::words;

/// A session of somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its id.
    pub id: String,
    /// The key that it acts for: id and name.
    pub key: (String, String),
    /// The key's account.
    pub account: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// Whether it is that of who looks.
    pub is_own: bool,
}

/// The page.
#[must_use]
pub fn page(desk: &Desk, seats: &[Seat]) -> Page {
    let rows: String = seats.iter().map(|seat| row(desk, seat)).collect();
    let out = format!(
        "<p class=\"dim\">Who is signed in. A session ends by its sign-out, with its key, after twelve hours without use, or here; other gateways of this database hear of it within seconds. Sessions of visitors are not listed: they see their own requests alone.</p>{}",
        table(
            "Sessions",
            &[
                ("Key", false),
                ("Account", false),
                ("Began", false),
                ("Last used", false),
                ("<span class=\"sr\">End it</span>", false),
            ],
            &rows
        )
    );
    desk.page(
        Place::Sessions,
        "Sessions",
        "<a class=\"btn sm\" href=\"/app/audit?action=sign_in\">Sign-ins in the audit</a>",
        &out,
    )
}

fn row(desk: &Desk, seat: &Seat) -> String {
    let (key, name) = &seat.key;
    let end = if seat.is_own {
        status("ok", "this one").0
    } else {
        let button = format!(
            "<button class=\"btn sm\" type=\"submit\">End<span class=\"sr\"> the session of {} of {}</span></button>",
            escape(name),
            words::brief(seat.began_at)
        );
        desk.form(&format!("/app/sessions/{}/end", seat.id), "", &button)
    };
    format!(
        "<tr><th scope=\"row\"><a href=\"/app/keys/{}\">{}</a></th><td class=\"mono\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{end}</td></tr>\n",
        escape(key),
        escape(name),
        escape(&seat.account),
        words::moment(seat.began_at),
        words::moment(seat.seen_at)
    )
}
