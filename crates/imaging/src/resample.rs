//! Cropping to a ratio and resampling to an exact size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::Bitmap;

impl Bitmap {
    /// Exactly `width_px` by `height_px`: the largest centered part of that ratio, resampled by
    /// Lanczos with three lobes on premultiplied alpha, so that no color of transparent pixels
    /// bleeds. A side of 0 is taken as 1.
    ///
    /// Memory is allocated for the size asked for: check it first where a caller chose it.
    #[must_use]
    pub fn cover(&self, width_px: u32, height_px: u32) -> Self {
        let (width_px, height_px) = (width_px.max(1), height_px.max(1));
        if (width_px, height_px) == (self.width_px(), self.height_px()) {
            return self.clone();
        }
        let source = ImageRef::new(self.width_px(), self.height_px(), self.rgba(), PixelType::U8x4)
            .expect("a bitmap holds four bytes per pixel");
        let mut target = Image::new(width_px, height_px, PixelType::U8x4);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .fit_into_destination(Some((0.5, 0.5)))
            .use_alpha(self.has_transparency());
        Resizer::new()
            .resize(&source, &mut target, &options)
            .expect("both images have the same pixel type and the crop lies inside the source");
        self.with_pixels(width_px, height_px, target.into_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three vertical bands: red, green, blue.
    fn bands(width: u32, height: u32) -> Bitmap {
        let rgba = (0..height)
            .flat_map(|_| 0..width)
            .flat_map(|x| match x * 3 / width {
                0 => [255, 0, 0, 255],
                1 => [0, 255, 0, 255],
                _ => [0, 0, 255, 255],
            })
            .collect();
        Bitmap::new(width, height, rgba).expect("full rows")
    }

    fn pixel(bitmap: &Bitmap, x: u32, y: u32) -> [u8; 4] {
        let at = ((y * bitmap.width_px() + x) * 4) as usize;
        bitmap.rgba()[at..at + 4].try_into().expect("four bytes")
    }

    #[test]
    fn sizes_are_exact() {
        for (width, height) in [(1, 1), (1024, 1), (17, 333), (120, 40), (241, 80), (40, 120)] {
            let covered = bands(120, 40).cover(width, height);
            assert_eq!((covered.width_px(), covered.height_px()), (width, height));
        }
        let least = bands(120, 40).cover(0, 0);
        assert_eq!((least.width_px(), least.height_px()), (1, 1));
    }

    #[test]
    fn the_center_is_kept() {
        // A square out of 3:1 is the middle band alone, without the edges' ringing.
        let square = bands(120, 40).cover(20, 20);
        assert_eq!(pixel(&square, 10, 10), [0, 255, 0, 255]);
        for x in [2, 17] {
            let [red, green, blue, alpha] = pixel(&square, x, 10);
            assert!(red < 30 && green > 225 && blue < 30 && alpha == 255, "{x}");
        }
        // A wider crop cuts rows: all three bands stay.
        let wide = bands(120, 40).cover(60, 10);
        assert_eq!(pixel(&wide, 5, 5), [255, 0, 0, 255]);
        assert_eq!(pixel(&wide, 30, 5), [0, 255, 0, 255]);
        assert_eq!(pixel(&wide, 55, 5), [0, 0, 255, 255]);
    }

    #[test]
    fn transparent_colors_do_not_bleed() {
        // Opaque red beside fully transparent green.
        let rgba = (0..64)
            .flat_map(|i| if i % 8 < 4 { [255, 0, 0, 255] } else { [0, 255, 0, 0] })
            .collect();
        let bitmap = Bitmap::new(8, 8, rgba).expect("64 pixels");
        let small = bitmap.cover(5, 5);
        for px in small.rgba().chunks_exact(4).filter(|px| px[3] > 16) {
            assert!(px[0] > 240 && px[1] < 16, "{px:?}");
        }
    }
}
