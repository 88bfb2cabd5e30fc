//! A blind pair before its vote, and after it.

use std::fmt::Write as _;

use planner::money::Micros;

use crate::arena::{Opinion, Rated, SANDBOX_NOTE, Tallied, closer, paid};
use crate::charts::{Scale, interval, shares};
use crate::frame::{Page, Section};
use crate::html::{Html, escape, icon};
use crate::words;

/// What stands above a pair, before and after.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// What was asked.
    pub prompt: &'a str,
    /// For edits: where the picture is that was to be changed.
    pub source: Option<&'a str>,
    /// Every competition that can be chosen: id and name.
    pub competitions: &'a [(String, String)],
    /// The one that is chosen.
    pub chosen: Option<&'a str>,
    /// The voter's votes of the last day.
    pub votes_today: u64,
    /// Whether the sandbox drew the pictures.
    pub sandbox: bool,
    /// The token of the form by which a prompt of one's own is put to two models, where that can be done.
    pub own_prompts: Option<&'a str>,
}

/// A picture of a pair.
#[derive(Debug, Clone, Copy)]
pub struct Hidden<'a> {
    /// Where it is.
    pub path: &'a str,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
}

/// The answers: value, words, key, and how the key is shown.
const ANSWERS: [(&str, &str, &str); 4] = [
    ("left", "Left", "←"),
    ("as_good", "As good", "T"),
    ("both_bad", "Both bad", "↓"),
    ("right", "Right", "→"),
];

fn page(title: &str, main: String) -> Page {
    Page {
        description: "Two pictures, one prompt, no names: which is better?".to_owned(),
        class: "p-arena",
        scripts: &["arena.js", "closer.js"],
        ..Page::new(Section::Arena, "/arena", title, Html(main))
    }
}

fn head(out: &mut String, title: &str, head: &Head<'_>) {
    let _ = write!(
        out,
        "<div class=\"wrap arena\">\n<header><div class=\"row between\"><h1 class=\"h2\">{title}</h1><form class=\"row\" action=\"/arena\" aria-label=\"Competition\"><label class=\"row tight small\" for=\"ar-c\"><span class=\"dim nowrap\">From</span></label><select id=\"ar-c\" name=\"competition\"><option value=\"\">any competition</option>"
    );
    for (id, name) in head.competitions {
        let selected = if head.chosen == Some(id.as_str()) {
            " selected"
        } else {
            ""
        };
        let _ = write!(
            out,
            "<option value=\"{}\"{selected}>{}</option>",
            escape(id),
            escape(name)
        );
    }
    let _ = writeln!(
        out,
        "</select><button class=\"btn sm\" type=\"submit\">Show</button><span class=\"hint num\">You: {} today</span></form></div>",
        words::count(usize::try_from(head.votes_today).unwrap_or(usize::MAX), "vote")
    );
    // It is forgotten with its pictures.
    if !head.prompt.is_empty() {
        let _ = write!(out, "<blockquote class=\"lede\">{}</blockquote>", escape(head.prompt));
    }
    if let Some(source) = head.source {
        let _ = write!(
            out,
            "<details class=\"more\"><summary>The picture that was to be changed</summary><div class=\"plate ar-source\"><img src=\"{source}\" alt=\"The picture that was to be changed\" width=\"512\" height=\"512\" loading=\"lazy\" decoding=\"async\"></div></details>"
        );
    }
    out.push_str("</header>\n");
}

/// A pair to vote on. `is_suggested` says that a prompt of the voter's was taken down.
#[must_use]
pub fn vote(shown: &Head<'_>, battle: &str, pictures: [Hidden<'_>; 2], is_suggested: bool) -> Page {
    let mut out = String::new();
    head(&mut out, "Which is better?", shown);
    let chosen = shown.chosen.unwrap_or_default();
    let _ = write!(
        out,
        "<form method=\"post\" action=\"/arena/votes\" aria-label=\"Vote\" data-votes><input type=\"hidden\" name=\"battle\" value=\"{}\"><input type=\"hidden\" name=\"competition\" value=\"{}\"><input type=\"hidden\" name=\"decided_ms\" value=\"\">\n<div class=\"pair\">",
        escape(battle),
        escape(chosen)
    );
    for (side, picture) in ["Left", "Right"].into_iter().zip(pictures) {
        let _ = write!(
            out,
            "<figure class=\"plate\"><img src=\"{}\" alt=\"{side} picture, model not told\" width=\"{}\" height=\"{}\" decoding=\"async\"><figcaption>{side}</figcaption></figure>",
            picture.path, picture.width_px, picture.height_px
        );
    }
    out.push_str("</div>\n<div class=\"ballot\" role=\"group\" aria-label=\"Your vote\">");
    for (value, name, key) in ANSWERS {
        let _ = write!(
            out,
            "<button class=\"btn big\" type=\"submit\" name=\"vote\" value=\"{value}\"><kbd aria-hidden=\"true\">{key}</kbd>{name}</button>"
        );
    }
    let skip = if chosen.is_empty() {
        "/arena?skip=1".to_owned()
    } else {
        format!("/arena?skip=1&amp;competition={}", escape(chosen))
    };
    let drawn = if shown.sandbox { " The sandbox drew both." } else { "" };
    let _ = write!(
        out,
        "</div>\n<div class=\"row between hint\"><span>Names, prices and times come after the vote. Both pictures are cut and encoded alike, the sides are drawn by lot.{drawn}</span><a class=\"btn sm bare\" href=\"{skip}\">Skip this pair</a></div></form>\n{}</div>",
        below(shown.own_prompts, is_suggested)
    );
    page("Which is better?", out)
}

/// Where prompts are given: one's own for a pair at once, and for a competition.
fn below(own_prompts: Option<&str>, is_suggested: bool) -> String {
    let own = own_prompts.map(own_prompt).unwrap_or_default();
    format!("{own}{}", suggestion(is_suggested))
}

/// Where a prompt of one's own is put to two models.
fn own_prompt(token: &str) -> String {
    format!(
        "<details class=\"more\"><summary>A prompt of your own</summary><form method=\"post\" action=\"/arena/prompts\" aria-label=\"A prompt of your own\"><input type=\"hidden\" name=\"form_token\" value=\"{}\"><div class=\"field\"><label for=\"ar-o\">Two models are asked at once, and you vote before you know which. It is paid from your budget in the playground, and stays with you.</label><textarea id=\"ar-o\" name=\"prompt\" rows=\"3\" maxlength=\"1000\" required></textarea></div><div class=\"row tight\"><button class=\"btn\" type=\"submit\" data-busy=\"Both are being made…\">Ask two models</button></div></form></details>\n",
        escape(token)
    )
}

/// Where a prompt is suggested for a competition.
fn suggestion(is_suggested: bool) -> String {
    let thanks = if is_suggested {
        "<p role=\"status\" class=\"hint\">Your prompt waits for the operator.</p>"
    } else {
        ""
    };
    format!(
        "{thanks}<details class=\"more\"><summary>Suggest a prompt</summary><form method=\"post\" action=\"/arena/suggestions\" aria-label=\"Suggest a prompt\"><div class=\"field\"><label for=\"ar-s\">A prompt for a competition. The operator takes it or leaves it.</label><textarea id=\"ar-s\" name=\"prompt\" rows=\"3\" maxlength=\"1000\" required></textarea></div><button class=\"btn\" type=\"submit\">Suggest</button></form></details>\n"
    )
}

/// One side of a pair after its vote.
#[derive(Debug, Clone)]
pub struct Named<'a> {
    /// Its picture, unless it was removed.
    pub picture: Option<Hidden<'a>>,
    /// Path of the model's page, and the model's name.
    pub model: (&'a str, &'a str),
    /// Whose model it is, and through whom it was called.
    pub by: (&'a str, &'a str),
    /// What it cost.
    pub cost: Option<Micros>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Its rating, once it is ranked.
    pub rated: Option<Rated>,
    /// Whether it was chosen.
    pub is_chosen: bool,
    /// Where the picture is told of in the gallery, if it hangs there.
    pub page: Option<String>,
    /// What a machine says of it.
    pub opinion: Option<Opinion>,
}

/// What was said of a pair, and what stands behind it.
#[derive(Debug, Clone)]
pub struct Revealed<'a> {
    /// The pair.
    pub battle: &'a str,
    /// Whether the vote was taken back.
    pub taken_back: bool,
    /// Left and right.
    pub sides: [Named<'a>; 2],
    /// The left model's record against the right one.
    pub record: Tallied,
    /// Whether the prompt was the voter's own, so that the pictures can be published.
    pub is_own: bool,
}

/// A pair after its vote.
#[must_use]
pub fn revealed(shown: &Head<'_>, told: &Revealed<'_>) -> Page {
    let title = if told.taken_back {
        "Your vote is taken back"
    } else {
        "Your vote is in"
    };
    let mut out = String::new();
    head(&mut out, title, shown);
    out.push_str("<div class=\"pair shown\">");
    let scale = Scale::holding(told.sides.iter().filter_map(|side| side.rated));
    for (side, named) in ["Left", "Right"].into_iter().zip(&told.sides) {
        figure(&mut out, side, named, scale);
    }
    let [left, right] = &told.sides;
    let record = told.record;
    let sentence = if record.votes() == 0 {
        format!("No vote counts between {} and {} yet.", left.model.1, right.model.1)
    } else {
        format!(
            "{} won {} of its {} with {}, {} were tied.",
            left.model.1,
            record.won,
            words::count(usize::try_from(record.votes()).unwrap_or(usize::MAX), "battle"),
            right.model.1,
            record.tied()
        )
    };
    let _ = write!(
        out,
        "</div>\n<div class=\"after\"><p class=\"lede\">{}</p><div>{}<p class=\"hint num\">{}: {}</p></div>\n<div class=\"row\"><a class=\"btn main big\" data-next href=\"/arena{}\">Next pair <kbd aria-hidden=\"true\">Enter</kbd></a>",
        escape(&sentence),
        shares(record),
        escape(left.model.1),
        record.told(),
        shown
            .chosen
            .map(|id| format!("?competition={}", escape(id)))
            .unwrap_or_default()
    );
    if !told.taken_back {
        let _ = write!(
            out,
            "<form method=\"post\" action=\"/arena/votes/taken-back\"><input type=\"hidden\" name=\"battle\" value=\"{}\"><button class=\"btn big bare\" type=\"submit\">{}Take the vote back</button></form>",
            escape(told.battle),
            icon("undo-2")
        );
    }
    out.push_str("</div></div>");
    if let (Some(first), Some(second)) = (left.picture, right.picture) {
        let alt = |side: &str, named: &Named<'_>| format!("{side} picture, by {}", named.model.1);
        let (width, height) = (first.width_px, first.height_px);
        let pair = [
            (first.path, alt("Left", left), width, height),
            (second.path, alt("Right", right), width, height),
        ];
        let _ = write!(
            out,
            "<details class=\"more\"><summary>Look closer</summary>{}</details>",
            closer("Both pictures over each other", pair)
        );
    }
    if told.is_own {
        let _ = write!(
            out,
            "<form class=\"row tight\" method=\"post\" action=\"/arena/published\"><input type=\"hidden\" name=\"battle\" value=\"{}\"><button class=\"btn\" type=\"submit\">Publish both</button><span class=\"hint\">They hang in the gallery with your prompt once the operator has looked at them.</span></form>",
            escape(told.battle)
        );
    }
    if shown.sandbox {
        out.push_str(SANDBOX_NOTE);
    }
    out.push_str("</div>");
    page(title, out)
}

fn figure(out: &mut String, side: &str, named: &Named<'_>, scale: Scale) {
    let (won, tag) = if named.is_chosen {
        (
            " won",
            format!("<span class=\"tag solid\">{}your choice</span>", icon("check")),
        )
    } else {
        ("", String::new())
    };
    let name = escape(named.model.1);
    let picture = named.picture.map_or_else(
        || "<p class=\"dim\">This picture was removed.</p>".to_owned(),
        |picture| {
            format!(
                "<img src=\"{}\" alt=\"{side} picture, by {name}\" width=\"{}\" height=\"{}\" decoding=\"async\">",
                picture.path, picture.width_px, picture.height_px
            )
        },
    );
    let _ = write!(
        out,
        "<figure class=\"plate{won}\">{picture}<figcaption class=\"label\"><span class=\"row between grow\"><span class=\"title\"><a href=\"{}\">{name}</a></span>{tag}</span><dl class=\"facts full\"><dt>By</dt><dd>{}, through {}</dd>",
        named.model.0,
        escape(named.by.0),
        escape(named.by.1)
    );
    if let Some(cost) = named.cost {
        let _ = write!(out, "<dt>Price</dt><dd>{}</dd>", paid(cost));
    }
    if let Some(ms) = named.duration_ms {
        let _ = write!(out, "<dt>Time</dt><dd class=\"num\">{}</dd>", words::duration(ms));
    }
    match named.rated {
        Some(rated) => {
            let _ = write!(
                out,
                "<dt>Rating</dt><dd class=\"rt\"><span class=\"num\">{:.0}</span>{}</dd>",
                rated.rating,
                interval(rated, scale, false)
            );
        }
        None => out.push_str("<dt>Rating</dt><dd class=\"dimmer\">waits for more votes</dd>"),
    }
    out.push_str("</dl>");
    if let Some(opinion) = &named.opinion {
        out.push_str(&opinion.section().0);
    }
    if let Some(page) = &named.page {
        let _ = write!(
            out,
            "<span class=\"row tight full small\"><a href=\"{page}\">In the gallery<span class=\"sr\">, {name}</span></a><a href=\"{page}#report\">Report<span class=\"sr\"> the picture by {name}</span></a></span>"
        );
    }
    out.push_str("</figcaption></figure>\n");
}

/// Where no competition has two entries yet.
#[must_use]
pub fn nothing(sandbox: bool, own_prompts: Option<&str>) -> Page {
    let (what, command) = if sandbox {
        (
            "While no provider is real, the demonstration draws pictures in the sandbox and votes of nobody:",
            "pictor arena demo",
        )
    } else {
        (
            "Entries of every model that can be called are made within a budget:",
            "pictor arena run --budget 5",
        )
    };
    let block = crate::html::code(
        crate::highlight::Language::Shell,
        "The command that makes entries",
        command,
    );
    let out = format!(
        "<div class=\"wrap\"><header class=\"pagehead\"><h1>Arena</h1></header><div class=\"state\"><p class=\"h2\">No pairs yet</p><p>Here two pictures of one prompt hang side by side, without names, once a competition has entries of two models. {what}</p>{block}<a class=\"btn\" href=\"/docs/arena\">How the arena works</a></div>{}</div>",
        own_prompts.map(own_prompt).unwrap_or_default()
    );
    page("Arena", out)
}
