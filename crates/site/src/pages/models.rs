//! The list of models: as plates or as rows, with the form that narrows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use askama::Template;
use jiff::civil::Date;

use crate::card::{Card, Feature};
use crate::filter::{Bound, Filter, PAGE_MODELS, Sort};
use crate::frame::{Page, Section};
use crate::html::{Html, escape, icon, money, rendered, status};
use crate::performance::Performance;
use crate::plates::{self, Hung};
use crate::words;

/// What the list shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Every model.
    pub cards: &'a [Card],
    /// Their pictures that are on show.
    pub hung: &'a Hung,
    /// What is chosen.
    pub filter: &'a Filter,
    /// How calls went here.
    pub performance: &'a Performance,
    /// Ranks of the arena, by model.
    pub ranks: &'a BTreeMap<String, usize>,
    /// The day, in UTC.
    pub today: Date,
}

struct Group {
    name: &'static str,
    title: &'static str,
    choices: Vec<Choice>,
}

struct Choice {
    value: String,
    text: String,
    count: usize,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "models.html", whitespace = "minimize")]
struct Body<'a> {
    lede: String,
    filter: &'a Filter,
    groups: Vec<Group>,
    prices: Vec<Choice>,
    ratios: Vec<Choice>,
    largest: Vec<Choice>,
    sorts: Vec<Choice>,
    shown: usize,
    all: usize,
    plates_path: String,
    list_path: String,
    clear_path: String,
    chosen: Vec<(String, String)>,
    items: Html,
    more: Option<String>,
    compared: Vec<(String, String)>,
}

/// The page.
#[must_use]
pub fn page(shown: Shown<'_>) -> Page {
    let Shown { cards, filter, .. } = shown;
    let found = filter.find(cards, shown.performance, shown.ranks);
    let pages = found.len().div_ceil(PAGE_MODELS).max(1);
    let page = filter.page.min(pages);
    let here: Vec<&Card> = found
        .iter()
        .skip((page - 1) * PAGE_MODELS)
        .take(PAGE_MODELS)
        .copied()
        .collect();
    let path = |query: String| format!("/models{query}");
    let next = (page + 1).to_string();
    let body = Body {
        lede: lede(cards),
        groups: groups(cards, filter),
        prices: bounds(shown, Bound::Price, |value| format!("${value}")),
        ratios: bounds(shown, Bound::Ratio, str::to_owned),
        largest: bounds(shown, Bound::Largest, str::to_owned),
        sorts: Sort::ALL
            .into_iter()
            .map(|(sort, name)| Choice {
                value: name.to_owned(),
                text: name.to_owned(),
                count: 0,
                is_chosen: sort == filter.sort,
            })
            .collect(),
        shown: found.len(),
        all: cards.len(),
        plates_path: path(filter.query(&[("view", "")])),
        list_path: path(filter.query(&[("view", "list")])),
        clear_path: if filter.is_list {
            "/models?view=list".to_owned()
        } else {
            "/models".to_owned()
        },
        chosen: chosen(cards, filter),
        items: if here.is_empty() {
            nothing(filter)
        } else if filter.is_list {
            rows(&here, shown)
        } else {
            walls(&here, shown)
        },
        more: (page < pages).then(|| path(filter.query(&[("page", &next)]))),
        compared: filter
            .compared
            .iter()
            .filter_map(|key| cards.iter().find(|card| card.key() == *key))
            .map(|card| (card.key(), card.name.clone()))
            .collect(),
        filter,
    };
    Page {
        description: format!(
            "{} Filter by mode, feature, creator, provider, price and size.",
            lede(cards)
        ),
        class: "p-models",
        scripts: &["models.js"],
        ..Page::new(
            Section::Models,
            "/models",
            "Image models, their prices and sizes",
            Html(rendered(&body)),
        )
    }
}

fn lede(cards: &[Card]) -> String {
    let mut creators: Vec<&str> = cards.iter().map(|card| card.creator.as_str()).collect();
    creators.sort_unstable();
    creators.dedup();
    let mut providers: Vec<&str> = cards
        .iter()
        .flat_map(|card| card.providers.iter().map(|(id, _)| id.as_str()))
        .collect();
    providers.sort_unstable();
    providers.dedup();
    format!(
        "{} by {}, served here by {}. Every price with its source and date.",
        words::count(cards.len(), "model"),
        words::count(creators.len(), "creator"),
        words::count(providers.len(), "provider")
    )
}

/// The values of a bound, of which one at most is chosen.
fn bounds(shown: Shown<'_>, bound: Bound, text: impl Fn(&str) -> String) -> Vec<Choice> {
    let Shown { cards, filter, .. } = shown;
    let choice = |value: &str, text: String| Choice {
        value: value.to_owned(),
        text,
        count: filter.count_within(cards, bound, value),
        is_chosen: value == filter.chosen_of(bound),
    };
    std::iter::once(choice("", "any".to_owned()))
        .chain(bound.values().iter().map(|value| choice(value, text(value))))
        .collect()
}

fn groups(cards: &[Card], filter: &Filter) -> Vec<Group> {
    let group = |name: &'static str, title: &'static str, values: Vec<(String, String)>| Group {
        name,
        title,
        choices: values
            .into_iter()
            .map(|(value, text)| Choice {
                count: filter.count(cards, name, &value),
                is_chosen: filter.has(name, &value),
                value,
                text,
            })
            .collect(),
    };
    let own = |value: &str, text: &str| (value.to_owned(), text.to_owned());
    let modes = planner::mode::Mode::ALL
        .map(|mode| own(mode.as_str(), words::mode(mode)))
        .to_vec();
    let features = Feature::ALL.map(|(_, value, name)| own(value, name)).to_vec();
    let creators = by_number(
        cards
            .iter()
            .map(|card| (card.creator.clone(), card.creator_name.clone())),
    );
    let providers = by_number(cards.iter().flat_map(|card| card.providers.clone()));
    let lives = [
        ("active", "No end named"),
        ("ending", "An offer ends"),
        ("retired", "Retired"),
    ];
    let lives = lives.map(|(value, name)| own(value, name)).to_vec();
    vec![
        group("mode", "Mode", modes),
        group("can", "Features", features),
        group("creator", "Creator", creators),
        group("provider", "Provider", providers),
        group("life", "Life", lives),
    ]
}

/// Each once, the most frequent first.
fn by_number(all: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut counted: Vec<((String, String), usize)> = Vec::new();
    for one in all {
        match counted.iter_mut().find(|(known, _)| *known == one) {
            Some((_, number)) => *number += 1,
            None => counted.push((one, 1)),
        }
    }
    counted.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.1.cmp(&b.1)));
    counted.into_iter().map(|(one, _)| one).collect()
}

/// What is chosen, each with the path of the same list without it.
fn chosen(cards: &[Card], filter: &Filter) -> Vec<(String, String)> {
    let all = groups(cards, filter);
    let mut told = Vec::new();
    for (group, value) in &filter.chosen {
        let text = all
            .iter()
            .filter(|own| own.name == *group)
            .flat_map(|own| &own.choices)
            .find(|choice| choice.value == *value)
            .map_or_else(|| value.clone(), |choice| choice.text.clone());
        let mut less = filter.clone();
        less.chosen.retain(|(own, chosen)| !(own == group && chosen == value));
        told.push((text, format!("/models{}", less.query(&[]))));
    }
    let single = [
        ("q", filter.words.as_str(), format!("“{}”", filter.words)),
        ("price", &filter.price, format!("up to ${}", filter.price)),
        ("ratio", &filter.ratio, filter.ratio.clone()),
        ("largest", &filter.largest, format!("{} or more", filter.largest)),
    ];
    for (name, value, text) in single {
        if !value.is_empty() {
            told.push((text, format!("/models{}", filter.query(&[(name, "")]))));
        }
    }
    told
}

fn nothing(filter: &Filter) -> Html {
    let clear = if filter.is_list { "/models?view=list" } else { "/models" };
    Html(format!(
        "<div class=\"state\"><p class=\"h2\">Nothing fits these filters</p><p>No model has all of what is chosen. Take one of the filters away, or all of them.</p><a class=\"btn\" href=\"{clear}\">Clear the filters</a></div>"
    ))
}

fn compare_box(card: &Card, filter: &Filter) -> String {
    let key = card.key();
    let checked = if filter.compared.contains(&key) { " checked" } else { "" };
    format!(
        "type=\"checkbox\" name=\"compare\" value=\"{}\" form=\"filter\" data-name=\"{}\"{checked}",
        escape(&key),
        escape(&card.name)
    )
}

fn walls(here: &[&Card], shown: Shown<'_>) -> Html {
    /// Plates that are in view at once: the others load when they are near.
    const IN_VIEW: usize = 8;
    let mut out = String::from("<div class=\"walls four\">\n");
    for (place, card) in here.iter().enumerate() {
        let (name, path) = (escape(&card.name), card.path());
        let providers: Vec<&str> = card.providers.iter().map(|(_, name)| name.as_str()).collect();
        let price = card.price.map_or_else(String::new, |price| {
            format!(
                "<p>{} <span class=\"dimmer\">{}</span></p>",
                money(price),
                escape(&providers.join(", "))
            )
        });
        let ending = card.ending(shown.today).map_or_else(String::new, |text| {
            format!("<p>{}</p>", status(if card.is_retired { "off" } else { "warn" }, &text))
        });
        let _ = write!(
            out,
            "<article class=\"card\" data-text=\"{}\"><div class=\"plate r11\"><a href=\"{path}\" tabindex=\"-1\" aria-hidden=\"true\">{}</a></div>\n<div class=\"label\"><p class=\"row between who\"><span>{}</span><label class=\"check cmp\"><input {}><span>Compare<span class=\"sr\"> {name}</span></span></label></p><h2 class=\"title\"><a href=\"{path}\">{name}</a></h2><p>{}</p>{price}{ending}</div></article>\n",
            escape(&card.text),
            plates::of(card, shown.hung).html("", place >= IN_VIEW),
            escape(&card.creator_name),
            compare_box(card, shown.filter),
            escape(&card.makes),
        );
    }
    out.push_str("</div>");
    Html(out)
}

fn yes_or_no(is_so: bool) -> String {
    if is_so {
        format!("<td class=\"c\">{}<span class=\"sr\">yes</span></td>", icon("check"))
    } else {
        "<td class=\"c no\">·<span class=\"sr\">no</span></td>".to_owned()
    }
}

/// Columns by which a list can be sorted.
const SORTED: [(&str, Sort, &str); 3] = [
    ("Model", Sort::Name, "name"),
    ("From", Sort::Price, "price"),
    ("p50", Sort::Speed, "speed"),
];

fn head(out: &mut String, filter: &Filter, name: &str, class: &str) {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    match SORTED.into_iter().find(|(column, _, _)| *column == name) {
        Some((_, sort, value)) => {
            let path = filter.query(&[("sort", value)]);
            let (mark, arrow) = if sort == filter.sort {
                (" aria-sort=\"ascending\"", icon("arrow-down").0)
            } else {
                ("", String::new())
            };
            let _ = write!(
                out,
                "<th scope=\"col\"{class}{mark}><a class=\"sort\" href=\"/models{}\">{name}{arrow}</a></th>",
                escape(&path)
            );
        }
        None => {
            let _ = write!(out, "<th scope=\"col\"{class}>{name}</th>");
        }
    }
}

fn rows(here: &[&Card], shown: Shown<'_>) -> Html {
    let mut out = String::from(
        "<div class=\"scroll sticky1\" tabindex=\"0\" role=\"region\" aria-label=\"List of models\"><table class=\"tint dense\"><thead><tr><th scope=\"col\"><span class=\"sr\">Compare</span></th>",
    );
    let columns = [
        ("Model", ""),
        ("Creator", "cre"),
        ("Modes", ""),
        ("From", "n"),
        ("Providers", "n"),
        ("Largest", "n"),
        ("Inputs", "n"),
        ("Mask", ""),
        ("Seed", ""),
        ("Alpha", ""),
        ("Partial", ""),
        ("p50", "n"),
        ("Life", ""),
    ];
    for (name, class) in columns {
        head(&mut out, shown.filter, name, class);
    }
    out.push_str("</tr></thead><tbody>\n");
    for card in here {
        row(&mut out, card, shown);
    }
    out.push_str("</tbody></table></div>");
    Html(out)
}

fn row(out: &mut String, card: &Card, shown: Shown<'_>) {
    let name = escape(&card.name);
    let modes: String = planner::mode::Mode::ALL
        .into_iter()
        .map(|mode| {
            let word = words::capital(words::short_mode(mode));
            if card.modes.contains(&mode) {
                format!("<abbr title=\"{word}\">{}</abbr>", &word[..1])
            } else {
                "<span class=\"no\">·</span>".to_owned()
            }
        })
        .collect();
    let has = |feature: Feature| yes_or_no(card.can.contains(&feature));
    let p50 = shown.performance.of_model(&card.id).and_then(|calls| calls.p50_ms());
    let life = match card.ending(shown.today) {
        Some(text) => status(if card.is_retired { "off" } else { "warn" }, &text),
        None => status("ok", "active"),
    };
    let class = if card.is_retired { " class=\"retired\"" } else { "" };
    let _ = writeln!(
        out,
        "<tr{class} data-text=\"{}\"><td><input {} aria-label=\"Compare {name}\"></td><th scope=\"row\"><a href=\"{}\">{name}</a></th><td class=\"dim cre\">{}</td><td class=\"ym\">{modes}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>{}{}{}{}<td class=\"n\">{}</td><td>{life}</td></tr>",
        escape(&card.text),
        compare_box(card, shown.filter),
        card.path(),
        escape(&card.creator_name),
        card.price
            .map_or_else(|| "<span class=\"no\">·</span>".to_owned(), |price| money(price).0),
        card.providers.len(),
        card.largest.map_or_else(|| "·".to_owned(), words::tier),
        card.inputs,
        has(Feature::Mask),
        has(Feature::Seed),
        has(Feature::Transparent),
        has(Feature::Partial),
        p50.map_or_else(|| "<span class=\"no\">·</span>".to_owned(), words::duration),
    );
}
