//! Charts as SVG, colored by the style sheet alone.

mod days;
mod gantt;
mod history;
mod ratings;
mod scatter;
mod shapes;
mod times;

pub use days::{DAYS_MAX, days, spark};
pub use gantt::{PICTOR, Span, gantt};
pub use history::{Line, history};
pub use ratings::{Scale, interval, shares};
pub use scatter::{Against, Point, scatter};
pub use shapes::{frame, shape};
pub use times::{Lane, times};

/// A logarithmic axis from values to pixels.
#[derive(Debug, Clone, Copy)]
struct LogAxis {
    least: f64,
    greatest: f64,
    from_px: f64,
    to_px: f64,
}

impl LogAxis {
    /// An axis that holds every one of `values`, with some air on both sides.
    fn holding(values: impl Iterator<Item = f64>, from_px: f64, to_px: f64) -> Self {
        let (mut least, mut greatest) = (f64::INFINITY, 0.0_f64);
        for value in values {
            least = least.min(value.max(1.0));
            greatest = greatest.max(value.max(1.0));
        }
        if !least.is_finite() {
            (least, greatest) = (1_000.0, 10_000.0);
        }
        Self {
            least: least / 1.3,
            greatest: greatest * 1.3,
            from_px,
            to_px,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.max(1.0) / self.least).ln() / (self.greatest / self.least).ln();
        self.from_px + share.clamp(0.0, 1.0) * (self.to_px - self.from_px)
    }

    /// Round values on it: 1, 2 and 5 of each power of ten, at most `most` of them.
    fn ticks(&self, most: usize) -> Vec<f64> {
        let all = (0..8).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)));
        let inside: Vec<f64> = all
            .filter(|value| (self.least..=self.greatest).contains(value))
            .collect();
        let every = inside.len().div_ceil(most.max(1)).max(1);
        inside.into_iter().step_by(every).collect()
    }
}
