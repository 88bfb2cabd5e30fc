//! Boards: ranks as ranges, ratings with intervals, and how far to trust them.

use std::fmt::Write as _;

use jiff::civil::Date;
use planner::money::Micros;

use crate::arena::{Ranked, Rated, SANDBOX_NOTE, Tallied};
use crate::charts::{Against, Line, Point, Scale, history, interval, scatter};
use crate::frame::{Page, Section};
use crate::html::{Html, escape, icon, money};
use crate::words;

/// One model of a board.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Path of its page, and its name.
    pub model: (String, String),
    /// Whose it is.
    pub creator: String,
    /// Where it stands.
    pub rank: Ranked,
    /// Its rating.
    pub rated: Rated,
    /// Its votes.
    pub record: Tallied,
    /// The price from which it starts.
    pub price: Option<Micros>,
    /// Median time of its calls here.
    pub p50_ms: Option<u64>,
}

/// A board that can be chosen: its name in addresses, and in words.
pub type Choice = (String, String);

/// How far to trust a board.
#[derive(Debug, Clone, PartialEq)]
pub struct Trust {
    /// The left side's share of votes for a side, and the band in which it lies by chance.
    pub left: Option<(f64, (f64, f64))>,
    /// Votes in all.
    pub votes: u64,
    /// Votes for both, and for none.
    pub neither: (u64, u64),
    /// Triples of models that fit no order, and all triples.
    pub circles: (usize, usize),
    /// Votes that do not count, and of how many voters.
    pub aside: (u64, u64),
    /// Votes below which a model is not ranked.
    pub least_votes: u64,
    /// Models that wait: name and votes.
    pub waiting: Vec<(String, u64)>,
}

/// Everything that the page shows.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The board's name in addresses.
    pub board: &'a str,
    /// The same in words.
    pub title: &'a str,
    /// Overall and the modes.
    pub modes: &'a [Choice],
    /// Categories and competitions.
    pub others: &'a [Choice],
    /// Highest price that is shown, as it was chosen.
    pub price: Option<&'a str>,
    /// The models, the best first.
    pub rows: &'a [Row],
    /// How many there are without the filter.
    pub ranked: usize,
    /// How far to trust it.
    pub trust: &'a Trust,
    /// Days with votes.
    pub days: &'a [Date],
    /// The best models over these days.
    pub lines: &'a [Line],
    /// Whether votes are about pictures of the sandbox.
    pub sandbox: bool,
}

/// Prices that can be chosen as the highest.
pub const PRICES: [&str; 4] = ["0.01", "0.02", "0.05", "0.10"];

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let votes = shown.trust.votes;
    let mut out = format!(
        "<div class=\"wrap\">\n<header class=\"pagehead split\"><h1>Leaderboard</h1><p class=\"lede\">{} blind {} on {}. A rank is a range: models within one another’s range may stand in either order.</p></header>\n",
        words::number(votes),
        if votes == 1 { "vote" } else { "votes" },
        words::count(shown.ranked, "ranked model")
    );
    if shown.sandbox {
        out.push_str(SANDBOX_NOTE);
    }
    bar(&mut out, shown);
    if shown.rows.is_empty() {
        empty(&mut out, shown);
    } else {
        out.push_str("<div class=\"lead\">\n");
        table(&mut out, shown);
        trust(&mut out, shown.trust);
        out.push_str("</div>\n");
        charts(&mut out, shown);
    }
    out.push_str("</div>");
    Page {
        description: format!(
            "Ratings of image models by {} blind votes on this installation.",
            words::number(votes)
        ),
        class: "p-board",
        ..Page::new(Section::Leaderboard, "/leaderboard", "Leaderboard", Html(out))
    }
}

fn href(shown: &Shown<'_>, board: &str) -> String {
    let price = shown
        .price
        .map(|price| format!("&amp;price={}", escape(price)))
        .unwrap_or_default();
    format!("/leaderboard?board={}{price}", escape(board))
}

fn bar(out: &mut String, shown: &Shown<'_>) {
    out.push_str("<form class=\"boardbar\" action=\"/leaderboard\" aria-label=\"Board\"><nav class=\"seg fit\" aria-label=\"Boards\">");
    for (name, words) in shown.modes {
        let here = if name == shown.board {
            " aria-current=\"true\""
        } else {
            ""
        };
        let _ = write!(out, "<a href=\"{}\"{here}>{}</a>", href(shown, name), escape(words));
    }
    out.push_str("</nav><div class=\"field\"><label for=\"lb-c\">Category or competition</label><select id=\"lb-c\" name=\"board\">");
    let is_mode = shown.modes.iter().any(|(name, _)| name == shown.board);
    let first = if is_mode { shown.board } else { "overall" };
    let _ = write!(out, "<option value=\"{}\">All prompts</option>", escape(first));
    for (name, words) in shown.others {
        let chosen = if name == shown.board { " selected" } else { "" };
        let _ = write!(
            out,
            "<option value=\"{}\"{chosen}>{}</option>",
            escape(name),
            escape(words)
        );
    }
    out.push_str("</select></div><div class=\"field\"><label for=\"lb-p\">Price up to</label><select id=\"lb-p\" name=\"price\"><option value=\"\">any</option>");
    for price in PRICES {
        let chosen = if shown.price == Some(price) { " selected" } else { "" };
        let _ = write!(out, "<option value=\"{price}\"{chosen}>${price}</option>");
    }
    let board = escape(shown.board);
    let _ = writeln!(
        out,
        "</select></div><button class=\"btn\" type=\"submit\">Show</button><div class=\"row down\"><a class=\"btn sm bare\" href=\"/leaderboard.csv?board={board}\">{down}CSV</a><a class=\"btn sm bare\" href=\"/leaderboard.json?board={board}\">{down}JSON</a></div></form>",
        down = icon("download")
    );
}

fn empty(out: &mut String, shown: &Shown<'_>) {
    if shown.ranked > 0 {
        let _ = write!(
            out,
            "<div class=\"state\"><p class=\"h2\">No ranked model is that cheap</p><p>{} without this limit.</p><a class=\"btn\" href=\"/leaderboard?board={}\">Show all prices</a></div>",
            words::count(shown.ranked, "model"),
            escape(shown.board)
        );
        return;
    }
    let _ = write!(
        out,
        "<div class=\"state\"><p class=\"h2\">No ranks yet</p><p>A model is ranked from {} votes on.",
        shown.trust.least_votes
    );
    if !shown.trust.waiting.is_empty() {
        let _ = write!(out, " These wait: {}.", escape(&waiting(shown.trust)));
    }
    out.push_str("</p>");
    if shown.sandbox {
        let block = crate::html::code(
            crate::highlight::Language::Shell,
            "The command that fills the board",
            "pictor arena demo",
        );
        let _ = write!(
            out,
            "<p>While no provider is real, the demonstration fills board and gallery from the sandbox, with votes of nobody:</p>{block}"
        );
    }
    out.push_str("<a class=\"btn main\" href=\"/arena\">Vote on a pair</a></div>");
}

fn waiting(trust: &Trust) -> String {
    let each: Vec<String> = trust
        .waiting
        .iter()
        .map(|(name, votes)| format!("{name} ({votes})"))
        .collect();
    words::list(&each)
}

fn table(out: &mut String, shown: &Shown<'_>) {
    let scale = Scale::holding(shown.rows.iter().map(|row| row.rated));
    let _ = writeln!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{} board\"><table class=\"tint ranks\"><thead><tr><th scope=\"col\" class=\"n\">Rank</th><th scope=\"col\">Model</th><th scope=\"col\" class=\"n\" aria-sort=\"descending\">Rating</th><th scope=\"col\" class=\"ivh\"><span class=\"sr\">95 % interval</span>{}</th><th scope=\"col\" class=\"n\">Price</th><th scope=\"col\" class=\"n\">p50</th><th scope=\"col\" class=\"n\">Won</th><th scope=\"col\" class=\"n\">Both bad</th><th scope=\"col\" class=\"n\">Votes</th></tr></thead><tbody>",
        escape(shown.title),
        scale.head()
    );
    for row in shown.rows {
        let rated = row.rated;
        let none = || "<span class=\"dimmer\">none</span>".to_owned();
        let votes = row.record.votes();
        let bad = (row.record.both_bad * 100 + votes / 2).checked_div(votes).unwrap_or(0);
        let _ = writeln!(
            out,
            "<tr><td class=\"n rk\"><b>{}</b><span class=\"hint\">{}</span></td><th scope=\"row\"><a href=\"{}\">{}</a><span class=\"hint\">{}</span></th><td class=\"n strong\">{:.0}<span class=\"hint pm\">{:.0}–{:.0}</span></td><td class=\"ivc\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n dim\">{bad} %</td><td class=\"n dim\">{}</td></tr>",
            row.rank.rank,
            row.rank.range(),
            row.model.0,
            escape(&row.model.1),
            escape(&row.creator),
            rated.rating,
            rated.low,
            rated.high,
            interval(rated, scale, false),
            row.price.map_or_else(none, |price| money(price).0),
            row.p50_ms.map_or_else(none, words::duration),
            row.record.share(),
            words::number(votes)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

fn trust(out: &mut String, trust: &Trust) {
    let percent = |part: u64| words::percent(part, trust.votes);
    out.push_str("<aside class=\"trust\" aria-labelledby=\"tr-h\"><h2 id=\"tr-h\" class=\"h3\">Can you trust it?</h2><dl class=\"facts\"><dt>Method</dt><dd>Bradley-Terry, a vote for neither is half a win for each, mean 1100, intervals of 95 %</dd>");
    if let Some((share, chance)) = trust.left {
        let told = |share: f64| format!("{:.1}", share * 100.0);
        let beyond = if share < chance.0 || share > chance.1 {
            ", and this is beyond it"
        } else {
            ""
        };
        let _ = write!(
            out,
            "<dt>Left side won</dt><dd class=\"num\">{} % <span class=\"hint\">{} to {} is chance{beyond}</span></dd>",
            told(share),
            told(chance.0),
            told(chance.1)
        );
    }
    let _ = write!(
        out,
        "<dt>As good</dt><dd class=\"num\">{}, both bad {}</dd><dt>Circles</dt><dd class=\"num\">{} of {} triples do not fit one order</dd><dt>Set aside</dt><dd class=\"num\">{} of {}</dd><dt>Too few votes</dt><dd class=\"num\">none under {} are ranked; {}</dd></dl><a class=\"small\" href=\"/docs/arena\">How ratings are made</a></aside>",
        percent(trust.neither.0),
        percent(trust.neither.1),
        words::number(trust.circles.0 as u64),
        words::number(trust.circles.1 as u64),
        words::count(usize::try_from(trust.aside.0).unwrap_or(usize::MAX), "vote"),
        words::count(usize::try_from(trust.aside.1).unwrap_or(usize::MAX), "session"),
        trust.least_votes,
        if trust.waiting.is_empty() {
            "no model waits".to_owned()
        } else {
            format!("these wait: {}", escape(&waiting(trust)))
        }
    );
}

fn charts(out: &mut String, shown: &Shown<'_>) {
    let priced: Vec<Point> = shown
        .rows
        .iter()
        .filter_map(|row| {
            let price = row.price.filter(|price| price.0 > 0)?;
            Some(Point {
                name: row.model.1.clone(),
                value: price.as_json_dollars(),
                told: words::price(price),
                rated: row.rated,
            })
        })
        .collect();
    let timed: Vec<Point> = shown
        .rows
        .iter()
        .filter_map(|row| {
            let ms = row.p50_ms?;
            Some(Point {
                name: row.model.1.clone(),
                value: ms as f64 / 1_000.0,
                told: words::duration(ms),
                rated: row.rated,
            })
        })
        .collect();
    if priced.len() > 1 {
        let _ = writeln!(
            out,
            "<section class=\"sec\" aria-labelledby=\"lc1\"><header><h2 id=\"lc1\">Rating and price</h2><p>On the dashed line nothing is both better and cheaper. The price from which a model starts; logarithmic.</p></header>{}</section>",
            scatter("lb-price", Against::Price, &priced)
        );
    }
    out.push_str("<div class=\"halves\">");
    if timed.len() > 1 {
        let _ = write!(
            out,
            "<section class=\"sec\" aria-labelledby=\"lc2\"><header><h2 id=\"lc2\">Rating and time</h2></header>{}</section>",
            scatter("lb-time", Against::Time, &timed)
        );
    }
    if shown.days.len() > 1 && !shown.lines.is_empty() {
        let _ = write!(
            out,
            "<section class=\"sec\" aria-labelledby=\"lc3\"><header><h2 id=\"lc3\">Over time</h2></header>{}</section>",
            history("lb-days", shown.days, shown.lines)
        );
    }
    out.push_str("</div>\n");
}
