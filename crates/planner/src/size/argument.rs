//! What a caller may write for `size`, `aspect_ratio` and `resolution`.

use std::fmt;

use super::syntax::SizeSyntaxError;
use super::{Ratio, Size, Tier};

/// A `size` argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeArgument {
    /// The provider's choice.
    Auto,
    /// Exact pixels.
    Exact(Size),
    /// Another spelling of `aspect_ratio`.
    Ratio(Ratio),
}

impl fmt::Display for SizeArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exact(size) => size.fmt(f),
            Self::Ratio(ratio) => ratio.fmt(f),
        }
    }
}

/// An `aspect_ratio` argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatioArgument {
    /// The provider's choice.
    Auto,
    /// A shape.
    Ratio(Ratio),
}

/// A `resolution` argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierArgument {
    /// The provider's choice.
    Auto,
    /// A scale.
    Tier(Tier),
}

/// Reads a `size` argument: `WxH`, `W:H` or `auto`.
///
/// # Errors
/// When it is none of these, or out of range.
pub fn parse_size(text: &str) -> Result<SizeArgument, SizeSyntaxError> {
    if is_auto(text) {
        return Ok(SizeArgument::Auto);
    }
    if text.contains(':') {
        return text.parse().map(SizeArgument::Ratio);
    }
    match text.parse() {
        Ok(size) => Ok(SizeArgument::Exact(size)),
        Err(SizeSyntaxError::Pixels) => Err(SizeSyntaxError::Size),
        Err(error) => Err(error),
    }
}

/// Reads an `aspect_ratio` argument: `W:H` or `auto`.
///
/// # Errors
/// When it is neither, or out of range.
pub fn parse_aspect_ratio(text: &str) -> Result<RatioArgument, SizeSyntaxError> {
    if is_auto(text) {
        Ok(RatioArgument::Auto)
    } else {
        text.parse().map(RatioArgument::Ratio)
    }
}

/// Reads a `resolution` argument: a tier in K or megapixels, or `auto`, in any case of letters.
///
/// # Errors
/// When it is neither, or out of range.
pub fn parse_resolution(text: &str) -> Result<TierArgument, SizeSyntaxError> {
    if is_auto(text) {
        Ok(TierArgument::Auto)
    } else {
        text.parse().map(TierArgument::Tier)
    }
}

fn is_auto(text: &str) -> bool {
    text.eq_ignore_ascii_case("auto")
}

/// The three arguments of one request, as far as they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SizeRequest {
    /// `size`.
    pub size: Option<SizeArgument>,
    /// `aspect_ratio`.
    pub aspect_ratio: Option<RatioArgument>,
    /// `resolution`.
    pub resolution: Option<TierArgument>,
}

/// `size` as a ratio and `aspect_ratio` are two spellings of one parameter, and they disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "size {size} and aspect_ratio {aspect_ratio} are two spellings of one parameter and disagree; send one of them"
)]
pub struct SizeConflict {
    /// The ratio in `size`.
    pub size: Ratio,
    /// The ratio in `aspect_ratio`.
    pub aspect_ratio: Ratio,
}

impl SizeRequest {
    /// The disagreement of `size` as a ratio with `aspect_ratio`, if there is one. `auto` disagrees with nothing,
    /// and exact pixels simply win.
    #[must_use]
    pub fn conflicts(&self) -> Option<SizeConflict> {
        match (self.size, self.aspect_ratio) {
            (Some(SizeArgument::Ratio(size)), Some(RatioArgument::Ratio(aspect_ratio))) if size != aspect_ratio => {
                Some(SizeConflict { size, aspect_ratio })
            }
            _ => None,
        }
    }
}
