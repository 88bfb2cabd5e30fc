//! The sea: islands, boats, rollers, a beach with a palm.

use super::creatures;
use super::landscape::{coat, guest, haze, heavens};
use super::noise::{ease, lerp};
use super::palette::{blend, hex, lift};
use super::props;
use super::ridges::{Ridge, Shape, profile};
use super::shapes::{Figure, Fill, Outline};
use super::sky::Orb;
use super::stage::Stage;
use super::vocabulary::{Creature, Extra, Time};
use super::water::{self, Roller};

pub(crate) fn compose(stage: &mut Stage) {
    let waves = stage.intent.has(Extra::Waves)
        || (stage.rng.chance(0.2) && !stage.intent.has(Extra::Beach) && !stage.intent.has(Extra::Boat));
    let horizon = (stage.h * stage.rng.range(0.48, 0.6)).round();
    stage.waterline = horizon;
    let orb = heavens(stage, horizon);
    let islands = stage.rng.chance(0.6) || stage.intent.has(Extra::Lighthouse);
    if islands {
        isles(stage, horizon, orb);
    }
    haze(stage, orb, horizon, 0.55);
    let rough = if waves { 0.9 } else { stage.rng.range(0.35, 0.6) };
    water::add(stage, horizon, stage.h, Some(orb), rough);
    let sail = stage.intent.has(Extra::Boat) || (!waves && stage.rng.chance(0.35) && stage.intent.creature.is_none());
    if sail {
        let x = stage.w
            * if orb.x < stage.w / 2.0 {
                stage.rng.range(0.6, 0.75)
            } else {
                stage.rng.range(0.25, 0.4)
            };
        let size = stage.unit * if stage.intent.has(Extra::Boat) { 0.22 } else { 0.12 };
        props::boat(stage, x, horizon + size * 0.28, size);
    }
    if stage.intent.creature == Some(Creature::Whale) {
        let x = stage.w * 0.5;
        creatures::animal(
            stage,
            Creature::Whale,
            x,
            horizon + stage.h * 0.2,
            stage.unit * 0.26,
            orb.x,
        );
    }
    if waves {
        let mut list = Vec::new();
        for index in 0..4 {
            let near = index as f32 / 3.0;
            let y = lerp(horizon + stage.h * 0.13, stage.h * 1.0, near.powf(1.15));
            let rise = stage.unit * lerp(0.025, 0.13, near);
            list.push(Roller::new(stage, y, rise, near));
        }
        water::roll(stage, list);
    } else if stage.intent.has(Extra::Beach) || stage.rng.chance(0.3) {
        beach(stage, orb);
    }
    if stage.intent.creature != Some(Creature::Whale) {
        guest(stage, orb);
    }
}

fn isles(stage: &mut Stage, horizon: f32, orb: Orb) {
    let tower = stage.intent.has(Extra::Lighthouse);
    for index in 0..2 {
        let center = stage.w
            * if (orb.x < stage.w / 2.0) == (index == 1) {
                stage.rng.range(0.72, 0.95)
            } else {
                stage.rng.range(0.05, 0.28)
            };
        let wide = stage.unit * stage.rng.range(0.28, 0.5) * (1.0 - 0.3 * index as f32);
        let rise = stage.unit * (0.08 + 0.05 * index as f32);
        let relief = profile(stage, Shape::Peaks, 0.0, rise, 3.0);
        let top: Vec<f32> = (0..stage.width)
            .map(|x| {
                let u = ((x as f32 - center) / wide).abs();
                let shape = 1.0 - ease(0.1, 1.0, u);
                if shape > 0.0 {
                    horizon + 2.0 + (relief[x] - rise * 0.3) * shape
                } else {
                    horizon + 40.0
                }
            })
            .collect();
        let near = 0.35 + 0.35 * index as f32;
        let mut paint = coat(stage, near, orb, 0.2);
        paint.rough = 0.5;
        paint.mist_depth = rise;
        let crest = top[(center.max(0.0) as usize).min(stage.width - 1)];
        stage.push(Ridge::new(stage, top, paint));
        if tower && index == 1 {
            props::lighthouse(
                stage,
                center.clamp(stage.w * 0.1, stage.w * 0.9),
                crest + rise * 0.15,
                stage.unit * 0.24,
            );
        }
    }
}

fn beach(stage: &mut Stage, orb: Orb) {
    let tilt = stage.rng.sign() * stage.h * stage.rng.range(0.03, 0.08);
    let bumps = profile(stage, Shape::Hills, 0.0, stage.h * 0.025, 2.4);
    let level = stage.h * stage.rng.range(0.84, 0.9);
    let w = stage.w;
    let line = |x: usize| level + bumps[x] + tilt * (x as f32 / w - 0.5) * 2.0;
    let sand = blend(
        blend(hex(0xe8cfa0), stage.palette.glow, 0.3),
        stage.palette.near,
        if stage.intent.time == Time::Night { 0.62 } else { 0.18 },
    );
    let foam = blend(lift(stage.palette.sky[4], 0.05), hex(0xffffff), 0.35);
    let edges = [
        (0.0, blend(stage.palette.water, sand, 0.45), 0.55),
        (0.012, foam, 0.92),
        (0.022, lift(sand, -0.1), 1.0),
        (0.05, sand, 1.0),
    ];
    for (shift, color, alpha) in edges {
        let mut points: Vec<(f32, f32)> = (0..stage.width)
            .step_by(3)
            .map(|x| (x as f32, line(x) + shift * stage.unit))
            .collect();
        points.push((stage.w + 3.0, line(stage.width - 1) + shift * stage.unit));
        points.extend([(stage.w + 3.0, stage.h + 2.0), (-1.0, stage.h + 2.0)]);
        stage.push(Figure::faint(
            Outline::new().polygon(&points),
            Fill::Down(color, lift(color, -0.07), level, stage.h),
            alpha,
        ));
    }
    if stage.intent.has(Extra::Beach) {
        palm(stage, orb);
    }
}

fn palm(stage: &mut Stage, orb: Orb) {
    let left = orb.x > stage.w / 2.0;
    let flip = if left { 1.0 } else { -1.0 };
    let foot = (if left { stage.w * 0.02 } else { stage.w * 0.98 }, stage.h * 0.98);
    let size = stage.unit * 0.62;
    let crown = (foot.0 + flip * size * 0.38, foot.1 - size);
    let bend = (foot.0 + flip * size * 0.10, foot.1 - size * 0.55);
    let mut outline = Outline::new().stroke(&[foot, bend, crown], size * 0.055, size * 0.028);
    for index in 0..10 {
        let side = if index % 2 == 0 { 1.0 } else { -1.0 };
        let climb = lerp(1.15, -0.9, (index / 2) as f32 / 4.0) + stage.rng.range(-0.12, 0.12);
        let (sin, cos) = climb.sin_cos();
        let long = size * stage.rng.range(0.38, 0.5);
        let end = (
            crown.0 + side * long * (0.4 + 0.5 * cos),
            crown.1 + long * (0.40 - 0.5 * sin),
        );
        let middle = (crown.0 + side * long * 0.5 * cos, crown.1 - long * 0.46 * sin);
        let back = (middle.0 + side * long * 0.06, middle.1 - long * 0.07);
        let under = (middle.0 - side * long * 0.03, middle.1 + long * 0.07);
        outline = outline.curve(&[crown, back, end, under]);
    }
    let dark = stage.palette.near;
    stage.push(Figure::new(
        outline,
        Fill::Down(lift(dark, 0.03), dark, crown.1, foot.1),
    ));
}
