//! Ridges: mountains, hills and dunes as heights over columns, lit from one side.

use std::rc::Rc;

use super::canvas::{Done, Layer, Px, Rgb, over};
use super::noise::{Noise, ease, lerp};
use super::palette::quick;
use super::stage::Stage;

/// How a ridge is colored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coat {
    pub(crate) lit: Rgb,
    pub(crate) shade: Rgb,
    /// Air between this ridge and the next: color, depth below the crest (px) at which it is
    /// full, and how much of it (0..1).
    pub(crate) mist: Rgb,
    pub(crate) mist_depth: f32,
    pub(crate) mist_most: f32,
    /// Snow: its depth below the crest (px) and its color.
    pub(crate) snow: Option<(f32, Rgb)>,
    /// 0 soft, 1 hard change between light and shade.
    pub(crate) crisp: f32,
    /// How rough the slopes are, 0..1.
    pub(crate) rough: f32,
    pub(crate) light_from_left: bool,
}

/// One ridge.
pub(crate) struct Ridge {
    /// Row of the crest in each column, in px.
    pub(crate) top: Vec<f32>,
    fine: Vec<f32>,
    broad: Vec<f32>,
    /// Row in each column from which nearer ridges hide this one.
    hidden: Vec<f32>,
    coat: Coat,
    noise: Rc<Noise>,
    highest: f32,
    lowest: f32,
    step: usize,
    scale: f32,
    /// Columns that a jitter of 1 reaches aside, at the crest and deep below it.
    aside: (f32, f32),
    per_deep: f32,
    per_mist: f32,
    soft: f32,
}

impl Ridge {
    pub(crate) fn new(stage: &Stage, top: Vec<f32>, coat: Coat) -> Self {
        let unit = stage.unit;
        let sign = if coat.light_from_left { 1.0 } else { -1.0 };
        let slope = |reach: usize| -> Vec<f32> {
            let last = top.len() - 1;
            (0..top.len())
                .map(|x| {
                    let (a, b) = (x.saturating_sub(reach), (x + reach).min(last));
                    let run = (b - a).max(1) as f32;
                    (top[a] - top[b]) / run * -sign
                })
                .collect()
        };
        let fine = slope(((unit * 0.004) as usize).max(1));
        let broad = slope(((unit * 0.03) as usize).max(2));
        let highest = top.iter().copied().fold(f32::MAX, f32::min);
        let hidden = vec![f32::MAX; top.len()];
        Self {
            top,
            fine,
            broad,
            hidden,
            coat,
            noise: Rc::clone(&stage.noise),
            highest,
            lowest: stage.waterline,
            step: ((unit / 170.0) as usize).max(1),
            scale: 1.0 / unit,
            aside: (unit * 0.012, unit * 0.07),
            per_deep: 10.0 / unit,
            per_mist: 1.0 / coat.mist_depth,
            soft: 0.5 / lerp(0.9, 0.12, coat.crisp),
        }
    }

    fn color(&self, x: usize, d: f32, jitter: f32) -> Rgb {
        let coat = &self.coat;
        let deep = (d * self.per_deep).min(1.0);
        // Gullies run down from the crest: deeper rows look up a slope a little aside.
        let aside = x as f32 + jitter * (self.aside.0 + self.aside.1 * deep);
        let at = (aside.max(0.0) as usize).min(self.fine.len() - 1);
        let slope = lerp(self.fine[at], self.broad[at], 0.35 + 0.65 * deep) + jitter * coat.rough * 0.9;
        let light = smooth(0.5 - slope * self.soft);
        let mut color = quick(coat.shade, coat.lit, light);
        if let Some((depth, snow)) = coat.snow {
            let limit = depth * (1.0 + jitter * 1.5 - slope * 0.4).max(0.3);
            let amount = 1.0 - ease(limit * 0.78, limit * 1.05 + 1.0, d);
            let tone = quick(
                quick(coat.shade, snow, 0.42),
                snow,
                smooth(0.5 - slope * self.soft * 1.25),
            );
            color = quick(color, tone, amount * 0.95);
        }
        let mist = (d * self.per_mist).min(1.0);
        quick(color, coat.mist, mist * coat.mist_most)
    }
}

impl Layer for Ridge {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let at = y as f32 + 0.5;
        if at < self.highest - 1.0 || at > self.lowest + 1.0 {
            return;
        }
        let step = self.step;
        // Noise is smooth over a few pixels: reckon it at the ends of a block, draw a line between.
        let noise = |x: usize| {
            let x = x.min(self.top.len() - 1);
            let (u, v) = (x as f32 * self.scale, (at - self.top[x]) * self.scale);
            let broad = self.noise.plane(u * 9.0 + self.highest, v * 5.0 + 3.0);
            broad * 0.7 + self.noise.plane(u * 27.0, v * 17.0 + self.highest) * 0.4
        };
        let mut right: Option<f32> = None;
        for (block, pixels) in row.chunks_mut(step).enumerate() {
            let x0 = block * step;
            let out = |x: usize| at < self.top[x] - 1.0 || at > self.hidden[x] + 2.0;
            if (x0..x0 + pixels.len()).all(out) {
                right = None;
                continue;
            }
            let (from, to) = (right.unwrap_or_else(|| noise(x0)), noise(x0 + step));
            right = Some(to);
            let grow = (to - from) / step as f32;
            for (index, px) in pixels.iter_mut().enumerate() {
                let x = x0 + index;
                let jitter = from + grow * index as f32;
                let d = at - self.top[x];
                if d < -1.0 || at > self.hidden[x] + 2.0 {
                    continue;
                }
                let color = self.color(x, d.max(0.0), jitter);
                if d > 4.0 {
                    *px = [color[0], color[1], color[2], 1.0];
                    continue;
                }
                let steep = self.fine[x].abs().min(4.0);
                over(px, color, (d / (1.0 + steep * 0.7) + 0.5).clamp(0.0, 1.0));
            }
        }
    }
}

/// An S between 0 and 1.
#[inline]
fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Adds ridges from far to near; what nearer ones hide is not painted.
pub(crate) fn add(stage: &mut Stage, ridges: Vec<Ridge>) {
    for ridge in occlude(ridges) {
        stage.push(ridge);
    }
}

/// Marks in each ridge what the nearer ones hide.
pub(crate) fn occlude(mut ridges: Vec<Ridge>) -> Vec<Ridge> {
    let Some(width) = ridges.first().map(|ridge| ridge.top.len()) else {
        return ridges;
    };
    let mut hidden = vec![f32::MAX; width];
    for ridge in ridges.iter_mut().rev() {
        ridge.hidden.clone_from(&hidden);
        for (slot, top) in hidden.iter_mut().zip(&ridge.top) {
            *slot = slot.min(*top);
        }
    }
    ridges
}

/// Shape of a ridge.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Sharp peaks.
    Peaks,
    /// Round hills.
    Hills,
    /// Long smooth dunes with pointed crests.
    Dunes,
}

/// Heights of a ridge: `base` is the row of its lowest crest, `rise` its height (both px),
/// `per_unit` how many features fit in one unit.
pub(crate) fn profile(stage: &mut Stage, shape: Shape, base: f32, rise: f32, per_unit: f32) -> Vec<f32> {
    let shift = stage.rng.range(0.0, 230.0);
    let octaves = stage.octaves(5);
    let noise = &stage.noise;
    let tilt = stage.rng.range(-0.12, 0.12);
    (0..stage.width)
        .map(|x| {
            let u = x as f32 / stage.unit;
            let at = u * per_unit + shift;
            let height = match shape {
                Shape::Peaks => {
                    let big = noise.peaks(at, octaves);
                    let mass = 0.55 + 0.45 * noise.line(at * 0.43 + 71.0);
                    big * mass * 1.25
                }
                Shape::Hills => 0.5 + 0.62 * noise.lines(at, octaves.saturating_sub(1).max(2), 0.32),
                Shape::Dunes => {
                    let wave = noise.line(at * 0.8);
                    0.15 + (1.0 - wave.abs()) * 0.75 + 0.12 * noise.line(at * 0.5 + 9.0)
                }
            };
            base - rise * (height + tilt * (u / stage.span() - 0.5))
        })
        .collect()
}
