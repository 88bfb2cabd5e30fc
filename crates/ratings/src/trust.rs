//! Signs that votes do not say what they should: a side that is preferred, orders that go in circles.

use crate::{Outcome, Tally, normal_quantile};

/// How often the left picture was preferred, and what chance explains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sides {
    /// Votes for the left.
    pub left: f64,
    /// Votes for the right.
    pub right: f64,
    /// The left's share of these; none without votes.
    pub share: Option<f64>,
    /// Where the share lies by chance, at the confidence that was asked for, when sides are drawn by lot.
    pub chance: (f64, f64),
    /// Whether the share lies outside.
    pub biased: bool,
}

/// The preference for a side. Votes for neither say nothing of it.
pub fn sides(tally: &Tally, confidence: f64) -> Sides {
    let [left, right, ..] = tally.outcomes();
    debug_assert_eq!(Outcome::ALL[0], Outcome::Left);
    let votes = left + right;
    let half = normal_quantile(0.5 + confidence / 2.0) * 0.5 / votes.max(1.0).sqrt();
    let chance = ((0.5 - half).max(0.0), (0.5 + half).min(1.0));
    let share = (votes > 0.0).then(|| left / votes);
    Sides {
        left,
        right,
        share,
        chance,
        biased: share.is_some_and(|share| share < chance.0 || share > chance.1),
    }
}

/// Triples of models in which each beat the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circles {
    /// Triples whose three pairs all have a majority.
    pub triples: usize,
    /// Those of them that fit no order.
    pub circular: usize,
}

/// Counts circles. Pairs without votes, and those that are even, decide no triple.
pub fn circles(tally: &Tally) -> Circles {
    let models = tally.models();
    let mut beats = vec![0_i8; models * models];
    for (a, b, record) in tally.pairs() {
        let sign = match record.won.total_cmp(&record.lost) {
            std::cmp::Ordering::Greater => 1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Less => -1,
        };
        beats[a * models + b] = sign;
        beats[b * models + a] = -sign;
    }
    let mut circles = Circles::default();
    for a in 0..models {
        for b in a + 1..models {
            let first = beats[a * models + b];
            if first == 0 {
                continue;
            }
            for c in b + 1..models {
                let (second, third) = (beats[b * models + c], beats[c * models + a]);
                if second != 0 && third != 0 {
                    circles.triples += 1;
                    circles.circular += usize::from(first == second && second == third);
                }
            }
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_seen() {
        let mut tally = Tally::new(4);
        for (better, worse) in [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3)] {
            tally.add(better, worse, Outcome::Left);
        }
        assert_eq!(
            circles(&tally),
            Circles {
                triples: 2,
                circular: 1
            }
        );
        tally.add(2, 3, Outcome::AsGood);
        assert_eq!(circles(&tally).triples, 2, "an even pair decides nothing");
    }

    #[test]
    fn a_side_is_seen_past_chance_only() {
        let mut tally = Tally::new(2);
        assert_eq!(sides(&tally, 0.95).share, None);
        tally.add_many(0, 1, Outcome::Left, 54.0);
        tally.add_many(0, 1, Outcome::Right, 46.0);
        let few = sides(&tally, 0.95);
        assert!(!few.biased && (few.chance.0 - 0.402).abs() < 0.001);
        tally.add_many(1, 0, Outcome::Left, 5_400.0);
        tally.add_many(1, 0, Outcome::Right, 4_600.0);
        assert!(sides(&tally, 0.95).biased);
    }
}
