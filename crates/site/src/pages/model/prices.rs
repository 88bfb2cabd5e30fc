//! Providers and prices: a form for an estimate, the matrix, the rates, and what is charged by what.

use askama::Template;
use planner::catalog::offer::Offer;
use planner::catalog::pricing::{Basis, Component, Direction, Metric};
use planner::price::table::{PriceRow, PricedSize};
use planner::view::ModelView;
use rust_decimal::Decimal;

use super::Sheet;
use crate::facts;
use crate::html::{Html, escape, money, rendered};
use crate::words;

/// One choice of a form.
struct Choice {
    value: String,
    text: String,
    is_chosen: bool,
}

/// One row of the matrix.
struct Row {
    /// The quality and how many rows it spans, where a new one begins.
    head: Option<(Html, usize)>,
    size: String,
    cells: Vec<Cell>,
}

struct Cell {
    class: &'static str,
    text: String,
}

/// One row of the rates.
struct Rate {
    label: String,
    cells: Vec<Cell>,
}

#[derive(Template)]
#[template(path = "model/prices.html", whitespace = "minimize")]
struct Prices {
    intro: String,
    modes: Vec<Choice>,
    qualities: Vec<Choice>,
    sizes: Vec<Choice>,
    n: u32,
    result: Html,
    is_live: bool,
    names: Vec<String>,
    has_quality: bool,
    rows: Vec<Row>,
    rates: Vec<Rate>,
    rate_caption: &'static str,
    estimated_by: String,
    charged_by: String,
    differs: bool,
}

pub(super) fn section(sheet: &Sheet<'_>) -> Html {
    let view = sheet.shown.view;
    let table = view.prices();
    let name = |provider: &str| {
        let offer = view.offers.iter().find(|offer| offer.offer.provider == provider);
        offer.map_or(provider, |offer| offer.provider_name).to_owned()
    };
    let names: Vec<String> = table.offers.iter().map(|offer| name(&offer.provider)).collect();
    let markup = table
        .offers
        .iter()
        .map(|offer| offer.pricing.markup_percent)
        .max()
        .unwrap_or_default();
    let intro = if markup.is_zero() {
        "What the providers charge, passed on without a mark-up. Prices are for one image; what a request cost in the end stands in its answer.".to_owned()
    } else {
        format!(
            "What the providers charge, with the {} % that this installation adds. Prices are for one image; what a request cost in the end stands in its answer.",
            markup.normalize()
        )
    };
    let asked = sheet.shown.price;
    let cell = |text: Option<String>| text.map_or_else(|| none("none"), |text| Cell { class: "n", text });
    let rates: Vec<Rate> = rates(view)
        .into_iter()
        .map(|(label, cells)| Rate {
            label,
            cells: cells.into_iter().map(cell).collect(),
        })
        .collect();
    let is_all_tokens = rates.iter().all(|rate| !rate.label.contains(','));
    let rows = rows(&table.rows);
    let prices = Prices {
        intro,
        modes: view
            .modes
            .iter()
            .map(|mode| choice(mode.as_str(), words::mode(*mode), *mode == asked.mode))
            .collect(),
        qualities: choices(sheet.qualities(), asked.quality.as_deref()),
        sizes: choices(sheet.named_sizes(), asked.size.as_deref()),
        n: asked.n,
        result: result(sheet),
        is_live: !view.model.is_disabled(),
        names,
        has_quality: table.rows.iter().any(|row| row.quality.is_some()),
        differs: rows
            .iter()
            .any(|row| row.cells.iter().any(|cell| cell.class.contains("low"))),
        rows,
        rates,
        rate_caption: if is_all_tokens { "A million tokens" } else { "Rates" },
        estimated_by: estimated_by(sheet),
        charged_by: charged_by(sheet),
    };
    Html(rendered(&prices))
}

fn choice(value: &str, text: &str, is_chosen: bool) -> Choice {
    Choice {
        value: value.to_owned(),
        text: text.to_owned(),
        is_chosen,
    }
}

/// Choices of which the first means none.
fn choices(values: Vec<String>, chosen: Option<&str>) -> Vec<Choice> {
    if values.is_empty() {
        return Vec::new();
    }
    std::iter::once(choice("", "default", chosen.is_none()))
        .chain(values.iter().map(|value| choice(value, value, chosen == Some(value))))
        .collect()
}

/// What the estimate came to, offer by offer in the order of trying.
fn result(sheet: &Sheet<'_>) -> Html {
    let explanation = &sheet.shown.price.explanation;
    if !explanation.faults.is_empty() {
        let told: Vec<String> = explanation.faults.iter().map(|fault| escape(&fault.message)).collect();
        return Html(format!("<span class=\"dim\">{}</span>", told.join("; ")));
    }
    let mut out = String::new();
    for offer in &explanation.offers {
        let Some(sent) = offer.sent.as_ref().filter(|_| offer.place.is_some()) else {
            continue;
        };
        out.push_str(&format!(
            "<span>{} {}</span>",
            escape(sheet.shown.providers.name(&offer.provider)),
            money(sent.total_cost_micros)
        ));
    }
    if out.is_empty() {
        return Html("<span class=\"dim\">No provider that can be called here takes this.</span>".to_owned());
    }
    let order = match explanation.offers.iter().filter(|offer| offer.place.is_some()).count() {
        1 => "at the most, for a prompt of this length",
        _ => "at the most, in the order in which they would be tried now",
    };
    Html(format!("{out}<span class=\"hint\">{order}</span>"))
}

fn rows(rows: &[PriceRow]) -> Vec<Row> {
    let mut told = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let is_new = place == 0 || rows[place - 1].quality != row.quality;
        let span = rows[place..]
            .iter()
            .take_while(|other| other.quality == row.quality)
            .count();
        let head = row.quality.as_ref().filter(|_| is_new);
        let lowest = row.lowest();
        told.push(Row {
            head: head.map(|quality| (Html(escape(quality)), span)),
            size: match row.size {
                PricedSize::Any => "any size".to_owned(),
                size => facts::priced_size(size).unwrap_or_default(),
            },
            cells: row
                .prices
                .iter()
                .map(|price| match price {
                    Some(price) => Cell {
                        class: if lowest == Some(*price) { "n low" } else { "n" },
                        text: words::price(*price),
                    },
                    None => none("not made"),
                })
                .collect(),
        });
    }
    told
}

fn none(text: &str) -> Cell {
    Cell {
        class: "n dimmer",
        text: text.to_owned(),
    }
}

/// What two components have in common that stand in one row.
fn label(part: &Component) -> String {
    let mut label = match (part.direction, part.metric) {
        (Direction::Input, Metric::TokenText) => "Prompt",
        (Direction::Input, Metric::TokenImage) => "Input images",
        (Direction::Output, Metric::TokenText) => "Text it writes",
        (Direction::Output, Metric::TokenImage) => "Output image",
        (Direction::Input, Metric::Image) => "Input image, each",
        (Direction::Output, Metric::Image) => "Output image, each",
        (Direction::Input, Metric::Megapixel) => "Input, a megapixel",
        (Direction::Output, Metric::Megapixel) => "Output, a megapixel",
        (Direction::Input, Metric::Second) => "Input, a second",
        (Direction::Output, Metric::Second) => "Computing, a second",
    }
    .to_owned();
    if part.cached {
        label.push_str(" cached");
    }
    let is_token = matches!(part.metric, Metric::TokenText | Metric::TokenImage);
    if is_token && part.unit_size != 1_000_000 {
        label.push_str(&format!(", {} tokens", words::number(part.unit_size)));
    }
    for mode in &part.modes {
        label.push_str(&format!(", {}", words::short_mode(*mode)));
    }
    for (name, value) in &part.arguments {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        label.push_str(&format!(", {name} {value}"));
    }
    if part.first_unit_price.is_some() {
        label.push_str(", first and further");
    }
    label
}

/// Prices that are not of an image by quality and size: what each is for, and what each offer of the table asks for it.
pub(crate) fn rates(view: &ModelView<'_>) -> Vec<(String, Vec<Option<String>>)> {
    let table = view.prices();
    let is_rate = |part: &Component| {
        part.direction != Direction::Output || part.metric != Metric::Image || !part.arguments.is_empty()
    };
    let mut labels: Vec<String> = Vec::new();
    let components = table.offers.iter().flat_map(|offer| &offer.pricing.components);
    for part in components.filter(|part| is_rate(part)) {
        let label = label(part);
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let at = |offer: &Offer, name: &str| {
        let mut own = offer.pricing.components.iter();
        let part = own.find(|part| is_rate(part) && label(part) == name)?;
        let own = rate(part.unit_price, offer.pricing.markup_percent);
        Some(match part.first_unit_price {
            Some(first) => format!("{}, {own}", rate(first, offer.pricing.markup_percent)),
            None => own,
        })
    };
    let row = |name: String| {
        let cells = table.offers.iter().map(|offer| at(offer, &name)).collect();
        (name, cells)
    };
    labels.into_iter().map(row).collect()
}

/// A rate with the operator's mark-up.
fn rate(dollars: Decimal, markup_percent: Decimal) -> String {
    words::rate(dollars + dollars * markup_percent / Decimal::ONE_HUNDRED)
}

fn estimated_by(sheet: &Sheet<'_>) -> String {
    let has = |metric: Metric| {
        let mut offers = sheet.shown.view.live_offers();
        offers.any(|offer| offer.offer.pricing.components.iter().any(|part| part.metric == metric))
    };
    let mut told = Vec::new();
    if has(Metric::Image) {
        told.push("the table");
    }
    if has(Metric::TokenImage) {
        told.push("tokens");
    }
    if has(Metric::Megapixel) {
        told.push("megapixels");
    }
    if has(Metric::Second) {
        told.push("seconds");
    }
    match told.as_slice() {
        [] => "nothing: it is free".to_owned(),
        [one] => (*one).to_owned(),
        many => format!("whichever is higher: {}", many.join(", ")),
    }
}

/// By what a charge is found, offers of one way together.
fn charged_by(sheet: &Sheet<'_>) -> String {
    let ways = [
        (Basis::Reported, "the amount that they report"),
        (Basis::Usage, "the usage that they report"),
        (Basis::Table, "the table, for the measured picture"),
    ];
    let live: Vec<_> = sheet.shown.view.live_offers().collect();
    let told: Vec<(Vec<&str>, &str)> = ways
        .into_iter()
        .map(|(basis, way)| {
            let mut names: Vec<&str> = Vec::new();
            for offer in live.iter().filter(|offer| offer.offer.pricing.basis == basis) {
                if !names.contains(&offer.provider_name) {
                    names.push(offer.provider_name);
                }
            }
            (names, way)
        })
        .filter(|(names, _)| !names.is_empty())
        .collect();
    match told.as_slice() {
        [(_, way)] => (*way).to_owned(),
        many => many
            .iter()
            .map(|(names, way)| format!("{}: {way}", words::list(names)))
            .collect::<Vec<_>>()
            .join(". "),
    }
}
