//! The finished picture, and the rows of floating-point pixels it is painted in.

use super::noise::Rng;

/// A picture: 8-bit RGBA, straight alpha, rows from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width_px: u32,
    height_px: u32,
    rgba: Vec<u8>,
}

impl Canvas {
    /// Wraps decoded pixels; `None` if a side is 0 or the length is not width x height x 4.
    #[must_use]
    pub fn from_rgba(width_px: u32, height_px: u32, rgba: Vec<u8>) -> Option<Self> {
        let bytes = (u64::from(width_px) * u64::from(height_px)).saturating_mul(4);
        (bytes > 0 && rgba.len() as u64 == bytes).then_some(Self {
            width_px,
            height_px,
            rgba,
        })
    }

    /// A fully transparent picture; a side of 0 becomes 1.
    pub(crate) fn clear(width_px: u32, height_px: u32) -> Self {
        let (width_px, height_px) = (width_px.max(1), height_px.max(1));
        let rgba = vec![0; width_px as usize * height_px as usize * 4];
        Self {
            width_px,
            height_px,
            rgba,
        }
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    /// The bytes, four a pixel.
    #[must_use]
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// The bytes, four a pixel, without a copy.
    #[must_use]
    pub fn into_rgba(self) -> Vec<u8> {
        self.rgba
    }

    pub(crate) fn rgba_mut(&mut self) -> &mut [u8] {
        &mut self.rgba
    }

    /// The pixel at a place; both must lie inside.
    pub(crate) fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = (y * self.width_px as usize + x) * 4;
        [self.rgba[at], self.rgba[at + 1], self.rgba[at + 2], self.rgba[at + 3]]
    }

    pub(crate) fn pixel_mut(&mut self, x: usize, y: usize) -> &mut [u8] {
        let at = (y * self.width_px as usize + x) * 4;
        &mut self.rgba[at..at + 4]
    }
}

/// A color, sRGB-encoded, 0..1.
pub(crate) type Rgb = [f32; 3];

/// A pixel in work: sRGB-encoded, 0..1, color multiplied by alpha.
pub(crate) type Px = [f32; 4];

/// Something that paints itself into a picture row by row.
pub(crate) trait Layer {
    /// Paints row `y`; `done` holds what water mirrors.
    fn paint(&self, y: usize, row: &mut [Px], done: &Done);
}

/// What stood above the water before nearer things were painted: the rows that it mirrors.
pub(crate) struct Done {
    width: usize,
    rows: Vec<[u16; 3]>,
}

impl Done {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            rows: Vec::new(),
        }
    }

    /// Adds the next row, as it is at this moment.
    pub(crate) fn keep(&mut self, row: &[Px]) {
        let fine = |channel: f32| (channel.clamp(0.0, 1.0) * 65_535.0) as u16;
        self.rows
            .extend(row.iter().map(|px| [fine(px[0]), fine(px[1]), fine(px[2])]));
    }

    /// The color at a place, clamped to the finished rows; between two columns.
    #[inline]
    pub(crate) fn color(&self, x: f32, y: f32) -> Rgb {
        let rows = self.rows.len() / self.width;
        if rows == 0 {
            return [0.0; 3];
        }
        let y = (y.max(0.0) as usize).min(rows - 1);
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let left = x as usize;
        let right = (left + 1).min(self.width - 1);
        let part = x - left as f32;
        let base = y * self.width;
        let (a, b) = (self.rows[base + left], self.rows[base + right]);
        std::array::from_fn(|channel| {
            let (one, two) = (f32::from(a[channel]), f32::from(b[channel]));
            (one + (two - one) * part) / 65_535.0
        })
    }
}

/// Paints a color over a pixel.
#[inline]
pub(crate) fn over(px: &mut Px, color: Rgb, alpha: f32) {
    let keep = 1.0 - alpha;
    px[0] = px[0] * keep + color[0] * alpha;
    px[1] = px[1] * keep + color[1] * alpha;
    px[2] = px[2] * keep + color[2] * alpha;
    px[3] = px[3] * keep + alpha;
}

/// Adds light to a pixel, never beyond white.
#[inline]
pub(crate) fn shine(px: &mut Px, color: Rgb, amount: f32) {
    let full = px[3];
    for channel in 0..3 {
        px[channel] += color[channel] * amount * (full - px[channel]).max(0.0);
    }
}

/// Paints a stretch of a row with exact coverage at both ends.
#[inline]
pub(crate) fn span(row: &mut [Px], from: f32, to: f32, color: Rgb, alpha: f32) {
    let from = from.max(0.0);
    let to = to.min(row.len() as f32);
    if to <= from {
        return;
    }
    let first = from as usize;
    let last = (to.ceil() as usize).min(row.len());
    for (index, px) in row[first..last].iter_mut().enumerate() {
        let x = (first + index) as f32;
        let cover = (to.min(x + 1.0) - from.max(x)).clamp(0.0, 1.0);
        over(px, color, cover * alpha);
    }
}

/// How the picture is finished: darker corners, film grain, dither.
pub(crate) struct Finish {
    grain: Vec<f32>,
    dither: Vec<f32>,
    across: Vec<f32>,
    vignette: f32,
}

/// Length of the noise tables; a prime, so that rows do not repeat in step.
const TABLE: usize = 8191;

impl Finish {
    pub(crate) fn new(rng: &mut Rng, width: usize, grain: f32, vignette: f32) -> Self {
        let mut tent = |scale: f32| -> Vec<f32> { (0..TABLE).map(|_| (rng.unit() - rng.unit()) * scale).collect() };
        let grain = tent(grain * 255.0);
        let mut dither = tent(0.75);
        // Three channels read three entries in a row.
        dither.extend_from_within(..3);
        let across = (0..width)
            .map(|x| {
                let t = (x as f32 + 0.5) / width as f32 * 2.0 - 1.0;
                t * t
            })
            .collect();
        Self {
            grain,
            dither,
            across,
            vignette,
        }
    }

    /// Quantizes one painted row.
    pub(crate) fn write(&self, y: usize, height: usize, row: &[Px], out: &mut [u8], rng: &mut Rng) {
        let down = (y as f32 + 0.5) / height as f32 * 2.0 - 1.0;
        let down = down * down;
        let (mut grain_at, mut dither_at) = (rng.below(TABLE), rng.below(TABLE));
        for ((px, bytes), across) in row.iter().zip(out.chunks_exact_mut(4)).zip(&self.across) {
            grain_at += 1;
            dither_at += 3;
            if grain_at >= TABLE {
                grain_at -= TABLE;
            }
            if dither_at >= TABLE {
                dither_at -= TABLE;
            }
            let alpha = px[3];
            if alpha <= 0.002 {
                bytes.fill(0);
                continue;
            }
            let far = across + down;
            let scale = (1.0 - self.vignette * far * far * 0.25) * 255.0;
            let scale = if alpha < 0.999 { scale / alpha } else { scale };
            let noise = self.grain[grain_at] + 0.5;
            for channel in 0..3 {
                let dither = self.dither[dither_at + channel];
                bytes[channel] = (px[channel] * scale + noise + dither) as u8;
            }
            bytes[3] = (alpha.min(1.0) * 255.0 + 0.5) as u8;
        }
    }
}
