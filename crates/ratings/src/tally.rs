//! Votes counted by ordered pair: all that a fit needs to know of them.

/// What a voter said of two pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The left one is better.
    Left,
    /// The right one is better.
    Right,
    /// Neither is better, both will do.
    AsGood,
    /// Neither is better, none will do. Half a win for each, as [`Outcome::AsGood`], but counted apart.
    BothBad,
}

impl Outcome {
    /// All of them, in the order of [`Tally`]'s cells.
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::AsGood, Self::BothBad];

    /// What the left model gets of the one point of a vote.
    pub fn left_score(self) -> f64 {
        match self {
            Self::Left => 1.0,
            Self::Right => 0.0,
            Self::AsGood | Self::BothBad => 0.5,
        }
    }

    fn cell(self) -> usize {
        match self {
            Self::Left => 0,
            Self::Right => 1,
            Self::AsGood => 2,
            Self::BothBad => 3,
        }
    }
}

/// How often each outcome was given for each ordered pair (left, right) of models, which are numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    models: usize,
    cells: Vec<[f64; 4]>,
}

/// Wins, losses and votes for neither of one model, against one other or all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// Votes for this model.
    pub won: f64,
    /// Votes for the other.
    pub lost: f64,
    /// Both will do.
    pub as_good: f64,
    /// None will do.
    pub both_bad: f64,
}

impl Record {
    /// All votes.
    pub fn votes(self) -> f64 {
        self.won + self.lost + self.as_good + self.both_bad
    }

    /// Points: a win is one, a vote for neither is half of one.
    pub fn points(self) -> f64 {
        self.won + (self.as_good + self.both_bad) / 2.0
    }

    fn add(&mut self, other: Self) {
        self.won += other.won;
        self.lost += other.lost;
        self.as_good += other.as_good;
        self.both_bad += other.both_bad;
    }
}

impl Tally {
    /// No votes among so many models.
    pub fn new(models: usize) -> Self {
        Self {
            models,
            cells: vec![[0.0; 4]; models * models],
        }
    }

    /// How many models there are, voted on or not.
    pub fn models(&self) -> usize {
        self.models
    }

    /// Adds one vote.
    ///
    /// # Panics
    /// When a model's number is not below [`Tally::models`], or both are the same.
    pub fn add(&mut self, left: usize, right: usize, outcome: Outcome) {
        self.add_many(left, right, outcome, 1.0);
    }

    /// Adds `count` votes of one kind. A negative count takes votes away.
    ///
    /// # Panics
    /// As [`Tally::add`].
    pub fn add_many(&mut self, left: usize, right: usize, outcome: Outcome, count: f64) {
        assert!(left != right, "a model was set against itself");
        assert!(left < self.models && right < self.models, "no such model");
        self.cells[left * self.models + right][outcome.cell()] += count;
    }

    /// Votes with `left` on the left and `right` on the right, by outcome in the order of [`Outcome::ALL`].
    pub fn cell(&self, left: usize, right: usize) -> [f64; 4] {
        self.cells[left * self.models + right]
    }

    /// The record of `a` against `b`, whichever side they stood on.
    pub fn head_to_head(&self, a: usize, b: usize) -> Record {
        let (at_left, at_right) = (self.cell(a, b), self.cell(b, a));
        Record {
            won: at_left[0] + at_right[1],
            lost: at_left[1] + at_right[0],
            as_good: at_left[2] + at_right[2],
            both_bad: at_left[3] + at_right[3],
        }
    }

    /// The record of one model against all others.
    pub fn record(&self, model: usize) -> Record {
        let mut all = Record::default();
        for other in (0..self.models).filter(|other| *other != model) {
            all.add(self.head_to_head(model, other));
        }
        all
    }

    /// How often `model` stood on the left, and on the right.
    pub fn stood(&self, model: usize) -> (f64, f64) {
        (0..self.models).fold((0.0, 0.0), |(left, right), other| {
            let at_left: f64 = self.cell(model, other).iter().sum();
            let at_right: f64 = self.cell(other, model).iter().sum();
            (left + at_left, right + at_right)
        })
    }

    /// All votes by outcome, in the order of [`Outcome::ALL`].
    pub fn outcomes(&self) -> [f64; 4] {
        self.cells.iter().fold([0.0; 4], |mut sum, cell| {
            for (sum, count) in sum.iter_mut().zip(cell) {
                *sum += count;
            }
            sum
        })
    }

    /// All votes.
    pub fn votes(&self) -> f64 {
        self.outcomes().iter().sum()
    }

    /// The pairs that were voted on, each once (`a < b`), with the record of `a`.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, Record)> + '_ {
        (0..self.models)
            .flat_map(move |a| (a + 1..self.models).map(move |b| (a, b, self.head_to_head(a, b))))
            .filter(|(_, _, record)| record.votes() > 0.0)
    }

    /// The same counts, each replaced by what `change` makes of it; cells without votes are left out.
    pub(crate) fn map(&self, mut change: impl FnMut(f64) -> f64) -> Self {
        let cells = self.cells.iter();
        let cells = cells.map(|cell| cell.map(|count| if count > 0.0 { change(count) } else { 0.0 }));
        Self {
            models: self.models,
            cells: cells.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_side_and_kind() {
        let mut tally = Tally::new(3);
        tally.add(0, 1, Outcome::Left);
        tally.add(1, 0, Outcome::Left);
        tally.add(1, 0, Outcome::AsGood);
        tally.add(2, 0, Outcome::BothBad);
        let pair = tally.head_to_head(0, 1);
        assert_eq!((pair.won, pair.lost, pair.as_good, pair.both_bad), (1.0, 1.0, 1.0, 0.0));
        assert_eq!(pair.points(), 1.5);
        assert_eq!(tally.record(0).both_bad, 1.0);
        assert_eq!(tally.stood(0), (1.0, 3.0));
        assert_eq!(tally.outcomes(), [2.0, 0.0, 1.0, 1.0]);
        assert_eq!(tally.pairs().count(), 2);
    }

    #[test]
    #[should_panic(expected = "against itself")]
    fn a_model_has_no_battle_with_itself() {
        Tally::new(2).add(1, 1, Outcome::Left);
    }
}
