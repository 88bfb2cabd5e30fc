//! What work costs: before it is done, and after.

pub mod charge;
pub mod estimate;
pub mod starting;
mod tokens;

use rust_decimal::Decimal;

use crate::catalog::pricing::{Component, Direction, Metric};
use crate::money::Micros;
use crate::size::Size;

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Line {
    /// In or out.
    #[serde(rename = "type")]
    pub direction: Direction,
    /// What is counted.
    pub metric: Metric,
    /// How much of it.
    pub quantity: Decimal,
    /// How much of it is billed.
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
        let dollars = component.unit_price * quantity / Decimal::from(component.unit_size);
        Self {
            direction: component.direction,
            metric: component.metric,
            quantity: quantity.normalize(),
            billable_quantity: quantity.normalize(),
            unit_price: component.unit_price,
            unit_size: component.unit_size,
            total_cost: Micros::from_dollars(dollars),
        }
    }
}

/// Pixels of a megapixel, as providers count them.
const MEGAPIXEL_PIXELS: u64 = 1_048_576;

/// Megapixels of one image as `component` bills them.
fn megapixels(component: &Component, size: Size) -> Decimal {
    let exact = Decimal::from(u64::from(size.width_px) * u64::from(size.height_px)) / Decimal::from(MEGAPIXEL_PIXELS);
    match component.step {
        Some(step) if step > 0 => (exact / Decimal::from(step)).ceil() * Decimal::from(step),
        _ => exact,
    }
}

/// Lines of several bills as one, those of one price joined.
#[must_use]
pub fn merged(lines: impl IntoIterator<Item = Line>) -> Vec<Line> {
    let mut all = Vec::new();
    estimate::merge(&mut all, lines.into_iter().collect());
    all
}
