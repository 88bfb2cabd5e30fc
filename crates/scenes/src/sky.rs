//! The sky: its gradient, the sun or moon with its glow, stars.

use std::rc::Rc;

use super::canvas::{Done, Layer, Px, Rgb, over, shine};
use super::noise::{Noise, ease};
use super::palette::{blend, hex, lift, quick, ramp};
use super::stage::Stage;
use super::vocabulary::{Extra, Time};

/// The sun or the moon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orb {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) radius: f32,
    pub(crate) moon: bool,
}

/// Entries in the table of the glow over distance.
const GLOW_STEPS: usize = 1024;

struct Sky {
    ramp: Vec<Rgb>,
    glow: Rgb,
    /// Strength of the glow over 0..2 units of distance.
    falloff: Vec<f32>,
    per_px: f32,
    orb: Orb,
    disc: Rgb,
    edge: Rgb,
    phase: f32,
    noise: Rc<Noise>,
    visible: bool,
    /// Below this row (px) water covers the sky.
    foot: f32,
}

impl Layer for Sky {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        if y as f32 > self.foot + 1.0 {
            return;
        }
        let base = self.ramp[y.min(self.ramp.len() - 1)];
        let dy = y as f32 + 0.5 - self.orb.y;
        let reach = self.orb.radius + 1.0;
        for (x, px) in row.iter_mut().enumerate() {
            let dx = x as f32 + 0.5 - self.orb.x;
            let distance = (dx * dx + dy * dy).sqrt();
            let at = (distance * self.per_px).min((GLOW_STEPS - 2) as f32);
            let index = at as usize;
            let part = at - index as f32;
            let glow = self.falloff[index] + (self.falloff[index + 1] - self.falloff[index]) * part;
            let mut color = quick(base, self.glow, glow);
            if distance < reach && self.visible {
                color = self.disc(color, dx, dy, distance);
            }
            *px = [color[0], color[1], color[2], 1.0];
        }
    }
}

impl Sky {
    fn disc(&self, behind: Rgb, dx: f32, dy: f32, distance: f32) -> Rgb {
        let radius = self.orb.radius;
        let cover = (radius - distance + 0.5).clamp(0.0, 1.0);
        if !self.orb.moon {
            return quick(
                behind,
                quick(self.disc, self.edge, ease(0.3, 1.0, distance / radius) * 0.5),
                cover,
            );
        }
        let (u, v) = (dx / radius, dy / radius);
        let seas = self.noise.planes(u * 1.6 + 9.0, v * 1.6, 3);
        let mut color = quick(self.disc, self.edge, ease(-0.05, 0.45, seas) * 0.45);
        color = quick(color, self.edge, distance / radius * 0.25);
        // The unlit part keeps a little earthshine, so that the disc stays whole.
        let shadow = ((u - self.phase) * (u - self.phase) + v * v * 0.96).sqrt();
        let dark = if self.phase.abs() < 1.9 {
            1.0 - ease(0.93, 1.02, shadow)
        } else {
            0.0
        };
        quick(behind, quick(color, behind, dark * 0.92), cover)
    }
}

/// Adds the sky down to `horizon` (px) and says where its light stands.
pub(crate) fn add(stage: &mut Stage, horizon: f32, orb: Orb) {
    let visible = !orb_hidden(stage);
    stars(stage, horizon, orb);
    if stage.clear {
        return;
    }
    let palette = &stage.palette;
    let ramp_rows = (horizon.max(4.0) as usize).min(stage.height * 2);
    let unit = stage.unit;
    let day = stage.intent.time == Time::Day;
    let (core, wide) = if orb.moon {
        (0.42, 0.22)
    } else if day {
        (0.75, 0.30)
    } else {
        (0.85, 0.50)
    };
    let falloff = (0..GLOW_STEPS)
        .map(|step| {
            let d = step as f32 / GLOW_STEPS as f32 * 2.0;
            let past = (d - orb.radius / unit).max(0.0);
            (core * (-past / 0.07).exp() * 0.7 + wide * (-past / 0.34).exp()).min(0.96)
        })
        .collect();
    let edge = if orb.moon {
        blend(palette.orb, palette.sky[2], 0.55)
    } else {
        blend(palette.orb, palette.glow, 0.6)
    };
    let sky = Sky {
        ramp: ramp(&palette.sky, ramp_rows),
        glow: palette.glow,
        falloff,
        per_px: GLOW_STEPS as f32 / (2.0 * unit),
        orb,
        disc: palette.orb,
        edge,
        // A great moon behind a creature is full.
        phase: if orb.radius > unit * 0.1 {
            2.0
        } else {
            [2.0, 2.0, 0.55, -0.6, 0.9][stage.rng.below(5)]
        },
        noise: Rc::clone(&stage.noise),
        visible,
        foot: stage.waterline,
    };
    // Behind the stars, which were chosen first.
    let at = stage.layers.len().saturating_sub(1);
    if stage.layers.is_empty() {
        stage.push(sky);
    } else {
        stage.layers.insert(at, Box::new(sky));
    }
}

fn orb_hidden(stage: &Stage) -> bool {
    stage.intent.has(Extra::Rain)
}

/// Where the sun or moon stands for a scene with this horizon (px).
pub(crate) fn orb(stage: &mut Stage, horizon: f32) -> Orb {
    let time = stage.intent.time;
    let moon = time == Time::Night || (stage.intent.has(Extra::Moon) && time != Time::Day);
    let rng = &mut stage.rng;
    // Near a third: never in the dead center, never cut by an edge.
    let side = if rng.chance(0.5) {
        rng.range(0.2, 0.42)
    } else {
        rng.range(0.58, 0.8)
    };
    let (high, low) = match time {
        Time::Sunset => (0.10, 0.26),
        Time::Dawn => (0.16, 0.34),
        Time::Dusk => (0.10, 0.30),
        Time::Day => (0.55, 0.78),
        Time::Night => (0.5, 0.75),
    };
    let up = rng.range(high, low) * horizon;
    let radius = if moon {
        rng.range(0.035, 0.06)
    } else if time == Time::Day {
        0.032
    } else {
        rng.range(0.04, 0.075)
    };
    Orb {
        x: side * stage.w,
        y: horizon - up,
        radius: radius * stage.unit,
        moon,
    }
}

struct Star {
    x: f32,
    y: f32,
    reach: f32,
    light: f32,
    color: Rgb,
}

/// Stars, from top to bottom.
struct Stars(Vec<Star>);

impl Layer for Stars {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let y = y as f32 + 0.5;
        // The widest star reaches less than 12 px at the largest picture.
        let from = self.0.partition_point(|star| star.y < y - 12.0);
        for star in self.0[from..].iter().take_while(|star| star.y < y + 12.0) {
            let dy = (star.y - y).abs();
            if dy > star.reach {
                continue;
            }
            let first = (star.x - star.reach).max(0.0) as usize;
            let last = ((star.x + star.reach) as usize + 1).min(row.len());
            for (index, px) in row[first.min(last)..last].iter_mut().enumerate() {
                let dx = star.x - (first + index) as f32 - 0.5;
                let near = 1.0 - (dx * dx + dy * dy) / (star.reach * star.reach);
                if near > 0.0 {
                    shine(px, star.color, star.light * near * near);
                }
            }
        }
    }
}

fn stars(stage: &mut Stage, horizon: f32, orb: Orb) {
    let density = match stage.intent.time {
        Time::Night => 1.0,
        Time::Dusk => 0.45,
        _ if stage.intent.has(Extra::Stars) => 0.6,
        _ => 0.0,
    };
    let density = if stage.intent.has(Extra::Stars) {
        density * 2.2
    } else {
        density
    };
    let area = stage.w * horizon / (stage.unit * stage.unit);
    let count = stage.crowd(520.0 * density * area) * usize::from(!stage.clear);
    let tones = [hex(0xffffff), hex(0xdfe9ff), hex(0xffeeda), stage.palette.accents[3]];
    let mut list: Vec<Star> = (0..count)
        .map(|_| {
            let rng = &mut stage.rng;
            let bright = rng.unit().powi(7);
            let y = rng.unit().powf(1.25) * horizon;
            let x = rng.unit() * stage.w;
            let reach = (stage.unit * (0.0011 + 0.0030 * bright)).clamp(0.9, 11.0);
            let fade = 1.0 - ease(0.35, 0.95, y / horizon);
            let far = ((x - orb.x).powi(2) + (y - orb.y).powi(2)).sqrt() / stage.unit;
            let light = (0.2 + 0.8 * rng.unit()) * (0.5 + 0.5 * bright) * fade * ease(0.05, 0.3, far);
            Star {
                x,
                y,
                reach,
                light: light.min(1.0),
                color: tones[rng.below(4)],
            }
        })
        .collect();
    list.sort_by(|a, b| a.y.total_cmp(&b.y));
    stage.push(Stars(list));
}

/// Soft light over everything painted so far, around a point: haze before a low sun.
pub(crate) struct Haze {
    pub(crate) color: Rgb,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) wide: f32,
    pub(crate) high: f32,
    pub(crate) strength: f32,
}

impl Layer for Haze {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let v = (y as f32 + 0.5 - self.y) / self.high;
        let rows = 1.0 - v * v;
        if rows <= 0.0 {
            return;
        }
        let step = 1.0 / self.wide;
        for (x, px) in row.iter_mut().enumerate() {
            let u = (x as f32 + 0.5 - self.x) * step;
            let near = rows - u * u;
            if near > 0.0 {
                shine(px, self.color, near * near * self.strength);
            }
        }
    }
}

/// A horizontal veil of mist, thickest at `y` (px).
pub(crate) struct Veil {
    pub(crate) color: Rgb,
    pub(crate) y: f32,
    pub(crate) above: f32,
    pub(crate) below: f32,
    pub(crate) strength: f32,
    pub(crate) scale: f32,
    pub(crate) shift: f32,
    pub(crate) noise: Rc<Noise>,
}

impl Layer for Veil {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let d = y as f32 + 0.5 - self.y;
        let t = if d < 0.0 {
            1.0 + d / self.above
        } else {
            1.0 - d / self.below
        };
        if t <= 0.0 {
            return;
        }
        let t = t * t * (3.0 - 2.0 * t) * self.strength;
        let v = y as f32 * self.scale * 3.4 + self.shift;
        const STEP: usize = 12;
        let at = |x: usize| 0.62 + 0.55 * self.noise.planes(x as f32 * self.scale + self.shift, v, 2);
        let mut left = at(0);
        for (block, pixels) in row.chunks_mut(STEP).enumerate() {
            let right = at((block + 1) * STEP);
            for (index, px) in pixels.iter_mut().enumerate() {
                let n = left + (right - left) * (index as f32 / STEP as f32);
                let amount = (n * t).clamp(0.0, 1.0) * px[3];
                over(px, self.color, amount);
                // A veil hangs before things; where there is nothing it must not appear.
                px[3] = px[3].min(1.0);
            }
            left = right;
        }
    }
}

/// A color a little lighter than the horizon, for mist and foam.
pub(crate) fn mist(stage: &Stage) -> Rgb {
    let pale = blend(stage.palette.sky[4], stage.palette.far, 0.35);
    if stage.intent.time == Time::Night {
        lift(pale, -0.12)
    } else {
        pale
    }
}
