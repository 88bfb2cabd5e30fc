//! Ratings: intervals on a line, and shares of votes.

use std::fmt::Write as _;

use crate::arena::{Rated, Tallied};
use crate::html::Html;

/// The line on which a table's intervals stand, in Elo points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Its left end.
    pub from: f64,
    /// Its right end.
    pub to: f64,
}

/// Units of an interval's drawing.
const LINE: f64 = 200.0;
/// Lines across an interval's drawing: four parts.
const PARTS: usize = 4;
/// Round steps of an axis of ratings.
const STEPS: [f64; 5] = [10.0, 25.0, 50.0, 100.0, 250.0];

impl Scale {
    /// A line that holds all of `ratings`, with round ends.
    #[must_use]
    pub fn holding(ratings: impl Iterator<Item = Rated>) -> Self {
        const ROUND: f64 = 50.0;
        const MIDDLE: f64 = 1_100.0;
        let (from, to) = ratings.fold((MIDDLE - ROUND, MIDDLE + ROUND), |(from, to), rated| {
            (from.min(rated.low), to.max(rated.high))
        });
        Self {
            from: (from / ROUND).floor() * ROUND,
            to: (to / ROUND).ceil() * ROUND,
        }
    }

    pub(super) fn at(self, rating: f64, length: f64) -> f64 {
        ((rating - self.from) / (self.to - self.from)).clamp(0.0, 1.0) * length
    }

    /// Its ends and its middle, as they stand in the head of a table.
    #[must_use]
    pub fn head(self) -> Html {
        let middle = f64::midpoint(self.from, self.to);
        Html(format!(
            "<span class=\"scale\" aria-hidden=\"true\"><span>{:.0}</span><span>{middle:.0}</span><span>{:.0}</span></span>",
            self.from, self.to
        ))
    }

    pub(super) fn ticks(self, most: usize) -> Vec<f64> {
        let span = self.to - self.from;
        let step = STEPS
            .into_iter()
            .find(|step| span / step <= most as f64)
            .unwrap_or(STEPS[4]);
        let first = (self.from / step).ceil() as i64;
        (first..)
            .map(|number| number as f64 * step)
            .take_while(|tick| *tick <= self.to)
            .collect()
    }
}

/// A rating with its interval. `is_own` marks what the page is about.
#[must_use]
pub fn interval(rated: Rated, scale: Scale, is_own: bool) -> Html {
    let own = if is_own { " me" } else { "" };
    let mut out = format!(
        "<svg class=\"iv{own}\" viewBox=\"0 0 {LINE} 20\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{:.0}, 95 % interval {:.0} to {:.0}\">",
        rated.rating, rated.low, rated.high
    );
    for part in 0..=PARTS {
        let _ = write!(
            out,
            "<path class=\"g\" d=\"M{:.1} 0v20\"/>",
            LINE * part as f64 / PARTS as f64
        );
    }
    let (low, high) = (scale.at(rated.low, LINE), scale.at(rated.high, LINE));
    let _ = write!(
        out,
        "<path class=\"w\" d=\"M{low:.1} 10H{high:.1}\"/><rect class=\"d\" x=\"{:.1}\" y=\"5\" width=\"4\" height=\"10\"/></svg>",
        scale.at(rated.rating, LINE) - 2.0
    );
    Html(out)
}

/// Won, tied and lost as three lengths.
#[must_use]
pub fn shares(record: Tallied) -> Html {
    let votes = record.votes();
    if votes == 0 {
        return Html("<span class=\"dimmer\">none</span>".to_owned());
    }
    let length = |count: u64| LINE * count as f64 / votes as f64;
    let (won, tied, lost) = (length(record.won), length(record.tied()), length(record.lost));
    let bar = |class: &str, from: f64, length: f64| {
        if length < 1.0 {
            return String::new();
        }
        format!(
            "<rect class=\"{class}\" x=\"{from:.1}\" width=\"{:.1}\" height=\"8\"/>",
            length - 1.0
        )
    };
    Html(format!(
        "<svg class=\"wlt\" viewBox=\"0 0 {LINE} 8\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{}{}{}</svg>",
        record.told(),
        bar("b1", 0.0, won),
        bar("b2", won, tied),
        bar("b3", won + tied, lost)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_round_and_holds_everything() {
        let rated = Rated {
            rating: 1210.0,
            low: 1190.0,
            high: 1261.0,
        };
        let scale = Scale::holding([rated].into_iter());
        assert_eq!((scale.from, scale.to), (1050.0, 1300.0));
        assert!(
            interval(rated, scale, true)
                .0
                .contains("1210, 95 % interval 1190 to 1261")
        );
    }

    #[test]
    fn shares_add_up() {
        let record = Tallied {
            won: 2,
            lost: 1,
            as_good: 1,
            both_bad: 0,
        };
        assert!(shares(record).0.contains("won 2, tied 1, lost 1"));
        assert_eq!(record.share(), "67 %");
        assert!(shares(Tallied::default()).0.contains("none"));
    }
}
