//! Turning and mirroring: what EXIF orientations and AVIF's `irot` and `imir` ask for.

use crate::Bitmap;
use crate::bitmap::RGBA_BYTES;

/// A transposition followed by mirrorings. All eight orientations of EXIF are of this shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Rows become columns.
    pub(crate) transpose: bool,
    /// Left and right change places, after the transposition.
    pub(crate) flip_x: bool,
    /// Top and bottom change places, after the transposition.
    pub(crate) flip_y: bool,
}

impl Orientation {
    const fn new(transpose: bool, flip_x: bool, flip_y: bool) -> Self {
        Self {
            transpose,
            flip_x,
            flip_y,
        }
    }

    /// Whether the stored pixels are the picture as it is shown.
    #[must_use]
    pub fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// Whether width and height of the stored pixels are those of the shown picture, exchanged.
    #[must_use]
    pub const fn swaps_sides(self) -> bool {
        self.transpose
    }

    /// Tag 0x0112 of EXIF; anything but 1 to 8 is taken as 1, upright.
    pub(crate) const fn from_exif(value: u16) -> Self {
        match value {
            2 => Self::new(false, true, false),
            3 => Self::new(false, true, true),
            4 => Self::new(false, false, true),
            5 => Self::new(true, false, false),
            6 => Self::new(true, true, false),
            7 => Self::new(true, true, true),
            8 => Self::new(true, false, true),
            _ => Self::new(false, false, false),
        }
    }

    /// Quarter turns against the clock, as `irot` counts them.
    pub(crate) const fn from_quarter_turns(turns: u8) -> Self {
        match turns % 4 {
            1 => Self::new(true, false, true),
            2 => Self::new(false, true, true),
            3 => Self::new(true, true, false),
            _ => Self::new(false, false, false),
        }
    }

    /// The size that a picture has after it is turned.
    pub(crate) const fn size(self, width_px: u32, height_px: u32) -> (u32, u32) {
        if self.transpose {
            (height_px, width_px)
        } else {
            (width_px, height_px)
        }
    }

    /// The picture as it is meant to be seen.
    #[must_use]
    pub fn apply(self, bitmap: Bitmap) -> Bitmap {
        if self == Self::default() {
            return bitmap;
        }
        let (width_px, height_px) = self.size(bitmap.width_px(), bitmap.height_px());
        let (width, height) = (width_px as usize, height_px as usize);
        let source_width = bitmap.width_px() as usize;
        let source = bitmap.rgba();
        let mut rgba = vec![0; source.len()];
        for (y, row) in rgba.chunks_exact_mut(width * RGBA_BYTES).enumerate() {
            let y = if self.flip_y { height - 1 - y } else { y };
            for (x, px) in row.chunks_exact_mut(RGBA_BYTES).enumerate() {
                let x = if self.flip_x { width - 1 - x } else { x };
                let index = if self.transpose {
                    x * source_width + y
                } else {
                    y * source_width + x
                };
                px.copy_from_slice(&source[index * RGBA_BYTES..][..RGBA_BYTES]);
            }
        }
        bitmap.with_pixels(width_px, height_px, rgba)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six gray pixels: `1 2 3` above `4 5 6`.
    fn sample() -> Bitmap {
        let rgba = (1..=6).flat_map(|v| [v, v, v, 255]).collect();
        Bitmap::new(3, 2, rgba).expect("six pixels")
    }

    fn turned(orientation: Orientation) -> (u32, Vec<u8>) {
        let bitmap = orientation.apply(sample());
        (bitmap.width_px(), bitmap.rgba().iter().copied().step_by(4).collect())
    }

    #[test]
    fn exif_orientations() {
        let expected: [(u32, [u8; 6]); 9] = [
            (3, [1, 2, 3, 4, 5, 6]),
            (3, [1, 2, 3, 4, 5, 6]),
            (3, [3, 2, 1, 6, 5, 4]),
            (3, [6, 5, 4, 3, 2, 1]),
            (3, [4, 5, 6, 1, 2, 3]),
            (2, [1, 4, 2, 5, 3, 6]),
            (2, [4, 1, 5, 2, 6, 3]),
            (2, [6, 3, 5, 2, 4, 1]),
            (2, [3, 6, 2, 5, 1, 4]),
        ];
        for (value, (width, pixels)) in (0..).zip(expected) {
            let orientation = Orientation::from_exif(value);
            assert_eq!(turned(orientation), (width, pixels.to_vec()), "{value}");
            assert_eq!(orientation.size(3, 2).0, width);
        }
    }

    #[test]
    fn quarter_turns_go_against_the_clock() {
        assert_eq!(turned(Orientation::from_quarter_turns(1)), (2, vec![3, 6, 2, 5, 1, 4]));
        assert_eq!(turned(Orientation::from_quarter_turns(2)), (3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(Orientation::from_quarter_turns(3)), (2, vec![4, 1, 5, 2, 6, 3]));
    }
}
