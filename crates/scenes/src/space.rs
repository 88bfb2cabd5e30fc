//! A planet before a nebula.

use std::rc::Rc;

use super::canvas::{Done, Layer, Px, Rgb, over};
use super::noise::{Noise, ease, lerp};
use super::palette::{blend, hex, lift, quick, ramp};
use super::sky::{self, Orb};
use super::stage::Stage;
use super::vocabulary::Extra;

/// Clouds of gas in two colors.
struct Nebula {
    noise: Rc<Noise>,
    colors: [Rgb; 3],
    scale: f32,
    shift: (f32, f32),
    /// The bright lane passes through here (px): behind the planet.
    origin: (f32, f32),
    lean: f32,
    step: usize,
    octaves: u32,
    back: Rgb,
}

impl Nebula {
    fn sample(&self, x: f32, y: f32) -> Rgb {
        let (dx, dy) = ((x - self.origin.0) * self.scale, (y - self.origin.1) * self.scale);
        let (u, v) = (dx + self.shift.0, dy + self.shift.1);
        let warp = self.noise.planes(u * 0.8 + 31.0, v * 0.8, 2);
        let gas = self.noise.planes(u + warp * 0.9, v + warp * 0.6, self.octaves);
        let hue = self.noise.planes(u * 0.7 + 60.0, v * 0.7 + warp * 0.5, 2);
        let lane = dy - self.lean * dx - warp * 0.55;
        let band = (-lane * lane * 1.1).exp();
        let amount = ease(-0.42, 0.62, gas + band * 0.55 - 0.28);
        let tone = quick(self.colors[0], self.colors[1], ease(-0.35, 0.35, hue));
        let bright = quick(tone, self.colors[2], ease(0.25, 0.8, gas + band * 0.3) * 0.55);
        quick(self.back, bright, amount * 0.82)
    }
}

impl Layer for Nebula {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let y = y as f32;
        let mut left = self.sample(0.0, y);
        for (block, pixels) in row.chunks_mut(self.step).enumerate() {
            let right = self.sample(((block + 1) * self.step) as f32, y);
            for (index, px) in pixels.iter_mut().enumerate() {
                over(px, quick(left, right, index as f32 / self.step as f32), 1.0);
            }
            left = right;
        }
    }
}

struct Planet {
    x: f32,
    y: f32,
    radius: f32,
    bands: Vec<Rgb>,
    air: Rgb,
    light: [f32; 3],
    lean: (f32, f32),
    noise: Rc<Noise>,
    banded: bool,
    octaves: u32,
    ring: Option<Ring>,
    shift: f32,
    clear: bool,
}

struct Ring {
    inner: f32,
    outer: f32,
    squash: f32,
    /// Color and opacity from the inner to the outer edge.
    rows: Vec<(Rgb, f32)>,
}

impl Planet {
    fn surface(&self, u: f32, v: f32, z: f32) -> Rgb {
        let across = u * self.lean.0 + v * self.lean.1;
        let down = v * self.lean.0 - u * self.lean.1;
        let last = (self.bands.len() - 1) as f32;
        let t = if self.banded {
            let swirl = self
                .noise
                .planes(across * 1.5 / (z + 0.4) + self.shift, down * 6.0, self.octaves);
            down * 0.5 + 0.5 + swirl * 0.055 + self.noise.line(down * 9.0 + self.shift) * 0.05
        } else {
            let bulge = 1.0 / (0.55 + 0.45 * z);
            let land = self
                .noise
                .planes(across * bulge * 1.9 + self.shift, down * bulge * 1.9, self.octaves + 1);
            0.5 + land * 0.75
        };
        let at = (t.clamp(0.0, 1.0) * last).min(last - 0.01);
        let index = at as usize;
        quick(self.bands[index], self.bands[index + 1], at - index as f32)
    }

    fn ring_px(&self, px: &mut Px, dx: f32, dy: f32, front: bool) {
        let Some(ring) = &self.ring else {
            return;
        };
        let across = dx * self.lean.0 + dy * self.lean.1;
        let down = (dy * self.lean.0 - dx * self.lean.1) / ring.squash;
        if (down > 0.0) != front {
            return;
        }
        let d = (across * across + down * down).sqrt() / self.radius;
        if d < ring.inner || d >= ring.outer {
            return;
        }
        let at = ((d - ring.inner) / (ring.outer - ring.inner) * ring.rows.len() as f32) as usize;
        let (color, alpha) = ring.rows[at.min(ring.rows.len() - 1)];
        // The planet's own shadow falls on the far side of the ring.
        let along = -(across * self.light[0]) / self.radius;
        let dark = if !front && along > 0.0 && along < 1.0 && down.abs() < self.radius {
            0.5
        } else {
            0.0
        };
        over(px, quick(color, [0.02, 0.02, 0.05], dark), alpha);
    }
}

impl Layer for Planet {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let dy = y as f32 + 0.5 - self.y;
        let reach = self.radius * self.ring.as_ref().map_or(1.35, |ring| ring.outer);
        if dy.abs() > reach {
            return;
        }
        let first = (self.x - reach).max(0.0) as usize;
        let last = ((self.x + reach).max(0.0) as usize).min(row.len());
        for (index, px) in row[first.min(last)..last].iter_mut().enumerate() {
            let dx = (first + index) as f32 + 0.5 - self.x;
            self.ring_px(px, dx, dy, false);
            let d = (dx * dx + dy * dy).sqrt();
            let (u, v) = (dx / self.radius, dy / self.radius);
            let facing = u * self.light[0] + v * self.light[1];
            if d > self.radius - 1.0 && !self.clear {
                let glow = (1.0 - (d / self.radius - 1.0) / 0.22).clamp(0.0, 1.0);
                let amount = glow * glow * glow * ease(-0.5, 0.9, facing) * 0.65;
                over(px, self.air, amount);
            }
            let cover = (self.radius - d + 0.5).clamp(0.0, 1.0);
            if cover > 0.0 {
                let z = (1.0 - u * u - v * v).max(0.0).sqrt();
                let light = facing + z * self.light[2];
                let mut color = quick(
                    self.surface(u, v, z),
                    self.air,
                    (1.0 - z) * (1.0 - z) * ease(-0.3, 0.8, light) * 0.75,
                );
                let day = ease(-0.22, 0.72, light);
                color = quick(lift_night(color), color, day);
                over(px, color, cover);
            }
            self.ring_px(px, dx, dy, true);
        }
    }
}

fn lift_night(color: Rgb) -> Rgb {
    [color[0] * 0.07 + 0.012, color[1] * 0.07 + 0.014, color[2] * 0.10 + 0.03]
}

/// Families of planet colors, from pole to pole or from sea to peak.
const WORLDS: [[u32; 6]; 6] = [
    [0x6b3e2e, 0xc98a5b, 0xf0d2a0, 0xb96b43, 0xf5e2bd, 0x8a5138],
    [0x123a6b, 0x2f7fb8, 0x8fd0e0, 0xe7f3ee, 0x4a9cc7, 0x1b4f86],
    [0x3b1f5b, 0x8b4fa8, 0xe09ac0, 0xf9d7cc, 0xa862b0, 0x4d2a72],
    [0x0d3b4c, 0x14607a, 0x1f8a8a, 0x7fae5c, 0xd9c98a, 0xf4f1e4],
    [0x4a1016, 0x9c2f26, 0xd9663b, 0xf2a65a, 0xc44f36, 0x6b1a1d],
    [0x123c3a, 0x2a8f7f, 0x9be0b5, 0xeafbd8, 0x4fb79a, 0x1a5b54],
];

pub(crate) fn compose(stage: &mut Stage) {
    let x = stage.w * stage.rng.range(0.42, 0.58);
    let y = stage.h * stage.rng.range(0.44, 0.58);
    let radius = stage.unit * stage.rng.range(0.22, 0.31);
    backdrop(stage, x, y);
    let tint = stage.intent.tints.first().map(|code| hex(*code));
    let kind = stage.rng.below(WORLDS.len());
    let mut world = WORLDS[kind].map(hex);
    if let Some(tint) = tint {
        world = std::array::from_fn(|index| {
            let light = [-0.25, -0.08, 0.1, 0.2, 0.0, -0.2][index];
            blend(lift(tint, light), world[index], 0.18)
        });
    }
    let angle = stage.rng.range(-0.5, 0.5);
    let (lean_sin, lean_cos) = angle.sin_cos();
    let banded = kind != 3;
    let rings = stage.intent.has(Extra::Rings) || (banded && stage.rng.chance(0.5));
    let toward = stage.rng.range(-0.9, 0.2) - if stage.rng.chance(0.5) { 1.6 } else { 0.0 };
    let (light_y, light_x) = toward.sin_cos();
    let ring = rings.then(|| ring(stage, world));
    let radius = if rings { radius * 0.74 } else { radius };
    let air = blend(world[2], hex(0x9fd4ff), 0.45);
    let octaves = stage.octaves(4);
    let shift = stage.rng.range(0.0, 90.0);
    let planet = |x: f32, y: f32, radius: f32, bands: Vec<Rgb>, ring: Option<Ring>, banded: bool| Planet {
        x,
        y,
        radius,
        bands,
        air,
        light: [light_x * 0.82, light_y * 0.82, 0.5],
        lean: (lean_cos, lean_sin),
        noise: Rc::clone(&stage.noise),
        banded,
        octaves,
        ring,
        shift,
        clear: stage.clear,
    };
    let main = planet(x, y, radius, ramp(&world, 96), ring, banded);
    let gray = [0x4f5563, 0x8b90a0, 0xc9cbd2, 0x9a9fae].map(hex);
    let (mx, my) = (
        x + radius * if x < stage.w / 2.0 { 1.75 } else { -1.75 },
        y - radius * 0.95,
    );
    let moon = planet(mx, my, radius * 0.16, ramp(&gray, 64), None, false);
    stage.push(moon);
    stage.push(main);
}

fn ring(stage: &mut Stage, world: [Rgb; 6]) -> Ring {
    let shift = stage.rng.range(0.0, 90.0);
    let rows = (0..220)
        .map(|index| {
            let t = index as f32 / 220.0;
            let grain = stage.noise.lines(t * 22.0 + shift, 3, 0.6);
            let gap = 1.0 - (1.0 - ((t - 0.62) / 0.035).powi(2)).max(0.0);
            let edge = ease(0.0, 0.08, t) * (1.0 - ease(0.9, 1.0, t));
            let color = blend(world[2], world[4], ease(-0.6, 0.6, grain));
            (lift(color, 0.05), (0.62 + 0.35 * grain).clamp(0.1, 0.95) * gap * edge)
        })
        .collect();
    Ring {
        inner: 1.28,
        outer: 2.15,
        squash: stage.rng.range(0.2, 0.36),
        rows,
    }
}

fn backdrop(stage: &mut Stage, x: f32, y: f32) {
    if stage.clear {
        return;
    }
    let palette = &stage.palette;
    let pairs = [
        [0x3b2a8c, 0x14708f, 0x9fd8ff],
        [0x7a1f6b, 0x2b3f9c, 0xffb0d8],
        [0x8c3a2b, 0x4a2a7a, 0xffd29a],
        [0x0f6b6b, 0x3a3a9c, 0xb8ffe6],
    ];
    let mut colors = pairs[stage.rng.below(pairs.len())].map(hex);
    if let Some(code) = stage.intent.tints.first() {
        colors = [
            blend(colors[0], hex(*code), 0.55),
            colors[1],
            blend(colors[2], hex(*code), 0.3),
        ];
    }
    let back = lift(palette.sky[0], -0.04);
    let rng = &mut stage.rng;
    let scale = 2.0 / stage.unit;
    let lean = rng.range(-0.7, 0.7);
    let shift = (rng.range(0.0, 60.0), rng.range(0.0, 60.0));
    let nebula = Nebula {
        noise: Rc::clone(&stage.noise),
        colors,
        scale,
        shift,
        origin: (x, y),
        lean,
        step: ((stage.unit / 180.0) as usize).max(1),
        octaves: stage.octaves(4),
        back,
    };
    let far = Orb {
        x: -9.0 * stage.w,
        y: lerp(0.0, -9.0, 0.5) * stage.h,
        radius: 1.0,
        moon: true,
    };
    let at = stage.layers.len();
    sky::add(stage, stage.h * 1.6, far);
    // The gas replaces the plain sky; the stars stay before it.
    stage.layers[at] = Box::new(nebula);
}
