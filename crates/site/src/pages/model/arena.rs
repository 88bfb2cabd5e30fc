//! A model in the arena: boards, opponents, competitions, pictures.

use std::fmt::Write as _;

use super::Sheet;
use crate::arena::{Exhibit, Ranked, Rated, Tallied};
use crate::charts::{Scale, interval, shares};
use crate::html::{Html, escape};
use crate::words;

/// What the arena knows of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InArena {
    /// Where it stands: the board's name in addresses, in words, its rank and rating.
    pub boards: Vec<(String, String, Ranked, Rated)>,
    /// Categories in which it stands best: name in addresses, in words, rank, record.
    pub best_for: Vec<(String, String, Ranked, Tallied)>,
    /// Competitions: the board's name in addresses, name, prompt, picture of its entry, rank if any, record.
    pub competitions: Vec<Competed>,
    /// Opponents: path of the comparison, name, record.
    pub opponents: Vec<(String, String, Tallied)>,
    /// Its newest pictures.
    pub exhibits: Vec<Exhibit>,
    /// How many pictures there are.
    pub total: u64,
    /// Whether votes are about pictures of the sandbox.
    pub sandbox: bool,
}

/// A model in a competition.
#[derive(Debug, Clone, PartialEq)]
pub struct Competed {
    /// The board's name in addresses.
    pub board: String,
    /// The competition's name.
    pub name: String,
    /// What was asked.
    pub prompt: String,
    /// The entry's picture.
    pub picture: Option<(String, u32, u32)>,
    /// Where the model stands.
    pub rank: Option<Ranked>,
    /// Its votes.
    pub record: Tallied,
}

impl InArena {
    /// Whether there is nothing to tell of votes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.boards.is_empty() && self.opponents.is_empty() && self.competitions.is_empty()
    }
}

/// `3rd`.
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `3rd of 24`, with the ranks that it may hold.
fn place(rank: Ranked) -> String {
    let range = if rank.best == rank.worst {
        String::new()
    } else {
        format!(", may be {}", rank.range())
    };
    format!("{} of {}{range}", ordinal(rank.rank), rank.of)
}

/// Where it stands, for the head of the page: on the board of a mode, else on that of all votes. Nothing while it is not
/// ranked.
pub(super) fn rank(arena: &InArena) -> Html {
    let of_mode = arena.boards.iter().find(|(board, ..)| board.starts_with("mode:"));
    let Some((board, name, rank, _)) = of_mode.or_else(|| arena.boards.first()) else {
        return Html::default();
    };
    let among = if of_mode.is_some() {
        format!("in {}", escape(&name.to_lowercase()))
    } else {
        "overall".to_owned()
    };
    let range = if rank.best == rank.worst {
        String::new()
    } else {
        format!(
            " <span class=\"dimmer\">between {} and {}</span>",
            ordinal(rank.best),
            ordinal(rank.worst)
        )
    };
    let sandbox = if arena.sandbox {
        " <span class=\"dimmer\">by the sandbox’s pictures</span>"
    } else {
        ""
    };
    Html(format!(
        "<a href=\"/leaderboard?board={}\">{} of {}</a> {among}{range}{sandbox}",
        escape(board),
        ordinal(rank.rank),
        rank.of
    ))
}

pub(super) fn section(sheet: &Sheet<'_>) -> Html {
    let arena = sheet.shown.arena;
    if arena.is_empty() {
        let empty = "<section id=\"arena\" class=\"sec\" aria-labelledby=\"h-arena\"><header><h2 id=\"h-arena\">In the arena</h2></header>\n<div class=\"state\"><p class=\"h2\">No votes yet</p><p>Ratings by blind votes, results in competitions and opponents appear here once entries of this model hang.</p><a class=\"btn\" href=\"/docs/arena\">How to make entries</a></div></section>";
        return Html(empty.to_owned());
    }
    let whose = if arena.sandbox {
        "From blind votes on the sandbox’s pictures, or nobody’s: they say nothing of the model."
    } else {
        "From blind votes on this installation."
    };
    let mut out = format!(
        "<section id=\"arena\" class=\"sec\" aria-labelledby=\"h-arena\"><header><h2 id=\"h-arena\">In the arena</h2><p>{whose} <a href=\"/docs/arena\">How ratings are made</a></p></header>\n<div class=\"bench\"><div>"
    );
    let scale = Scale::holding(arena.boards.iter().map(|(_, _, _, rated)| *rated));
    if arena.boards.is_empty() {
        out.push_str("<p class=\"dim\">It waits for more votes before it is ranked.</p>");
    } else {
        let _ = write!(
            out,
            "<div class=\"board head\"><span></span><span class=\"hint\">Rating</span>{}</div>",
            scale.head()
        );
    }
    for (board, name, rank, rated) in &arena.boards {
        let _ = write!(
            out,
            "<div class=\"board\"><div><b><a href=\"/leaderboard?board={}\">{}</a></b><br><span class=\"dimmer\">{}</span></div><div class=\"big num\">{:.0}</div><div>{}</div></div>",
            escape(board),
            escape(name),
            place(*rank),
            rated.rating,
            interval(*rated, scale, true)
        );
    }
    if !arena.best_for.is_empty() {
        out.push_str("<h3 id=\"best-for\">Best for</h3><dl class=\"facts\">");
        for (board, name, rank, record) in &arena.best_for {
            let _ = write!(
                out,
                "<dt><a href=\"/leaderboard?board={}\">{}</a></dt><dd>{}, won {} of {} votes</dd>",
                escape(board),
                escape(name),
                place(*rank),
                record.share(),
                words::number(record.votes())
            );
        }
        out.push_str("</dl>");
    }
    out.push_str("</div>\n<div>");
    opponents(&mut out, &arena.opponents);
    out.push_str("</div></div>\n");
    competitions(&mut out, arena);
    out.push_str("</section>");
    Html(out)
}

fn opponents(out: &mut String, opponents: &[(String, String, Tallied)]) {
    if opponents.is_empty() {
        return;
    }
    out.push_str("<h3 id=\"matchups\">Against others</h3><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Top matchups\"><table><thead><tr><th scope=\"col\">Opponent</th><th scope=\"col\">Won, tied, lost</th><th scope=\"col\" class=\"n\">Votes</th><th scope=\"col\" class=\"n\">Won</th></tr></thead><tbody>");
    for (path, name, record) in opponents {
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><a href=\"{path}\">{}</a></th><td class=\"wl\">{}</td><td class=\"n dimmer\">{}</td><td class=\"n\">{}</td></tr>",
            escape(name),
            shares(*record),
            words::number(record.votes()),
            record.share()
        );
    }
    out.push_str("</tbody></table></div>");
}

fn competitions(out: &mut String, arena: &InArena) {
    if arena.competitions.is_empty() {
        return;
    }
    out.push_str("<h3 class=\"h-sample\" id=\"competitions\">Competitions</h3>\n<div class=\"comps\">");
    for own in &arena.competitions {
        out.push_str("<article class=\"comp\">");
        if let Some((path, width_px, height_px)) = &own.picture {
            let drawn = if arena.sandbox { "Sandbox picture" } else { "Picture" };
            let _ = write!(
                out,
                "<div class=\"plate r11\"><img src=\"{path}\" alt=\"{drawn} of this competition\" width=\"{width_px}\" height=\"{height_px}\" loading=\"lazy\" decoding=\"async\"></div>"
            );
        }
        let stands = own.rank.map_or_else(|| "waits for more votes".to_owned(), place);
        let _ = write!(
            out,
            "<div class=\"label\"><span class=\"title\"><a href=\"/leaderboard?board={}\">{}</a></span><p class=\"strong\">{stands}</p><p class=\"num\">{}</p><p>{}</p></div></article>",
            escape(&own.board),
            escape(&own.name),
            own.record.told(),
            escape(&own.prompt)
        );
    }
    out.push_str("</div>");
}

pub(super) fn gallery(sheet: &Sheet<'_>) -> Html {
    let arena = sheet.shown.arena;
    if arena.exhibits.is_empty() {
        return Html::default();
    }
    let model = escape(&sheet.shown.view.model.id);
    let total = words::count(usize::try_from(arena.total).unwrap_or(usize::MAX), "picture");
    let mut out = format!(
        "<section id=\"gallery\" class=\"sec\" aria-labelledby=\"h-gal\"><header><h2 id=\"h-gal\">Gallery</h2><p><a href=\"/gallery?model={model}\">All of it: {total}</a></p></header>\n<div class=\"hang\">"
    );
    for exhibit in &arena.exhibits {
        out.push_str(&exhibit.figure(false, true).0);
    }
    out.push_str("</div></section>");
    Html(out)
}
