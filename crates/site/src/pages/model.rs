//! The page of one model: everything that is known of it, section by section.

mod about;
mod arena;
mod code;
mod hero;
mod offers;
mod parameters;
mod prices;
mod sizes;
mod speed;

use askama::Template;
use indexmap::IndexMap;
use jiff::civil::Date;
use planner::catalog::model::Model;
use planner::explain::Explanation;
use planner::mode::Mode;
use planner::view::{ModelView, ParameterView};

use crate::facts;
use crate::frame::{Page, Section, title};
use crate::here::Providers;
use crate::html::{Html, rendered};
use crate::performance::Performance;
use crate::picture::Picture;
use crate::words;

pub use about::questions;
pub use arena::{Competed, InArena};
pub(crate) use offers::{sizes as offer_sizes, takes_each};
pub(crate) use parameters::{GROUPS, MEANINGS, bounds};
pub(crate) use prices::rates;
pub use sizes::made;

/// Everything that the page of a model shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The model.
    pub view: &'a ModelView<'a>,
    /// The model to use instead of it.
    pub successor: Option<&'a Model>,
    /// How its providers are served here.
    pub providers: &'a Providers,
    /// How its calls went here.
    pub performance: &'a Performance,
    /// The day, in UTC.
    pub today: Date,
    /// The installation's address.
    pub address: &'a str,
    /// Its picture.
    pub picture: &'a Picture,
    /// The price that was asked for.
    pub price: &'a PriceAsked,
    /// The size that was asked for.
    pub size: &'a SizeAsked,
    /// What the arena knows of it.
    pub arena: &'a InArena,
}

/// What the form for prices was filled with, and what came of it.
#[derive(Debug, Clone)]
pub struct PriceAsked {
    /// What is asked of the model.
    pub mode: Mode,
    /// The quality, if one is chosen.
    pub quality: Option<String>,
    /// The size, if one is chosen.
    pub size: Option<String>,
    /// How many images.
    pub n: u32,
    /// What becomes of it.
    pub explanation: Explanation,
}

/// What the form for sizes was filled with, and what came of it.
#[derive(Debug, Clone, Default)]
pub struct SizeAsked {
    /// `size`.
    pub size: String,
    /// `aspect_ratio`.
    pub aspect_ratio: String,
    /// `resolution`.
    pub resolution: String,
    /// What becomes of it; `None` where the model has no sizes.
    pub explanation: Option<Explanation>,
}

/// What the sections share and what is made once.
struct Sheet<'a> {
    shown: Shown<'a>,
    parameters: Vec<ParameterView>,
    /// Live providers, each once: id and name.
    columns: Vec<(&'a str, &'a str)>,
}

#[derive(Template)]
#[template(path = "model.html", whitespace = "minimize")]
struct Body {
    id: String,
    creator: String,
    creator_path: String,
    name: String,
    llms_path: String,
    hero: Html,
    banners: Html,
    contents: Vec<(&'static str, &'static str)>,
    prices: Html,
    offers: Html,
    code: Html,
    parameters: Html,
    sizes: Html,
    handling: Html,
    performance: Html,
    arena: Html,
    gallery: Html,
    about: Html,
    questions: Html,
    is_live: bool,
}

/// The list of contents: anchors and titles.
fn contents(is_live: bool, arena: &InArena) -> Vec<(&'static str, &'static str)> {
    let mut contents = vec![("prices", "Providers and prices")];
    if is_live {
        contents.extend([
            ("code", "Code"),
            ("parameters", "Parameters"),
            ("sizes", "Sizes"),
            ("handling", "Handling"),
            ("performance", "Performance"),
        ]);
    }
    contents.push(("arena", "In the arena"));
    if !arena.exhibits.is_empty() {
        contents.push(("gallery", "Gallery"));
    }
    contents.extend([("about", "About"), ("faq", "Questions")]);
    contents
}

/// The page.
#[must_use]
pub fn page(shown: Shown<'_>) -> Page {
    let view = shown.view;
    let model = view.model;
    let mut columns: IndexMap<&str, &str> = IndexMap::new();
    for offer in view.live_offers() {
        columns.entry(&offer.offer.provider).or_insert(offer.provider_name);
    }
    let sheet = Sheet {
        shown,
        parameters: view.parameters(),
        columns: columns.into_iter().collect(),
    };
    let is_live = !model.is_disabled();
    let body = Body {
        creator: model.creator_name.clone(),
        creator_path: format!("/models?creator={}", model.creator),
        name: model.name.clone(),
        id: view.model.id.clone(),
        llms_path: format!("{}/llms.txt", view.page_path()),
        hero: hero::hero(&sheet),
        banners: hero::banners(&sheet),
        contents: contents(is_live, shown.arena),
        prices: prices::section(&sheet),
        offers: offers::cards(&sheet),
        code: if is_live {
            code::section(&sheet)
        } else {
            Html::default()
        },
        parameters: if is_live {
            parameters::section(&sheet)
        } else {
            Html::default()
        },
        sizes: if is_live {
            sizes::section(&sheet)
        } else {
            Html::default()
        },
        handling: if is_live {
            parameters::handlings(&sheet)
        } else {
            Html::default()
        },
        performance: if is_live {
            speed::section(&sheet)
        } else {
            Html::default()
        },
        arena: arena::section(&sheet),
        gallery: arena::gallery(&sheet),
        about: about::section(&sheet),
        questions: about::questions_section(&sheet),
        is_live,
    };
    let path = view.page_path();
    Page {
        description: format!(
            "{} Prices, parameters, sizes and code samples of {} at {}.",
            model.description,
            model.name,
            words::list(&sheet.columns.iter().map(|(_, name)| *name).collect::<Vec<_>>())
        ),
        class: "p-model",
        picture: shown.picture.path().map(ToOwned::to_owned),
        twin: Some(format!("{path}/llms.txt")),
        ..Page::new(
            Section::Models,
            path,
            title(
                format!("{} by {}: prices, parameters, code", model.name, model.creator_name),
                format!("{} by {}", model.name, model.creator_name),
            ),
            Html(rendered(&body)),
        )
    }
}

impl<'a> Sheet<'a> {
    fn parameter(&self, name: &str) -> Option<&ParameterView> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// Qualities that can be asked for.
    fn qualities(&self) -> Vec<String> {
        let values = self
            .parameter("quality")
            .map(|quality| quality.values.as_slice())
            .unwrap_or_default();
        values
            .iter()
            .filter_map(|value| value.as_str())
            .map(ToOwned::to_owned)
            .collect()
    }

    /// Sizes that the forms offer by name.
    fn named_sizes(&self) -> Vec<String> {
        let view = self.shown.view;
        let mut sizes: Vec<String> = view.sizes().iter().map(|row| row.size.to_string()).collect();
        let default = view.model.sizes().default.to_string();
        if !sizes.contains(&default) && facts::ratios(view).is_empty() && view.range().is_some() {
            sizes.push(default);
        }
        sizes
    }

    fn name(&self) -> &'a str {
        &self.shown.view.model.name
    }
}
