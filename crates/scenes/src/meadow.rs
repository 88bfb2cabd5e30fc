//! A flower meadow: hills, grass and blossoms from small and many to large and few.

use super::canvas::{Done, Layer, Px, Rgb, over, span};
use super::landscape::{coat, heavens};
use super::noise::{ease, lerp};
use super::palette::{blend, hex, lift, quick};
use super::ridges::{self, Ridge, Shape, profile};
use super::shapes::Spot;
use super::sky::Haze;
use super::stage::Stage;
use super::trees::{Crowns, Tree};
use super::vocabulary::{Season, Time};

/// A blade of grass, or a flower on its stem.
struct Sprout {
    x: f32,
    foot: f32,
    tall: f32,
    lean: f32,
    half: f32,
    color: Rgb,
    head: Option<Head>,
}

struct Head {
    radius: f32,
    petals: u8,
    turn: (f32, f32),
    squash: f32,
    inner: Rgb,
    outer: Rgb,
    heart: Rgb,
}

/// Plants of one depth.
struct Bed {
    sprouts: Vec<Sprout>,
    /// Which sprouts touch each band of rows.
    bands: Vec<Vec<u32>>,
}

/// Rows in a band.
const BAND: usize = 16;

impl Bed {
    fn new(mut sprouts: Vec<Sprout>, height: usize) -> Self {
        sprouts.sort_by(|a, b| a.foot.total_cmp(&b.foot));
        let mut bands = vec![Vec::new(); height / BAND + 1];
        for (index, sprout) in sprouts.iter().enumerate() {
            let radius = sprout.head.as_ref().map_or(0.0, |head| head.radius);
            let first = ((sprout.foot - sprout.tall - radius).max(0.0) as usize) / BAND;
            let last = (sprout.foot.max(sprout.foot - sprout.tall + radius).max(0.0) as usize) / BAND;
            for band in bands.iter_mut().take(last + 1).skip(first) {
                band.push(index as u32);
            }
        }
        Self { sprouts, bands }
    }
}

impl Layer for Bed {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let at = y as f32 + 0.5;
        for index in &self.bands[y / BAND] {
            let sprout = &self.sprouts[*index as usize];
            let t = (sprout.foot - at) / sprout.tall;
            if (0.0..=1.0).contains(&t) {
                let x = sprout.x + sprout.lean * t * t;
                let half = sprout.half * if sprout.head.is_some() { 1.0 } else { 1.0 - t };
                let color = quick(lift_fast(sprout.color, 0.72), sprout.color, t);
                span(row, x - half, x + half, color, 1.0);
            }
            if let Some(head) = &sprout.head {
                head.paint(sprout.x + sprout.lean, sprout.foot - sprout.tall, at, row);
            }
        }
    }
}

fn lift_fast(color: Rgb, scale: f32) -> Rgb {
    color.map(|channel| channel * scale)
}

impl Head {
    fn paint(&self, cx: f32, cy: f32, y: f32, row: &mut [Px]) {
        let dy = (y - cy) / self.squash;
        if dy.abs() > self.radius {
            return;
        }
        let first = (cx - self.radius).max(0.0) as usize;
        let last = ((cx + self.radius).max(0.0) as usize + 1).min(row.len());
        for (index, px) in row[first.min(last)..last].iter_mut().enumerate() {
            let dx = (first + index) as f32 + 0.5 - cx;
            let d = (dx * dx + dy * dy).sqrt().max(1e-3);
            if d > self.radius {
                continue;
            }
            let c = (dx * self.turn.0 + dy * self.turn.1) / d;
            // cos(n a) from cos(a), without an angle.
            let lobes = match self.petals {
                4 => 8.0 * c * c * (c * c - 1.0) + 1.0,
                5 => ((16.0 * c * c - 20.0) * c * c + 5.0) * c,
                6 => ((32.0 * c * c - 48.0) * c * c + 18.0) * c * c - 1.0,
                _ => {
                    let six = ((32.0 * c * c - 48.0) * c * c + 18.0) * c * c - 1.0;
                    2.0 * six * six - 1.0
                }
            };
            let edge = self.radius * (0.80 + 0.20 * lobes.max(-0.9));
            let cover = (edge - d + 0.5).clamp(0.0, 1.0);
            if cover <= 0.0 {
                continue;
            }
            let t = d / self.radius;
            let mut color = quick(self.inner, self.outer, ease(0.15, 0.95, t));
            let crease = ease(-0.2, -0.95, lobes) * ease(0.1, 0.5, t);
            color = quick(color, self.inner, crease * 0.65);
            color = lift_fast(color, 1.0 - 0.10 * dy / self.radius);
            color = quick(self.heart, color, ease(0.20, 0.27, t));
            over(px, color, cover);
        }
    }
}

pub(crate) fn compose(stage: &mut Stage) {
    let horizon = stage.h * stage.rng.range(0.40, 0.5);
    let orb = heavens(stage, horizon);
    let mut list = Vec::new();
    for index in 0..3 {
        let near = index as f32 / 3.0;
        let base = horizon + stage.h * (0.02 + 0.05 * index as f32);
        let top = profile(stage, Shape::Hills, base, stage.h * 0.10, 1.5);
        let paint = coat(stage, 0.12 + near * 0.45, orb, 0.55 + 0.3 * near);
        list.push(Ridge::new(stage, top, paint));
    }
    let ground = profile(stage, Shape::Hills, horizon + stage.h * 0.12, stage.h * 0.03, 0.9);
    let mut paint = coat(stage, 0.42, orb, 1.2);
    paint.mist_depth = stage.h * 0.9;
    paint.mist = blend(stage.palette.near, stage.palette.leaf, 0.25);
    paint.mist_most = 0.85;
    paint.rough = 0.35;
    list.push(Ridge::new(stage, ground.clone(), paint));
    for (index, ridge) in ridges::occlude(list).into_iter().enumerate() {
        let crest = ridge.top.clone();
        stage.push(ridge);
        if index == 2 {
            grove(stage, &crest, orb.x < stage.w / 2.0);
            let (wide, high) = (stage.unit * 0.8, stage.unit * 0.35);
            stage.push(Haze {
                color: stage.palette.glow,
                x: orb.x,
                y: horizon,
                wide,
                high,
                strength: 0.35,
            });
        }
    }
    let beds = [(0.0, 0.28, 620.0), (0.28, 0.62, 300.0), (0.62, 1.05, 80.0)];
    for (from, to, count) in beds {
        bed(stage, &ground, (from, to), count);
    }
    bokeh(stage);
}

/// A few round trees on the last hill.
fn grove(stage: &mut Stage, crest: &[f32], from_left: bool) {
    let count = 2 + stage.rng.below(4);
    let list: Vec<Tree> = (0..count)
        .map(|_| {
            let x = stage.rng.unit() * stage.w;
            let tall = stage.unit * stage.rng.range(0.05, 0.10);
            let foot = crest[(x as usize).min(crest.len() - 1)] + tall * 0.05;
            Tree {
                x,
                foot,
                tall,
                half: tall,
                key: 0,
            }
        })
        .collect();
    let leaf = blend(stage.palette.leaf, stage.palette.far, 0.2);
    let blossom = stage.intent.season == Season::Spring;
    let lit = if blossom {
        stage.palette.accents[0]
    } else {
        blend(lift(leaf, 0.05), stage.palette.glow, 0.2)
    };
    let dark = blend(leaf, stage.palette.near, 0.5);
    let crowns = Crowns::new(stage, &list, [(lit, dark); 3], dark, from_left);
    stage.push(crowns);
}

fn bed(stage: &mut Stage, ground: &[f32], depth: (f32, f32), count: f32) {
    let mut sprouts = Vec::new();
    let middle = (depth.0 + depth.1) / 2.0;
    let grass = stage.crowd(count * 3.2 * stage.span());
    let flowers = stage.crowd(count * stage.span());
    for index in 0..grass + flowers {
        let near = stage.rng.range(depth.0, depth.1);
        let x = stage.rng.range(-0.03, 1.03) * stage.w;
        let start = ground[(x.max(0.0) as usize).min(ground.len() - 1)];
        let foot = lerp(start, stage.h * 1.04, near.powf(1.25)) + stage.unit * 0.005;
        let scale = stage.unit * lerp(0.012, 0.16, near.powf(1.5));
        let patch = stage.noise.planes(x / stage.unit * 2.6, near * 4.0, 2);
        let sprout = if index < grass {
            blade(stage, x, foot, scale, near)
        } else {
            flower(stage, x, foot, scale, middle, patch)
        };
        sprouts.push(sprout);
    }
    let height = stage.height;
    stage.push(Bed::new(sprouts, height));
}

fn blade(stage: &mut Stage, x: f32, foot: f32, scale: f32, near: f32) -> Sprout {
    let palette = &stage.palette;
    let tone = stage.rng.unit();
    let base = blend(palette.leaf, palette.near, lerp(0.15, 0.5, near));
    let color = quick(base, quick(palette.leaf, palette.glow, 0.3), tone * tone);
    let rng = &mut stage.rng;
    Sprout {
        x,
        foot,
        tall: scale * rng.range(0.5, 1.15),
        lean: scale * rng.range(-0.35, 0.35),
        half: (scale * 0.022).max(0.45),
        color,
        head: None,
    }
}

fn flower(stage: &mut Stage, x: f32, foot: f32, scale: f32, depth: f32, patch: f32) -> Sprout {
    let palette = stage.palette.clone();
    let rng = &mut stage.rng;
    // Flowers of a kind stand together.
    let pick = ((patch * 1.6 + 0.5 + rng.range(-0.22, 0.22)) * 4.0).clamp(0.0, 3.0) as usize;
    let dim = match stage.intent.time {
        Time::Night => 0.5,
        Time::Dusk => 0.25,
        _ => 0.0,
    };
    let outer = blend(palette.accents[pick], palette.near, dim);
    let inner = if pick == 3 {
        blend(outer, palette.accents[1], 0.25)
    } else {
        lift(outer, -0.13)
    };
    let (sin, cos) = rng.range(0.0, 6.3).sin_cos();
    let heart = if pick == 1 { hex(0x6b3a1e) } else { hex(0xf6c443) };
    let head = Head {
        radius: (scale * rng.range(0.17, 0.28)).max(1.0),
        petals: [5, 6, 12, 4][(pick + rng.below(2)) % 4],
        turn: (cos, sin),
        squash: rng.range(0.55, 0.95),
        inner,
        outer: lift(outer, rng.range(-0.02, 0.06)),
        heart: blend(heart, palette.near, dim + 0.1),
    };
    Sprout {
        x,
        foot,
        tall: scale * rng.range(0.7, 1.35),
        lean: scale * rng.range(-0.25, 0.25),
        half: (scale * 0.014).max(0.4),
        color: blend(palette.leaf, palette.near, 0.3 + 0.2 * depth),
        head: Some(head),
    }
}

/// Soft discs of light near the lens.
fn bokeh(stage: &mut Stage) {
    if stage.clear {
        return;
    }
    for _ in 0..stage.crowd(9.0) {
        let rng = &mut stage.rng;
        let (x, y) = (rng.unit() * stage.w, rng.range(0.55, 1.0) * stage.h);
        let radius = rng.range(0.02, 0.07) * stage.unit;
        let color = quick(stage.palette.glow, stage.palette.accents[rng.below(4)], 0.4);
        let alpha = rng.range(0.10, 0.28);
        stage.push(Spot {
            x,
            y,
            rx: radius,
            ry: radius,
            color,
            alpha,
        });
    }
}
