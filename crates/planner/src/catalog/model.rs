//! Models: what a caller names.

use indexmap::IndexMap;
use jiff::civil::Date;

use crate::catalog::derived::Derived;
use crate::catalog::offer::{ExactRange, Offer};
use crate::catalog::parameter::Parameter;
use crate::catalog::text::SizeText;
use crate::mode::Mode;
use crate::size::{ModelSizes, Size};

/// One model, one TOML file.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The id that callers use.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Slug of the maker.
    pub creator: String,
    /// The maker's name.
    pub creator_name: String,
    /// Family, such as `gpt-image`.
    #[serde(default)]
    pub family: Option<String>,
    /// Other ids that mean this model.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Names for people that are not ids.
    #[serde(default)]
    pub alternative_names: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// First day.
    #[serde(default)]
    pub released: Option<Date>,
    /// The model to use instead.
    #[serde(default)]
    pub successor: Option<String>,
    /// Shown first.
    #[serde(default)]
    pub featured: bool,
    /// The size when the caller names none.
    #[serde(default)]
    pub default_size: Option<SizeText>,
    /// Sides between which every size comes out exactly.
    #[serde(default)]
    pub exact_range: Option<ExactRange>,
    /// The generation deadline where it differs from the operator's.
    #[serde(default)]
    pub deadline_s: Option<u64>,
    /// Parameters beyond the standard ones, and what differs from those.
    #[serde(default)]
    pub parameters: IndexMap<String, Parameter>,
    /// Text for the model's page.
    #[serde(default)]
    pub prose: Prose,
    /// The offers, in no order of preference.
    #[serde(default)]
    pub offers: Vec<Offer>,
    /// What it declares, by canonical name.
    #[serde(skip)]
    pub(super) declared: Derived<IndexMap<String, Parameter>>,
}

/// Text for the model's page, in our own words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Prose {
    /// What it is.
    pub overview: String,
    /// What it is good at.
    pub strengths: Vec<String>,
    /// What it is not good at.
    pub limitations: Vec<String>,
    /// How it works.
    pub technical_background: String,
    /// Who should use it.
    pub best_for: String,
}

/// Life of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In use.
    Active,
    /// Every live offer has an announced end.
    Deprecated,
    /// No offer is left.
    Retired,
}

/// The size of a model that names none.
pub const DEFAULT_SIZE: Size = Size {
    width_px: 1024,
    height_px: 1024,
};

impl Model {
    /// Offers that are neither retired nor switched off.
    pub fn live_offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter().filter(|offer| offer.is_live())
    }

    /// Whether no offer is left to plan.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.live_offers().next().is_none()
    }

    /// Its life at its providers, whatever the operator has switched off.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut live = self.offers.iter().filter(|offer| !offer.retired).peekable();
        if live.peek().is_none() {
            Status::Retired
        } else if live.all(|offer| offer.sunset.is_some()) {
            Status::Deprecated
        } else {
            Status::Active
        }
    }

    /// The last announced day of any live offer, when all of them have one.
    #[must_use]
    pub fn sunset(&self) -> Option<Date> {
        self.offers
            .iter()
            .map(|offer| offer.sunset)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .max()
    }

    /// The day of its release, or the first day on which the catalogue had a figure of it; `None` for a model without offers.
    #[must_use]
    pub fn entered(&self) -> Option<Date> {
        self.released
            .or_else(|| self.offers.iter().map(|offer| offer.pricing.as_of).min())
    }

    /// Modes that a live offer serves.
    #[must_use]
    pub fn modes(&self) -> Vec<Mode> {
        let serves = |mode: &Mode| self.live_offers().any(|offer| offer.modes.contains_key(mode));
        Mode::ALL.into_iter().filter(serves).collect()
    }

    /// Sizes of the model itself.
    #[must_use]
    pub fn sizes(&self) -> ModelSizes {
        ModelSizes {
            default: self.default_size.map_or(DEFAULT_SIZE, |text| text.0),
            exact_range: self.exact_range.map(|range| (range.min_px, range.max_px)),
        }
    }
}
