//! A bitmap to any supported format.

use crate::codecs::{avif, gif, jpeg, png, webp};
use crate::{Bitmap, ImageFormat, ImagingError, max_edge_px};

/// The quality of lossy formats where none is asked for: artifacts cannot be seen at normal size.
pub const DEFAULT_QUALITY: u8 = 90;

/// Refuses a size that the format, or our patience, has no room for.
pub(crate) fn check_edge(format: ImageFormat, width_px: u32, height_px: u32) -> Result<(), ImagingError> {
    let edge_max_px = max_edge_px(format);
    if width_px.max(height_px) <= edge_max_px {
        return Ok(());
    }
    Err(match format {
        ImageFormat::Avif => ImagingError::TooLargeForAvif { width_px, height_px },
        _ => ImagingError::TooLargeForFormat {
            format,
            width_px,
            height_px,
            edge_max_px,
        },
    })
}

/// Encodes a picture.
///
/// `quality` is 1 to 100, 100 is best, 0 is taken as 1 and more as 100; without one it is
/// [`DEFAULT_QUALITY`]. PNG and GIF ignore it. JPEG has no transparency: the picture is laid on
/// white. GIF makes every pixel of less than half the alpha transparent and the others opaque.
///
/// # Errors
/// [`ImagingError::TooLargeForAvif`], [`ImagingError::TooLargeForFormat`] by [`max_edge_px`], and
/// [`ImagingError::EncodeFailed`] when the encoder refuses.
pub fn encode(bitmap: &Bitmap, format: ImageFormat, quality: Option<u8>) -> Result<Vec<u8>, ImagingError> {
    check_edge(format, bitmap.width_px(), bitmap.height_px())?;
    let quality = quality.unwrap_or(DEFAULT_QUALITY).clamp(1, 100);
    let holds_profile = !matches!(format, ImageFormat::Gif | ImageFormat::Avif);
    let srgb = (!holds_profile && bitmap.icc().is_some()).then(|| bitmap.to_srgb());
    let bitmap = srgb.as_ref().unwrap_or(bitmap);
    match format {
        ImageFormat::Png => png::encode(bitmap),
        ImageFormat::Jpeg => jpeg::encode(bitmap, quality),
        ImageFormat::Webp => webp::encode(bitmap, quality),
        ImageFormat::Gif => gif::encode(bitmap),
        ImageFormat::Avif => avif::encode(bitmap, quality),
        ImageFormat::Heic => Err(ImagingError::heic()),
    }
}
