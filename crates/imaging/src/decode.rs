//! Any supported format to a bitmap, within limits.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codecs::{avif, gif, jpeg, png, webp};
use crate::{Bitmap, ImageFormat, ImagingError, inspect};

/// What a picture may cost. Checked before anything is decoded or allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Size of the encoded image in bytes.
    pub input_bytes: u64,
    /// Width times height.
    pub pixels: u64,
    /// Frames of an animation that may be used. Only the first one ever is, so 1 is enough; 0
    /// refuses animations.
    pub frames: u32,
}

impl Default for DecodeLimits {
    /// 50 MiB, 50 megapixels, one frame: what image models take, with room to spare.
    fn default() -> Self {
        Self {
            input_bytes: 50 << 20,
            pixels: 50_000_000,
            frames: 1,
        }
    }
}

impl DecodeLimits {
    /// Refuses a size that a header claims.
    pub(crate) fn check_pixels(&self, format: ImageFormat, width_px: u32, height_px: u32) -> Result<(), ImagingError> {
        if u64::from(width_px) * u64::from(height_px) > self.pixels {
            return Err(ImagingError::TooManyPixels {
                format,
                width_px,
                height_px,
                limit_pixels: self.pixels,
            });
        }
        Ok(())
    }
}

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
        ImageFormat::Png => png::decode(bytes, limits),
        ImageFormat::Jpeg => jpeg::decode(bytes, limits),
        ImageFormat::Webp => webp::decode(bytes, limits),
        ImageFormat::Gif => gif::decode(bytes, limits),
        ImageFormat::Avif => avif::decode(bytes, limits),
    }))
    .unwrap_or_else(|_| Err(ImagingError::malformed(info.format, "the decoder gave up on it")))
}
