//! What a provider's API tells of its own models, in one form for all providers.

use jiff::civil::Date;
use planner::catalog::pricing::{Direction, Metric};
use rust_decimal::Decimal;
use serde_json::Value;

/// What the provider says of a native model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// The native id.
    pub(super) id: String,
    /// Whether it can be called.
    pub(super) standing: Standing,
    /// Its announced last day.
    pub(super) ends: Option<Date>,
    /// The prices that the API shows.
    pub(super) prices: Vec<Printed>,
    /// The document that has the JSON Schema of its input, and the place of that in it.
    pub(super) input: Option<(Value, String)>,
}

/// Whether a model can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is on the list.
    Listed,
    /// It is on the list as one that will go.
    Deprecated,
    /// It is not on the list.
    Absent,
}

/// A price that an API shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Printed {
    /// For what goes in or comes out.
    pub(super) direction: Direction,
    /// What is counted; a unit that the catalogue does not have in its own words.
    pub(super) unit: Result<Metric, String>,
    /// Dollars for one.
    pub(super) dollars: Decimal,
    /// Only at this quality.
    pub(super) quality: Option<String>,
    /// Only at this resolution.
    pub(super) resolution: Option<String>,
}

impl Told {
    /// One that is on the list, of which nothing more is known.
    pub(super) fn listed(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            standing: Standing::Listed,
            ends: None,
            prices: Vec::new(),
            input: None,
        }
    }

    /// One that is not on the list.
    pub(super) fn absent(id: &str) -> Self {
        Self {
            standing: Standing::Absent,
            ..Self::listed(id)
        }
    }
}

/// All that a provider told.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Of the models that the catalogue has.
    pub(super) told: Vec<Told>,
    /// Models of the same kind that the catalogue lacks.
    pub(super) others: Vec<String>,
    /// What cannot be asked for without cost.
    pub(super) unasked: &'static str,
}
