//! Simulated voters with known strengths.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ratings::{Ballot, Outcome, Session, Tally, expected_score};

/// A world of models with true ratings (Elo), in which ties have Davidson's chances: a rule that the fit knows nothing of.
pub(crate) struct World {
    pub(crate) truth: Vec<f64>,
    /// Davidson's parameter: 0 is never a tie; 1 a third among equals.
    pub(crate) ties: f64,
    rng: StdRng,
}

impl World {
    pub(crate) fn new(truth: Vec<f64>, ties: f64, seed: u64) -> Self {
        Self {
            truth,
            ties,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    pub(crate) fn lot(&mut self) -> f64 {
        self.rng.random()
    }

    /// Two unlike models, each pair as likely.
    pub(crate) fn pair(&mut self) -> (usize, usize) {
        let left = self.rng.random_range(0..self.truth.len());
        let right = self.rng.random_range(0..self.truth.len() - 1);
        (left, if right >= left { right + 1 } else { right })
    }

    /// An honest vote.
    pub(crate) fn vote(&mut self, left: usize, right: usize) -> Outcome {
        let better = expected_score(self.truth[left], self.truth[right]);
        let neither = self.ties * (better * (1.0 - better)).sqrt();
        let lot = self.rng.random::<f64>() * (1.0 + neither);
        if lot < better {
            Outcome::Left
        } else if lot < 1.0 {
            Outcome::Right
        } else if self.rng.random() {
            Outcome::AsGood
        } else {
            Outcome::BothBad
        }
    }

    /// So many honest votes on pairs by lot.
    pub(crate) fn tally(&mut self, votes: usize) -> Tally {
        let mut tally = Tally::new(self.truth.len());
        for _ in 0..votes {
            let (left, right) = self.pair();
            let outcome = self.vote(left, right);
            tally.add(left, right, outcome);
        }
        tally
    }

    /// A session of `votes`, each said by `says`, which hears what an honest voter would have said.
    pub(crate) fn session(&mut self, votes: usize, says: impl Fn(usize, usize, Outcome) -> Outcome) -> Session {
        let ballots = (0..votes).map(|_| {
            let (left, right) = self.pair();
            let honest = self.vote(left, right);
            Ballot {
                left,
                right,
                outcome: says(left, right, honest),
                decided_ms: Some(self.rng.random_range(1_500..20_000)),
            }
        });
        let ballots = ballots.collect();
        Session { address: None, ballots }
    }
}
