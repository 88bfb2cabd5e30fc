//! What the colors of an edit mask mean, and changing it.

use crate::Bitmap;
use crate::bitmap::RGBA_BYTES;

/// How a mask marks the area to edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskPolarity {
    /// Transparent pixels are edited, opaque ones kept.
    AlphaIsEdit,
    /// White is edited, black kept; opaque.
    WhiteIsEdit,
    /// Black is edited, white kept; opaque.
    BlackIsEdit,
}

/// Makes a mask for an upstream from a caller's, where alpha 0 means edit. What is in between
/// becomes the matching gray.
#[must_use]
pub fn convert_mask(mask: &Bitmap, to: MaskPolarity) -> Bitmap {
    if to == MaskPolarity::AlphaIsEdit {
        return mask.clone();
    }
    let mut rgba = mask.rgba().to_vec();
    for px in rgba.chunks_exact_mut(RGBA_BYTES) {
        let gray = match to {
            MaskPolarity::WhiteIsEdit => u8::MAX - px[3],
            MaskPolarity::BlackIsEdit | MaskPolarity::AlphaIsEdit => px[3],
        };
        px.copy_from_slice(&[gray, gray, gray, u8::MAX]);
    }
    mask.with_pixels(mask.width_px(), mask.height_px(), rgba).with_icc(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_becomes_gray() {
        let rgba = vec![9, 8, 7, 0, 6, 5, 4, 255, 3, 2, 1, 100];
        let mask = Bitmap::new(3, 1, rgba.clone()).expect("three pixels");
        let converted = |to| convert_mask(&mask, to).into_rgba();
        assert_eq!(converted(MaskPolarity::AlphaIsEdit), rgba);
        assert_eq!(
            converted(MaskPolarity::WhiteIsEdit),
            [255, 255, 255, 255, 0, 0, 0, 255, 155, 155, 155, 255]
        );
        assert_eq!(
            converted(MaskPolarity::BlackIsEdit),
            [0, 0, 0, 255, 255, 255, 255, 255, 100, 100, 100, 255]
        );
    }
}
