//! What is wrong with the text of a size.

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
    #[error(
        "expected a tier such as 0.5K, 1K, 2K or 4K, megapixels such as 0.25 or 1, a side in pixels such as 512, or auto"
    )]
    Tier,
    /// A tier of 0 or too large.
    #[error("a resolution must be above 0 and at most 64K or 256 megapixels")]
    TierScale,
}
