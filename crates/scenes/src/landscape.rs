//! What all open country shares: heavens, colors of land, haze, a guest on a knoll.

use super::canvas::Rgb;
use super::clouds;
use super::creatures;
use super::noise::lerp;
use super::palette::{blend, hex, lift};
use super::props;
use super::ridges::{Coat, Ridge, Shape, profile};
use super::sky::{self, Haze, Orb};
use super::stage::Stage;
use super::vocabulary::{Extra, Time};

/// Sky, stars, sun or moon, and clouds down to `horizon` (px).
pub(crate) fn heavens(stage: &mut Stage, horizon: f32) -> Orb {
    let orb = sky::orb(stage, horizon);
    sky::add(stage, horizon, orb);
    let chance = if stage.intent.has(Extra::Clouds) || stage.intent.has(Extra::Rain) {
        1.0
    } else if stage.intent.time == Time::Night {
        0.35
    } else {
        0.85
    };
    if stage.rng.chance(chance) {
        clouds::add(stage, horizon * 1.02);
    }
    let birds = if stage.intent.has(Extra::Birds) { 1.0 } else { 0.3 };
    if stage.rng.chance(birds) && stage.intent.time != Time::Night && !stage.clear {
        let (x, y) = (
            stage.rng.range(0.2, 0.8) * stage.w,
            horizon * stage.rng.range(0.3, 0.62),
        );
        props::birds(stage, x, y);
    }
    if stage.intent.has(Extra::Balloon) && !stage.clear {
        balloons(stage, horizon, orb);
    }
    orb
}

fn balloons(stage: &mut Stage, horizon: f32, orb: Orb) {
    let away = if orb.x < stage.w / 2.0 { 0.68 } else { 0.32 };
    for (dx, up, size) in [(-0.16, 0.30, 0.07), (0.15, 0.62, 0.10), (0.0, 0.42, 0.2)] {
        let x = stage.w * (away + dx + stage.rng.range(-0.04, 0.04));
        props::balloon(stage, x, horizon * up, stage.unit * size, orb);
    }
}

/// How land at a nearness (0 far, 1 near) is colored.
pub(crate) fn coat(stage: &Stage, nearness: f32, orb: Orb, green: f32) -> Coat {
    let palette = &stage.palette;
    let mut base = palette.land(nearness);
    base = blend(base, palette.leaf, green * (0.35 + 0.4 * nearness));
    let bright = match stage.intent.time {
        Time::Day => 0.10,
        Time::Dawn | Time::Sunset => 0.075,
        Time::Dusk => 0.05,
        Time::Night => 0.035,
    };
    let lit = blend(lift(base, bright), palette.glow, 0.16 + 0.12 * (1.0 - nearness));
    Coat {
        lit,
        shade: lift(base, -0.045),
        mist: sky::mist(stage),
        mist_depth: stage.h * lerp(0.16, 0.22, nearness),
        mist_most: lerp(0.78, 0.12, nearness.powf(0.8)) * if stage.intent.has(Extra::Mist) { 1.2 } else { 1.0 },
        snow: None,
        crisp: 0.6,
        rough: 0.1,
        light_from_left: orb.x < stage.w / 2.0,
    }
}

pub(crate) fn snow_color(stage: &Stage) -> Rgb {
    let pale = if stage.intent.time == Time::Night {
        hex(0xb4c8e6)
    } else {
        hex(0xfafcff)
    };
    blend(
        pale,
        stage.palette.glow,
        if stage.intent.time == Time::Night { 0.15 } else { 0.28 },
    )
}

pub(crate) fn haze(stage: &mut Stage, orb: Orb, horizon: f32, strength: f32) {
    let low = matches!(stage.intent.time, Time::Sunset | Time::Dawn | Time::Dusk);
    let strength = if low { strength } else { strength * 0.3 };
    let (wide, high) = (stage.unit * 0.75, stage.unit * 0.42);
    stage.push(Haze {
        color: stage.palette.glow,
        x: orb.x,
        y: horizon,
        wide,
        high,
        strength,
    });
}

/// A creature the prompt names besides the scene, small, near the foot of the picture.
pub(crate) fn guest(stage: &mut Stage, orb: Orb) {
    if let Some(creature) = stage.intent.creature {
        let x = stage.w * if orb.x < stage.w / 2.0 { 0.64 } else { 0.36 };
        let (y, rise) = (stage.h * 0.93, stage.h * 0.05);
        let knoll = knoll(stage, x, y, rise, stage.unit * 0.8);
        let paint = Coat {
            rough: 0.2,
            ..coat(stage, 1.0, orb, 0.1)
        };
        stage.push(Ridge::new(stage, knoll, paint));
        creatures::animal(stage, creature, x, y - rise * 0.93, stage.unit * 0.3, orb.x);
    }
}

pub(crate) fn knoll(stage: &mut Stage, x: f32, y: f32, rise: f32, wide: f32) -> Vec<f32> {
    let bumps = profile(stage, Shape::Hills, 0.0, stage.unit * 0.012, 5.0);
    (0..stage.width)
        .map(|column| {
            let u = (column as f32 - x) / wide;
            y - rise / (1.0 + u * u * 3.0) + bumps[column] + u * u * rise * 0.5
        })
        .collect()
}
