//! Any supported format to a bitmap, within limits.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codecs::{avif, gif, jpeg, png, webp};
use crate::{Bitmap, DecodeLimits, ImageFormat, ImagingError, inspect};

/// Decodes an image: the first frame of an animation, turned as EXIF or AVIF asks for, and every
/// sort of pixel (16 bits, palette, gray, CMYK, YCbCr) made RGBA of 8 bits.
///
/// # Errors
/// [`ImagingError`] when the image is none, too large, damaged, cut off, or uses what is not
/// supported.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Bitmap, ImagingError> {
    let size_bytes = bytes.len() as u64;
    if size_bytes > limits.input_bytes {
        return Err(ImagingError::TooManyBytes {
            size_bytes,
            limit_bytes: limits.input_bytes,
        });
    }
    let info = inspect(Cursor::new(bytes))?;
    limits.check_pixels(info.format, info.width_px, info.height_px)?;
    // The codecs are foreign code that hostile bytes go through: should one of them have a bug
    // that panics, it costs this image and not the task that asked for it.
    catch_unwind(AssertUnwindSafe(|| match info.format {
        ImageFormat::Png => png::decode(bytes, limits).map(|bitmap| info.orientation.apply(bitmap)),
        ImageFormat::Jpeg => jpeg::decode(bytes, limits),
        ImageFormat::Webp => webp::decode(bytes, limits).map(|bitmap| info.orientation.apply(bitmap)),
        ImageFormat::Gif => gif::decode(bytes, limits),
        ImageFormat::Avif => avif::decode(bytes, limits),
        ImageFormat::Heic => Err(ImagingError::heic()),
    }))
    .unwrap_or_else(|_| Err(ImagingError::malformed(info.format, "the decoder gave up on it")))
}
