//! Water that mirrors what stands above it, with ripples and a path of light.

use std::rc::Rc;

use super::canvas::{Done, Layer, Px, Rgb, over};
use super::noise::{Noise, ease, lerp};
use super::palette::{blend, lift, quick};
use super::sky::Orb;
use super::stage::Stage;

struct Water {
    horizon: f32,
    foot: f32,
    deep: Rgb,
    pale: Rgb,
    glint: Rgb,
    orb: Option<Orb>,
    noise: Rc<Noise>,
    unit: f32,
    /// 0 a mirror, 1 a lively sea.
    rough: f32,
    clear: bool,
    shift: f32,
    center: f32,
}

impl Layer for Water {
    fn paint(&self, y: usize, row: &mut [Px], done: &Done) {
        let dy = y as f32 + 0.5 - self.horizon;
        if dy < -0.5 || y as f32 > self.foot {
            return;
        }
        let cover = (dy + 0.5).clamp(0.0, 1.0);
        let dy = dy.max(0.5);
        let t = dy / (self.foot - self.horizon).max(1.0);
        // Perspective: ripples shrink toward the horizon, in depth faster than in width.
        let near = dy / self.unit + 0.012;
        let (per_x, v) = (0.62 / (near * self.unit), 1.15 / near.sqrt() * 4.0 + self.shift);
        let fine_v = v * 2.6 + 11.0;
        let mirror = lerp(0.86, 0.34 - 0.1 * self.rough, ease(0.0, 1.0, t));
        let base = quick(self.pale, self.deep, ease(0.0, 0.8, t));
        for (x, px) in row.iter_mut().enumerate() {
            let u = (x as f32 - self.center) * per_x + self.shift;
            let swell = self.noise.plane(u * 0.55, v);
            let fine = self.noise.plane(u * 1.9, fine_v);
            let wave = swell * 0.65 + fine * 0.5;
            let mut color = base;
            if !self.clear {
                let bend = (0.25 + self.rough) * near;
                let from_x = x as f32 + wave * bend * self.unit * 0.10;
                let from_y = self.horizon - dy * 0.92 - 1.0 - wave * bend * self.unit * 0.16;
                color = quick(base, done.color(from_x, from_y), mirror);
            }
            let tone = wave * (0.10 + 0.16 * self.rough) * (0.35 + 0.65 * t);
            color = if tone > 0.0 {
                quick(color, self.pale, tone * 2.0)
            } else {
                quick(color, self.deep, -tone * 2.4)
            };
            if let Some(orb) = self.orb {
                let wide = orb.radius * 0.9 + dy * 0.30;
                let off = (x as f32 + 0.5 - orb.x) / wide;
                let path = 1.0 - off * off;
                if path > 0.0 {
                    let spark = ease(0.12, 0.55, fine * 0.75 + swell * 0.4 + path * 0.22 - 0.05);
                    color = quick(color, self.glint, spark * path * (0.92 - 0.35 * t));
                }
            }
            over(px, color, cover);
        }
    }
}

/// Adds water from `horizon` down to `foot` (px); `rough` 0 is a mirror, 1 a lively sea.
pub(crate) fn add(stage: &mut Stage, horizon: f32, foot: f32, orb: Option<Orb>, rough: f32) {
    let palette = &stage.palette;
    let layer = Water {
        horizon,
        foot,
        deep: lift(palette.water, -0.04),
        pale: blend(palette.water, palette.sky[3], 0.6),
        glint: blend(palette.orb, palette.glow, 0.3),
        orb,
        noise: Rc::clone(&stage.noise),
        unit: stage.unit,
        rough,
        clear: stage.clear,
        shift: stage.rng.range(0.0, 100.0),
        center: orb.map_or(stage.w / 2.0, |orb| orb.x),
    };
    if !stage.clear {
        stage.mirror = Some((horizon.max(1.0) as usize, stage.layers.len()));
    }
    stage.push(layer);
    stage.waterline = f32::MAX;
}

/// A wave that rolls toward the viewer: a band of water below a foaming crest.
pub(crate) struct Roller {
    crest: Vec<f32>,
    /// Row in each column from which nearer waves hide this one.
    hidden: Vec<f32>,
    face: Rgb,
    light: Rgb,
    foam: Rgb,
    deep: f32,
    noise: Rc<Noise>,
    unit: f32,
}

impl Roller {
    /// A wave with its crest around row `y`, `rise` px high.
    pub(crate) fn new(stage: &mut Stage, y: f32, rise: f32, nearness: f32) -> Self {
        let shift = stage.rng.range(0.0, 300.0);
        let per_unit = lerp(3.4, 1.5, nearness);
        let noise = Rc::clone(&stage.noise);
        let crest: Vec<f32> = (0..stage.width)
            .map(|x| {
                let u = x as f32 / stage.unit * per_unit + shift;
                let swell = noise.line(u * 0.6);
                // Steep on one side, as wind drives the crest forward.
                let tip = 1.0 - noise.line(u * 1.7 + swell * 0.3 + 40.0).abs();
                let chop = 1.0 - noise.line(u * 5.3 + 9.0).abs();
                y - rise * (0.5 * swell + 0.42 * tip * tip + 0.10 * chop * chop)
            })
            .collect();
        let palette = &stage.palette;
        let face = quick(blend(palette.water, palette.sky[2], 0.35), palette.water, nearness);
        Self {
            hidden: vec![f32::MAX; crest.len()],
            crest,
            face: lift(face, -0.03),
            light: blend(face, palette.sky[4], 0.45),
            foam: blend(lift(palette.sky[4], 0.05), palette.glow, 0.15),
            deep: rise * 2.2,
            noise,
            unit: stage.unit,
        }
    }
}

/// Adds waves from far to near; what nearer ones hide is not painted.
pub(crate) fn roll(stage: &mut Stage, mut waves: Vec<Roller>) {
    let mut hidden = vec![f32::MAX; stage.width];
    for wave in waves.iter_mut().rev() {
        wave.hidden.clone_from(&hidden);
        for (slot, crest) in hidden.iter_mut().zip(&wave.crest) {
            *slot = slot.min(*crest);
        }
    }
    for wave in waves {
        stage.push(wave);
    }
}

impl Layer for Roller {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let at = y as f32 + 0.5;
        for (x, px) in row.iter_mut().enumerate() {
            let d = at - self.crest[x];
            if d < -1.0 || at > self.hidden[x] + 2.0 {
                continue;
            }
            let t = (d / self.deep).clamp(0.0, 1.0);
            let (u, v) = (x as f32 / self.unit, d / self.unit);
            let mut color = quick(self.light, self.face, ease(0.0, 0.75, t));
            if t < 0.9 {
                // Foam is a net of thin threads, dense at the crest, torn below it.
                let wide = self.noise.plane(u * 13.0, v * 20.0);
                let fine = self.noise.plane(u * 31.0 + wide, v * 47.0);
                let threads = 1.0 - (wide.abs() * 1.6).min(fine.abs() * 1.9);
                let reach = 1.0 - t / (0.42 + 0.35 * wide);
                let net = ease(0.80, 0.98, threads) * ease(0.0, 0.9, reach) * 0.7;
                let lip = 1.0 - ease(0.015, 0.085, t + fine * 0.03);
                color = quick(color, self.foam, net.max(lip * 0.92));
            }
            over(px, color, (d + 0.5).clamp(0.0, 1.0));
        }
    }
}
