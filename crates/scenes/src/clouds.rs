//! Clouds, aurora and rays: what moves in the sky.

use std::rc::Rc;

use super::canvas::{Done, Layer, Px, Rgb, over, shine};
use super::noise::{Noise, ease, lerp};
use super::palette::{blend, hex, lift, quick};
use super::sky::Orb;
use super::stage::Stage;
use super::vocabulary::{Extra, Time};

/// A deck of clouds that flattens toward the horizon.
struct Clouds {
    noise: Rc<Noise>,
    horizon: f32,
    per_x: f32,
    per_y: f32,
    shift: f32,
    cover: f32,
    soft: f32,
    lit: Rgb,
    shade: Rgb,
    strength: f32,
    octaves: u32,
    step: usize,
    /// Whether light comes from below, as with a low sun.
    low: bool,
}

impl Clouds {
    /// Density and brightness of the clouds at a place.
    fn sample(&self, x: f32, v: f32, squeeze: f32) -> [f32; 2] {
        let (u, v) = (x * self.per_x * squeeze + self.shift, v * self.per_y + self.shift);
        let thick = self.noise.planes(u, v, self.octaves);
        let density = ease(self.cover, self.cover + self.soft, thick);
        if density <= 0.0 {
            return [0.0, 0.6];
        }
        let probe = self.noise.planes(u + 0.06, v + if self.low { 0.22 } else { -0.22 }, 2);
        let light = (0.55 + (thick - probe) * 1.1 - density * 0.25).clamp(0.0, 1.0);
        [density, light]
    }
}

impl Layer for Clouds {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let up = 1.0 - (y as f32 + 0.5) / self.horizon;
        if up <= 0.0 {
            return;
        }
        // Perspective: rows near the horizon lie farther away, so they hold more cloud per pixel.
        let depth = 1.0 / (up * 0.8 + 0.22);
        let squeeze = lerp(0.6, 1.0, depth * 0.22);
        let fade = ease(0.0, 0.22, up) * self.strength;
        let mut left = self.sample(0.0, depth, squeeze);
        for (block, pixels) in row.chunks_mut(self.step).enumerate() {
            let right = self.sample(((block + 1) * self.step) as f32, depth, squeeze);
            if left[0] > 0.0 || right[0] > 0.0 {
                for (index, px) in pixels.iter_mut().enumerate() {
                    let t = index as f32 / self.step as f32;
                    let light = lerp(left[1], right[1], t);
                    over(
                        px,
                        quick(self.shade, self.lit, light),
                        lerp(left[0], right[0], t) * fade,
                    );
                }
            }
            left = right;
        }
    }
}

/// Adds clouds above `horizon` (px); how many depends on chance and on the prompt.
pub(crate) fn add(stage: &mut Stage, horizon: f32) {
    if stage.clear {
        return;
    }
    let time = stage.intent.time;
    let heavy = stage.intent.has(Extra::Clouds) || stage.intent.has(Extra::Rain);
    let palette = &stage.palette;
    let (lit, shade) = match time {
        Time::Day => (lift(palette.sky[4], 0.04), blend(palette.sky[2], palette.sky[0], 0.25)),
        Time::Night => (palette.sky[3], blend(palette.sky[1], palette.sky[2], 0.5)),
        _ => (
            blend(palette.glow, palette.sky[3], 0.3),
            blend(palette.sky[1], palette.sky[2], 0.35),
        ),
    };
    let rng = &mut stage.rng;
    let streaks = time != Time::Day || rng.chance(0.35);
    let cover = if heavy {
        rng.range(-0.18, -0.05)
    } else {
        rng.range(0.02, 0.2)
    };
    let unit = stage.unit;
    let layer = Clouds {
        horizon,
        per_x: if streaks { 1.15 } else { 2.1 } / unit,
        per_y: if streaks { 3.3 } else { 2.2 },
        shift: rng.range(0.0, 90.0),
        cover,
        soft: if streaks { 0.42 } else { 0.26 },
        lit,
        shade,
        strength: if time == Time::Night { 0.55 } else { 0.85 },
        low: matches!(time, Time::Sunset | Time::Dawn | Time::Dusk),
        step: ((unit / 240.0) as usize).max(1),
        octaves: stage.octaves(4),
        noise: Rc::clone(&stage.noise),
    };
    stage.push(layer);
}

/// One curtain of an aurora, by column.
struct Curtain {
    foot: Vec<f32>,
    light: Vec<f32>,
    tall: Vec<f32>,
}

struct Aurora {
    curtains: Vec<Curtain>,
    colors: Vec<Rgb>,
    falloff: Vec<f32>,
}

impl Layer for Aurora {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let y = y as f32 + 0.5;
        let last = (self.colors.len() - 1) as f32;
        for curtain in &self.curtains {
            for (x, px) in row.iter_mut().enumerate() {
                let d = (curtain.foot[x] - y) / curtain.tall[x];
                if (-0.06..1.0).contains(&d) {
                    let at = ((d + 0.06) / 1.06 * last) as usize;
                    shine(px, self.colors[at], self.falloff[at] * curtain.light[x]);
                }
            }
        }
    }
}

/// Adds an aurora whose curtains hang above `horizon` (px).
pub(crate) fn aurora(stage: &mut Stage, horizon: f32) {
    if stage.clear {
        return;
    }
    const STEPS: usize = 512;
    let tint = stage.intent.tints.first().map(|code| hex(*code));
    let low = tint.unwrap_or_else(|| hex([0x4dffb0, 0x5cf7d0, 0x8dff7a][stage.rng.below(3)]));
    let high = blend(hex([0x8a4dff, 0xc04dff, 0x4d7dff][stage.rng.below(3)]), low, 0.15);
    let spot = |step: usize| step as f32 / STEPS as f32 * 1.06 - 0.06;
    let colors = (0..STEPS)
        .map(|step| blend(low, high, ease(0.05, 0.75, spot(step))))
        .collect();
    let falloff = (0..STEPS)
        .map(|step| {
            ease(-0.06, 0.05, spot(step)) * (-spot(step).max(0.0) * 3.0).exp() * (1.0 - ease(0.6, 1.0, spot(step)))
        })
        .collect();
    let count = 2 + stage.rng.below(2);
    let curtains = (0..count)
        .map(|index| {
            let base = horizon * (0.88 - 0.2 * index as f32);
            let shift = stage.rng.range(0.0, 200.0);
            let lean = stage.rng.range(-0.22, 0.22) * horizon;
            let noise = &stage.noise;
            let curve = |make: &dyn Fn(f32) -> f32| -> Vec<f32> {
                (0..stage.width).map(|x| make(x as f32 / stage.unit)).collect()
            };
            let foot = curve(&|u| {
                let wave = noise.line(u * 1.3 + shift) * 0.17 + noise.line(u * 4.1 + shift) * 0.05;
                base + wave * horizon + lean * (u / stage.span() - 0.5)
            });
            let light = curve(&|u| {
                let rays = 0.62 + 0.26 * noise.line(u * 26.0 + shift) + 0.16 * noise.line(u * 71.0 + shift);
                let body = 0.45 + 0.55 * ease(-0.6, 0.4, noise.line(u * 1.7 + shift + 40.0));
                (rays * body * 0.95).max(0.0)
            });
            let tall = curve(&|u| {
                let rays = 0.72 + 0.22 * noise.line(u * 19.0 + shift) + 0.2 * noise.line(u * 3.0 + shift);
                rays.max(0.25) * horizon * (0.72 - 0.12 * index as f32)
            });
            Curtain { foot, light, tall }
        })
        .collect();
    stage.push(Aurora {
        curtains,
        colors,
        falloff,
    });
}

/// Beams of light that fan out from the sun.
struct Rays {
    orb: Orb,
    color: Rgb,
    strength: f32,
    reach: f32,
    shift: f32,
    noise: Rc<Noise>,
}

impl Layer for Rays {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let dy = y as f32 + 0.5 - self.orb.y;
        for (x, px) in row.iter_mut().enumerate() {
            let dx = x as f32 + 0.5 - self.orb.x;
            let d = (dx * dx + dy * dy).sqrt().max(1.0);
            let fade = 1.0 - d / self.reach;
            if fade <= 0.0 {
                continue;
            }
            // Direction without a tangent: once around is 4, beginning straight up.
            let part = dy / (dx.abs() + dy.abs()).max(1e-3);
            let turn = if dx < 0.0 { 2.0 - part } else { part };
            let at = |turn: f32| {
                let angle = turn * 4.3 + self.shift;
                self.noise.line(angle) + 0.2 * self.noise.line(angle * 2.7)
            };
            // The last quarter fades into the beginning, so that there is no seam.
            let wave = if turn > 2.0 {
                lerp(at(turn), at(turn - 4.0), turn - 2.0)
            } else {
                at(turn)
            };
            let beam = ease(-0.15, 0.75, wave);
            shine(px, self.color, beam * fade * fade * self.strength);
        }
    }
}

/// Adds beams over what is painted so far.
pub(crate) fn rays(stage: &mut Stage, orb: Orb, strength: f32) {
    if stage.clear {
        return;
    }
    let layer = Rays {
        orb,
        color: stage.palette.glow,
        strength,
        reach: stage.unit * 1.1,
        shift: stage.rng.range(0.0, 60.0),
        noise: Rc::clone(&stage.noise),
    };
    stage.push(layer);
}

/// Slanting rain over the whole picture.
struct Rain {
    drops: Vec<[f32; 4]>,
    color: Rgb,
    lean: f32,
    wide: f32,
}

impl Layer for Rain {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let y = y as f32 + 0.5;
        for [x, top, length, light] in &self.drops {
            let t = (y - top) / length;
            if (0.0..1.0).contains(&t) {
                let at = x + (y - top) * self.lean;
                let first = at.floor();
                for (column, part) in [(first, 1.0 - (at - first)), (first + 1.0, at - first)] {
                    if column >= 0.0 && (column as usize) < row.len() {
                        shine(&mut row[column as usize], self.color, light * part * t * self.wide);
                    }
                }
            }
        }
    }
}

/// Adds rain if the prompt names it, else falling snow if it is winter.
pub(crate) fn fall(stage: &mut Stage) {
    if stage.clear || !stage.intent.has(Extra::Rain) {
        return;
    }
    let area = stage.w * stage.h / (stage.unit * stage.unit);
    let lean = stage.rng.range(-0.25, 0.25);
    let drops = (0..stage.crowd(700.0 * area))
        .map(|_| {
            let rng = &mut stage.rng;
            let length = rng.range(0.02, 0.06) * stage.unit;
            [
                rng.range(-0.1, 1.1) * stage.w,
                rng.range(-0.05, 1.0) * stage.h,
                length,
                rng.range(0.12, 0.4),
            ]
        })
        .collect();
    let color = lift(stage.palette.sky[3], 0.15);
    stage.push(Rain {
        drops,
        color,
        lean,
        wide: (stage.unit / 700.0).max(1.0),
    });
}
