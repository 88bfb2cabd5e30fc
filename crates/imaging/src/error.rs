//! What can go wrong with an image, in words meant for the caller who sent it.

use std::io;

use crate::ImageFormat;
use crate::format::HEIC;

/// Why a header could not be read.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The magic bytes are unknown.
    #[error("not a PNG, JPEG, WebP, GIF or AVIF image")]
    NotAnImage,
    /// A format that is known and not read.
    #[error("{0} images are not read here: export it as a JPEG or PNG and send that")]
    Foreign(&'static str),
    /// The data ends before the header does.
    #[error("the {0} image is truncated")]
    Truncated(ImageFormat),
    /// The header contradicts its format.
    #[error("the {format} image is damaged: {reason}")]
    Malformed {
        /// The format of the magic bytes.
        format: ImageFormat,
        /// What is wrong.
        reason: &'static str,
    },
    /// The size does not stand where a sane file has it.
    #[error("the {0} header is too long")]
    HeaderTooLong(ImageFormat),
    /// The source could not be read.
    #[error("the image could not be read: {0}")]
    Io(#[from] io::Error),
}

/// Why an image could not be decoded, converted or encoded.
#[derive(Debug, thiserror::Error)]
pub enum ImagingError {
    /// The magic bytes are unknown.
    #[error("not a PNG, JPEG, WebP, GIF or AVIF image")]
    NotAnImage,
    /// A format that is known and not read.
    #[error("{0} images are not read here: export it as a JPEG or PNG and send that")]
    Foreign(&'static str),
    /// The data ends too early.
    #[error("the {0} image is truncated")]
    Truncated(ImageFormat),
    /// The data contradicts its format.
    #[error("the {format} image is damaged: {reason}")]
    Malformed {
        /// The format of the magic bytes.
        format: ImageFormat,
        /// What is wrong.
        reason: String,
    },
    /// The image uses a part of its format that is not read.
    #[error("the {format} image uses {feature}, which is not supported")]
    Unsupported {
        /// The format of the magic bytes.
        format: ImageFormat,
        /// What it uses.
        feature: &'static str,
    },
    /// The header is longer than any sane file has it.
    #[error("the {0} header is too long")]
    HeaderTooLong(ImageFormat),
    /// More input bytes than [`crate::DecodeLimits::input_bytes`].
    #[error("the image has {size_bytes} bytes, more than the limit of {limit_bytes} bytes")]
    TooManyBytes {
        /// The size of the input.
        size_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// More pixels than [`crate::DecodeLimits::pixels`].
    #[error("the {format} header says {width_px}x{height_px}, more than the limit of {limit_pixels} pixels")]
    TooManyPixels {
        /// The format of the magic bytes.
        format: ImageFormat,
        /// The claimed width.
        width_px: u32,
        /// The claimed height.
        height_px: u32,
        /// The limit.
        limit_pixels: u64,
    },
    /// More scans than [`crate::DecodeLimits::scan_pixels`] allows for so many pixels.
    #[error(
        "the {format} image has {scans} scans of {width_px}x{height_px}, and scan_pixels allows {limit_pixels} pixels in all \
         scans together: save it with fewer scans, or as one that is not progressive"
    )]
    TooManyScans {
        /// The format of the magic bytes.
        format: ImageFormat,
        /// The scans.
        scans: usize,
        /// The width.
        width_px: u32,
        /// The height.
        height_px: u32,
        /// The limit.
        limit_pixels: u64,
    },
    /// More frames of an AVIF picture than [`crate::DecodeLimits::scan_pixels`] allows for so many pixels.
    #[error(
        "the {format} image has {frames} frames of {width_px}x{height_px} in one picture, and with a limit of {limit_pixels} \
         for scan_pixels, of which each frame takes ten times its pixels, it may not: save it without layers"
    )]
    TooManyFrames {
        /// The format of the magic bytes.
        format: ImageFormat,
        /// The frames.
        frames: u32,
        /// The width.
        width_px: u32,
        /// The height.
        height_px: u32,
        /// The limit.
        limit_pixels: u64,
    },
    /// A crop asked for more pixels than [`crate::DecodeLimits::pixels`].
    #[error("{width_px}x{height_px} is more than the limit of {limit_pixels} pixels")]
    TargetTooLarge {
        /// The width asked for.
        width_px: u32,
        /// The height asked for.
        height_px: u32,
        /// The limit.
        limit_pixels: u64,
    },
    /// An animation, where [`crate::DecodeLimits::frames`] is 0.
    #[error("the {0} image is an animation")]
    Animated(ImageFormat),
    /// AVIF is encoded only up to [`crate::AVIF_MAX_EDGE_PX`].
    #[error(
        "{width_px}x{height_px} is too large for AVIF: the longest side may have {} pixels",
        crate::AVIF_MAX_EDGE_PX
    )]
    TooLargeForAvif {
        /// The width asked for.
        width_px: u32,
        /// The height asked for.
        height_px: u32,
    },
    /// The format has no room for such sides.
    #[error("{width_px}x{height_px} is too large for {format}: the longest side may have {edge_max_px} pixels")]
    TooLargeForFormat {
        /// The format asked for.
        format: ImageFormat,
        /// The width asked for.
        width_px: u32,
        /// The height asked for.
        height_px: u32,
        /// The format's own limit.
        edge_max_px: u32,
    },
    /// Sides and pixel bytes that do not belong together.
    #[error("{size_bytes} bytes are not a bitmap of {width_px}x{height_px} RGBA pixels")]
    BadBitmap {
        /// The width given.
        width_px: u32,
        /// The height given.
        height_px: u32,
        /// The length of the pixel data given.
        size_bytes: usize,
    },
    /// The encoder refused.
    #[error("the image could not be encoded as {format}: {reason}")]
    EncodeFailed {
        /// The format asked for.
        format: ImageFormat,
        /// What the encoder says.
        reason: String,
    },
}

impl ImagingError {
    pub(crate) fn malformed(format: ImageFormat, reason: impl Into<String>) -> Self {
        Self::Malformed {
            format,
            reason: reason.into(),
        }
    }

    pub(crate) fn encode_failed(format: ImageFormat, reason: impl Into<String>) -> Self {
        Self::EncodeFailed {
            format,
            reason: reason.into(),
        }
    }
}

impl ImagingError {
    /// What is said of a HEIC file, which nobody here can draw.
    #[must_use]
    pub const fn heic() -> Self {
        Self::Foreign(HEIC)
    }
}

impl From<InspectError> for ImagingError {
    fn from(error: InspectError) -> Self {
        match error {
            InspectError::NotAnImage => Self::NotAnImage,
            InspectError::Foreign(name) => Self::Foreign(name),
            InspectError::Truncated(format) => Self::Truncated(format),
            InspectError::Malformed { format, reason } => Self::malformed(format, reason),
            InspectError::HeaderTooLong(format) => Self::HeaderTooLong(format),
            // Decoding reads from memory, where the only failure is the end of the data.
            InspectError::Io(_) => Self::NotAnImage,
        }
    }
}
