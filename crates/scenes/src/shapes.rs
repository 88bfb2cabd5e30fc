//! Outlines filled with exact edges: polygons, ellipses, strokes, smooth closed curves.

use super::canvas::{Done, Layer, Px, Rgb, over};
use super::noise::ease;
use super::palette::quick;

/// Rows within a row at which edges are looked at.
const SUB_ROWS: usize = 4;

type Point = (f32, f32);

/// A filled area made of closed loops; overlapping loops join.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// Edges from upper to lower end: x, y, x, y, and the side the loop runs.
    edges: Vec<([f32; 4], f32)>,
    top: f32,
    foot: f32,
}

impl Outline {
    pub(crate) fn new() -> Self {
        Self {
            edges: Vec::new(),
            top: f32::MAX,
            foot: f32::MIN,
        }
    }

    /// Adds a closed loop, whichever way it turns.
    pub(crate) fn polygon(mut self, points: &[Point]) -> Self {
        let pairs = || points.iter().zip(points.iter().cycle().skip(1));
        let area: f32 = pairs().map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        let turn = if area < 0.0 { -1.0 } else { 1.0 };
        for (a, b) in pairs() {
            self.top = self.top.min(a.1);
            self.foot = self.foot.max(a.1);
            if a.1 < b.1 {
                self.edges.push(([a.0, a.1, b.0, b.1], turn));
            } else if a.1 > b.1 {
                self.edges.push(([b.0, b.1, a.0, a.1], -turn));
            }
        }
        self
    }

    pub(crate) fn ellipse(self, x: f32, y: f32, rx: f32, ry: f32) -> Self {
        let count = 12 + (rx.max(ry).sqrt() * 4.0) as usize;
        let points: Vec<Point> = (0..count)
            .map(|index| {
                let (sin, cos) = (index as f32 / count as f32 * std::f32::consts::TAU).sin_cos();
                (x + cos * rx, y + sin * ry)
            })
            .collect();
        self.polygon(&points)
    }

    /// Adds a smooth closed curve through the points.
    pub(crate) fn curve(self, points: &[Point]) -> Self {
        self.polygon(&smooth(points, true))
    }

    /// Adds a smooth line whose width runs from `from` to `to` (px).
    pub(crate) fn stroke(self, points: &[Point], from: f32, to: f32) -> Self {
        let line = smooth(points, false);
        let last = line.len().saturating_sub(1).max(1);
        let mut left = Vec::with_capacity(line.len() * 2);
        let mut right = Vec::with_capacity(line.len());
        for (index, at) in line.iter().enumerate() {
            let before = line[index.saturating_sub(1)];
            let after = line[(index + 1).min(line.len() - 1)];
            let (dx, dy) = (after.0 - before.0, after.1 - before.1);
            let length = (dx * dx + dy * dy).sqrt().max(1e-3);
            let half = (from + (to - from) * index as f32 / last as f32) / 2.0;
            let (nx, ny) = (-dy / length * half, dx / length * half);
            left.push((at.0 + nx, at.1 + ny));
            right.push((at.0 - nx, at.1 - ny));
        }
        left.extend(right.into_iter().rev());
        let ends = (line.first().copied(), line.last().copied());
        let mut outline = self.polygon(&left);
        if let (Some(start), Some(end)) = ends {
            outline = outline.ellipse(start.0, start.1, from / 2.0, from / 2.0);
            outline = outline.ellipse(end.0, end.1, to / 2.0, to / 2.0);
        }
        outline
    }

    /// The same outline somewhere else.
    pub(crate) fn moved(&self, dx: f32, dy: f32) -> Self {
        let edges = self
            .edges
            .iter()
            .map(|([a, b, c, d], turn)| ([a + dx, b + dy, c + dx, d + dy], *turn));
        Self {
            edges: edges.collect(),
            top: self.top + dy,
            foot: self.foot + dy,
        }
    }

    /// Coverage of row `y`: where it begins, and 0..1 for each pixel.
    pub(crate) fn coverage(&self, y: usize, width: usize) -> Option<(usize, Vec<f32>)> {
        let at = y as f32;
        if at + 1.0 < self.top || at > self.foot {
            return None;
        }
        let mut spans: Vec<(f32, f32)> = Vec::new();
        let mut hits: Vec<(f32, f32)> = Vec::new();
        for sub in 0..SUB_ROWS {
            let line = at + (sub as f32 + 0.5) / SUB_ROWS as f32;
            hits.clear();
            for ([x0, y0, x1, y1], turn) in &self.edges {
                if *y0 <= line && line < *y1 {
                    hits.push((x0 + (x1 - x0) * (line - y0) / (y1 - y0), *turn));
                }
            }
            hits.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut winding, mut start) = (0.0f32, 0.0);
            for (x, turn) in &hits {
                if winding == 0.0 {
                    start = *x;
                }
                winding += turn;
                if winding == 0.0 {
                    spans.push((start, *x));
                }
            }
        }
        let from = spans.iter().map(|span| span.0).fold(f32::MAX, f32::min).max(0.0);
        let to = spans
            .iter()
            .map(|span| span.1)
            .fold(f32::MIN, f32::max)
            .min(width as f32);
        if to <= from {
            return None;
        }
        let first = from as usize;
        let mut cover = vec![0.0f32; (to.ceil() as usize).min(width) - first];
        for (a, b) in spans {
            let (a, b) = (a.max(from) - first as f32, b.min(to) - first as f32);
            if b <= a {
                continue;
            }
            let end = (b.ceil() as usize).min(cover.len());
            for (index, slot) in cover.iter_mut().enumerate().take(end).skip(a as usize) {
                let x = index as f32;
                *slot += (b.min(x + 1.0) - a.max(x)).clamp(0.0, 1.0) / SUB_ROWS as f32;
            }
        }
        Some((first, cover))
    }
}

/// Steps between two points of a smooth line.
pub(crate) const STEPS: usize = 10;

/// Points on a smooth line through `points` (Catmull-Rom), [`STEPS`] for each leg.
pub(crate) fn smooth(points: &[Point], closed: bool) -> Vec<Point> {
    let count = points.len();
    if count < 3 {
        return points.to_vec();
    }
    let at = |index: isize| {
        let last = count as isize;
        let index = if closed {
            index.rem_euclid(last)
        } else {
            index.clamp(0, last - 1)
        };
        points[index as usize]
    };
    let legs = if closed { count } else { count - 1 };
    let mut line = Vec::with_capacity(legs * STEPS + 1);
    for leg in 0..legs as isize {
        let (a, b, c, d) = (at(leg - 1), at(leg), at(leg + 1), at(leg + 2));
        for step in 0..STEPS {
            let t = step as f32 / STEPS as f32;
            let bend = |p: f32, q: f32, r: f32, s: f32| {
                let (t2, t3) = (t * t, t * t * t);
                0.5 * (2.0 * q
                    + (r - p) * t
                    + (2.0 * p - 5.0 * q + 4.0 * r - s) * t2
                    + (3.0 * q - p - 3.0 * r + s) * t3)
            };
            line.push((bend(a.0, b.0, c.0, d.0), bend(a.1, b.1, c.1, d.1)));
        }
    }
    if !closed {
        line.push(at(count as isize - 1));
    }
    line
}

/// How an outline is filled.
#[derive(Clone, Debug)]
pub(crate) enum Fill {
    Flat(Rgb),
    /// From the color at one row to the color at another (px).
    Down(Rgb, Rgb, f32, f32),
    /// A ball: center, radius (px), base color, color in the light, color in the shade; lit from
    /// the upper left (`-1.0`) or right (`1.0`).
    Ball {
        x: f32,
        y: f32,
        radius: f32,
        base: Rgb,
        lit: Rgb,
        shade: Rgb,
        side: f32,
    },
    /// A turned body: axis and half width (px), base, light, shade, lit side.
    Turned {
        x: f32,
        half: f32,
        base: Rgb,
        lit: Rgb,
        shade: Rgb,
        side: f32,
    },
}

impl Fill {
    fn color(&self, x: f32, y: f32) -> Rgb {
        match self {
            Self::Flat(color) => *color,
            Self::Down(top, foot, from, to) => quick(*top, *foot, ease(*from, *to, y)),
            Self::Ball {
                x: cx,
                y: cy,
                radius,
                base,
                lit,
                shade,
                side,
            } => {
                let (u, v) = ((x - cx) / radius, (y - cy) / radius);
                let z = (1.0 - u * u - v * v).max(0.0).sqrt();
                let light = (u * side * 0.55 - v * 0.6 + z * 0.58).clamp(-1.0, 1.0);
                let mut color = quick(*shade, *base, ease(-0.55, 0.55, light));
                color = quick(color, *lit, ease(0.35, 1.0, light) * 0.75);
                let (hu, hv) = (u - 0.34 * side, v + 0.38);
                let spot = 1.0 - (hu * hu + hv * hv) * 16.0;
                if spot > 0.0 {
                    quick(color, [1.0, 1.0, 1.0], spot * spot * 0.55)
                } else {
                    color
                }
            }
            Self::Turned {
                x: cx,
                half,
                base,
                lit,
                shade,
                side,
            } => {
                let u = ((x - cx) / half * side).clamp(-1.0, 1.0);
                let z = (1.0 - u * u).sqrt();
                let light = u * 0.62 + z * 0.7;
                let mut color = quick(*shade, *base, ease(-0.6, 0.5, light));
                color = quick(color, *lit, ease(0.45, 1.0, light) * 0.7);
                let shine = 1.0 - ((u - 0.52) * 7.0).powi(2);
                if shine > 0.0 {
                    quick(color, [1.0, 1.0, 1.0], shine * 0.22)
                } else {
                    color
                }
            }
        }
    }
}

/// An outline with its fill.
pub(crate) struct Figure {
    pub(crate) outline: Outline,
    pub(crate) fill: Fill,
    pub(crate) alpha: f32,
}

impl Figure {
    pub(crate) fn new(outline: Outline, fill: Fill) -> Self {
        Self {
            outline,
            fill,
            alpha: 1.0,
        }
    }

    pub(crate) fn faint(outline: Outline, fill: Fill, alpha: f32) -> Self {
        Self { outline, fill, alpha }
    }
}

impl Layer for Figure {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let Some((first, cover)) = self.outline.coverage(y, row.len()) else {
            return;
        };
        for (index, cover) in cover.into_iter().enumerate() {
            if cover > 0.0 {
                let x = first + index;
                over(
                    &mut row[x],
                    self.fill.color(x as f32 + 0.5, y as f32 + 0.5),
                    cover.min(1.0) * self.alpha,
                );
            }
        }
    }
}

/// A soft dark or light spot: shadows, halos.
pub(crate) struct Spot {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) rx: f32,
    pub(crate) ry: f32,
    pub(crate) color: Rgb,
    pub(crate) alpha: f32,
}

impl Layer for Spot {
    fn paint(&self, y: usize, row: &mut [Px], _: &Done) {
        let v = (y as f32 + 0.5 - self.y) / self.ry;
        let rows = 1.0 - v * v;
        if rows <= 0.0 {
            return;
        }
        let reach = rows.sqrt() * self.rx;
        let first = (self.x - reach).max(0.0) as usize;
        let last = ((self.x + reach).max(0.0).ceil() as usize).min(row.len());
        for (index, px) in row[first.min(last)..last].iter_mut().enumerate() {
            let u = ((first + index) as f32 + 0.5 - self.x) / self.rx;
            let near = (rows - u * u).max(0.0);
            let amount = near * near * self.alpha * px[3].min(1.0);
            over(px, self.color, amount);
        }
    }
}
