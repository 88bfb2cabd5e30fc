//! Decoded planes to RGBA: chroma upsampling, color matrices, ranges and depths.

use crate::bitmap::RGBA_BYTES;

/// How samples stand for colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coefficients {
    /// Matrix coefficients, numbered by ITU-T H.273.
    pub(super) matrix: u16,
    /// Whether samples use all values, or leave room at both ends.
    pub(super) is_full_range: bool,
}

/// Samples in rows: one byte each at 8 bits, else two in the machine's order.
pub(super) struct Plane<'a> {
    bytes: &'a [u8],
    stride_bytes: usize,
}

impl<'a> Plane<'a> {
    pub(super) const fn new(bytes: &'a [u8], stride_bytes: usize) -> Self {
        Self { bytes, stride_bytes }
    }

    /// Reads the first samples of a row.
    fn read_row(&self, y: usize, depth: u32, to: &mut [f32]) {
        let row = &self.bytes[y * self.stride_bytes..];
        if depth == 8 {
            for (to, &from) in to.iter_mut().zip(row) {
                *to = f32::from(from);
            }
        } else {
            for (to, from) in to.iter_mut().zip(row.chunks_exact(2)) {
                *to = f32::from(u16::from_ne_bytes([from[0], from[1]]));
            }
        }
    }
}

/// The two color planes.
pub(super) struct Chroma<'a> {
    pub(super) u: Plane<'a>,
    pub(super) v: Plane<'a>,
    /// One sample for two columns.
    pub(super) halves_x: bool,
    /// One sample for two rows.
    pub(super) halves_y: bool,
}

/// A decoded picture.
pub(super) struct Frame<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Bits per sample: 8, 10 or 12.
    pub(super) depth: u32,
    pub(super) coefficients: Coefficients,
    pub(super) luma: Plane<'a>,
    pub(super) chroma: Option<Chroma<'a>>,
}

/// A scale and an offset that bring samples to 0..=255, or to -127.5..=127.5 around the middle.
#[derive(Clone, Copy)]
struct Scale {
    offset: f32,
    factor: f32,
}

impl Frame<'_> {
    fn max(&self) -> f32 {
        ((1_u32 << self.depth) - 1) as f32
    }

    /// How much larger than 8-bit samples these are.
    fn step(&self) -> f32 {
        (1_u32 << (self.depth - 8)) as f32
    }

    /// Limited range: 16 is black and 235 white.
    fn luma_scale(&self) -> Scale {
        if self.coefficients.is_full_range {
            Scale {
                offset: 0.0,
                factor: 255.0 / self.max(),
            }
        } else {
            Scale {
                offset: 16.0 * self.step(),
                factor: 255.0 / (219.0 * self.step()),
            }
        }
    }

    /// Limited range: 16 to 240 around 128.
    fn chroma_scale(&self) -> Scale {
        let factor = if self.coefficients.is_full_range {
            255.0 / self.max()
        } else {
            255.0 / (224.0 * self.step())
        };
        Scale {
            offset: 128.0 * self.step(),
            factor,
        }
    }
}

/// Colors to the first three bytes of every pixel.
pub(super) fn write_color(frame: &Frame<'_>, rgba: &mut [u8]) {
    let luma_scale = frame.luma_scale();
    let is_rgb = frame.coefficients.matrix == 0;
    let chroma_scale = if is_rgb { luma_scale } else { frame.chroma_scale() };
    let mut luma = vec![0.0; frame.width];
    let mut u = ChromaRow::new(frame);
    let mut v = ChromaRow::new(frame);
    let rows = rgba.chunks_exact_mut(frame.width * RGBA_BYTES);
    for (y, row) in rows.take(frame.height).enumerate() {
        read_scaled(&frame.luma, y, frame.depth, luma_scale, &mut luma);
        let Some(chroma) = &frame.chroma else {
            for (px, &gray) in row.chunks_exact_mut(RGBA_BYTES).zip(&luma) {
                px[..3].fill(to_byte(gray));
            }
            continue;
        };
        u.read(&chroma.u, chroma, y, frame, chroma_scale);
        v.read(&chroma.v, chroma, y, frame, chroma_scale);
        write_row(frame.coefficients.matrix, &luma, &u.full, &v.full, row);
    }
}

fn write_row(matrix: u16, luma: &[f32], u: &[f32], v: &[f32], row: &mut [u8]) {
    let pixels = row.chunks_exact_mut(RGBA_BYTES).zip(luma).zip(u).zip(v);
    match matrix {
        // No matrix: the planes are green, blue and red.
        0 => {
            for (((px, &green), &blue), &red) in pixels {
                px[..3].copy_from_slice(&[to_byte(red), to_byte(green), to_byte(blue)]);
            }
        }
        // YCgCo.
        8 => {
            for (((px, &y), &cg), &co) in pixels {
                let (red, green, blue) = (y - cg + co, y + cg, y - cg - co);
                px[..3].copy_from_slice(&[to_byte(red), to_byte(green), to_byte(blue)]);
            }
        }
        _ => {
            let (kr, kb) = weights(matrix);
            let kg = 1.0 - kr - kb;
            let (red_v, blue_u) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
            let (green_u, green_v) = (blue_u * kb / kg, red_v * kr / kg);
            for (((px, &y), &u), &v) in pixels {
                let (red, blue) = (y + red_v * v, y + blue_u * u);
                let green = y - green_u * u - green_v * v;
                px[..3].copy_from_slice(&[to_byte(red), to_byte(green), to_byte(blue)]);
            }
        }
    }
}

/// Shares of red and blue in luma, by ITU-T H.273. Where nothing is specified it is BT.601, as
/// other AVIF decoders have it.
const fn weights(matrix: u16) -> (f32, f32) {
    match matrix {
        1 | 12 => (0.2126, 0.0722),
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        9 | 10 => (0.2627, 0.0593),
        _ => (0.299, 0.114),
    }
}

/// Alpha to the fourth byte of every pixel.
pub(super) fn write_alpha(frame: &Frame<'_>, rgba: &mut [u8]) {
    let scale = frame.luma_scale();
    let mut alpha = vec![0.0; frame.width];
    let rows = rgba.chunks_exact_mut(frame.width * RGBA_BYTES);
    for (y, row) in rows.take(frame.height).enumerate() {
        read_scaled(&frame.luma, y, frame.depth, scale, &mut alpha);
        for (px, &alpha) in row.chunks_exact_mut(RGBA_BYTES).zip(&alpha) {
            px[3] = to_byte(alpha);
        }
    }
}

/// Divides colors by alpha.
pub(super) fn unpremultiply(rgba: &mut [u8]) {
    for px in rgba.chunks_exact_mut(RGBA_BYTES) {
        let alpha = u32::from(px[3]);
        if alpha == 0 || alpha == 255 {
            continue;
        }
        for channel in &mut px[..3] {
            *channel = ((u32::from(*channel) * 255 + alpha / 2) / alpha).min(255) as u8;
        }
    }
}

fn read_scaled(plane: &Plane<'_>, y: usize, depth: u32, scale: Scale, to: &mut [f32]) {
    plane.read_row(y, depth, to);
    for sample in to {
        *sample = (*sample - scale.offset) * scale.factor;
    }
}

/// Rounds; what is out of range becomes the nearest end of it.
fn to_byte(value: f32) -> u8 {
    (value + 0.5) as u8
}

/// One row of a color plane at full width.
struct ChromaRow {
    full: Vec<f32>,
    near: Vec<f32>,
    far: Vec<f32>,
}

impl ChromaRow {
    fn new(frame: &Frame<'_>) -> Self {
        let halves_x = frame.chroma.as_ref().is_some_and(|chroma| chroma.halves_x);
        let columns = if halves_x { frame.width.div_ceil(2) } else { frame.width };
        Self {
            full: vec![0.0; frame.width],
            near: vec![0.0; columns],
            far: vec![0.0; columns],
        }
    }

    /// Samples of missing rows and columns lie between their neighbors: three quarters of the
    /// nearer, one quarter of the farther, since each sample stands in the middle of its two.
    fn read(&mut self, plane: &Plane<'_>, chroma: &Chroma<'_>, y: usize, frame: &Frame<'_>, scale: Scale) {
        if chroma.halves_y {
            let rows = frame.height.div_ceil(2);
            let near_y = y / 2;
            let far_y = if y.is_multiple_of(2) {
                near_y.saturating_sub(1)
            } else {
                (near_y + 1).min(rows - 1)
            };
            read_scaled(plane, near_y, frame.depth, scale, &mut self.near);
            read_scaled(plane, far_y, frame.depth, scale, &mut self.far);
            for (near, far) in self.near.iter_mut().zip(&self.far) {
                *near = 0.75 * *near + 0.25 * far;
            }
        } else {
            read_scaled(plane, y, frame.depth, scale, &mut self.near);
        }
        if chroma.halves_x {
            widen(&self.near, &mut self.full);
        } else {
            self.full.copy_from_slice(&self.near);
        }
    }
}

/// Twice as many columns.
fn widen(half: &[f32], full: &mut [f32]) {
    let last = half.len() - 1;
    for (x, pair) in full.chunks_mut(2).enumerate() {
        let near = half[x];
        let before = half[x.saturating_sub(1)];
        let after = half[(x + 1).min(last)];
        pair[0] = 0.75 * near + 0.25 * before;
        if let Some(second) = pair.get_mut(1) {
            *second = 0.75 * near + 0.25 * after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(depth: u32, coefficients: Coefficients, [y, u, v]: [u16; 3]) -> [u8; 3] {
        let plane = |sample: u16| match depth {
            8 => vec![sample as u8],
            _ => sample.to_ne_bytes().to_vec(),
        };
        let (luma, u, v) = (plane(y), plane(u), plane(v));
        let stride = luma.len();
        let frame = Frame {
            width: 1,
            height: 1,
            depth,
            coefficients,
            luma: Plane::new(&luma, stride),
            chroma: Some(Chroma {
                u: Plane::new(&u, stride),
                v: Plane::new(&v, stride),
                halves_x: false,
                halves_y: false,
            }),
        };
        let mut rgba = [0; 4];
        write_color(&frame, &mut rgba);
        [rgba[0], rgba[1], rgba[2]]
    }

    const fn coefficients(matrix: u16, is_full_range: bool) -> Coefficients {
        Coefficients { matrix, is_full_range }
    }

    #[test]
    fn known_colors() {
        // Red by the tables of BT.601 and BT.709, in limited and full range.
        assert_eq!(color(8, coefficients(6, false), [81, 90, 240]), [254, 0, 0]);
        assert_eq!(color(8, coefficients(1, false), [63, 102, 240]), [255, 1, 0]);
        assert_eq!(color(8, coefficients(6, true), [76, 85, 255]), [254, 0, 0]);
        // White, black and the ends of the ranges.
        assert_eq!(color(8, coefficients(1, false), [235, 128, 128]), [255; 3]);
        assert_eq!(color(8, coefficients(1, false), [16, 128, 128]), [0; 3]);
        assert_eq!(color(10, coefficients(9, true), [1023, 512, 512]), [255; 3]);
        assert_eq!(color(10, coefficients(9, false), [940, 512, 512]), [255; 3]);
        assert_eq!(color(12, coefficients(9, false), [256, 2048, 2048]), [0; 3]);
        // Without a matrix the planes are green, blue, red.
        assert_eq!(color(8, coefficients(0, true), [10, 20, 30]), [30, 10, 20]);
        // YCgCo: green alone.
        assert_eq!(color(8, coefficients(8, true), [128, 255, 128]), [1, 255, 1]);
    }

    #[test]
    fn upsampling_is_between_neighbors() {
        let mut full = [0.0; 5];
        widen(&[0.0, 4.0, 8.0], &mut full);
        assert_eq!(full, [0.0, 1.0, 3.0, 5.0, 7.0]);
        let mut one = [0.0; 1];
        widen(&[3.0], &mut one);
        assert_eq!(one, [3.0]);
    }

    #[test]
    fn premultiplied_colors_are_restored() {
        let mut rgba = [64, 32, 0, 128, 9, 9, 9, 0, 7, 8, 9, 255, 200, 0, 0, 100];
        unpremultiply(&mut rgba);
        assert_eq!(rgba, [128, 64, 0, 128, 9, 9, 9, 0, 7, 8, 9, 255, 255, 0, 0, 100]);
    }
}
