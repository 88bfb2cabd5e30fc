//! What in the catalogue may be true no more: old figures, and ends that come or that nobody has looked at.

use std::fmt;

use jiff::civil::Date;

use super::Catalog;
use super::offer::Offer;

/// Days after an announced end without a word on what became of it, before that is warned of.
pub const UNCONFIRMED_DAYS: i32 = 30;
/// Days after which a figure is old: providers change prices a few times a year.
pub const OLD_DAYS: i32 = 90;
/// Days before an announced end from which it is soon.
pub const SOON_DAYS: i32 = 60;

/// What should be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The announced end has passed, and nobody has said whether it came.
    Unconfirmed {
        /// The announced last day.
        sunset: Date,
    },
    /// The announced end has passed, and it is long ago that the offer was found to be served all the same.
    SeenLongAgo {
        /// The last day on which it was.
        seen: Date,
    },
    /// The announced end is near.
    EndsSoon {
        /// The announced last day.
        sunset: Date,
    },
    /// The prices are from long ago.
    OldFigures {
        /// The day of their source.
        as_of: Date,
    },
}

impl Doubt {
    /// The name in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::SeenLongAgo { .. } => "seen_long_ago",
            Self::EndsSoon { .. } => "ends_soon",
            Self::OldFigures { .. } => "old_figures",
        }
    }

    /// The day that it hangs on.
    #[must_use]
    pub const fn day(&self) -> Date {
        match *self {
            Self::Unconfirmed { sunset } | Self::EndsSoon { sunset } => sunset,
            Self::SeenLongAgo { seen } => seen,
            Self::OldFigures { as_of } => as_of,
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unconfirmed { sunset } => write!(
                f,
                "was to end on {sunset}, and neither end_confirmed nor still_served says what became of it"
            ),
            Self::SeenLongAgo { seen } => write!(f, "was last found to be served past its end on {seen}"),
            Self::EndsSoon { sunset } => write!(f, "ends on {sunset}"),
            Self::OldFigures { as_of } => write!(f, "has prices of {as_of}"),
        }
    }
}

/// An offer that should be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale<'a> {
    /// Its provider.
    pub provider: &'a str,
    /// The model's id.
    pub model: &'a str,
    /// Why.
    pub doubt: Doubt,
}

impl Catalog {
    /// Live offers of whose end nothing is known [`UNCONFIRMED_DAYS`] after it was to come, by provider.
    #[must_use]
    pub fn unconfirmed(&self, on: Date) -> Vec<Stale<'_>> {
        let mut all = self.stale(on);
        all.retain(|stale| matches!(stale.doubt, Doubt::Unconfirmed { .. }));
        all
    }

    /// Live offers that should be looked at on that day, by provider, what is most pressing first.
    #[must_use]
    pub fn stale(&self, on: Date) -> Vec<Stale<'_>> {
        let mut all: Vec<Stale<'_>> = self
            .live_offers()
            .flat_map(|(model, offer)| {
                doubts(offer, on).into_iter().map(move |doubt| Stale {
                    provider: &offer.provider,
                    model: &model.id,
                    doubt,
                })
            })
            .collect();
        all.sort_by(|a, b| (a.provider, a.doubt, a.model).cmp(&(b.provider, b.doubt, b.model)));
        all
    }
}

fn doubts(offer: &Offer, on: Date) -> Vec<Doubt> {
    let days = |from: Date, to: Date| from.until(to).map_or(0, |span| span.get_days());
    let mut doubts = Vec::new();
    if let Some(sunset) = offer.sunset {
        let is_told = offer.end_confirmed.is_some() || offer.still_served.is_some();
        if days(sunset, on) > UNCONFIRMED_DAYS && !is_told {
            doubts.push(Doubt::Unconfirmed { sunset });
        } else if sunset >= on && days(on, sunset) <= SOON_DAYS {
            doubts.push(Doubt::EndsSoon { sunset });
        }
        if let Some(seen) = offer.still_served
            && offer.end_confirmed.is_none()
            && days(seen, on) > OLD_DAYS
        {
            doubts.push(Doubt::SeenLongAgo { seen });
        }
    }
    let as_of = offer.pricing.as_of;
    if days(as_of, on) > OLD_DAYS && !offer.pricing.components.is_empty() {
        doubts.push(Doubt::OldFigures { as_of });
    }
    doubts
}
