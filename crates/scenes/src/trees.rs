//! Conifers, round trees and grass, as crowds of narrow shapes.

use super::canvas::{Done, Layer, Px, Rgb, over, span};
use super::noise::{cell, ease, lerp};
use super::palette::quick;
use super::stage::Stage;

/// One tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    pub(crate) x: f32,
    pub(crate) foot: f32,
    pub(crate) tall: f32,
    pub(crate) half: f32,
    pub(crate) key: u32,
}

/// A crowd of conifers in one color that fades into mist at their feet.
pub(crate) struct Pines {
    trees: Vec<Tree>,
    dark: Rgb,
    lit: Rgb,
    mist: Rgb,
    mist_most: f32,
    light_from_left: bool,
    snow: Option<Rgb>,
}

impl Pines {
    pub(crate) fn new(mut trees: Vec<Tree>, dark: Rgb, lit: Rgb, light_from_left: bool) -> Self {
        // Those that stand lower are nearer.
        trees.sort_by(|a, b| a.foot.total_cmp(&b.foot));
        Self {
            trees,
            dark,
            lit,
            mist: dark,
            mist_most: 0.0,
            light_from_left,
            snow: None,
        }
    }

    pub(crate) fn misty(mut self, mist: Rgb, most: f32) -> Self {
        (self.mist, self.mist_most) = (mist, most);
        self
    }

    pub(crate) fn snowy(mut self, snow: Option<Rgb>) -> Self {
        self.snow = snow;
        self
    }

    fn tree(&self, tree: &Tree, y: f32, row: &mut [Px]) {
        let t = (y - (tree.foot - tree.tall)) / tree.tall;
        if !(0.0..1.03).contains(&t) {
            return;
        }
        let mist = ease(0.25, 1.0, t) * self.mist_most;
        let dark = quick(self.dark, self.mist, mist);
        if t > 0.93 {
            let half = (tree.half * 0.09).max(0.5);
            span(row, tree.x - half, tree.x + half, dark, 1.0);
            return;
        }
        let tiers = 6.0 + (tree.key % 5) as f32;
        let level = t.powf(0.8) * tiers;
        let drop = level - level.floor();
        let reach = t * (0.42 + 0.58 * drop) + 0.015;
        let ragged = |side: i32| {
            // Twigs: a few bumps a tier, joined by slopes, so that edges read as needles.
            let twig = level * 4.0 + side as f32 * 0.5;
            let (low, high) = (cell(tree.key, twig as i32, side), cell(tree.key, twig as i32 + 1, side));
            let twigs = lerp(low, high, twig - (twig as i32) as f32);
            let needle = cell(tree.key, y as i32, side);
            let tier = cell(tree.key, level as i32 + 900, side);
            reach * (0.70 + 0.20 * twigs + 0.07 * needle + 0.26 * tier) * tree.half
        };
        let (left, right) = (ragged(0), ragged(1));
        span(row, tree.x - left, tree.x + right, dark, 1.0);
        let light = quick(self.lit, self.mist, mist);
        let strength = 0.75 * (1.0 - drop * 0.7);
        if self.light_from_left {
            span(row, tree.x - left, tree.x - left * 0.25 * drop, light, strength);
        } else {
            span(row, tree.x + right * 0.25 * drop, tree.x + right, light, strength);
        }
        if let Some(snow) = self.snow {
            let load = (1.0 - drop * 2.0).max(0.0);
            let bite = 0.5 + 0.5 * cell(tree.key, level as i32, 7);
            span(
                row,
                tree.x - left * bite,
                tree.x + right * bite,
                quick(snow, self.mist, mist),
                load * 0.85,
            );
        }
    }
}

impl Layer for Pines {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let y = y as f32 + 0.5;
        for tree in &self.trees {
            if y < tree.foot + 1.0 + tree.tall * 0.04 && y > tree.foot - tree.tall {
                self.tree(tree, y, row);
            }
        }
    }
}

/// Plants conifers along a crest: `tall` px each, about `gap` px apart, some places bare.
pub(crate) fn along(stage: &mut Stage, crest: &[f32], tall: f32, gap: f32, bare: f32) -> Vec<Tree> {
    let shift = stage.rng.range(0.0, 150.0);
    let mut trees = Vec::new();
    let mut x = -tall * 0.2;
    while x < stage.w + tall * 0.2 {
        let at = (x.max(0.0) as usize).min(crest.len() - 1);
        let grove = stage.noise.line(x / stage.unit * 3.1 + shift);
        let rng = &mut stage.rng;
        if grove > bare - 0.9 {
            let size = tall * rng.range(0.55, 1.1) * lerp(0.7, 1.1, ease(-0.5, 0.6, grove));
            let half = size * rng.range(0.17, 0.23);
            let foot = crest[at] + size * 0.06 + rng.range(0.0, gap * 0.3);
            trees.push(Tree {
                x,
                foot,
                tall: size,
                half,
                key: rng.next() as u32,
            });
        }
        x += gap * rng.range(0.4, 1.5);
    }
    trees
}

/// Round-crowned trees.
pub(crate) struct Crowns {
    /// Center, radius, tone (px, -1..1), and which colors.
    puffs: Vec<([f32; 4], usize)>,
    trunks: Vec<[f32; 4]>,
    leaves: [(Rgb, Rgb); 3],
    trunk: Rgb,
    side: f32,
}

impl Crowns {
    /// Trees with these feet; three kinds of leaves, each in light and in shade.
    pub(crate) fn new(stage: &mut Stage, trees: &[Tree], leaves: [(Rgb, Rgb); 3], trunk: Rgb, from_left: bool) -> Self {
        let mut puffs = Vec::new();
        let mut trunks = Vec::new();
        for tree in trees {
            trunks.push([tree.x, tree.foot - tree.tall * 0.7, tree.foot, tree.tall * 0.045]);
            for index in 0..15 {
                let rng = &mut stage.rng;
                let angle = rng.range(0.0, std::f32::consts::TAU);
                let (sin, cos) = angle.sin_cos();
                let out = rng.unit().sqrt() * 0.30 * tree.tall;
                let radius = tree.tall * rng.range(0.11, 0.19);
                let tone = rng.range(-0.12, 0.12) + index as f32 * 0.012;
                let center = (
                    tree.x + cos * out * 1.05,
                    tree.foot - tree.tall * 0.64 + sin * out * 0.78,
                );
                puffs.push(([center.0, center.1, radius, tone], (tree.key / 3 % 3) as usize));
            }
        }
        Self {
            puffs,
            trunks,
            leaves,
            trunk,
            side: if from_left { -1.0 } else { 1.0 },
        }
    }
}

impl Layer for Crowns {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let at = y as f32 + 0.5;
        for [x, top, foot, half] in &self.trunks {
            if (*top..*foot).contains(&at) {
                let flare = 1.0 + ease(0.8, 1.0, (at - top) / (foot - top)) * 0.8;
                span(row, x - half * flare, x + half * flare, self.trunk, 1.0);
            }
        }
        for ([x, cy, radius, tone], kind) in &self.puffs {
            let (lit, dark) = self.leaves[*kind];
            let v = (at - cy) / radius;
            if v * v >= 1.0 {
                continue;
            }
            let reach = (1.0 - v * v).sqrt() * radius;
            let first = (x - reach).max(0.0) as usize;
            let last = ((x + reach).max(0.0) as usize + 1).min(row.len());
            for (index, px) in row[first.min(last)..last].iter_mut().enumerate() {
                let column = (first + index) as f32 + 0.5;
                let u = (column - x) / radius;
                let speckle = cell(7, (column * 40.0 / radius) as i32 / 4, (at * 40.0 / radius) as i32 / 4) - 0.5;
                let light = (0.5 + tone + u * self.side * 0.30 - v * 0.42 + speckle * 0.22).clamp(0.0, 1.0);
                let edge = (radius - (u * u + v * v).sqrt() * radius + 0.5).clamp(0.0, 1.0);
                over(px, quick(dark, lit, light), edge);
            }
        }
    }
}
