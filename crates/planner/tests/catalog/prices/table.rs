//! The table of printed prices, as its file has it.

use jiff::civil::Date;
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::catalog::offer::Offer;
use planner::catalog::pricing::{Direction, Metric};
use planner::mode::Mode;
use planner::money::Micros;
use planner::size::Size;
use planner::usage::Usage;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::folder::{model, offer};

/// What pages print.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    #[serde(rename = "sheet")]
    pub(super) sheets: Vec<Sheet>,
}

/// What one page says of some offers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sheet {
    pub(super) source: String,
    pub(super) as_of: Date,
    /// `provider/model`.
    pub(super) offers: Vec<String>,
    of: Option<Kind>,
    mode: Option<Mode>,
    differs: Option<String>,
    rounded_up: Option<Decimal>,
    #[serde(default)]
    prices: Vec<Price>,
    #[serde(default)]
    rates: Vec<Rate>,
    #[serde(default)]
    usages: Vec<Spent>,
}

/// What a figure is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Image,
    Megapixel,
    Tokens,
    Sum,
}

/// The lines of a bill that a figure is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Covers {
    #[default]
    Output,
    Inputs,
    Total,
}

/// A request and its price.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    pub(super) of: Option<Kind>,
    pub(super) mode: Option<Mode>,
    pub(super) quality: Option<String>,
    pub(super) size: Option<String>,
    pub(super) aspect_ratio: Option<String>,
    pub(super) resolution: Option<String>,
    pub(super) n: Option<u32>,
    pub(super) partial_images: Option<u32>,
    pub(super) prompt_bytes: Option<usize>,
    #[serde(default)]
    pub(super) inputs: Vec<String>,
    #[serde(default)]
    pub(super) mask: bool,
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
    #[serde(default)]
    pub(super) covers: Covers,
    pub(super) figure: Option<Decimal>,
    pub(super) tokens: Option<u64>,
    pub(super) arithmetic: Option<String>,
    pub(super) becomes: Option<String>,
    pub(super) measured: Option<String>,
    pub(super) estimate: Option<Decimal>,
    pub(super) charge: Option<Decimal>,
    pub(super) differs: Option<String>,
    pub(super) rounded_up: Option<Decimal>,
}

/// Dollars for `per` units.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    #[serde(rename = "type")]
    pub(super) direction: Direction,
    pub(super) metric: Metric,
    #[serde(default)]
    pub(super) cached: bool,
    #[serde(default = "million")]
    pub(super) per: u64,
    pub(super) figure: Decimal,
    pub(super) estimate: Option<Decimal>,
    pub(super) differs: Option<String>,
}

const fn million() -> u64 {
    1_000_000
}

/// What a provider says it used, and what that costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spent {
    #[serde(default)]
    input_text: u64,
    #[serde(default)]
    cached_text: u64,
    #[serde(default)]
    input_image: u64,
    #[serde(default)]
    cached_image: u64,
    #[serde(default)]
    output_text: u64,
    #[serde(default)]
    output_image: u64,
    pub(super) figure: Decimal,
    pub(super) arithmetic: String,
}

impl Spent {
    pub(super) const fn usage(&self) -> Usage {
        Usage {
            input_text_tokens: self.input_text,
            cached_text_tokens: self.cached_text,
            input_image_tokens: self.input_image,
            cached_image_tokens: self.cached_image,
            output_text_tokens: self.output_text,
            output_image_tokens: self.output_image,
        }
    }
}

/// One figure, with what its sheet says of it.
#[derive(Clone, Debug)]
pub(super) enum Row {
    Price(Box<Price>),
    Rate(Rate),
    Usage(Spent),
}

impl Sheet {
    /// Its rows, each with what the sheet says of all.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let prices = self.prices.iter().map(|price| {
            Row::Price(Box::new(Price {
                of: price.of.or(self.of),
                mode: price.mode.or(self.mode),
                differs: price.differs.clone().or_else(|| self.differs.clone()),
                rounded_up: price.rounded_up.or(self.rounded_up),
                ..price.clone()
            }))
        });
        let rates = self.rates.iter().map(|rate| {
            Row::Rate(Rate {
                differs: rate.differs.clone().or_else(|| self.differs.clone()),
                ..rate.clone()
            })
        });
        prices.chain(rates).chain(self.usages.iter().cloned().map(Row::Usage))
    }
}

impl Row {
    pub(super) fn differs(&self) -> Option<&str> {
        match self {
            Self::Price(price) => price.differs.as_deref(),
            Self::Rate(rate) => rate.differs.as_deref(),
            Self::Usage(_) => None,
        }
    }
}

impl Table {
    pub(super) fn load() -> Self {
        toml::from_str(include_str!("../prices.toml")).expect("a table of prices")
    }

    /// Every figure for every offer that it is printed for.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Sheet, &str, Row)> {
        self.sheets.iter().flat_map(|sheet| {
            let rows: Vec<Row> = sheet.rows().collect();
            let pairs = sheet
                .offers
                .iter()
                .flat_map(move |offer| rows.clone().into_iter().map(move |row| (offer.as_str(), row)));
            pairs.map(move |(offer, row)| (sheet, offer, row))
        })
    }

    /// Dollars of an image token of `offer`, as printed.
    pub(super) fn token_rate(&self, offer: &str, direction: Direction) -> Result<Decimal, String> {
        let rate = self.entries().find_map(|(_, other, row)| match row {
            Row::Rate(rate)
                if other == offer
                    && rate.differs.is_none()
                    && (rate.direction, rate.metric, rate.cached) == (direction, Metric::TokenImage, false) =>
            {
                Some(rate.figure / Decimal::from(rate.per))
            }
            _ => None,
        });
        rate.ok_or_else(|| format!("no rate is printed for image tokens of {offer}"))
    }
}

/// The model and the offer that `provider/model` names.
pub(super) fn named<'a>(catalog: &'a Catalog, name: &str) -> (&'a Model, &'a Offer) {
    let (provider, id) = name.split_once('/').expect("an offer is named provider/model");
    let model = model(catalog, id);
    (model, offer(model, provider))
}

/// The terms of `a + b * c / d`, each by itself.
pub(super) fn terms(arithmetic: &str) -> Result<Vec<Decimal>, String> {
    arithmetic.split(" + ").map(term).collect()
}

fn term(text: &str) -> Result<Decimal, String> {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |word: &str| word.parse::<Decimal>().map_err(|error| format!("{word}: {error}"));
    let (first, rest) = words.split_first().ok_or("an empty term")?;
    rest.chunks(2).try_fold(number(first)?, |value, pair| match pair {
        ["*", factor] => Ok(value * number(factor)?),
        ["/", divisor] => Ok(value / number(divisor)?),
        other => Err(format!("{other:?} is no arithmetic")),
    })
}

/// What `arithmetic` comes to, each line of the bill rounded by itself.
pub(super) fn dollars(arithmetic: &str) -> Result<Micros, String> {
    Ok(terms(arithmetic)?.into_iter().map(Micros::from_dollars).sum())
}

pub(super) fn size(text: &str) -> Size {
    text.parse().expect("a size in pixels")
}
