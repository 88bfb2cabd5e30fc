//! Which models a list shows: what the form of `/models` says, and what each further choice would find.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use planner::money::Micros;
use planner::size::{Ratio, Tier};

use crate::card::{Card, Feature};
use crate::performance::Performance;

/// Most models of one page of a list.
pub const PAGE_MODELS: usize = 72;
/// Models that can stand side by side.
pub const COMPARED_MAX: usize = 4;

/// What a reader chose. It is read from a query, and a query can be made of it again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that must all be found.
    pub words: String,
    /// Values by the name of their group; any of a group, all groups. Of features all.
    pub chosen: Vec<(&'static str, String)>,
    /// Highest starting price, as it was chosen.
    pub price: String,
    /// A shape that the model must make.
    pub ratio: String,
    /// Least largest tier.
    pub largest: String,
    /// Order.
    pub sort: Sort,
    /// Whether models stand in a list instead of as plates.
    pub is_list: bool,
    /// Page, from 1.
    pub page: usize,
    /// Models chosen for comparing, `creator/id`.
    pub compared: Vec<String>,
}

/// Order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Featured ones first, in the order of the catalogue.
    #[default]
    Featured,
    /// The latest first.
    Newest,
    /// The cheapest first.
    Price,
    /// The fastest here first.
    Speed,
    /// The best rated by blind votes first.
    Rating,
    /// By name.
    Name,
}

impl Sort {
    /// Every order: value.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Featured, "featured"),
        (Self::Newest, "newest"),
        (Self::Price, "price"),
        (Self::Speed, "speed"),
        (Self::Rating, "rating"),
        (Self::Name, "name"),
    ];
}

/// A bound on what a model costs or makes: of each, one value at most is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The highest starting price.
    Price,
    /// A shape.
    Ratio,
    /// The least largest tier.
    Largest,
}

impl Bound {
    /// What can be chosen.
    #[must_use]
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::Price => &PRICES,
            Self::Ratio => &RATIOS,
            Self::Largest => &LARGEST,
        }
    }
}

/// Groups of which any may be true: name in the query.
pub const GROUPS: [&str; 5] = ["mode", "can", "creator", "provider", "life"];

/// Prices to choose from, in dollars.
pub const PRICES: [&str; 6] = ["0.005", "0.01", "0.02", "0.05", "0.10", "0.20"];
/// Shapes to choose from.
pub const RATIOS: [&str; 8] = ["1:1", "4:3", "3:2", "16:9", "21:9", "3:4", "2:3", "9:16"];
/// Tiers to choose from.
pub const LARGEST: [&str; 3] = ["1K", "2K", "4K"];

impl Filter {
    /// Reads a query. What it does not know is left out: an old link must still show something.
    #[must_use]
    pub fn read(pairs: &[(String, String)]) -> Self {
        let mut filter = Self {
            page: 1,
            ..Self::default()
        };
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "q" => filter.words = value.chars().take(200).collect(),
                "price" if PRICES.contains(&value.as_str()) => filter.price.clone_from(value),
                "ratio" if RATIOS.contains(&value.as_str()) => filter.ratio.clone_from(value),
                "largest" if LARGEST.contains(&value.as_str()) => filter.largest.clone_from(value),
                "sort" => {
                    let known = Sort::ALL.into_iter().find(|(_, name)| name == value);
                    filter.sort = known.map(|(sort, _)| sort).unwrap_or_default();
                }
                "view" => filter.is_list = value == "list",
                "page" => filter.page = value.parse().unwrap_or(1).clamp(1, 1_000),
                "compare" if filter.compared.len() < COMPARED_MAX => filter.compared.push(value.clone()),
                other => {
                    if let Some(group) = GROUPS.into_iter().find(|group| *group == other) {
                        filter.chosen.push((group, value.clone()));
                    }
                }
            }
        }
        filter
    }

    /// The query of the same view, changed: every pair of `changes` takes the place of those of its name.
    #[must_use]
    pub fn query(&self, changes: &[(&str, &str)]) -> String {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        let sort = Sort::ALL
            .into_iter()
            .find(|(sort, _)| *sort == self.sort)
            .map_or("", |(_, name)| name);
        let own = [
            ("q", self.words.as_str()),
            ("price", &self.price),
            ("ratio", &self.ratio),
            ("largest", &self.largest),
            ("sort", if self.sort == Sort::Featured { "" } else { sort }),
            ("view", if self.is_list { "list" } else { "" }),
        ];
        pairs.extend(own);
        pairs.extend(self.chosen.iter().map(|(group, value)| (*group, value.as_str())));
        pairs.extend(self.compared.iter().map(|value| ("compare", value.as_str())));
        pairs.retain(|(name, value)| !value.is_empty() && !changes.iter().any(|(changed, _)| changed == name));
        pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let told: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        if told.is_empty() {
            String::new()
        } else {
            format!("?{}", told.join("&"))
        }
    }

    /// Whether a value of a group is chosen.
    #[must_use]
    pub fn has(&self, group: &str, value: &str) -> bool {
        self.chosen.iter().any(|(own, chosen)| *own == group && chosen == value)
    }

    /// The models that it finds, in order. `ranks` are those of the arena, by model.
    #[must_use]
    pub fn find<'a>(
        &self,
        cards: &'a [Card],
        performance: &Performance,
        ranks: &BTreeMap<String, usize>,
    ) -> Vec<&'a Card> {
        let mut found: Vec<&Card> = cards.iter().filter(|card| self.finds(card, None)).collect();
        match self.sort {
            Sort::Featured => found.sort_by_key(|card| (card.is_retired, !card.is_featured)),
            Sort::Newest => found.sort_by_key(|card| (card.is_retired, Reverse(card.released), card.name.clone())),
            Sort::Price => found.sort_by_key(|card| {
                (
                    card.is_retired,
                    card.price.unwrap_or(Micros(i64::MAX)),
                    card.name.clone(),
                )
            }),
            Sort::Speed => found.sort_by_key(|card| {
                let p50 = performance.of_model(&card.id).and_then(|calls| calls.p50_ms());
                (card.is_retired, p50.unwrap_or(u64::MAX), card.name.clone())
            }),
            Sort::Rating => found.sort_by_key(|card| {
                let rank = ranks.get(&card.id).copied();
                (card.is_retired, rank.unwrap_or(usize::MAX), card.name.clone())
            }),
            Sort::Name => found.sort_by_key(|card| card.name.to_lowercase()),
        }
        found
    }

    /// How many models a value of a group would find beside what the other groups say.
    #[must_use]
    pub fn count(&self, cards: &[Card], group: &str, value: &str) -> usize {
        cards
            .iter()
            .filter(|card| self.finds(card, Some(group)) && is_so(card, group, value))
            .count()
    }

    /// What is chosen of a bound; empty: anything.
    #[must_use]
    pub fn chosen_of(&self, bound: Bound) -> &str {
        match bound {
            Bound::Price => &self.price,
            Bound::Ratio => &self.ratio,
            Bound::Largest => &self.largest,
        }
    }

    /// How many models it would find with another value of a bound.
    #[must_use]
    pub fn count_within(&self, cards: &[Card], bound: Bound, value: &str) -> usize {
        let mut other = self.clone();
        let field = match bound {
            Bound::Price => &mut other.price,
            Bound::Ratio => &mut other.ratio,
            Bound::Largest => &mut other.largest,
        };
        value.clone_into(field);
        cards.iter().filter(|card| other.finds(card, None)).count()
    }

    /// Whether it finds a model; what one group says may be left out of account.
    fn finds(&self, card: &Card, left_out: Option<&str>) -> bool {
        let words = self.words.to_lowercase();
        if !words.split_whitespace().all(|word| card.text.contains(word)) {
            return false;
        }
        for group in GROUPS.into_iter().filter(|group| Some(*group) != left_out) {
            let mut chosen = self.chosen.iter().filter(|(own, _)| *own == group).peekable();
            if chosen.peek().is_none() {
                continue;
            }
            let fits = if group == "can" {
                chosen.all(|(_, value)| is_so(card, group, value))
            } else {
                chosen.any(|(_, value)| is_so(card, group, value))
            };
            if !fits {
                return false;
            }
        }
        self.fits_bounds(card)
    }

    fn fits_bounds(&self, card: &Card) -> bool {
        let most = self.price.parse().ok().map(Micros::from_dollars);
        let ratio: Option<Ratio> = self.ratio.parse().ok();
        let largest: Option<Tier> = self.largest.parse().ok();
        most.is_none_or(|most| card.price.is_some_and(|price| price <= most))
            && ratio.is_none_or(|ratio| card.has_ratio(ratio))
            && largest.is_none_or(|least| card.largest.is_some_and(|own| own.scale() >= least.scale() * 0.97))
    }
}

/// Whether a model has a value of a group.
fn is_so(card: &Card, group: &str, value: &str) -> bool {
    match group {
        "mode" => card.modes.iter().any(|mode| mode.as_str() == value),
        "can" => Feature::ALL
            .iter()
            .any(|(feature, name, _)| *name == value && card.can.contains(feature)),
        "creator" => card.creator == value,
        "provider" => card.providers.iter().any(|(id, _)| id == value),
        "life" => life(card) == value,
        _ => false,
    }
}

/// The state of a model's life, as the form names it.
#[must_use]
pub fn life(card: &Card) -> &'static str {
    if card.is_retired {
        "retired"
    } else if card.sunsets.is_empty() {
        "active"
    } else {
        "ending"
    }
}

/// A value as it stands in a query.
#[must_use]
pub fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Filter {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Filter::read(&pairs)
    }

    #[test]
    fn a_view_is_its_query() {
        let filter = read(&[
            ("q", "gpt image & more"),
            ("mode", "image-edit"),
            ("can", "mask"),
            ("can", "seed"),
            ("price", "0.05"),
            ("ratio", "16:9"),
            ("sort", "price"),
            ("view", "list"),
            ("compare", "openai/gpt-image-1.5"),
        ]);
        let query = "?q=gpt+image+%26+more&price=0.05&ratio=16:9&sort=price&view=list&mode=image-edit&can=mask&can=seed&compare=openai/gpt-image-1.5";
        assert_eq!(filter.query(&[]), query);
        let plates = filter.query(&[("view", ""), ("sort", "name")]);
        assert!(plates.ends_with("&sort=name") && !plates.contains("view="), "{plates}");
    }

    #[test]
    fn what_a_query_does_not_know_is_left_out() {
        let filter = read(&[
            ("price", "free"),
            ("sort", "size"),
            ("page", "-3"),
            ("nothing", "x"),
            ("ratio", "7:1"),
        ]);
        assert_eq!((filter.query(&[]), filter.page), (String::new(), 1));
    }
}
