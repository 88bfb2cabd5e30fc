//! Which size an offer is asked for, given what the caller asked: pure, deterministic and independent of the order of lists.

mod argument;
mod decimal;
mod distance;
pub mod pattern;
mod range;
mod ratio;
mod resolve;
mod syntax;
mod table;
mod tier;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use argument::{
    RatioArgument, SizeArgument, SizeConflict, SizeRequest, TierArgument, parse_aspect_ratio, parse_resolution,
    parse_size,
};
pub use range::{DISTANCE_TIE, SizeRange};
pub use ratio::{RATIO_SLACK, Ratio, ratio_distance};
pub use resolve::{NativeSize, Reason, ResolvedSize, SizeAdjustment, resolve_size, resolve_size_like};
pub use syntax::SizeSyntaxError;
pub use table::{SizeTableRow, size_range, size_table};
pub use tier::{Tier, derived_size, nearest_tier, standard_tier, tier_of};

/// Longest side that a size may name, in pixels: more than any image model makes, and small enough that areas stay exact.
pub const MAX_SIDE_PX: u32 = 65_536;

/// Width and height of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Width, from 1.
    pub width_px: u32,
    /// Height, from 1.
    pub height_px: u32,
}

impl Size {
    /// A size of `width_px` by `height_px`.
    #[must_use]
    pub const fn new(width_px: u32, height_px: u32) -> Self {
        Self { width_px, height_px }
    }

    /// The number of pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width_px as u64 * self.height_px as u64
    }

    /// What a tie between sizes goes by: more pixels, then the wider.
    const fn rank(self) -> (u64, u32) {
        (self.pixels(), self.width_px)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width_px, self.height_px)
    }
}

impl FromStr for Size {
    type Err = SizeSyntaxError;

    /// Reads `WxH`, both from 1 to [`MAX_SIDE_PX`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once(['x', 'X']).ok_or(SizeSyntaxError::Pixels)?;
        Ok(Self {
            width_px: side(width)?,
            height_px: side(height)?,
        })
    }
}

fn side(text: &str) -> Result<u32, SizeSyntaxError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SizeSyntaxError::Pixels);
    }
    match text.parse() {
        Ok(side_px @ 1..=MAX_SIDE_PX) => Ok(side_px),
        _ => Err(SizeSyntaxError::Side),
    }
}

/// How far one size is from another: `sqrt(ln²(w/W)+ln²(h/H))`, 0 for the same.
#[must_use]
pub fn size_distance(a: Size, b: Size) -> f64 {
    let off = |a: u32, b: u32| (f64::from(a.max(1)) / f64::from(b.max(1))).ln();
    off(a.width_px, b.width_px).hypot(off(a.height_px, b.height_px))
}

/// Which sizes an offer takes.
#[derive(Debug, Clone, PartialEq)]
pub enum SizeSupport {
    /// These and no others. An empty list is [`SizeSupport::Fixed`].
    Listed(Vec<Size>),
    /// Any size within bounds. Bounds that no size meets are [`SizeSupport::Fixed`].
    Range(SizeRange),
    /// A ratio, and a tier where the offer has tiers. The true output is known only when it is measured.
    Ratios {
        /// The ratios, in the provider's spelling. Empty where the offer takes a tier alone.
        ratios: Vec<Ratio>,
        /// The tiers, in the provider's unit. Empty where the offer has one scale.
        tiers: Vec<Tier>,
    },
    /// The offer takes no size at all.
    Fixed,
}

/// What an offer says about sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferSizes {
    /// Which sizes it takes.
    pub support: SizeSupport,
    /// Whether it takes `auto`.
    pub auto: bool,
    /// Whether `auto` is said by leaving the size out.
    pub auto_by_absence: bool,
    /// Whether `auto` holds when the caller names nothing.
    pub auto_by_default: bool,
    /// What it makes when it is sent no size or `auto`, where the provider says so.
    pub default: Option<Size>,
    /// Of an offer that takes ratios, the sizes that come of them, where they are known.
    pub outputs: Vec<RatioOutput>,
}

/// The size that truly comes of a ratio and a tier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioOutput {
    /// The ratio.
    pub ratio: Ratio,
    /// The tier, where the offer has tiers.
    pub tier: Option<Tier>,
    /// What comes.
    pub size: Size,
}

/// What a model says about sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelSizes {
    /// What a caller gets who names no size, ratio or tier; 1024x1024 unless the model says otherwise.
    pub default: Size,
    /// Least and greatest side in pixels between which every size comes out exactly, on every offer.
    pub exact_range: Option<(u32, u32)>,
}

impl ModelSizes {
    /// Whether `size` comes out exactly on every offer.
    #[must_use]
    pub fn is_exact(&self, size: Size) -> bool {
        self.exact_range.is_some_and(|(min_px, max_px)| {
            let sides_px = min_px..=max_px;
            sides_px.contains(&size.width_px) && sides_px.contains(&size.height_px)
        })
    }
}
