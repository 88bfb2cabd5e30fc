//! What work costs: before it is done, and after.

pub mod charge;
pub mod estimate;
pub mod starting;
pub mod table;
mod tokens;
pub mod unbounded;

use rust_decimal::Decimal;

use crate::catalog::pricing::{Component, Direction, Metric};
use crate::money::Micros;
use crate::size::Size;

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Counted {
    /// What a price is for.
    Metric(Metric),
    /// What is added to the sum of the others.
    Added(Added),
}

/// What is added to a call's own prices, so that its lines add up to its total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Added {
    /// The provider rounds each call up.
    Rounding,
    /// The operator's mark-up.
    Markup,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Line {
    /// In or out.
    #[serde(rename = "type")]
    pub direction: Direction,
    /// What is counted.
    pub metric: Counted,
    /// How much of it.
    #[serde(serialize_with = "rust_decimal::serde::float::serialize")]
    pub quantity: Decimal,
    /// How much of it is billed.
    #[serde(serialize_with = "rust_decimal::serde::float::serialize")]
    pub billable_quantity: Decimal,
    /// Dollars for `unit_size` of it.
    #[serde(serialize_with = "rust_decimal::serde::float::serialize")]
    pub unit_price: Decimal,
    /// How many the unit price is for.
    pub unit_size: u64,
    /// The line's amount.
    pub total_cost: Micros,
}

impl Line {
    /// `quantity` of what `component` prices.
    fn of(component: &Component, quantity: Decimal) -> Self {
        Self::at(component, component.unit_price, quantity)
    }

    fn at(component: &Component, unit_price: Decimal, quantity: Decimal) -> Self {
        let dollars = unit_price * quantity / Decimal::from(component.unit_size);
        Self {
            direction: component.direction,
            metric: Counted::Metric(component.metric),
            quantity: quantity.normalize(),
            billable_quantity: quantity.normalize(),
            unit_price,
            unit_size: component.unit_size,
            total_cost: Micros::from_dollars(dollars),
        }
    }

    /// Whether it is for pictures that come out: neither for words beside them nor added to the sum.
    fn is_of_pictures(&self) -> bool {
        self.direction == Direction::Output
            && matches!(self.metric, Counted::Metric(metric) if metric != Metric::TokenText)
    }

    /// What is added to a call; nothing when it is nothing.
    fn added(what: Added, amount: Micros) -> Option<Self> {
        (amount != Micros::ZERO).then(|| Self {
            direction: Direction::Output,
            metric: Counted::Added(what),
            quantity: Decimal::ONE,
            billable_quantity: Decimal::ONE,
            unit_price: amount.dollars(),
            unit_size: 1,
            total_cost: amount,
        })
    }

    /// `quantity` of what `component` prices in one image, of which the first unit may be dearer.
    fn of_image(component: &Component, quantity: Decimal) -> Vec<Self> {
        let Some(first) = component.first_unit_price else {
            return vec![Self::of(component, quantity)];
        };
        let unit = Decimal::from(component.unit_size);
        let rest = (quantity - unit).max(Decimal::ZERO);
        let mut lines = vec![Self::at(component, first, unit)];
        if !rest.is_zero() {
            lines.push(Self::of(component, rest));
        }
        lines
    }
}

/// Pixels of a megapixel, as providers count them.
const MEGAPIXEL_PIXELS: u64 = 1_048_576;

/// Megapixels of one image as `component` bills them.
fn megapixels(component: &Component, size: Size) -> Decimal {
    let exact = Decimal::from(size.pixels()) / Decimal::from(MEGAPIXEL_PIXELS);
    let billed = match component.step {
        Some(step) if step > 0 => (exact / Decimal::from(step)).ceil() * Decimal::from(step),
        _ => exact,
    };
    component
        .max_units
        .map_or(billed, |most| billed.min(Decimal::from(most)))
}

/// Lines of several bills as one, those of one price joined.
#[must_use]
pub fn merged(lines: impl IntoIterator<Item = Line>) -> Vec<Line> {
    let mut all = Vec::new();
    estimate::merge(&mut all, lines.into_iter().collect());
    all
}
