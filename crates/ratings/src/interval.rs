//! A rating with its bounds.

/// A rating between its bounds, in Elo points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// The estimate.
    pub rating: f64,
    /// Upper bound.
    pub high: f64,
}
