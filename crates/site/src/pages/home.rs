//! The home page: the wall of pictures, one sample, three promises.

use std::fmt::Write as _;

use planner::money::Micros;

use crate::card::Card;
use crate::frame::{Page, Section};
use crate::highlight::Language;
use crate::html::{Html, code, escape, icon, money};
use crate::plates::{self, Hung};
use crate::words;

/// Pictures of the wall; the first is twice as wide.
const WALL: usize = 7;

/// What the home page shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Every model, featured ones first.
    pub cards: &'a [Card],
    /// Their pictures that are on show.
    pub hung: &'a Hung,
    /// The installation's address.
    pub address: &'a str,
    /// Model and price of the sample, as a dry run tells it.
    pub sample: Option<(&'a str, Micros)>,
}

/// The page.
#[must_use]
pub fn page(shown: Shown<'_>) -> Page {
    let live: Vec<&Card> = shown.cards.iter().filter(|card| !card.is_retired).collect();
    let mut providers: Vec<&str> = live
        .iter()
        .flat_map(|card| card.providers.iter().map(|(id, _)| id.as_str()))
        .collect();
    providers.sort_unstable();
    providers.dedup();
    let lede = format!(
        "{} of {} behind one OpenAI-compatible API, on your own machine, with your own keys.",
        words::count(live.len(), "model"),
        words::count(providers.len(), "provider")
    );
    let main = format!(
        "<div class=\"wrap\">\n<header class=\"h-hero\"><h1 class=\"name\">Every image model at&nbsp;one address</h1><p class=\"lede\">{lede}</p><div class=\"row\"><a class=\"btn main big\" href=\"/docs/quick-start\">Start</a><a class=\"btn big\" href=\"/models\">See the models</a></div></header>\n{}\n{}\n{}\n</div>",
        wall(&live, shown.hung),
        start(shown),
        promises(shown.sample.map(|(_, price)| price)),
    );
    Page {
        description: format!("A gateway for image generation and editing. {lede}"),
        class: "p-home",
        twin: Some("/llms.txt".to_owned()),
        ..Page::new(Section::None, "/", "Every image model at one address", Html(main))
    }
}

fn wall(live: &[&Card], hung_here: &Hung) -> String {
    let mut hung: Vec<&Card> = live
        .iter()
        .copied()
        .filter(|card| card.is_available && card.price != Some(Micros::ZERO))
        .collect();
    hung.sort_by_key(|card| !card.is_featured);
    // One of each creator first, so that the wall is no row of one family.
    let mut seen: Vec<&str> = Vec::new();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for card in hung {
        if seen.contains(&card.creator.as_str()) {
            rest.push(card);
        } else {
            seen.push(&card.creator);
            first.push(card);
        }
    }
    first.extend(rest);
    let mut out = String::from("<div class=\"h-wall\">");
    for (place, card) in first.into_iter().take(WALL).enumerate() {
        let (class, picture) = if place == 0 {
            ("plate w2", plates::wide(card, hung_here))
        } else {
            ("plate", plates::of(card, hung_here))
        };
        let price = card.price.map_or_else(String::new, |price| money(price).0);
        let _ = write!(
            out,
            "<figure class=\"{class}\"><a href=\"{0}\" tabindex=\"-1\" aria-hidden=\"true\">{1}</a><figcaption class=\"label\"><span class=\"title full\"><a href=\"{0}\">{2}</a></span><span class=\"row between tight full\"><span class=\"who\">{3}</span>{price}</span></figcaption></figure>",
            card.path(),
            picture.html("", false),
            escape(&card.name),
            escape(&card.creator_name)
        );
    }
    out.push_str("</div>");
    out
}

fn start(shown: Shown<'_>) -> String {
    let model = shown.sample.map_or("MODEL", |(model, _)| model);
    let text = format!(
        "client = OpenAI(base_url=\"{}/openai/v1\", api_key=key)\nanswer = client.images.generate(\n    model=\"{model}\",        # or any other of /models\n    prompt=\"A lighthouse on a rocky island at dusk\",\n    size=\"1536x1024\", output_format=\"webp\",\n)",
        shown.address
    );
    format!(
        "<section class=\"sec h-start\" aria-labelledby=\"hs\"><div><h2 id=\"hs\">Change one line</h2><p class=\"dim prose\">Any OpenAI SDK works: point it at this address.</p><p class=\"dim prose under\">While no provider has a credential, the sandbox plays them all: the same API, pictures drawn by Pictor, nothing charged.</p></div>{}</section>",
        code(Language::Python, "Sample in Python", &text)
    )
}

fn promises(price: Option<Micros>) -> String {
    let asked = price.map_or_else(String::new, |price| format!(": {}", money(price)));
    let hand = |name: &str, word: &str| {
        format!(
            "<span class=\"hand {name}\">{}<span class=\"as\">{word}</span></span>",
            icon(&format!("h-{name}"))
        )
    };
    format!(
        "<section class=\"sec\" aria-labelledby=\"hp\"><h2 id=\"hp\" class=\"sr\">What it promises</h2><div class=\"three h-prom\"><div><h3>The price, before and after</h3><p>Ask with <code>?dryRun=true</code>{asked}. Read what was charged in the answer, to the millionth of a dollar, with no mark-up unless whoever runs it sets one.</p></div><div><h3>Nothing changed silently</h3><p>Each parameter is {}, {}, {} or {}. Whatever came out different is listed in the answer.</p></div><div><h3>Paid once, and kept</h3><p>When a provider fails, the next is tried. When you hang up, the picture is kept. The same <code>Idempotency-Key</code> is never paid for twice.</p></div></div></section>",
        hand("passthrough", "passed on"),
        hand("renamed", "renamed"),
        hand("converted", "converted"),
        hand("emulated", "done here"),
    )
}
