//! A city by the water.

use super::clouds;
use super::landscape::{coat, guest, haze, heavens};
use super::palette::{hex, lift};
use super::props;
use super::ridges::{Ridge, Shape, profile};
use super::skyline::{self, Shoreline};
use super::stage::Stage;
use super::vocabulary::Extra;
use super::water;

pub(crate) fn compose(stage: &mut Stage) {
    let wet = stage.rng.chance(0.75) || stage.intent.has(Extra::Lake);
    let foot = (stage.h * if wet { stage.rng.range(0.66, 0.74) } else { 1.0 }).round();
    if wet {
        stage.waterline = foot;
    }
    let orb = heavens(stage, foot * 0.98);
    let tallest = (stage.h * 0.62).min(stage.unit * 0.72) * if wet { 0.82 } else { 1.0 };
    let hills = profile(stage, Shape::Hills, foot - stage.h * 0.04, stage.h * 0.08, 1.2);
    let paint = coat(stage, 0.1, orb, 0.0);
    stage.push(Ridge::new(stage, hills, paint));
    skyline::add(stage, foot, tallest, orb.x < stage.w / 2.0);
    haze(stage, orb, foot * 0.9, 0.42);
    if wet {
        let warm = [hex(0xffd58a), hex(0xffb36b), stage.palette.accents[0]];
        let count = stage.crowd(26.0 * stage.span());
        let lamps = (0..count)
            .map(|_| (stage.rng.unit() * stage.w, warm[stage.rng.below(3)]))
            .collect();
        let color = lift(stage.palette.near, 0.02);
        stage.push(Shoreline {
            y: foot - stage.unit * 0.004,
            thick: stage.unit * 0.006,
            color,
            lamps,
        });
        water::add(stage, foot, stage.h, Some(orb), 0.22);
        if stage.intent.has(Extra::Boat) {
            let x = stage.w * stage.rng.range(0.3, 0.7);
            props::boat(stage, x, foot + stage.h * 0.12, stage.unit * 0.14);
        }
    }
    guest(stage, orb);
    clouds::fall(stage);
}
