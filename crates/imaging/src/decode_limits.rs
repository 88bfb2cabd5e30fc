//! What a picture may cost before it is decoded.

use crate::{ImageFormat, ImagingError};

/// What a picture may cost. Checked before anything is decoded or allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Size of the encoded image in bytes.
    pub input_bytes: u64,
    /// Width times height.
    pub pixels: u64,
    /// Width times height times the scans of a JPEG: each scan may cost as much as the whole picture, with no more than a few
    /// bytes behind it. A frame of an AVIF picture, of which it may have one for each layer, counts as ten scans. What else is
    /// decoded takes as long as its pixels and bytes do.
    pub scan_pixels: u64,
    /// Frames of an animation that may be used. Only the first one ever is, so 1 is enough; 0
    /// refuses animations.
    pub frames: u32,
}

impl Default for DecodeLimits {
    /// 50 MiB, 50 megapixels in up to 12 scans, one frame: what image models take, with room to spare. Encoders write about
    /// ten scans, which take a few seconds for so many pixels.
    fn default() -> Self {
        Self {
            input_bytes: 50 << 20,
            pixels: 50_000_000,
            scan_pixels: 600_000_000,
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
