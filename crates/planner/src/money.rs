//! Exact amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// A number by the digits in which JSON or a bill writes it, very small ones with an exponent; never through binary fractions.
#[must_use]
pub fn decimal(digits: &str) -> Option<Decimal> {
    let plain = digits.parse::<Decimal>();
    plain.or_else(|_| Decimal::from_scientific(digits)).ok()
}

/// An amount in millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Dollars, rounded half-even to a millionth. Amounts past the range of `i64` become its bound.
    #[must_use]
    pub fn from_dollars(dollars: Decimal) -> Self {
        let micros =
            (dollars * Decimal::from(1_000_000)).round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
        Self(micros.to_i64().unwrap_or(i64::MAX))
    }

    /// The same amount in dollars.
    #[must_use]
    pub fn dollars(self) -> Decimal {
        Decimal::new(self.0, 6).normalize()
    }

    /// The same amount as the JSON number that answers show. Exact to a millionth below 9 billion dollars.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "money below 2^53 millionths is exact; more is not spent on images"
    )]
    pub fn as_json_dollars(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }

    /// The least multiple of `step` that is not below this amount; unchanged when `step` is not positive.
    #[must_use]
    pub const fn round_up_to(self, step: Self) -> Self {
        if step.0 <= 0 {
            return self;
        }
        let over = self.0.rem_euclid(step.0);
        if over == 0 { self } else { Self(self.0 - over + step.0) }
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.dollars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_millionth_goes_to_the_even_neighbor() {
        let price = |text: &str| Micros::from_dollars(text.parse().expect("a decimal"));
        assert_eq!(price("0.0000005"), Micros(0));
        assert_eq!(price("0.0000015"), Micros(2));
        assert_eq!(price("0.01088"), Micros(10_880));
    }

    #[test]
    fn a_provider_that_rounds_up_to_the_cent_charges_whole_cents() {
        assert_eq!(Micros(10_001).round_up_to(Micros(10_000)), Micros(20_000));
        assert_eq!(Micros(20_000).round_up_to(Micros(10_000)), Micros(20_000));
        assert_eq!(Micros(5).round_up_to(Micros(0)), Micros(5));
    }
}
