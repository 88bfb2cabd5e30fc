//! Buildings in rows, with windows that are lit.

use super::canvas::{Done, Layer, Px, Rgb, over, span};
use super::noise::{cell, ease};
use super::palette::{blend, hex, lift, quick};
use super::stage::Stage;
use super::vocabulary::Time;

#[derive(Clone, Copy, Debug)]
enum Roof {
    Flat,
    Spire,
    Steps,
    Slant,
    Dome,
}

struct Building {
    left: f32,
    right: f32,
    top: f32,
    roof: Roof,
    mast: f32,
    key: u32,
    tone: f32,
}

/// One row of buildings at one distance.
pub(crate) struct Blocks {
    list: Vec<Building>,
    foot: f32,
    face: Rgb,
    shade: Rgb,
    haze: Rgb,
    haze_most: f32,
    lamps: [Rgb; 3],
    lit_share: f32,
    pane: f32,
    /// Light of the street on the lowest floors.
    glow: Rgb,
    light_from_left: bool,
}

impl Building {
    /// Extent of the building at row `y`, if it reaches there.
    fn reach(&self, y: f32) -> Option<(f32, f32)> {
        let (wide, middle) = (self.right - self.left, (self.left + self.right) / 2.0);
        let above = self.top - y;
        if above <= 0.0 {
            return Some((self.left, self.right));
        }
        let part = match self.roof {
            Roof::Flat => 0.0,
            Roof::Spire => 1.0 - above / (wide * 0.9),
            Roof::Steps => match above / wide {
                t if t < 0.18 => 0.72,
                t if t < 0.34 => 0.44,
                t if t < 0.46 => 0.2,
                _ => 0.0,
            },
            Roof::Slant => {
                let t = 1.0 - above / (wide * 0.35);
                return (t > 0.0).then_some((self.right - wide * t, self.right));
            }
            Roof::Dome => {
                let t = above / (wide * 0.42);
                if t < 1.0 { (1.0 - t * t).sqrt() * 0.84 } else { 0.0 }
            }
        };
        if part > 0.02 {
            return Some((middle - wide / 2.0 * part, middle + wide / 2.0 * part));
        }
        let thin = (wide * 0.012).max(0.5);
        (above < self.mast).then_some((middle - thin, middle + thin))
    }
}

impl Blocks {
    fn windows(&self, building: &Building, y: f32, row: &mut [Px], mist: f32) {
        let below = y - building.top - self.pane * 0.8;
        let wide = building.right - building.left;
        if below < 0.0 || self.lit_share <= 0.0 {
            return;
        }
        let (step_x, step_y) = (self.pane * 1.7, self.pane * 2.2);
        let floor = (below / step_y) as i32;
        if below - floor as f32 * step_y > self.pane * 1.25 {
            return;
        }
        let columns = ((wide - self.pane) / step_x) as i32;
        let margin = (wide - columns as f32 * step_x + (step_x - self.pane)) / 2.0;
        // Whole floors are dark or bright more often than chance alone would make them.
        let mood = cell(building.key, floor, -5);
        let share = self.lit_share * (0.35 + 1.3 * mood);
        for column in 0..columns {
            let chance = cell(building.key, floor, column);
            let left = building.left + margin + column as f32 * step_x;
            if chance < share {
                let pick = cell(building.key, column, floor + 77);
                let lamp = self.lamps[(pick * 3.0) as usize % 3];
                let light = 0.55 + 0.45 * cell(building.key, column + 50, floor);
                span(row, left, left + self.pane, quick(lamp, self.haze, mist * 0.6), light);
            } else {
                span(row, left, left + self.pane, quick(self.shade, self.haze, mist), 0.35);
            }
        }
    }
}

impl Layer for Blocks {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let at = y as f32 + 0.5;
        if at > self.foot {
            return;
        }
        for building in &self.list {
            let Some((left, right)) = building.reach(at) else {
                continue;
            };
            let mist = ease(building.top, self.foot, at) * self.haze_most;
            let tone = quick(self.face, self.shade, building.tone);
            let street = ease(self.foot - self.pane * 26.0, self.foot, at) * 0.30;
            let face = quick(quick(tone, self.haze, mist), self.glow, street);
            let dark = quick(quick(self.shade, self.haze, mist), self.glow, street * 0.6);
            span(row, left, right, face, 1.0);
            // One side lies in shade: that makes a box of a stripe.
            let middle =
                building.left + (building.right - building.left) * if self.light_from_left { 0.68 } else { 0.32 };
            if at > building.top {
                let (a, b) = if self.light_from_left {
                    (middle, right)
                } else {
                    (left, middle)
                };
                span(row, a, b, dark, 0.55);
                self.windows(building, at, row, mist);
            }
        }
    }
}

/// Adds rows of buildings, from far to near, standing at `foot` (px).
pub(crate) fn add(stage: &mut Stage, foot: f32, tallest: f32, light_from_left: bool) {
    let rows = 4;
    let haze = blend(stage.palette.sky[4], stage.palette.sky[3], 0.4);
    for index in 0..rows {
        let near = index as f32 / (rows - 1) as f32;
        blocks(stage, foot, tallest, near, haze, light_from_left);
    }
}

fn blocks(stage: &mut Stage, foot: f32, tallest: f32, near: f32, haze: Rgb, light_from_left: bool) {
    let unit = stage.unit;
    let list = plan(stage, foot, tallest, near);
    let time = stage.intent.time;
    let base = stage.palette.land(0.1 + 0.82 * near.powf(1.3));
    let dark_hours = matches!(time, Time::Night | Time::Dusk);
    let lit_share = if dark_hours {
        0.42
    } else if time == Time::Day {
        0.06
    } else {
        0.22
    };
    let warm = [
        hex(0xffd58a),
        hex(0xffe9b8),
        blend(stage.palette.accents[1], hex(0xfff0cc), 0.4),
    ];
    let cool = stage.palette.accents[0];
    let lamps = if time == Time::Night {
        [warm[0], warm[1], cool]
    } else {
        warm
    };
    stage.push(Blocks {
        list,
        foot,
        face: if dark_hours {
            lift(base, 0.05)
        } else {
            blend(lift(base, 0.09), stage.palette.glow, 0.18)
        },
        shade: lift(base, -0.05),
        haze,
        haze_most: 0.75 - 0.55 * near,
        lamps,
        lit_share: lit_share * (0.4 + 0.6 * near),
        pane: (unit * (0.0028 + 0.0024 * near)).max(1.0),
        glow: blend(warm[0], stage.palette.glow, 0.4),
        light_from_left,
    });
}

/// Buildings from the left edge to the right, tall ones in clusters.
fn plan(stage: &mut Stage, foot: f32, tallest: f32, near: f32) -> Vec<Building> {
    let unit = stage.unit;
    let shift = stage.rng.range(0.0, 200.0);
    let mut list = Vec::new();
    let mut x = -unit * 0.05;
    while x < stage.w + unit * 0.02 {
        let cluster = 0.5 + 0.5 * stage.noise.line(x / unit * 2.3 + shift);
        let rng = &mut stage.rng;
        let wide = unit * rng.range(0.03, 0.078) * (0.8 + 0.5 * near);
        let tower = if rng.chance(0.12) { 1.3 } else { 1.0 };
        let tall = tallest * tower * (0.2 + 0.8 * cluster * rng.range(0.5, 1.0)) * (1.0 - 0.52 * near);
        let roof = match rng.below(10) {
            0 | 1 => Roof::Steps,
            2 => Roof::Spire,
            3 => Roof::Slant,
            4 => Roof::Dome,
            _ => Roof::Flat,
        };
        let mast = if rng.chance(0.3) {
            wide * rng.range(0.7, 1.8)
        } else {
            0.0
        };
        list.push(Building {
            left: x,
            right: x + wide,
            top: foot - tall,
            roof,
            mast,
            key: rng.next() as u32,
            tone: rng.range(0.0, 0.55),
        });
        x += wide * rng.range(0.72, 1.18);
    }
    list
}

/// A street of light along the foot of the skyline.
pub(crate) struct Shoreline {
    pub(crate) y: f32,
    pub(crate) thick: f32,
    pub(crate) color: Rgb,
    pub(crate) lamps: Vec<(f32, Rgb)>,
}

impl Layer for Shoreline {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let d = y as f32 + 0.5 - self.y;
        if d.abs() > self.thick {
            return;
        }
        if d > -self.thick * 0.4 {
            for px in row.iter_mut() {
                over(px, self.color, 1.0);
            }
        }
        let reach = self.thick * 0.75;
        let rows = (1.0 - (d + self.thick * 0.3).abs() / reach).max(0.0);
        for (x, color) in &self.lamps {
            span(row, x - reach * rows, x + reach * rows, *color, rows);
        }
    }
}
