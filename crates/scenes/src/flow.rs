//! Abstract ribbons of color that overlap like folded silk.

use super::Detail;
use super::canvas::{Done, Layer, Px, Rgb, over};
use super::noise::{ease, lerp};
use super::palette::{blend, hex, lift, quick, ramp};
use super::stage::Stage;

/// Entries in the table of a ribbon's color over depth.
const STEPS: usize = 256;
/// Color of the shadow that a ribbon throws on those behind it, and its most.
const SHADE: Rgb = [0.02, 0.01, 0.05];
const DARKEST: f32 = 0.42;

struct Ribbon {
    /// Where the ribbon begins, along the turned x axis, one entry a pixel.
    edge: Vec<f32>,
    /// How far its gradient reaches, likewise.
    depth: Vec<f32>,
    colors: Vec<Rgb>,
    other: Vec<Rgb>,
    /// Share of `other`, along the turned x axis.
    turn: Vec<f32>,
    shadow: f32,
}

struct Flow {
    ribbons: Vec<Ribbon>,
    back: Vec<Rgb>,
    sin: f32,
    cos: f32,
    origin: f32,
    center: (f32, f32),
    clear: bool,
}

impl Flow {
    fn at(list: &[f32], u: f32) -> f32 {
        let u = u.clamp(0.0, (list.len() - 2) as f32);
        let index = u as usize;
        list[index] + (list[index + 1] - list[index]) * (u - index as f32)
    }
}

impl Layer for Flow {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let dy = y as f32 + 0.5 - self.center.1;
        let back = self.back[y.min(self.back.len() - 1)];
        for (x, px) in row.iter_mut().enumerate() {
            let dx = x as f32 + 0.5 - self.center.0;
            let u = dx * self.cos + dy * self.sin + self.origin;
            let v = dy * self.cos - dx * self.sin;
            // From the front ribbon back to the first that lies wholly under this pixel.
            let (mut dark, mut start) = (0.0f32, None);
            for (index, ribbon) in self.ribbons.iter().enumerate().rev() {
                let d = v - Self::at(&ribbon.edge, u);
                if d >= 0.5 {
                    start = Some(index);
                    break;
                }
            }
            let mut color = match start {
                Some(index) => self.ribbons[index].color(u, v),
                None => back,
            };
            let mut alpha = if start.is_some() || !self.clear { 1.0 } else { 0.0 };
            let next = start.map_or(0, |index| index + 1);
            for ribbon in &self.ribbons[next..] {
                let d = v - Self::at(&ribbon.edge, u);
                if d > -0.5 {
                    let cover = d + 0.5;
                    let below = if alpha > 0.0 {
                        quick(color, SHADE, dark.max(DARKEST))
                    } else {
                        ribbon.color(u, v)
                    };
                    color = quick(below, ribbon.color(u, v), cover);
                    alpha += (1.0 - alpha) * cover;
                    dark = 0.0;
                } else {
                    let near = 1.0 + d / ribbon.shadow;
                    if near > 0.0 {
                        dark = dark.max(near * near * DARKEST);
                    }
                }
            }
            over(px, quick(color, SHADE, dark), alpha.min(1.0));
        }
    }
}

impl Ribbon {
    fn color(&self, u: f32, v: f32) -> Rgb {
        let d = (v - Flow::at(&self.edge, u)).max(0.0);
        let t = (d / Flow::at(&self.depth, u) * (STEPS - 1) as f32).min((STEPS - 2) as f32);
        let index = t as usize;
        let part = t - index as f32;
        let one = quick(self.colors[index], self.colors[index + 1], part);
        let two = quick(self.other[index], self.other[index + 1], part);
        quick(one, two, Flow::at(&self.turn, u))
    }
}

/// Chords of color that go well together, from back to front.
const CHORDS: [[u32; 6]; 7] = [
    [0x1b1147, 0x4527a0, 0xb832a5, 0xff5c8a, 0xff9d5c, 0xffd98a],
    [0x04253f, 0x0a5b8c, 0x16a0b8, 0x58d3b5, 0xc0ee9a, 0xfdf6b2],
    [0x0b132b, 0x1c3f94, 0x3f7cf4, 0x74b6ff, 0xc5b5ff, 0xffd7f0],
    [0x2b0b3f, 0x7a1f5c, 0xd93a4f, 0xf9793f, 0xfdbb3e, 0xfff0a8],
    [0x0c2a2a, 0x13605a, 0x2fa084, 0xa7cf6b, 0xf6d55c, 0xf7935c],
    [0x231942, 0x5e548e, 0x9f86c0, 0xd8a4c8, 0xf2c9c1, 0xfdeee0],
    [0x10002b, 0x3c096c, 0x7b2cbf, 0x4361ee, 0x4cc9f0, 0xb8fff2],
];

fn chord(stage: &mut Stage) -> Vec<Rgb> {
    let base = CHORDS[stage.rng.below(CHORDS.len())].map(hex);
    let tints: Vec<Rgb> = stage.intent.tints.iter().map(|code| hex(*code)).collect();
    let Some(first) = tints.first().copied() else {
        return base.to_vec();
    };
    let second = tints
        .get(1)
        .copied()
        .unwrap_or_else(|| blend(first, stage.palette.glow, 0.6));
    vec![
        blend(lift(first, -0.42), base[0], 0.25),
        lift(first, -0.2),
        first,
        blend(first, second, 0.5),
        second,
        lift(blend(second, hex(0xffffff), 0.45), 0.05),
    ]
}

pub(crate) fn compose(stage: &mut Stage) {
    let mut colors = chord(stage);
    if stage.rng.chance(0.45) && stage.intent.tints.is_empty() {
        colors.reverse();
    }
    let count = 6 + stage.rng.below(4);
    let palette = ramp(&colors, count + 2);
    let diagonal = (stage.w * stage.w + stage.h * stage.h).sqrt();
    let angle = stage.rng.range(0.12, 0.75) * stage.rng.sign();
    let (sin, cos) = angle.sin_cos();
    // How far the picture reaches along the turned y axis.
    let reach = (stage.w * sin.abs() + stage.h * cos.abs()) / 2.0;
    let cloth = Cloth {
        count,
        reach,
        sweep: stage.rng.range(0.16, 0.26) * reach,
        length: diagonal as usize + 3,
        shift: stage.rng.range(0.0, 200.0),
    };
    let ribbons = (0..count).map(|index| ribbon(stage, &cloth, &palette, index)).collect();
    let back = ramp(
        &[lift(palette[0], -0.03), palette[0], blend(palette[0], palette[1], 0.5)],
        stage.height,
    );
    let layer = Flow {
        ribbons,
        back,
        sin,
        cos,
        origin: diagonal / 2.0,
        center: (stage.w / 2.0, stage.h / 2.0),
        clear: stage.clear,
    };
    stage.push(layer);
}

/// What all ribbons share; lengths in px.
struct Cloth {
    count: usize,
    reach: f32,
    sweep: f32,
    length: usize,
    shift: f32,
}

fn ribbon(stage: &mut Stage, cloth: &Cloth, palette: &[Rgb], index: usize) -> Ribbon {
    let count = cloth.count;
    let t = (index as f32 + 0.6) / count as f32;
    let middle = lerp(
        -cloth.reach * if stage.clear { 0.45 } else { 0.82 },
        cloth.reach * 0.72,
        t,
    );
    let own = stage.rng.range(0.0, 30.0);
    let noise = &stage.noise;
    let fine = match stage.detail {
        Detail::Low => 0.0,
        Detail::Medium => 0.05,
        Detail::High => 0.09,
    };
    let curve =
        |make: &dyn Fn(f32) -> f32| -> Vec<f32> { (0..cloth.length).map(|x| make(x as f32 / stage.unit)).collect() };
    // Neighbors share the slow wave, so that they run together like folds of one cloth.
    let edge = curve(&|u| {
        let slow = noise.line(u * 0.95 + cloth.shift + index as f32 * 0.11);
        let free = noise.line(u * 1.55 + cloth.shift + own * 3.0);
        middle + cloth.sweep * (1.5 * slow + 0.9 * free + fine * noise.line(u * 5.0 + own))
    });
    let depth = curve(&|u| {
        let wide = 1.0 + 0.55 * noise.line(u * 1.3 + own + 50.0);
        cloth.reach * 2.0 / count as f32 * 1.5 * wide
    });
    let turn = curve(&|u| ease(-0.8, 0.8, noise.line(u * 1.1 + own + 90.0)));
    let (before, here, next) = (palette[index], palette[index + 1], palette[(index + 2).min(count + 1)]);
    let light = blend(lift(here, 0.10), next, 0.4);
    let rim = lift(blend(light, hex(0xffffff), 0.28), 0.04);
    let (middle_tone, deep) = (blend(here, next, 0.5), blend(before, here, 0.6));
    Ribbon {
        edge,
        depth,
        colors: ramp(&[rim, light, here, here, lift(before, -0.02)], STEPS),
        other: ramp(&[lift(next, 0.08), next, middle_tone, deep, lift(before, -0.06)], STEPS),
        turn,
        shadow: stage.unit * 0.075,
    }
}
