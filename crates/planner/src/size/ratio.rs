//! Ratios of width to height.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::decimal::{Milli, parse_milli};
use super::distance::{Distance, Fraction};
use super::{MAX_SIDE_PX, Size, SizeSyntaxError};

/// How far, in `|ln|`, a size may be from a ratio and still be said to have it. Wide enough for the sizes that
/// providers print beside a ratio (1152x896 for 5:4 is off by 0.028), less than half the way from 5:4 to 4:3.
pub const RATIO_SLACK: f64 = 0.03;

/// The ratios by which sizes are called, wide ones; their transposes count too.
const COMMON: [(u32, u32); 10] = [
    (1, 1),
    (5, 4),
    (4, 3),
    (3, 2),
    (16, 9),
    (2, 1),
    (21, 9),
    (3, 1),
    (4, 1),
    (8, 1),
];

/// A ratio `W:H`. Two are equal when their values are (`6:4` and `3:2`), but each is written as it was
/// spelled (`21:9`, `19.5:9`), since that is the spelling its provider knows.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// Reduced terms.
    width: u32,
    height: u32,
    /// Terms as spelled, in thousandths.
    spelled_width_milli: u64,
    spelled_height_milli: u64,
}

impl Ratio {
    /// The ratio of a size, reduced. A side of 0 is taken as 1.
    #[must_use]
    pub fn of(size: Size) -> Self {
        let (width, height) = (size.width_px.max(1), size.height_px.max(1));
        let divisor = gcd(u64::from(width), u64::from(height));
        Self::spelled(u64::from(width) / divisor * 1000, u64::from(height) / divisor * 1000)
    }

    /// Both terms in thousandths, neither 0, their reduced form within 32 bits.
    fn spelled(width_milli: u64, height_milli: u64) -> Self {
        let divisor = gcd(width_milli, height_milli);
        let reduced =
            |term: u64| u32::try_from(term / divisor).expect("terms are sides of a size, or at most 65536000");
        Self {
            width: reduced(width_milli),
            height: reduced(height_milli),
            spelled_width_milli: width_milli,
            spelled_height_milli: height_milli,
        }
    }

    /// Width divided by height.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.width) / f64::from(self.height)
    }

    /// The ratio with width and height exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self::spelled(self.spelled_height_milli, self.spelled_width_milli)
    }

    /// The exact distance to another ratio.
    pub(super) fn distance(self, other: Self) -> Distance {
        Distance::between(self.fraction(), other.fraction())
    }

    fn fraction(self) -> Fraction {
        Fraction(u128::from(self.width), u128::from(self.height))
    }

    /// Whether an image of `size` can be said to have this ratio.
    pub(super) fn names(self, size: Size) -> bool {
        ratio_distance(self, Self::of(size)) <= RATIO_SLACK
    }

    /// The common ratio by which a size is called (`16:9` for 1792x1024), else its own.
    pub(super) fn label(size: Size) -> Self {
        let own = Self::of(size);
        let common = COMMON.into_iter().flat_map(|(width, height)| {
            let wide = Self::spelled(u64::from(width) * 1000, u64::from(height) * 1000);
            [wide, wide.transposed()]
        });
        common
            .min_by_key(|ratio| ratio.distance(own))
            .filter(|ratio| ratio.names(size))
            .unwrap_or(own)
    }

    /// The spelling, as something to sort by.
    pub(super) const fn spelling(self) -> (u64, u64) {
        (self.spelled_width_milli, self.spelled_height_milli)
    }

    /// The nearest of `ratios`. Ratio-only sizes of one tier have one nominal area, so a tie goes to the wider;
    /// between two spellings of one value it goes to the shorter numbers.
    pub(super) fn nearest(self, ratios: &[Self]) -> Option<Self> {
        ratios.iter().copied().min_by(|a, b| {
            let order = self.distance(*a).cmp(&self.distance(*b));
            order
                .then_with(|| b.cmp_width(*a))
                .then_with(|| a.spelling().cmp(&b.spelling()))
        })
    }

    fn cmp_width(self, other: Self) -> Ordering {
        let products = |a: u32, b: u32| u64::from(a) * u64::from(b);
        products(self.width, other.height).cmp(&products(other.width, self.height))
    }
}

/// `|ln(a/b)|`.
#[must_use]
pub fn ratio_distance(a: Ratio, b: Ratio) -> f64 {
    (a.value() / b.value()).ln().abs()
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height)
    }
}

impl Eq for Ratio {}

impl Hash for Ratio {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.width, self.height).hash(state);
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            Milli(self.spelled_width_milli),
            Milli(self.spelled_height_milli)
        )
    }
}

impl FromStr for Ratio {
    type Err = SizeSyntaxError;

    /// Reads `W:H`, both above 0 and at most 65536, with at most three decimals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once(':').ok_or(SizeSyntaxError::Ratio)?;
        let term = |text: &str| {
            let milli = parse_milli(text).ok_or(SizeSyntaxError::Ratio)?;
            if (1..=u64::from(MAX_SIDE_PX) * 1000).contains(&milli) {
                Ok(milli)
            } else {
                Err(SizeSyntaxError::RatioTerm)
            }
        };
        Ok(Self::spelled(term(width)?, term(height)?))
    }
}
