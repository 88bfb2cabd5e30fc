//! A forest: rows of trees that fade into mist.

use super::clouds;
use super::landscape::{coat, guest, haze, heavens, snow_color};
use super::noise::lerp;
use super::palette::{blend, lift};
use super::ridges::{self, Ridge, Shape, profile};
use super::sky::{self, Orb, Veil};
use super::stage::Stage;
use super::trees::{self, Crowns, Pines, Tree};
use super::vocabulary::{Extra, Season, Time};
use super::water;

pub(crate) fn compose(stage: &mut Stage) {
    let horizon = stage.h * stage.rng.range(0.52, 0.62);
    let lake = stage.intent.has(Extra::Lake);
    let level = (stage.h * 0.84).round();
    if lake {
        stage.waterline = level;
    }
    let orb = heavens(stage, horizon);
    let back = profile(stage, Shape::Peaks, horizon, stage.h * 0.26, 1.4);
    let mut paint = coat(stage, 0.1, orb, 0.0);
    paint.rough = 0.6;
    let mut list = vec![Ridge::new(stage, back, paint)];
    let rows = if lake { 4 } else { 5 };
    let base = |near: f32, h: f32| lerp(horizon + h * 0.01, h, near.powf(1.2));
    for index in 0..rows {
        let near = index as f32 / 4.0;
        let foot = base(near, stage.h);
        let top = profile(
            stage,
            Shape::Hills,
            foot,
            stage.h * lerp(0.10, 0.07, near),
            lerp(1.8, 1.0, near),
        );
        let mut paint = coat(stage, 0.2 + near * 0.8, orb, 0.5);
        paint.mist_most = paint.mist_most.max(0.5 - 0.45 * near);
        if stage.intent.season == Season::Winter {
            paint.snow = Some((
                stage.h * 0.2,
                blend(snow_color(stage), sky::mist(stage), 0.5 - 0.3 * near),
            ));
        }
        list.push(Ridge::new(stage, top, paint));
    }
    for (index, ridge) in ridges::occlude(list).into_iter().enumerate() {
        let crest = ridge.top.clone();
        stage.push(ridge);
        if index == 0 {
            continue;
        }
        let near = (index - 1) as f32 / 4.0;
        let tall = stage.unit * lerp(0.07, 0.46, near.powf(1.7)) * stage.rng.range(0.9, 1.1);
        plant(stage, &crest, tall, 0.42 + 0.4 * near, 0.25 + 0.72 * near, orb);
        if near < 0.9 {
            veil(stage, base(near, stage.h) + stage.h * 0.02, lerp(0.62, 0.28, near));
        }
        if index == 2 {
            haze(stage, orb, horizon, 0.6);
        }
    }
    if lake {
        water::add(stage, level, stage.h, Some(orb), 0.12);
    }
    if stage.intent.time != Time::Night {
        clouds::rays(stage, orb, 0.42);
    }
    guest(stage, orb);
}

/// Conifers, or in autumn and spring some round trees among them, on a near crest.
pub(crate) fn plant(stage: &mut Stage, crest: &[f32], tall: f32, bare: f32, near: f32, orb: Orb) {
    let from_left = orb.x < stage.w / 2.0;
    let dark = blend(stage.palette.land(near), stage.palette.leaf, 0.14);
    let lit = blend(lift(dark, 0.07), stage.palette.glow, 0.10);
    let snow = (stage.intent.season == Season::Winter).then(|| snow_color(stage));
    let mist = sky::mist(stage);
    let colorful = matches!(stage.intent.season, Season::Autumn | Season::Spring);
    let list = trees::along(stage, crest, tall, tall * 0.27, bare);
    let (round, pines): (Vec<Tree>, Vec<Tree>) = list.into_iter().partition(|tree| colorful && tree.key % 3 != 0);
    stage.push(
        Pines::new(pines, dark, lit, from_left)
            .misty(mist, 0.22 * (1.0 - near * 0.7))
            .snowy(snow),
    );
    if !round.is_empty() {
        let low: Vec<Tree> = round
            .iter()
            .map(|tree| Tree {
                tall: tree.tall * 0.72,
                ..*tree
            })
            .collect();
        let autumn = stage.intent.season == Season::Autumn;
        let accents = stage.palette.accents;
        let hues = if autumn {
            [stage.palette.leaf, accents[0], accents[1]]
        } else {
            [accents[0], accents[1], accents[0]]
        };
        let leaves = hues.map(|hue| {
            let far = blend(hue, stage.palette.far, 0.5 * (1.0 - near));
            (lift(blend(far, stage.palette.glow, 0.15), 0.04), blend(far, dark, 0.62))
        });
        let crowns = Crowns::new(stage, &low, leaves, dark, from_left);
        stage.push(crowns);
    }
}

fn veil(stage: &mut Stage, y: f32, strength: f32) {
    let layer = Veil {
        color: sky::mist(stage),
        y,
        above: stage.h * 0.09,
        below: stage.h * 0.10,
        strength: strength * if stage.intent.has(Extra::Mist) { 1.3 } else { 1.0 },
        scale: 2.2 / stage.unit,
        shift: stage.rng.range(0.0, 60.0),
        noise: std::rc::Rc::clone(&stage.noise),
    };
    stage.push(layer);
}
