//! What a caller may write for `size`, `aspect_ratio` and `resolution`.

use super::{Ratio, Size, Tier};

/// Why a text is not a size, ratio or resolution. The text itself is not repeated: it may be of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SizeSyntaxError {
    /// Not a `size` argument.
    #[error("expected pixels such as 1024x1024, a ratio such as 16:9, or auto")]
    Size,
    /// Not `WxH`.
    #[error("expected width and height in pixels, such as 1024x1024")]
    Pixels,
    /// A side of 0 or beyond [`super::MAX_SIDE_PX`].
    #[error("each side must have 1 to 65536 pixels")]
    Side,
    /// Not `W:H`.
    #[error("expected a ratio of width to height such as 16:9 or 19.5:9 (at most three decimals), or auto")]
    Ratio,
    /// A term of 0 or too large.
    #[error("both sides of a ratio must be above 0 and at most 65536")]
    RatioTerm,
    /// Not a tier.
    #[error("expected a tier such as 0.5K, 1K, 2K or 4K, megapixels such as 0.25 or 1, or auto")]
    Tier,
    /// A tier of 0 or too large.
    #[error("a resolution must be above 0 and at most 64K or 256 megapixels (512 pixels are 0.5K)")]
    TierScale,
}

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
