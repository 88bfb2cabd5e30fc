//! Mountains: ranges with snow, a lake or wooded foothills before them.

use super::forest::plant;
use super::landscape::{coat, guest, haze, heavens, snow_color};
use super::noise::{ease, lerp};
use super::palette::{blend, lift};
use super::props;
use super::ridges::{self, Ridge, Shape, profile};
use super::sky::{self, Orb};
use super::stage::Stage;
use super::trees::{self, Pines};
use super::vocabulary::{Extra, Season};
use super::water;

pub(crate) fn compose(stage: &mut Stage) {
    let lake = stage.intent.has(Extra::Lake) || (stage.rng.chance(0.4) && !stage.intent.has(Extra::House));
    let floor = stage.h
        * if lake {
            stage.rng.range(0.64, 0.72)
        } else {
            stage.rng.range(0.72, 0.8)
        };
    if lake {
        stage.waterline = floor;
    }
    let horizon = floor * 0.94;
    let orb = heavens(stage, horizon);
    let winter = stage.intent.season == Season::Winter;
    let snowy = winter || stage.rng.chance(0.5);
    let count = 4;
    let mut list = Vec::new();
    for index in 0..count {
        let near = index as f32 / count as f32;
        let base = floor - stage.h * 0.09 * (1.0 - near) + stage.h * 0.03 * near;
        let rise = stage.h.min(stage.unit * 1.25) * lerp(0.50, 0.2, near) * stage.rng.range(0.85, 1.1);
        let (shape, rise) = if index < 3 {
            (Shape::Peaks, rise)
        } else {
            (Shape::Hills, rise * 0.55)
        };
        let top = profile(stage, shape, base, rise, lerp(1.5, 2.3, near));
        let mut paint = coat(stage, near * 0.8, orb, if index < 2 { 0.0 } else { 0.35 });
        paint.rough = if index < 3 { lerp(0.85, 0.5, near) } else { 0.1 };
        if snowy && index < 3 {
            paint.snow = Some((
                rise * lerp(0.30, 0.16, near) * if winter { 1.25 } else { 1.0 },
                snow_color(stage),
            ));
        }
        paint.mist_depth = rise * 0.8;
        list.push(Ridge::new(stage, top, paint));
    }
    for (index, ridge) in ridges::occlude(list).into_iter().enumerate() {
        let crest = (index == 3).then(|| ridge.top.clone());
        stage.push(ridge);
        if let Some(crest) = crest {
            far_pines(stage, &crest, 0.72);
            for row in 1..4 {
                let drop = stage.h * 0.032 * row as f32;
                let lower: Vec<f32> = crest.iter().map(|top| (top + drop).min(floor - 2.0)).collect();
                far_pines(stage, &lower, 0.68);
            }
        }
    }
    haze(stage, orb, horizon, 0.5);
    if lake {
        water::add(stage, floor, stage.h, Some(orb), 0.12);
        if stage.intent.has(Extra::Boat) {
            let x = stage.w * stage.rng.range(0.3, 0.7);
            props::boat(stage, x, floor + stage.h * 0.09, stage.unit * 0.11);
        }
        shore(stage, orb);
    } else {
        foothills(stage, floor, orb);
    }
    guest(stage, orb);
}

/// Small conifers along a far crest.
pub(crate) fn far_pines(stage: &mut Stage, crest: &[f32], near: f32) {
    let tall = stage.unit * 0.045;
    let list = trees::along(stage, crest, tall, tall * 0.26, 0.55);
    let dark = blend(stage.palette.land(near), stage.palette.leaf, 0.12);
    let mist = sky::mist(stage);
    let snow = (stage.intent.season == Season::Winter).then(|| snow_color(stage));
    let pines = Pines::new(list, dark, lift(dark, 0.06), true)
        .misty(mist, 0.25)
        .snowy(snow);
    stage.push(pines);
}

/// Near hills with conifers, darker toward the viewer.
fn foothills(stage: &mut Stage, floor: f32, orb: Orb) {
    let winter = stage.intent.season == Season::Winter;
    let mut list = Vec::new();
    for index in 0..2 {
        let near = 0.82 + 0.18 * index as f32;
        let base = floor + stage.h * (0.09 + 0.13 * index as f32);
        let top = profile(stage, Shape::Hills, base, stage.h * 0.10, 1.4);
        let mut paint = coat(stage, near, orb, 0.45);
        if winter {
            paint.snow = Some((
                stage.h,
                blend(snow_color(stage), stage.palette.far, 0.35 - 0.2 * index as f32),
            ));
        }
        list.push(Ridge::new(stage, top, paint));
    }
    for (index, ridge) in ridges::occlude(list).into_iter().enumerate() {
        let top = ridge.top.clone();
        stage.push(ridge);
        let tall = stage.unit * (0.09 + 0.09 * index as f32);
        let bare = if index == 0 { 0.75 } else { 1.0 };
        plant(stage, &top, tall, bare, 0.82 + 0.18 * index as f32, orb);
        if index == 0 && stage.intent.has(Extra::House) {
            let x = stage.w * if orb.x < stage.w / 2.0 { 0.68 } else { 0.3 };
            let foot = top[(x as usize).min(top.len() - 1)] + stage.unit * 0.02;
            props::house(stage, x, foot, stage.unit * 0.085);
        }
    }
}

/// Dark banks with conifers at the left and right of a lake.
pub(crate) fn shore(stage: &mut Stage, orb: Orb) {
    let left = stage.rng.chance(0.5);
    let (low, high) = (stage.h * 1.01, stage.h * stage.rng.range(0.80, 0.86));
    let reach = stage.w * stage.rng.range(0.5, 0.8);
    let bumps = profile(stage, Shape::Hills, 0.0, stage.h * 0.02, 4.0);
    let top: Vec<f32> = (0..stage.width)
        .map(|x| {
            let from = if left { x as f32 } else { stage.w - x as f32 };
            lerp(high, low, ease(0.0, 1.0, from / reach)) + bumps[x]
        })
        .collect();
    let mut paint = coat(stage, 1.0, orb, 0.2);
    if stage.intent.season == Season::Winter {
        paint.snow = Some((stage.h, blend(snow_color(stage), stage.palette.far, 0.3)));
    }
    stage.push(Ridge::new(stage, top.clone(), paint));
    let tall = stage.unit * stage.rng.range(0.20, 0.3);
    let end = if left {
        0..(reach * 0.62) as usize
    } else {
        (stage.w - reach * 0.62) as usize..stage.width
    };
    let list = trees::along(stage, &top, tall, tall * 0.26, 0.5);
    let list = list
        .into_iter()
        .filter(|tree| end.contains(&(tree.x.max(0.0) as usize)))
        .collect();
    let dark = lift(blend(stage.palette.near, stage.palette.leaf, 0.12), -0.01);
    let lit = blend(lift(dark, 0.06), stage.palette.glow, 0.08);
    let snow = (stage.intent.season == Season::Winter).then(|| snow_color(stage));
    stage.push(Pines::new(list, dark, lit, orb.x < stage.w / 2.0).snowy(snow));
}
