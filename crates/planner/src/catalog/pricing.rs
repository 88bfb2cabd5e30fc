//! Prices as the catalogue states them.

use indexmap::IndexMap;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::catalog::text::{SizeText, from_text, list_from_text};
use crate::mode::Mode;
use crate::money::Micros;
use crate::size::{Size, Tier};

/// What an offer costs, and where the figures are from.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pricing {
    /// Where the figures are from.
    pub source: String,
    /// The day of the source.
    pub as_of: Date,
    /// How the charge is found.
    #[serde(default)]
    pub basis: Basis,
    /// The provider rounds each call up to a multiple of this many dollars.
    #[serde(default)]
    pub round_up_to: Option<Decimal>,
    /// The quality that `auto`, or none, is priced as.
    #[serde(default)]
    pub auto_quality: Option<String>,
    /// The same for modes in which it is another one.
    #[serde(default)]
    pub auto_quality_in: IndexMap<Mode, String>,
    /// The size that is priced where the provider chooses one. Without it an edit has the size of its first input where
    /// the provider keeps that, and anything else the dearest listed one.
    #[serde(default)]
    pub auto_size: Option<SizeText>,
    /// Remarks for people.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The prices. None: the provider charges nothing to this account.
    #[serde(default)]
    pub components: Vec<Component>,
    /// Image tokens of an output.
    #[serde(default)]
    pub output_tokens: Option<OutputTokens>,
    /// Image tokens that each partial image of a stream adds.
    #[serde(default)]
    pub partial_tokens: u64,
    /// Image tokens of an input.
    #[serde(default)]
    pub input_tokens: Option<InputTokens>,
    /// What the operator adds to the provider's prices, in percent; set by [`crate::catalog::Catalog::set_markup`].
    #[serde(skip)]
    pub markup_percent: Decimal,
}

impl Pricing {
    /// The quality that `auto`, or none, is priced as in `mode`.
    #[must_use]
    pub fn auto_quality(&self, mode: Mode) -> Option<&str> {
        let own = self.auto_quality_in.get(&mode).or(self.auto_quality.as_ref());
        own.map(String::as_str)
    }

    /// Whether a price is conditional on the argument `name`.
    #[must_use]
    pub fn depends_on(&self, name: &str) -> bool {
        let by = |part: &Component| part.arguments.contains_key(name) || part.without.iter().any(|other| other == name);
        self.components.iter().any(by)
    }

    /// What the operator adds to an amount of the provider's.
    #[must_use]
    pub fn markup_on(&self, amount: Micros) -> Micros {
        Micros::from_dollars(amount.dollars() * self.markup_percent / Decimal::ONE_HUNDRED)
    }
}

/// How the charge of a finished call is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The provider reports the amount.
    Reported,
    /// The provider reports what was used.
    Usage,
    /// The price table, for the measured output.
    #[default]
    Table,
}

/// What goes in or comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Prompt and input images.
    Input,
    /// Images and text that the model makes.
    Output,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Images.
    Image,
    /// Text tokens.
    TokenText,
    /// Image tokens.
    TokenImage,
    /// Megapixels of 1,048,576 pixels.
    Megapixel,
    /// Seconds of computing.
    Second,
}

/// One price.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// In or out.
    #[serde(rename = "type")]
    pub direction: Direction,
    /// What is counted.
    pub metric: Metric,
    /// How many of it the price is for.
    #[serde(default = "one")]
    pub unit_size: u64,
    /// Dollars.
    #[serde(deserialize_with = "from_text")]
    pub unit_price: Decimal,
    /// Only for these qualities.
    #[serde(default)]
    pub quality: Vec<String>,
    /// Only for these sizes.
    #[serde(default, deserialize_with = "list_from_text")]
    pub size: Vec<Size>,
    /// Only for these tiers.
    #[serde(default, deserialize_with = "list_from_text")]
    pub resolution: Vec<Tier>,
    /// Only for images of at least so many pixels.
    #[serde(default)]
    pub min_pixels: Option<u64>,
    /// Only for images of at most so many pixels.
    #[serde(default)]
    pub max_pixels: Option<u64>,
    /// Only when these arguments have these values, in canonical words.
    #[serde(default)]
    pub arguments: IndexMap<String, Value>,
    /// Not when one of these arguments is given.
    #[serde(default)]
    pub without: Vec<String>,
    /// Only for cached tokens.
    #[serde(default)]
    pub cached: bool,
    /// Only in these modes.
    #[serde(default)]
    pub modes: Vec<Mode>,
    /// Megapixels of one image are rounded up to a multiple of this.
    #[serde(default)]
    pub step: Option<u32>,
    /// Dollars for the first unit of each image, where it is dearer than the others.
    #[serde(default)]
    pub first_unit_price: Option<Decimal>,
    /// Of the images that go in with a call, so many cost nothing.
    #[serde(default)]
    pub free: u32,
    /// Most units of one image that are billed.
    #[serde(default)]
    pub max_units: Option<u32>,
}

const fn one() -> u64 {
    1
}

/// How many image tokens one output has.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OutputTokens {
    /// A printed table: tokens by quality and size.
    Table {
        /// Tokens by quality, then by size.
        tokens: IndexMap<String, IndexMap<String, u64>>,
    },
    /// A grid of `q` by `round(q * short / long)` cells, each worth `(offset + pixels) / divisor` tokens.
    Grid {
        /// Cells along the long side by quality.
        cells: IndexMap<String, u64>,
        /// Pixels added to the area.
        offset: u64,
        /// Pixels for a token a cell.
        divisor: u64,
    },
}

/// How many image tokens one input has at the most.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum InputTokens {
    /// Shrunk to fit, cut into tiles, plus what high fidelity adds.
    Tiles {
        /// Tokens of any image.
        base: u64,
        /// Tokens of a tile.
        per_tile: u64,
        /// The image is first shrunk to fit a square of this side.
        fit_px: u32,
        /// Then until its short side is this long; also the side of a tile.
        tile_px: u32,
        /// Added at high fidelity to a square image.
        high_square: u64,
        /// Added at high fidelity to any other.
        high_other: u64,
        /// Whether every input has high fidelity, asked for or not.
        #[serde(default)]
        always_high: bool,
        /// Whether it is the rule of another model, as none is published for this one.
        #[serde(default)]
        assumed: bool,
    },
    /// No published rule: a bound.
    Bound {
        /// Tokens of one image at the most.
        max: u64,
        /// Whether the provider publishes none.
        #[serde(default)]
        assumed: bool,
    },
}
