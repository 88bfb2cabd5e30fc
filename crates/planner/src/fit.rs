//! How near an offer comes to what the caller asked for.

use std::cmp::{Ordering, Reverse};

use crate::size::Size;

/// How near one offer comes: what it drops or changes of what was asked for, and how far its size is off. The lesser is
/// the nearer. What Pictor makes exactly afterwards is no departure.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Fit {
    /// The parameters that are dropped or changed, each once, by canonical name.
    pub departures: Vec<String>,
    /// Distance of the size from the one that was asked for, 0 where it is met: `sqrt(ln²(w/W)+ln²(h/H))`.
    pub size_distance: f64,
    /// The size that is expected where it is not the one that was asked for.
    #[serde(skip)]
    pub instead: Option<Size>,
}

impl Fit {
    /// Whether everything is done as it was asked for.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.departures.is_empty()
    }

    /// Of sizes that are equally far off, more pixels come first, then the wider: which one it is shall not be drawn.
    fn rank(&self) -> Reverse<(u64, u32)> {
        Reverse(self.instead.map_or((0, 0), |size| (size.pixels(), size.width_px)))
    }
}

impl Eq for Fit {}

impl Ord for Fit {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = (self.departures.len(), other.departures.len());
        own.cmp(&others)
            .then_with(|| self.size_distance.total_cmp(&other.size_distance))
            .then_with(|| self.rank().cmp(&other.rank()))
    }
}

impl PartialOrd for Fit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What fit counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FitRule {
    /// The nearest offers go first; the strategy decides among equals.
    #[default]
    First,
    /// It weighs in the strategy, so that a price may outweigh it; where price alone decides it counts for nothing.
    Weighed,
    /// Only offers that change nothing are tried.
    Required,
}

impl FitRule {
    /// Every rule, in the order in which they are listed to callers.
    pub const ALL: [Self; 3] = [Self::First, Self::Weighed, Self::Required];

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Weighed => "weighed",
            Self::Required => "required",
        }
    }

    /// The rule of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }
}
