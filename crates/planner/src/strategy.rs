//! Strategies: in which order offers are tried that could all serve and are all well.

mod balanced;
mod draw;

use std::fmt;

use indexmap::IndexMap;

use crate::health::OfferHealth;
use crate::money::Micros;

pub use balanced::{
    DEPARTURE_FACTOR, LATENCY_FLOOR_MS, LATENCY_POWER, LATENCY_SAMPLES_MIN, PRICE_FLOOR, PRICE_POWER, SUCCESS_POWER,
    SUPPOSED_SAMPLES, SUPPOSED_SUCCESS, Weight,
};
pub(crate) use draw::Draw;

/// Plans of the fastest strategy that try an offer of unknown speed first: often enough to know all offers within tens
/// of calls, seldom enough that nine in ten callers get the fastest.
pub const EXPLORED_SHARE: f64 = 0.1;

/// What the order goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// A draw, weighted by price, success, speed and fit.
    #[default]
    Balanced,
    /// The estimate alone.
    Cheapest,
    /// The time that a success takes.
    Fastest,
    /// Groups and weights that the operator gave.
    Priority,
}

impl Strategy {
    /// Every strategy, in the order in which they are listed to callers.
    pub const ALL: [Self; 4] = [Self::Balanced, Self::Cheapest, Self::Fastest, Self::Priority];

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Cheapest => "cheapest",
            Self::Fastest => "fastest",
            Self::Priority => "priority",
        }
    }

    /// The strategy of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == name)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the operator puts a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Priority {
    /// Group 0 is tried before group 1, and so on.
    pub group: u32,
    /// Share of the calls within the group; 0 is tried after the others of it.
    pub weight: u32,
}

impl Default for Priority {
    fn default() -> Self {
        Self { group: 0, weight: 1 }
    }
}

/// The operator's groups and weights, by provider. Providers that are not listed come after all groups, with equal
/// shares.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Priorities(pub IndexMap<String, Priority>);

impl Priorities {
    /// The group of a provider; `None` where it has none, so that it comes after all of them.
    pub(crate) fn group_of(&self, provider: &str) -> Option<u32> {
        self.0.get(provider).map(|priority| priority.group)
    }
}

/// An offer as the strategies see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contender<'a> {
    pub(crate) provider: &'a str,
    pub(crate) price: Micros,
    /// Parameters of the caller that it drops or changes.
    pub(crate) departures: usize,
    pub(crate) health: &'a OfferHealth,
}

/// Why a candidate stands where it stands among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rank {
    /// By its price.
    Price,
    /// By a draw.
    Weight {
        /// What it weighed.
        weight: Weight,
        /// Its chance to be drawn first, 0 to 1.
        chance: f64,
    },
    /// By its speed.
    Speed {
        /// The time to a success: the median over the success rate. `None` where it is not known.
        expected_ms: Option<u64>,
        /// Whether it goes first to become known.
        explored: bool,
    },
    /// By the operator's groups.
    Group {
        /// The group; `None` where the operator has not listed the provider.
        group: Option<u32>,
        /// Its weight there.
        weight: u32,
        /// Its chance to be drawn first of the group, 0 to 1.
        chance: f64,
    },
    /// It is unhealthy, so it is tried after the others: by when it may be well again, then by price.
    Unhealthy,
}

/// The order of `contenders`, which come in the order of the catalogue, by their places there.
pub(crate) fn order(
    contenders: &[Contender<'_>],
    strategy: Strategy,
    priorities: &Priorities,
    draw: &mut Draw,
) -> Vec<(usize, Rank)> {
    match strategy {
        Strategy::Balanced => by_weight(contenders, draw),
        Strategy::Cheapest => by_price(contenders),
        Strategy::Fastest => by_speed(contenders, draw),
        Strategy::Priority => by_group(contenders, priorities, draw),
    }
}

fn by_price(contenders: &[Contender<'_>]) -> Vec<(usize, Rank)> {
    let mut places: Vec<usize> = (0..contenders.len()).collect();
    places.sort_by_key(|place| contenders[*place].price);
    places.into_iter().map(|place| (place, Rank::Price)).collect()
}

fn by_weight(contenders: &[Contender<'_>], draw: &mut Draw) -> Vec<(usize, Rank)> {
    let weights = balanced::weights(contenders);
    let totals: Vec<f64> = weights.iter().map(Weight::total).collect();
    let ranked = |place: usize| Rank::Weight {
        weight: weights[place],
        chance: chance(&totals, place),
    };
    let drawn = draw.shuffled(&totals).into_iter();
    drawn.map(|place| (place, ranked(place))).collect()
}

fn chance(weights: &[f64], place: usize) -> f64 {
    let total: f64 = weights.iter().sum();
    if total > 0.0 { weights[place] / total } else { 0.0 }
}

/// The quickest to a success first. Those of unknown speed come last, in a drawn order; in a [`EXPLORED_SHARE`] of all
/// plans the first of them goes to the front, as it would never become known otherwise. Where nothing is known,
/// everything is drawn.
fn by_speed(contenders: &[Contender<'_>], draw: &mut Draw) -> Vec<(usize, Rank)> {
    let expected = |place: usize| {
        let health = contenders[place].health;
        balanced::latency_ms(health).map(|latency_ms| (latency_ms / balanced::success(health)).round() as u64)
    };
    let places = 0..contenders.len();
    let (mut known, unknown): (Vec<usize>, Vec<usize>) = places.partition(|place| expected(*place).is_some());
    known.sort_by_key(|place| (expected(*place), contenders[*place].price));
    let explores = draw.number() < EXPLORED_SHARE && !known.is_empty();
    let drawn = draw.shuffled(&vec![1.0; unknown.len()]);
    let mut unknown = drawn.into_iter().map(|place| unknown[place]);
    let explored = if explores { unknown.next() } else { None };
    explored
        .into_iter()
        .chain(known.iter().copied())
        .chain(unknown)
        .map(|place| {
            let rank = Rank::Speed {
                expected_ms: expected(place),
                explored: explored == Some(place),
            };
            (place, rank)
        })
        .collect()
}

fn by_group(contenders: &[Contender<'_>], priorities: &Priorities, draw: &mut Draw) -> Vec<(usize, Rank)> {
    let given = |place: usize| priorities.0.get(contenders[place].provider);
    let group_of = |place: usize| priorities.group_of(contenders[place].provider);
    let mut groups: Vec<Option<u32>> = (0..contenders.len()).map(group_of).collect();
    groups.sort_by_key(|group| (group.is_none(), *group));
    groups.dedup();
    let mut ordered = Vec::with_capacity(contenders.len());
    for group in groups {
        let members: Vec<usize> = (0..contenders.len())
            .filter(|place| group_of(*place) == group)
            .collect();
        let weight = |place: usize| given(place).copied().unwrap_or_default().weight;
        let weights: Vec<f64> = members.iter().map(|place| f64::from(weight(*place))).collect();
        for drawn in draw.shuffled(&weights) {
            let rank = Rank::Group {
                group,
                weight: weight(members[drawn]),
                chance: chance(&weights, drawn),
            };
            ordered.push((members[drawn], rank));
        }
    }
    ordered
}

#[cfg(test)]
mod tests;
