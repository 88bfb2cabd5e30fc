//! Decoded pixels: 8-bit RGBA with straight alpha.

use std::fmt;

use crate::ImagingError;

/// Bytes per pixel of a [`Bitmap`].
pub(crate) const RGBA_BYTES: usize = 4;

/// A longer ICC profile is dropped: real ones have at most some hundred KiB.
const ICC_MAX_BYTES: usize = 1 << 20;

/// A picture in memory, at least 1x1: RGBA, 8 bits each, straight (not premultiplied) alpha, rows
/// from the top without gaps.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    width_px: u32,
    height_px: u32,
    rgba: Vec<u8>,
    icc: Option<Vec<u8>>,
}

impl Bitmap {
    /// A bitmap of pixels at hand.
    ///
    /// # Errors
    /// [`ImagingError::BadBitmap`] when a side is 0 or `rgba` is not `width * height * 4` long.
    pub fn new(width_px: u32, height_px: u32, rgba: Vec<u8>) -> Result<Self, ImagingError> {
        let size_bytes = u64::from(width_px)
            .checked_mul(u64::from(height_px))
            .and_then(|pixels| pixels.checked_mul(RGBA_BYTES as u64));
        if width_px == 0 || height_px == 0 || size_bytes != Some(rgba.len() as u64) {
            return Err(ImagingError::BadBitmap {
                width_px,
                height_px,
                size_bytes: rgba.len(),
            });
        }
        Ok(Self {
            width_px,
            height_px,
            rgba,
            icc: None,
        })
    }

    /// The same pixels with an ICC profile. A profile of anything but RGB, or longer than 1 MiB,
    /// is ignored, since it would be wrong for these pixels.
    #[must_use]
    pub fn with_icc(mut self, profile: Option<Vec<u8>>) -> Self {
        // Bytes 16 to 20 of an ICC profile name the color space of the data it describes.
        self.icc = profile.filter(|icc| icc.len() <= ICC_MAX_BYTES && icc.get(16..20) == Some(b"RGB "));
        self
    }

    /// Pixels per row, at least 1.
    #[must_use]
    pub const fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Rows, at least 1.
    #[must_use]
    pub const fn height_px(&self) -> u32 {
        self.height_px
    }

    /// The pixels, four bytes each.
    #[must_use]
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// The pixels, without a copy.
    #[must_use]
    pub fn into_rgba(self) -> Vec<u8> {
        self.rgba
    }

    /// The RGB profile that the source came with; none means sRGB.
    #[must_use]
    pub fn icc(&self) -> Option<&[u8]> {
        self.icc.as_deref()
    }

    /// Whether any pixel is less than fully opaque.
    #[must_use]
    pub fn has_transparency(&self) -> bool {
        self.rgba.chunks_exact(RGBA_BYTES).any(|px| px[3] != u8::MAX)
    }

    /// The picture laid on an opaque background.
    #[must_use]
    pub fn flatten_on(&self, background: [u8; 3]) -> Self {
        let mut flat = self.clone();
        for px in flat.rgba.chunks_exact_mut(RGBA_BYTES) {
            let alpha = u32::from(px[3]);
            for (channel, back) in px.iter_mut().zip(background) {
                let sum = u32::from(*channel) * alpha + u32::from(back) * (255 - alpha);
                *channel = ((sum + 127) / 255) as u8;
            }
            px[3] = u8::MAX;
        }
        flat
    }

    /// The pixels without their alpha, three bytes each.
    pub(crate) fn to_rgb(&self) -> Vec<u8> {
        let mut rgb = vec![0; self.rgba.len() / RGBA_BYTES * 3];
        for (to, from) in rgb.chunks_exact_mut(3).zip(self.rgba.chunks_exact(RGBA_BYTES)) {
            to.copy_from_slice(&from[..3]);
        }
        rgb
    }

    /// A bitmap of the same profile with other pixels, whose count the caller has made right.
    pub(crate) fn with_pixels(&self, width_px: u32, height_px: u32, rgba: Vec<u8>) -> Self {
        debug_assert_eq!(
            rgba.len() as u64,
            u64::from(width_px) * u64::from(height_px) * RGBA_BYTES as u64
        );
        Self {
            width_px,
            height_px,
            rgba,
            icc: self.icc.clone(),
        }
    }
}

impl fmt::Debug for Bitmap {
    /// Pixels stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bitmap({}x{})", self.width_px, self.height_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_and_length_must_agree() {
        assert!(Bitmap::new(2, 3, vec![0; 24]).is_ok());
        for (width, height, length) in [(2, 3, 23), (0, 3, 0), (3, 0, 0), (u32::MAX, u32::MAX, 4)] {
            let error = Bitmap::new(width, height, vec![0; length]);
            assert!(matches!(error, Err(ImagingError::BadBitmap { .. })));
        }
    }

    #[test]
    fn flattening_blends_by_alpha() {
        let rgba = vec![10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 128];
        let bitmap = Bitmap::new(3, 1, rgba).expect("three pixels");
        assert!(bitmap.has_transparency());
        let flat = bitmap.flatten_on([255, 255, 255]);
        assert!(!flat.has_transparency());
        assert_eq!(flat.rgba(), [255, 255, 255, 255, 10, 20, 30, 255, 127, 177, 227, 255]);
        assert_eq!(flat.to_rgb(), [255, 255, 255, 10, 20, 30, 127, 177, 227]);
    }

    #[test]
    fn only_rgb_profiles_are_kept() {
        let profile = |space: &[u8; 4]| {
            let mut icc = vec![0; 128];
            icc[16..20].copy_from_slice(space);
            icc
        };
        let bitmap = Bitmap::new(1, 1, vec![0; 4]).expect("one pixel");
        assert!(bitmap.clone().with_icc(Some(profile(b"RGB "))).icc().is_some());
        assert!(bitmap.clone().with_icc(Some(profile(b"CMYK"))).icc().is_none());
        assert!(bitmap.with_icc(Some(vec![0; 5])).icc().is_none());
    }

    #[test]
    fn debug_shows_no_pixels() {
        let bitmap = Bitmap::new(1, 1, vec![7; 4]).expect("one pixel");
        assert_eq!(format!("{bitmap:?}"), "Bitmap(1x1)");
    }
}
