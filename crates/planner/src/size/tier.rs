//! Resolution tiers, and the sizes that a ratio and a tier stand for.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use super::decimal::{Milli, parse_milli};
use super::distance::{Distance, Fraction};
use super::ratio::RATIO_SLACK;
use super::{MAX_SIDE_PX, Ratio, Size, SizeSyntaxError};

/// Pixels of the 1K square, which is also one megapixel.
const PIXELS_1K: u32 = 1024 * 1024;

/// Greatest tier in K: the longest side of a size.
const MAX_K_MILLI: u64 = 64_000;

/// Greatest tier in megapixels, a square of 16K. A bare number above it is the side of a square in pixels: `512` is
/// 0.5K, as providers write it, and not 512 megapixels and the dearest image there is.
const MAX_MEGAPIXELS_MILLI: u64 = 256_000;

/// Pixels of the side of 1K.
const SIDE_1K_PX: u64 = 1024;

/// The tiers by which sizes are filed.
const STANDARD: [Tier; 7] = [
    Tier::K(250),
    Tier::K(500),
    Tier::K(1000),
    Tier::K(2000),
    Tier::K(4000),
    Tier::K(8000),
    Tier::K(16_000),
];

/// A scale without a shape. Equal only in the same unit; [`Tier::is_same_scale`] compares across units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Thousandths of K, where the square of 1K has 1024 px per side.
    K(u32),
    /// Thousandths of a megapixel of 1,048,576 pixels.
    Megapixels(u32),
}

impl Tier {
    /// The edge of the square of this tier, in pixels.
    #[must_use]
    pub fn scale(self) -> f64 {
        match self {
            Self::K(milli) => f64::from(milli) * 1.024,
            Self::Megapixels(milli) => (f64::from(milli) / 1000.0 * f64::from(PIXELS_1K)).sqrt(),
        }
    }

    /// Whether both mean the same number of pixels, whatever the unit.
    #[must_use]
    pub fn is_same_scale(self, other: Self) -> bool {
        self.area_millionths() == other.area_millionths()
    }

    /// Millionths of the pixels of 1K, at least 1.
    pub(super) fn area_millionths(self) -> u128 {
        let area = match self {
            Self::K(milli) => u128::from(milli) * u128::from(milli),
            Self::Megapixels(milli) => u128::from(milli) * 1000,
        };
        area.max(1)
    }

    /// Whether an image of `size` can be said to have this tier: filed under it, or of its very scale.
    pub(super) fn names(self, size: Size) -> bool {
        let off = (tier_of(size).scale() / self.scale()).ln().abs();
        off <= RATIO_SLACK || self.is_same_scale(standard_tier(size))
    }

    /// The same scale in the unit of `other`, rounded to thousandths.
    pub(super) fn in_unit_of(self, other: Self) -> Self {
        let area = self.area_millionths() as f64;
        match (self, other) {
            (Self::K(_), Self::Megapixels(_)) => Self::Megapixels((area / 1000.0).round() as u32),
            (Self::Megapixels(_), Self::K(_)) => Self::K(area.sqrt().round() as u32),
            _ => self,
        }
    }

    const fn is_megapixels(self) -> bool {
        matches!(self, Self::Megapixels(_))
    }
}

/// A scale to be met: exact pixels in units of 1K, and the unit preferred between equal tiers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    area: Fraction,
    megapixels: bool,
}

impl Scale {
    pub(super) fn of_size(size: Size) -> Self {
        let area = Fraction(u128::from(size.pixels().max(1)), u128::from(PIXELS_1K));
        Self {
            area,
            megapixels: false,
        }
    }

    pub(super) fn of_tier(tier: Tier) -> Self {
        let area = Fraction(tier.area_millionths(), 1_000_000);
        Self {
            area,
            megapixels: tier.is_megapixels(),
        }
    }

    /// Area in pixels.
    fn pixels(self) -> f64 {
        self.area.0 as f64 / self.area.1 as f64 * f64::from(PIXELS_1K)
    }

    pub(super) fn distance(self, other: Self) -> Distance {
        Distance::between(self.area, other.area)
    }

    /// The nearest of `tiers`; a tie goes to more pixels, then to the unit asked for.
    pub(super) fn nearest(self, tiers: &[Tier]) -> Option<Tier> {
        tiers.iter().copied().min_by_key(|tier| {
            let other_unit = tier.is_megapixels() != self.megapixels;
            (
                self.distance(Self::of_tier(*tier)),
                Reverse(tier.area_millionths()),
                other_unit,
            )
        })
    }

    /// The size of this area that has `ratio`.
    pub(super) fn shaped(self, ratio: Ratio) -> Size {
        let ratio = ratio.value();
        let height = (self.pixels() / ratio).sqrt().round().max(1.0);
        let width = (height * ratio).round().max(1.0);
        Size {
            width_px: width as u32,
            height_px: height as u32,
        }
    }
}

/// The size that a ratio `a:b` and a tier stand for: `h = round(sqrt(A*b/a))`, `w = round(h*a/b)` with `A` the
/// pixels of the tier's square. 3:2 at 1K is 1254x836.
#[must_use]
pub fn derived_size(ratio: Ratio, tier: Tier) -> Size {
    Scale::of_tier(tier).shaped(ratio)
}

/// The scale of a size, `sqrt(w*h)/1024` in K, rounded to thousandths.
#[must_use]
pub fn tier_of(size: Size) -> Tier {
    Tier::K(((size.pixels() as f64).sqrt() / 1.024).round() as u32)
}

/// The tier under which a size is filed: the nearest of 0.25K, 0.5K, 1K, 2K, 4K, 8K and 16K. 1536x1024 is 1K.
#[must_use]
pub fn standard_tier(size: Size) -> Tier {
    Scale::of_size(size)
        .nearest(&STANDARD)
        .expect("the list of standard tiers is not empty")
}

/// The tier of `tiers` nearest by `|ln|`; a tie goes to more pixels, then to the unit of `wanted`.
#[must_use]
pub fn nearest_tier(wanted: Tier, tiers: &[Tier]) -> Option<Tier> {
    Scale::of_tier(wanted).nearest(tiers)
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::K(milli) => write!(f, "{}K", Milli(u64::from(milli))),
            Self::Megapixels(milli) => write!(f, "{}", Milli(u64::from(milli))),
        }
    }
}

impl FromStr for Tier {
    type Err = SizeSyntaxError;

    /// Reads `0.5K`, `1k`, megapixels as `0.25` or `1MP`, or a side in pixels as `512`. At most 64K or 256 megapixels.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let (number, is_k) = match lower.strip_suffix('k') {
            Some(number) => (number, true),
            None => (lower.strip_suffix("mp").unwrap_or(&lower), false),
        };
        let milli = parse_milli(number).ok_or(SizeSyntaxError::Tier)?;
        if !is_k && number == lower && milli > MAX_MEGAPIXELS_MILLI {
            let side = (milli <= u64::from(MAX_SIDE_PX) * 1000).then_some(milli / SIDE_1K_PX);
            let k = side.and_then(|k| u32::try_from(k).ok());
            return k.map(Self::K).ok_or(SizeSyntaxError::TierScale);
        }
        let most = if is_k { MAX_K_MILLI } else { MAX_MEGAPIXELS_MILLI };
        match u32::try_from(milli) {
            Ok(1..) if milli > most => Err(SizeSyntaxError::TierScale),
            Ok(milli @ 1..) if is_k => Ok(Self::K(milli)),
            Ok(milli @ 1..) => Ok(Self::Megapixels(milli)),
            _ => Err(SizeSyntaxError::TierScale),
        }
    }
}
