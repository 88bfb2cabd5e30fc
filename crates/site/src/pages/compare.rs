//! Up to four models side by side.

use std::fmt::Write as _;

use jiff::civil::Date;
use planner::money::Micros;
use planner::size::{Size, Tier};
use planner::view::ParameterView;

use crate::arena::{Exhibit, Rated, Tallied};
use crate::card::{Card, Feature};
use crate::charts::{Scale, interval, shares};
use crate::frame::{Page, Section, title};
use crate::html::{Html, escape, icon, money, status};
use crate::performance::{Calls, Performance};
use crate::picture::Picture;
use crate::plates::{self, Hung};
use crate::words;

/// One model of the comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared<'a> {
    /// Its facts.
    pub card: &'a Card,
    /// The least price of one image of these sizes, as a dry run tells it; `None` where it is not made.
    pub prices: Vec<(PricedAs, Option<Priced>)>,
    /// What a request may hold.
    pub parameters: Vec<ParameterView>,
    /// Its rating by blind votes, once it is ranked.
    pub rated: Option<Rated>,
    /// Its votes against each of the models, in their order; nothing against itself.
    pub against: Vec<Tallied>,
    /// Its pictures in the competitions that several of the models took part in: the competition's name, and the picture.
    pub pictures: Vec<(String, Option<Exhibit>)>,
}

/// A picture whose price is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricedAs {
    /// This size.
    Exact(Size),
    /// A square of a tier.
    Tier(Tier),
}

/// The price of a picture, and what it is for beside what was asked of all models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The price.
    pub cost: Micros,
    /// The quality, where the model has qualities.
    pub quality: Option<&'static str>,
    /// What is made instead, where the model does not make what was asked.
    pub instead: Option<String>,
}

impl Priced {
    fn told(&self) -> String {
        let quality = self.quality.map(ToOwned::to_owned);
        let further: Vec<String> = quality.into_iter().chain(self.instead.clone()).collect();
        if further.is_empty() {
            return money(self.cost).0;
        }
        format!("{} {}", money(self.cost), dim(&escape(&further.join(", "))))
    }
}

impl PricedAs {
    fn title(self) -> String {
        match self {
            Self::Exact(size) => format!("One image, {}", words::size(size)),
            Self::Tier(tier) => format!("One image, {}", words::tier(tier)),
        }
    }
}

/// The path of a comparison.
#[must_use]
pub fn path<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    keys.into_iter()
        .fold("/compare".to_owned(), |path, key| format!("{path}/{key}"))
}

/// One row: what it is called, and what it says of each model.
struct Row {
    title: String,
    cells: Vec<String>,
}

/// The page.
#[must_use]
pub fn page(models: &[Compared<'_>], hung: &Hung, performance: &Performance, today: Date) -> Page {
    let keys: Vec<String> = models.iter().map(|model| model.card.key()).collect();
    let own = path(keys.iter().map(String::as_str));
    let names: Vec<&str> = models.iter().map(|model| model.card.name.as_str()).collect();
    let mut out = String::from(
        "<div class=\"wrap\"><header class=\"pagehead\"><nav class=\"crumbs\" aria-label=\"Breadcrumb\"><ol><li><a href=\"/models\">Models</a></li><li aria-current=\"page\">Compare</li></ol></nav><h1>Side by side</h1></header>\n<div class=\"row between cmp-bar\"><p class=\"dim small\">Prices are the lowest of any provider here, at the most, a prompt included. Rows in which all agree are pale.</p></div>\n<div class=\"scroll sticky1\" tabindex=\"0\" role=\"region\" aria-label=\"Comparison\"><table class=\"cmp-t\"><thead><tr><td></td>",
    );
    for place in 0..models.len() {
        head(&mut out, models, hung, place);
    }
    out.push_str("</tr></thead>\n");
    let groups = [
        ("Money", money_rows(models)),
        ("What it makes", making(models)),
        ("Parameters", parameter_rows(models)),
        ("How it does here", doing(models, performance)),
        ("In the arena", arena_rows(models)),
        ("On the same prompts", picture_rows(models)),
        ("Life", life(models, today)),
    ];
    for (title, rows) in groups {
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "<tbody class=\"grp\"><tr><th scope=\"rowgroup\" colspan=\"{}\">{title}</th></tr>",
            models.len() + 1
        );
        for row in rows {
            let is_same = row.cells.windows(2).all(|pair| pair[0] == pair[1]);
            let class = if is_same && models.len() > 1 {
                " class=\"same\""
            } else {
                ""
            };
            let cells: String = row.cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            let _ = writeln!(
                out,
                "<tr{class}><th scope=\"row\">{}</th>{cells}</tr>",
                escape(&row.title)
            );
        }
        out.push_str("</tbody>");
    }
    out.push_str("</table></div>\n");
    if models
        .iter()
        .any(|model| matches!(plates::of(model.card, hung), Picture::Sandbox { .. }))
    {
        out.push_str("<p class=\"under hint\">Pictures by the sandbox: they say nothing of the models’ hands.</p>");
    }
    out.push_str("</div>");
    Page {
        description: format!(
            "{} side by side: prices, sizes, parameters and performance.",
            words::list(&names)
        ),
        class: "p-compare",
        ..Page::new(
            Section::Models,
            own,
            title(
                format!("{} side by side", words::list(&names)),
                format!("{} side by side", words::count(names.len(), "model")),
            ),
            Html(out),
        )
    }
}

fn head(out: &mut String, models: &[Compared<'_>], hung: &Hung, place: usize) {
    let card = models[place].card;
    let others: Vec<String> = models
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place)
        .map(|(_, other)| other.card.key())
        .collect();
    let without = if others.is_empty() {
        "/models".to_owned()
    } else {
        path(others.iter().map(String::as_str))
    };
    let _ = write!(
        out,
        "<th scope=\"col\"><div class=\"plate r11\">{}</div><span class=\"label\"><span class=\"title\"><a href=\"{}\">{name}</a></span><span class=\"who\">{}</span></span><a class=\"btn sm bare\" href=\"{without}\">{}Remove<span class=\"sr\"> {name}</span></a></th>",
        plates::of(card, hung).html("", false),
        card.path(),
        escape(&card.creator_name),
        icon("x"),
        name = escape(&card.name),
    );
}

fn row(title: impl Into<String>, models: &[Compared<'_>], cell: impl Fn(&Compared<'_>) -> String) -> Row {
    Row {
        title: title.into(),
        cells: models.iter().map(cell).collect(),
    }
}

fn dim(text: &str) -> String {
    format!("<span class=\"dimmer\">{text}</span>")
}

fn yes(is_so: bool) -> String {
    if is_so {
        format!("<span class=\"st ok\">{}yes</span>", icon("check"))
    } else {
        dim("no")
    }
}

fn money_rows(models: &[Compared<'_>]) -> Vec<Row> {
    let mut rows = Vec::new();
    let kinds = models.first().map(|model| model.prices.len()).unwrap_or_default();
    for place in 0..kinds {
        let title = models[0].prices[place].0.title();
        rows.push(row(title, models, |model| {
            model
                .prices
                .get(place)
                .and_then(|(_, price)| price.as_ref())
                .map_or_else(|| dim("not made"), Priced::told)
        }));
    }
    rows.push(row("Starts at", models, |model| {
        model.card.price.map_or_else(|| dim("not told"), |price| money(price).0)
    }));
    rows.push(row("Charged by", models, |model| escape(&model.card.charged_by)));
    rows.push(row("Providers", models, |model| {
        let names: Vec<&str> = model.card.providers.iter().map(|(_, name)| name.as_str()).collect();
        escape(&names.join(", "))
    }));
    rows
}

fn making(models: &[Compared<'_>]) -> Vec<Row> {
    let has = |feature: Feature| move |model: &Compared<'_>| yes(model.card.can.contains(&feature));
    vec![
        row("Modes", models, |model| words::modes(&model.card.modes)),
        row("What", models, |model| escape(&model.card.makes)),
        row("Largest", models, |model| {
            model
                .card
                .largest
                .map_or_else(|| dim("not told"), |tier| escape(&words::tier(tier)))
        }),
        row("Any exact size", models, has(Feature::AnySize)),
        row("Shapes by name", models, |model| match model.card.ratios.len() {
            0 => dim("none"),
            many => many.to_string(),
        }),
        row("Input images", models, |model| match model.card.inputs {
            0 => dim("none"),
            many => many.to_string(),
        }),
        row("Mask", models, has(Feature::Mask)),
        row("Transparent background", models, has(Feature::Transparent)),
        row("Partial images", models, has(Feature::Partial)),
        row("Images in one call", models, |model| {
            model.card.images_in_one_call.to_string()
        }),
    ]
}

/// Parameters that not every model of the catalogue has; the others say nothing here.
fn parameter_rows(models: &[Compared<'_>]) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    for parameter in models.iter().flat_map(|model| &model.parameters) {
        let is_everywhere = planner::catalog::parameter::is_provided_by_the_gateway(&parameter.name);
        if !is_everywhere && !parameter.secret && !names.contains(&parameter.name.as_str()) {
            names.push(&parameter.name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            row(name, models, |model| {
                let Some(own) = model.parameters.iter().find(|parameter| parameter.name == name) else {
                    return dim("no");
                };
                let values: Vec<&str> = own.values.iter().filter_map(|value| value.as_str()).collect();
                match (values.is_empty(), own.min, own.max) {
                    (false, _, _) => escape(&values.join(", ")),
                    (true, Some(min), Some(max)) => format!("{} to {}", words::plain(min), words::plain(max)),
                    _ => yes(true),
                }
            })
        })
        .collect()
}

fn doing(models: &[Compared<'_>], performance: &Performance) -> Vec<Row> {
    let calls = |model: &Compared<'_>| performance.of_model(&model.card.id);
    let time = |of: fn(&Calls) -> Option<u64>| {
        move |model: &Compared<'_>| {
            let ms = performance.of_model(&model.card.id).and_then(|calls| of(&calls));
            ms.map_or_else(|| dim("no calls yet"), words::duration)
        }
    };
    vec![
        row("Median time", models, time(Calls::p50_ms)),
        row("One in twenty takes longer than", models, time(Calls::p95_ms)),
        row(format!("Succeeded, {} days", performance.days), models, |model| {
            calls(model).map_or_else(
                || dim("no calls yet"),
                |calls| {
                    format!(
                        "{} of {}",
                        words::percent(calls.succeeded, calls.count),
                        words::number(calls.count)
                    )
                },
            )
        }),
    ]
}

/// Ratings, and votes between the models; nothing where there are no votes.
fn arena_rows(models: &[Compared<'_>]) -> Vec<Row> {
    let scale = Scale::holding(models.iter().filter_map(|model| model.rated));
    let mut rows = Vec::new();
    if models.iter().any(|model| model.rated.is_some()) {
        rows.push(row("Rating", models, |model| {
            let told = |rated: Rated| format!("{:.0} {}", rated.rating, interval(rated, scale, false));
            model.rated.map_or_else(|| dim("not ranked yet"), told)
        }));
    }
    for (place, other) in models.iter().enumerate() {
        if other.against.iter().all(|record| record.votes() == 0) {
            continue;
        }
        rows.push(row(format!("Against {}", other.card.name), models, |model| {
            let record = model.against.get(place).copied().unwrap_or_default();
            if model.card.id == other.card.id {
                return dim("itself");
            }
            if record.votes() == 0 {
                return dim("no votes");
            }
            format!(
                "{} {} of {} votes<br>{}",
                shares(record),
                record.share(),
                record.votes(),
                record.told()
            )
        }));
    }
    rows
}

/// What the models made of the same order, side by side.
fn picture_rows(models: &[Compared<'_>]) -> Vec<Row> {
    let shared = models
        .first()
        .map(|model| model.pictures.as_slice())
        .unwrap_or_default();
    let rows = shared.iter().enumerate().map(|(place, (competition, _))| {
        row(competition.as_str(), models, |model| {
            let picture = model.pictures.get(place).and_then(|(_, picture)| picture.as_ref());
            picture.map_or_else(
                || dim("no entry"),
                |picture| {
                    format!(
                        "<div class=\"plate\"><a href=\"{}\"><img src=\"{}\" alt=\"{}, by {}\" width=\"{}\" height=\"{}\" loading=\"lazy\" decoding=\"async\"></a></div>",
                        picture.page,
                        picture.path,
                        escape(competition),
                        escape(&model.card.name),
                        picture.width_px,
                        picture.height_px
                    )
                },
            )
        })
    });
    rows.collect()
}

fn life(models: &[Compared<'_>], today: Date) -> Vec<Row> {
    vec![
        row("Released", models, |model| {
            model.card.released.map_or_else(|| dim("not told"), words::date)
        }),
        row("Ends", models, |model| {
            model.card.ending(today).map_or_else(
                || dim("none named"),
                |text| status(if model.card.is_retired { "off" } else { "warn" }, &text).0,
            )
        }),
    ]
}
