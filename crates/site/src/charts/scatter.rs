//! Ratings against price or time.

use std::fmt::Write as _;

use super::Scale;
use crate::arena::Rated;
use crate::html::{Html, escape};
use crate::words;

/// A model on a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its name.
    pub name: String,
    /// Where it stands beside its rating: a price in dollars, or seconds.
    pub value: f64,
    /// The value in words.
    pub told: String,
    /// Its rating.
    pub rated: Rated,
}

/// What ratings stand against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Dollars, logarithmic.
    Price,
    /// Seconds.
    Time,
}

/// A drawing's size and margins.
struct Layout {
    class: &'static str,
    size: (f64, f64),
    left: f64,
    right: f64,
    ticks: usize,
}

const TOP: f64 = 26.0;
const FOOT: f64 = 44.0;
/// About how wide a letter of a label is.
const LETTER: f64 = 6.4;

fn layouts(against: Against) -> [Layout; 2] {
    let wide = match against {
        Against::Price => (1_300.0, 520.0),
        Against::Time => (620.0, 400.0),
    };
    [
        Layout {
            class: "onwide",
            size: wide,
            left: 46.0,
            right: 14.0,
            ticks: 8,
        },
        Layout {
            class: "onphone",
            size: (380.0, 400.0),
            left: 46.0,
            right: 14.0,
            ticks: 4,
        },
    ]
}

/// Ratings against price or time, with the frontier: the models than which none is both better and cheaper (or quicker).
/// `id` must be unique on the page.
#[must_use]
pub fn scatter(id: &str, against: Against, points: &[Point]) -> Html {
    let mut out = String::from("<figure>");
    for (place, layout) in layouts(against).iter().enumerate() {
        let _ = write!(out, "<div class=\"{}\">", layout.class);
        plot(&mut out, &format!("{id}-{place}"), against, layout, points);
        out.push_str("</div>");
    }
    out.push_str("<figcaption class=\"sr\">The table of the board holds all figures.</figcaption></figure>");
    Html(out)
}

struct Axes {
    scale: Scale,
    against: Against,
    values: (f64, f64),
    left: f64,
    right: f64,
    bottom: f64,
}

impl Axes {
    fn x(&self, value: f64) -> f64 {
        let (least, most) = self.values;
        let share = match self.against {
            Against::Price => (value / least).ln() / (most / least).ln(),
            Against::Time => (value - least) / (most - least),
        };
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    fn y(&self, rating: f64) -> f64 {
        self.bottom - self.scale.at(rating, self.bottom - TOP)
    }

    fn ticks(&self, most: usize) -> Vec<f64> {
        let (least, greatest) = self.values;
        match self.against {
            Against::Price => {
                let all = (-5..3).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)));
                let inside: Vec<f64> = all.filter(|value| (least..=greatest).contains(value)).collect();
                let every = inside.len().div_ceil(most).max(1);
                inside.into_iter().step_by(every).collect()
            }
            Against::Time => {
                let steps = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
                let step = steps
                    .into_iter()
                    .find(|step| greatest / step <= most as f64)
                    .unwrap_or(greatest);
                (0..=most)
                    .map(|number| number as f64 * step)
                    .filter(|tick| *tick <= greatest)
                    .collect()
            }
        }
    }

    fn told(&self, value: f64) -> String {
        match self.against {
            Against::Price => format!("${value}"),
            Against::Time => format!("{} s", (value * 10.0).round() / 10.0),
        }
    }
}

fn axes(against: Against, layout: &Layout, points: &[Point]) -> Axes {
    let values = points.iter().map(|point| point.value);
    let (least, most) = values.fold((f64::INFINITY, 0.0_f64), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    Axes {
        scale: Scale::holding(points.iter().map(|point| point.rated)),
        against,
        values: match against {
            Against::Price => (least / 1.3, most * 1.3),
            Against::Time => (0.0, most * 1.08 + f64::MIN_POSITIVE),
        },
        left: layout.left,
        right: layout.size.0 - layout.right,
        bottom: layout.size.1 - FOOT,
    }
}

fn plot(out: &mut String, id: &str, against: Against, layout: &Layout, points: &[Point]) {
    let axes = axes(against, layout, points);
    let frontier = frontier(points);
    let names: Vec<&str> = frontier.iter().map(|place| points[*place].name.as_str()).collect();
    let what = match against {
        Against::Price => "price of an image, logarithmic",
        Against::Time => "median time",
    };
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}\"><title id=\"{id}\">Rating against {what}. On the frontier: {}</title>",
        layout.size.0,
        layout.size.1,
        escape(&words::list(&names))
    );
    let _ = write!(out, "<text class=\"t2\" x=\"0\" y=\"12\">rating</text>");
    for tick in axes.scale.ticks(8) {
        let y = axes.y(tick);
        let _ = write!(
            out,
            "<path class=\"gr\" d=\"M{} {y:.1}H{:.1}\"/><text class=\"t2\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{tick:.0}</text>",
            axes.left,
            axes.right,
            axes.left - 8.0,
            y + 4.0
        );
    }
    for tick in axes.ticks(layout.ticks) {
        let x = axes.x(tick);
        let _ = write!(
            out,
            "<path class=\"ax\" d=\"M{x:.1} {}v5\"/><text class=\"t2\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            axes.bottom,
            axes.bottom + 20.0,
            axes.told(tick)
        );
    }
    let unit = match against {
        Against::Price => "price of an image",
        Against::Time => "median time of this installation",
    };
    let _ = write!(
        out,
        "<text class=\"t2\" x=\"{:.1}\" y=\"{}\" text-anchor=\"end\">{unit}</text>",
        axes.right,
        axes.bottom + 38.0
    );
    draw_frontier(out, &axes, points, &frontier);
    for (place, point) in points.iter().enumerate() {
        let (x, y) = (axes.x(point.value), axes.y(point.rated.rating));
        let on = if frontier.contains(&place) { " on" } else { "" };
        let _ = write!(
            out,
            "<path class=\"leader\" d=\"M{x:.1} {:.1}V{:.1}\"/><circle class=\"pt{on}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"><title>{}: {:.0}, {}</title></circle>",
            axes.y(point.rated.low),
            axes.y(point.rated.high),
            escape(&point.name),
            point.rated.rating,
            escape(&point.told)
        );
    }
    draw_names(out, &axes, points, &frontier);
    out.push_str("</svg>");
}

/// Places of the models than which none is both better and cheaper, the cheapest first.
fn frontier(points: &[Point]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&points[*a], &points[*b]);
        a.value
            .total_cmp(&b.value)
            .then(b.rated.rating.total_cmp(&a.rated.rating))
    });
    let mut best = f64::NEG_INFINITY;
    order.retain(|place| {
        let rating = points[*place].rated.rating;
        let is_better = rating > best;
        best = best.max(rating);
        is_better
    });
    order
}

fn draw_frontier(out: &mut String, axes: &Axes, points: &[Point], frontier: &[usize]) {
    let Some((first, rest)) = frontier.split_first() else {
        return;
    };
    let at = |place: usize| (axes.x(points[place].value), axes.y(points[place].rated.rating));
    let (x, y) = at(*first);
    let mut path = format!("M{x:.1} {y:.1}");
    for place in rest {
        let (x, y) = at(*place);
        let _ = write!(path, "H{x:.1}V{y:.1}");
    }
    let _ = write!(out, "<path class=\"front\" d=\"{path}H{:.1}\"/>", axes.right);
}

/// Names beside their points: the frontier's first, the others where there is room.
fn draw_names(out: &mut String, axes: &Axes, points: &[Point], frontier: &[usize]) {
    let others = (0..points.len()).filter(|place| !frontier.contains(place));
    let mut taken: Vec<[f64; 4]> = points
        .iter()
        .map(|point| {
            let (x, y) = (axes.x(point.value), axes.y(point.rated.rating));
            [x - 6.0, y - 6.0, x + 6.0, y + 6.0]
        })
        .collect();
    for place in frontier.iter().copied().chain(others) {
        let point = &points[place];
        let (x, y) = (axes.x(point.value), axes.y(point.rated.rating));
        let width = point.name.chars().count() as f64 * LETTER;
        let tries = [
            (x + 9.0, y - 7.0, "start"),
            (x + 9.0, y + 15.0, "start"),
            (x - 9.0, y - 7.0, "end"),
            (x - 9.0, y + 15.0, "end"),
        ];
        let free = tries.into_iter().find_map(|(at, line, anchor)| {
            let from = if anchor == "end" { at - width } else { at };
            let own = [from, line - 11.0, from + width, line + 3.0];
            let inside = own[0] > 2.0 && own[2] < axes.right + 12.0 && own[1] > 0.0;
            let overlaps = taken
                .iter()
                .any(|other| own[0] < other[2] && other[0] < own[2] && own[1] < other[3] && other[1] < own[3]);
            (inside && !overlaps).then_some((at, line, anchor, own))
        });
        if let Some((at, line, anchor, own)) = free {
            taken.push(own);
            let strong = if frontier.contains(&place) { " class=\"t1\"" } else { "" };
            let _ = write!(
                out,
                "<rect class=\"lab\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"13\"/><text{strong} x=\"{at:.1}\" y=\"{line:.1}\" text-anchor=\"{anchor}\">{}</text>",
                own[0],
                own[1],
                own[2] - own[0],
                escape(&point.name)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, value: f64, rating: f64) -> Point {
        let rated = Rated {
            rating,
            low: rating - 20.0,
            high: rating + 20.0,
        };
        Point {
            name: name.to_owned(),
            value,
            told: format!("${value}"),
            rated,
        }
    }

    #[test]
    fn on_the_frontier_nothing_is_both_better_and_cheaper() {
        let points = [
            point("dear", 0.1, 1150.0),
            point("cheap", 0.01, 1000.0),
            point("bad", 0.02, 950.0),
            point("best", 0.04, 1200.0),
        ];
        assert_eq!(frontier(&points), [1, 3]);
        let html = scatter("c", Against::Price, &points).0;
        assert!(html.contains("On the frontier: cheap and best"), "{html}");
        assert_eq!(
            html.matches("<circle").count(),
            8,
            "drawn for wide windows and for phones"
        );
        assert!(!html.contains("style="));
    }
}
