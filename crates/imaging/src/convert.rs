//! One image file into another: decode, fit to a size, encode.

use std::fmt;
use std::io::Cursor;

use crate::encode::check_edge;
use crate::{Bitmap, DecodeLimits, ImageFormat, ImageInfo, ImagingError, decode, encode, inspect};

/// What an image is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The format to encode as.
    pub format: ImageFormat,
    /// Quality of lossy formats, 1 to 100; see [`encode`].
    pub quality: Option<u8>,
    /// The exact size, by [`Bitmap::cover`]; as it is, if none.
    pub cover: Option<(u32, u32)>,
}

/// A converted image.
#[derive(Clone)]
pub struct Converted {
    /// The encoded image.
    pub bytes: Vec<u8>,
    /// What its header says.
    pub info: ImageInfo,
}

impl fmt::Debug for Converted {
    /// Image bytes stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Converted")
            .field("size_bytes", &self.bytes.len())
            .field("info", &self.info)
            .finish()
    }
}

/// Converts an image file.
///
/// # Errors
/// Those of [`decode`] and [`encode`], and [`ImagingError::TargetTooLarge`] when the size asked
/// for has more pixels than the limits allow. Sizes are checked before any pixel is decoded.
pub fn convert(bytes: &[u8], conversion: &Conversion, limits: &DecodeLimits) -> Result<Converted, ImagingError> {
    check_target(bytes, conversion, limits)?;
    let mut bitmap = decode(bytes, limits)?;
    if let Some((width_px, height_px)) = conversion.cover {
        bitmap = bitmap.cover(width_px, height_px);
    }
    let bytes = encode(&bitmap, conversion.format, conversion.quality)?;
    let info = info_of(&bitmap, conversion.format);
    Ok(Converted { bytes, info })
}

/// Fails early on a size that could not be encoded anyway: decoding is the costly part.
fn check_target(bytes: &[u8], conversion: &Conversion, limits: &DecodeLimits) -> Result<(), ImagingError> {
    let (width_px, height_px) = match conversion.cover {
        Some((width_px, height_px)) => {
            if u64::from(width_px) * u64::from(height_px) > limits.pixels {
                return Err(ImagingError::TargetTooLarge {
                    width_px,
                    height_px,
                    limit_pixels: limits.pixels,
                });
            }
            (width_px, height_px)
        }
        None => {
            let info = inspect(Cursor::new(bytes))?;
            limits.check_pixels(info.format, info.width_px, info.height_px)?;
            (info.width_px, info.height_px)
        }
    };
    check_edge(conversion.format, width_px, height_px)
}

fn info_of(bitmap: &Bitmap, format: ImageFormat) -> ImageInfo {
    ImageInfo {
        format,
        width_px: bitmap.width_px(),
        height_px: bitmap.height_px(),
        has_alpha: format.supports_alpha() && bitmap.has_transparency(),
        orientation: crate::Orientation::default(),
        is_moving: false,
        is_plain: true,
    }
}
