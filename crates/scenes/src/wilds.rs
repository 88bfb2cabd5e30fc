//! Desert, northern lights, and a creature on a hill before a great sun or moon.

use super::clouds;
use super::creatures;
use super::landscape::{coat, guest, haze, heavens, knoll, snow_color};
use super::mountains::{far_pines, shore};
use super::noise::lerp;
use super::palette::{blend, hex, lift};
use super::ridges::{self, Coat, Ridge, Shape, profile};
use super::sky::{self, Orb};
use super::stage::Stage;
use super::vocabulary::{Creature, Time};
use super::water;

pub(crate) fn desert(stage: &mut Stage) {
    let horizon = stage.h * stage.rng.range(0.46, 0.58);
    let orb = heavens(stage, horizon);
    let mesa = profile(stage, Shape::Peaks, horizon + stage.h * 0.02, stage.h * 0.10, 2.0);
    let paint = coat(stage, 0.15, orb, 0.0);
    stage.push(Ridge::new(stage, mesa, paint));
    haze(stage, orb, horizon, 0.5);
    let tinted = !stage.intent.tints.is_empty();
    let sand = if tinted {
        stage.palette.accents[0]
    } else {
        hex([0xd98f4e, 0xe0a75e, 0xc96f45][stage.rng.below(3)])
    };
    let night = match stage.intent.time {
        Time::Night => 0.72,
        Time::Dusk => 0.45,
        _ => 0.08,
    };
    let mut list = Vec::new();
    for index in 0..6 {
        let near = index as f32 / 5.0;
        let base = lerp(horizon + stage.h * 0.05, stage.h * 1.02, near.powf(1.15));
        let rise = stage.h * lerp(0.06, 0.2, near);
        let top = profile(stage, Shape::Dunes, base, rise, lerp(2.4, 0.9, near));
        let body = blend(
            blend(sand, stage.palette.far, 0.55 - 0.5 * near),
            stage.palette.near,
            night,
        );
        let paint = Coat {
            lit: blend(lift(body, 0.09 * (1.0 - night)), stage.palette.glow, 0.30),
            shade: blend(lift(body, -0.13), stage.palette.near, 0.30 + 0.12 * near),
            mist: sky::mist(stage),
            mist_depth: stage.h * 0.3,
            mist_most: 0.45 * (1.0 - near),
            snow: None,
            crisp: 0.93,
            rough: 0.06,
            light_from_left: orb.x < stage.w / 2.0,
        };
        list.push(Ridge::new(stage, top, paint));
    }
    ridges::add(stage, list);
    guest(stage, orb);
}

pub(crate) fn northern(stage: &mut Stage) {
    let floor = stage.h * stage.rng.range(0.70, 0.78);
    stage.waterline = floor.round();
    let orb = Orb {
        x: stage.w * 0.5,
        y: floor * 1.1,
        radius: 1.0,
        moon: true,
    };
    sky::add(stage, floor, orb);
    clouds::aurora(stage, floor);
    let mut list = Vec::new();
    for index in 0..3 {
        let near = index as f32 / 3.0;
        let rise = stage.h * lerp(0.3, 0.14, near);
        let base = floor + stage.h * 0.015 * index as f32;
        let top = profile(
            stage,
            if index < 2 { Shape::Peaks } else { Shape::Hills },
            base,
            rise,
            1.8,
        );
        let mut paint = coat(stage, 0.35 + near * 0.6, orb, 0.0);
        paint.rough = 0.7 - 0.5 * near;
        let depth = if index < 2 { rise * 0.5 } else { stage.h };
        paint.snow = Some((depth, blend(snow_color(stage), stage.palette.sky[2], 0.35)));
        paint.mist_depth = rise;
        list.push(Ridge::new(stage, top, paint));
    }
    ridges::add(stage, list);
    water::add(stage, floor.round(), stage.h, None, 0.15);
    shore(stage, orb);
    guest(stage, orb);
}

pub(crate) fn perch(stage: &mut Stage) {
    let horizon = stage.h * 0.8;
    let x = stage.w * stage.rng.range(0.36, 0.64);
    let size = stage.unit * stage.rng.range(0.40, 0.48);
    let y = stage.h * 0.86;
    let moon = stage.intent.time != Time::Sunset && stage.intent.time != Time::Day;
    let shift = stage.rng.range(-0.10, 0.10) * stage.unit;
    let orb = Orb {
        x: x + shift,
        y: y - size * stage.rng.range(0.62, 0.85),
        radius: stage.unit * stage.rng.range(0.22, 0.29),
        moon,
    };
    sky::add(stage, horizon, orb);
    clouds::add(stage, horizon);
    for index in 0..3 {
        let near = index as f32 / 3.0;
        let top = profile(
            stage,
            Shape::Hills,
            horizon + stage.h * 0.03 * index as f32,
            stage.h * 0.14,
            1.6,
        );
        let paint = coat(stage, 0.15 + near * 0.7, orb, 0.15);
        stage.push(Ridge::new(stage, top.clone(), paint));
        if index == 1 {
            far_pines(stage, &top, 0.5);
        }
    }
    let rise = stage.h * 0.06;
    let top = knoll(stage, x, y + rise * 0.9, rise, stage.unit * 0.6);
    let mut paint = coat(stage, 1.0, orb, 0.1);
    paint.rough = 0.2;
    stage.push(Ridge::new(stage, top, paint));
    let creature = stage.intent.creature.unwrap_or(Creature::Cat);
    creatures::animal(stage, creature, x, y, size, orb.x);
}
