//! Ranges of free sizes, and the legal size nearest to one that is not.

use std::cmp::Reverse;

use super::{MAX_SIDE_PX, Ratio, Size};

/// Distances that differ by no more than this are a tie, which the nearer ratio decides: at 2048 pixels it is about one
/// pixel. Without it a square that is too large for a limit of area would end as 2172x2129 rather than as 2150x2150, and
/// 300x300 below a least area as 832x800 rather than as 816x816.
pub const DISTANCE_TIE: f64 = 5e-4;

/// A ratio limit from here on is none: no two sides differ by so much.
const NO_RATIO_LIMIT: f64 = 1e6;

/// Any size within bounds, all inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeRange {
    /// Least side in pixels.
    pub min_edge_px: u32,
    /// Greatest side in pixels; past [`MAX_SIDE_PX`] it is that.
    pub max_edge_px: u32,
    /// Both sides are multiples of this number of pixels; 0 is taken as 1.
    pub multiple_of: u32,
    /// Least number of pixels.
    pub min_pixels: u64,
    /// Greatest number of pixels.
    pub max_pixels: u64,
    /// Greatest longer side over shorter, kept to thousandths; below 1 it is 1.
    pub max_ratio: Option<f64>,
}

/// Sides of a range that go with a side of its own, counted in multiples. Never empty.
#[derive(Debug, Clone, Copy)]
struct Steps {
    first: u64,
    last: u64,
}

impl SizeRange {
    /// Whether `size` is legal.
    #[must_use]
    pub fn allows(&self, size: Size) -> bool {
        let (width, height) = (u64::from(size.width_px), u64::from(size.height_px));
        let step = self.step();
        let is_side = |side: u64| {
            side.is_multiple_of(step)
                && self
                    .steps()
                    .is_some_and(|all| (all.first..=all.last).contains(&(side / step)))
        };
        is_side(width)
            && is_side(height)
            && self
                .partners(width)
                .is_some_and(|heights| (heights.first..=heights.last).contains(&(height / step)))
    }

    /// The legal size with the least `sqrt(ln²(w/W)+ln²(h/H))`. Among those within [`DISTANCE_TIE`] of the least of
    /// which neither side alone could be nearer, it is the one with more pixels, then the wider. A legal size is its
    /// own nearest. `None` when nothing is legal.
    #[must_use]
    pub fn nearest(&self, wanted: Size) -> Option<Size> {
        if self.allows(wanted) {
            return Some(wanted);
        }
        let (all, step) = (self.steps()?, self.step());
        let (width, height) = (u64::from(wanted.width_px.max(1)), u64::from(wanted.height_px.max(1)));
        let start = (width / step).clamp(all.first, all.last);
        let mut search = Search {
            width,
            height,
            least: f64::INFINITY,
            found: Vec::new(),
        };
        self.sweep((all.first..=start).rev(), &mut search);
        self.sweep(start + 1..=all.last, &mut search);
        let has_nearest_width = |near: u64, tried: u64| {
            self.partners(near)
                .is_some_and(|widths| widths.nearest(width, step) * step == tried)
        };
        let ties = search.ties().filter(|&(tried, near)| has_nearest_width(near, tried));
        ties.map(|(tried, near)| Size::new(narrow(tried), narrow(near)))
            .min_by_key(|size| (Ratio::of(*size).distance(Ratio::of(wanted)), Reverse(size.rank())))
    }

    /// Tries widths, counted in multiples and ever farther from the wanted one, each with its nearest height. Past the
    /// first width that is too far by itself, all are.
    fn sweep(&self, widths: impl Iterator<Item = u64>, search: &mut Search) {
        let step = self.step();
        for width in widths.map(|multiples| multiples * step) {
            let off = ln_off(width, search.width);
            if off > search.least + DISTANCE_TIE {
                return;
            }
            if let Some(heights) = self.partners(width) {
                let height = heights.nearest(search.height, step) * step;
                search.add(off.hypot(ln_off(height, search.height)), width, height);
            }
        }
    }

    fn step(&self) -> u64 {
        u64::from(self.multiple_of.max(1))
    }

    /// The sides that the edge limits allow.
    fn steps(&self) -> Option<Steps> {
        let step = self.step();
        let first = u64::from(self.min_edge_px.max(1)).div_ceil(step);
        let last = u64::from(self.max_edge_px.min(MAX_SIDE_PX)) / step;
        (first <= last).then_some(Steps { first, last })
    }

    /// The sides that can stand beside a side of `side` pixels, by all limits.
    fn partners(&self, side: u64) -> Option<Steps> {
        let (all, step) = (self.steps()?, self.step());
        let mut least = self.min_pixels.div_ceil(side);
        let mut most = self.max_pixels / side;
        if let Some(limit) = self.max_ratio.filter(|limit| *limit < NO_RATIO_LIMIT) {
            let limit_milli = (limit.max(1.0) * 1000.0).round() as u64;
            least = least.max((side * 1000).div_ceil(limit_milli));
            most = most.min(side * limit_milli / 1000);
        }
        let first = all.first.max(least.div_ceil(step));
        let last = all.last.min(most / step);
        (first <= last).then_some(Steps { first, last })
    }
}

impl Steps {
    /// The multiple nearest to `wanted` pixels by `|ln|`. There is no tie: two neighbors times each other are no square.
    fn nearest(self, wanted: u64, step: u64) -> u64 {
        let below = wanted / step;
        if below < self.first {
            return self.first;
        }
        if below >= self.last {
            return self.last;
        }
        // above/wanted against wanted/below, without a logarithm.
        let neighbors = u128::from(below * step) * u128::from((below + 1) * step);
        if neighbors < u128::from(wanted) * u128::from(wanted) {
            below + 1
        } else {
            below
        }
    }
}

/// A wanted size in pixels, and the sizes at the least distance from it so far.
struct Search {
    width: u64,
    height: u64,
    least: f64,
    found: Vec<(f64, u64, u64)>,
}

impl Search {
    fn add(&mut self, distance: f64, width: u64, height: u64) {
        if distance <= self.least + DISTANCE_TIE {
            self.found.push((distance, width, height));
            self.least = self.least.min(distance);
        }
    }

    fn ties(&self) -> impl Iterator<Item = (u64, u64)> {
        let found = self
            .found
            .iter()
            .filter(|(distance, ..)| *distance <= self.least + DISTANCE_TIE);
        found.map(|&(_, width, height)| (width, height))
    }
}

/// `|ln(side/wanted)|` of two sides in pixels.
fn ln_off(side: u64, wanted: u64) -> f64 {
    (side as f64 / wanted as f64).ln().abs()
}

fn narrow(side: u64) -> u32 {
    u32::try_from(side).expect("sides of a range are at most MAX_SIDE_PX")
}
