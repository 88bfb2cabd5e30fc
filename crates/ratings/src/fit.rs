//! Strengths by maximum likelihood, and their covariance.

use crate::interval::Interval;
use crate::matrix::Square;
use crate::{Record, Tally};

/// The mean rating of the rated models: a model with this rating wins half of its votes against the average one.
pub const ANCHOR: f64 = 1100.0;

/// Elo points of one natural unit (the logarithm of odds): `400 / ln 10`.
pub const ELO_PER_NAT: f64 = 400.0 / std::f64::consts::LN_10;

const MAX_STEPS: usize = 100;
const CONVERGED: f64 = 1e-11;

/// How a fit treats few votes. The defaults vanish beside some hundred votes of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Ties of each model with an imagined one of strength zero. They keep a model that won
    /// everything finite, and connect models that were never compared. At 0 the plain likelihood, which may have no maximum.
    pub prior_ties: f64,
    /// How many votes' worth the spread of a pair's outcomes is drawn towards the spread that all pairs together show
    /// around the model. At 0 the plain sandwich, which calls three equal votes certainty.
    pub spread_votes: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prior_ties: 1.0,
            spread_votes: 20.0,
        }
    }
}

impl Options {
    /// The plain likelihood with the plain sandwich covariance.
    pub const PLAIN: Self = Self {
        prior_ties: 0.0,
        spread_votes: 0.0,
    };
}

/// The likelihood has no maximum: some models were never compared with the others, or one group won every vote against the
/// rest. Only without [`Options::prior_ties`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the votes do not connect all models both ways; use prior ties, or leave models out")]
pub struct NotConnected;

/// Fitted strengths of all models of a tally, voted on or not.
#[derive(Clone, Debug)]
pub struct Fit {
    /// In natural units; their mean over the voted models is zero.
    strengths: Vec<f64>,
    /// Of the strengths.
    covariance: Square,
    voted: Vec<usize>,
    dispersion: f64,
}

impl Fit {
    /// How many models there are, voted on or not.
    pub fn models(&self) -> usize {
        self.strengths.len()
    }

    /// The models with at least one vote: their mean rating is [`ANCHOR`].
    pub fn voted(&self) -> &[usize] {
        &self.voted
    }

    /// Elo points. A model without votes has no rating of its own: it stands at the prior.
    pub fn rating(&self, model: usize) -> f64 {
        ANCHOR + ELO_PER_NAT * self.strengths[model]
    }

    /// Elo points, one standard error.
    pub fn standard_error(&self, model: usize) -> f64 {
        ELO_PER_NAT * self.covariance.get(model, model).max(0.0).sqrt()
    }

    /// The rating with its interval at `confidence` (0..1), by the normal approximation.
    pub fn interval(&self, model: usize, confidence: f64) -> Interval {
        let half = crate::normal_quantile(0.5 + confidence / 2.0) * self.standard_error(model);
        let rating = self.rating(model);
        Interval {
            low: rating - half,
            rating,
            high: rating + half,
        }
    }

    /// The variance of the difference of two strengths, in natural units squared.
    pub fn difference_variance(&self, a: usize, b: usize) -> f64 {
        let own = self.covariance.get(a, a) + self.covariance.get(b, b);
        (own - 2.0 * self.covariance.get(a, b)).max(0.0)
    }

    /// The points that `a` is expected to get of a vote against `b`: its chance to win and half of its chance to tie.
    pub fn expected_score(&self, a: usize, b: usize) -> f64 {
        sigmoid(self.strengths[a] - self.strengths[b])
    }

    /// The spread of outcomes around the model, as a share of what it would be without ties: 1 means as coins of the fitted
    /// chances; ties make it less, voters who disagree with one order more.
    pub fn dispersion(&self) -> f64 {
        self.dispersion
    }

    pub(crate) fn strengths(&self) -> &[f64] {
        &self.strengths
    }

    pub(crate) fn covariance(&self) -> &Square {
        &self.covariance
    }
}

/// The points that one rated `a` (Elo) is expected to get of a vote against one rated `b`.
pub fn expected_score(a: f64, b: f64) -> f64 {
    sigmoid((a - b) / ELO_PER_NAT)
}

/// Fits strengths to votes.
///
/// # Errors
/// [`NotConnected`], which needs `prior_ties` of 0.
pub fn fit(tally: &Tally, options: Options) -> Result<Fit, NotConnected> {
    let problem = Problem::new(tally, options.prior_ties);
    let raw = problem.solve(vec![0.0; tally.models()])?;
    let factor = problem.information(&raw).cholesky().ok_or(NotConnected)?;
    let spread = Spread::new(tally, &raw, options);
    let inverse = factor.inverse();
    let covariance = inverse
        .times(&spread.scores(tally, &problem, &raw, options))
        .times(&inverse);
    Ok(Fit {
        covariance: covariance.centered(&problem.voted),
        strengths: problem.centered(raw),
        voted: problem.voted,
        dispersion: spread.dispersion,
    })
}

/// How outcomes spread around the fitted chances.
struct Spread {
    dispersion: f64,
}

impl Spread {
    fn new(tally: &Tally, at: &[f64], options: Options) -> Self {
        // Drawn towards coins, or a handful of votes that all agree would seem to prove that everybody always does.
        let (mut seen, mut coins) = (options.spread_votes / 4.0, options.spread_votes / 4.0);
        for (a, b, record) in tally.pairs() {
            seen += squares(record, sigmoid(at[a] - at[b]));
            coins += record.votes() * slope(at[a] - at[b]);
        }
        let dispersion = if coins > 0.0 { seen / coins } else { 1.0 };
        Self { dispersion }
    }

    /// The covariance of the scores: the middle of the sandwich.
    fn scores(&self, tally: &Tally, problem: &Problem, at: &[f64], options: Options) -> Square {
        let mut scores = Square::zero(tally.models());
        for (a, b, record) in tally.pairs() {
            let (votes, difference) = (record.votes(), at[a] - at[b]);
            let own = squares(record, sigmoid(difference));
            let common = self.dispersion * slope(difference);
            let drawn = (own + options.spread_votes * common) * votes / (votes + options.spread_votes);
            scores.add_difference(a, b, drawn);
        }
        // What is only imagined is as uncertain as a vote would be, or models without votes would look certain.
        for (model, strength) in at.iter().enumerate() {
            scores.add(model, model, problem.prior_ties * slope(*strength));
        }
        scores
    }
}

/// The sum of squared residuals of one pair's votes, of which the first model was expected to get `expected` points each.
fn squares(record: Record, expected: f64) -> f64 {
    let won = record.won * (1.0 - expected).powi(2);
    let neither = (record.as_good + record.both_bad) * (0.5 - expected).powi(2);
    won + neither + record.lost * expected.powi(2)
}

/// What is maximized.
pub(crate) struct Problem {
    models: usize,
    /// Both models, votes, points of the first.
    pairs: Vec<(usize, usize, f64, f64)>,
    prior_ties: f64,
    pub(crate) voted: Vec<usize>,
}

impl Problem {
    pub(crate) fn new(tally: &Tally, prior_ties: f64) -> Self {
        let pairs: Vec<_> = tally
            .pairs()
            .map(|(a, b, record)| (a, b, record.votes(), record.points()))
            .collect();
        let mut voted: Vec<usize> = pairs.iter().flat_map(|(a, b, ..)| [*a, *b]).collect();
        voted.sort_unstable();
        voted.dedup();
        Self {
            models: tally.models(),
            pairs,
            prior_ties,
            voted,
        }
    }

    /// Newton's method from `start`, by halves where a whole step would overshoot. The objective is concave, so there is
    /// one maximum, and with prior ties always one.
    pub(crate) fn solve(&self, start: Vec<f64>) -> Result<Vec<f64>, NotConnected> {
        let mut at = start;
        let mut value = self.value(&at);
        for _ in 0..MAX_STEPS {
            let factor = self.information(&at).cholesky().ok_or(NotConnected)?;
            let mut step = factor.solve(&self.gradient(&at));
            let longest = step.iter().fold(0.0_f64, |longest, part| longest.max(part.abs()));
            if longest < CONVERGED {
                return Ok(at);
            }
            loop {
                let next: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at + step).collect();
                let next_value = self.value(&next);
                if next_value >= value - value.abs() * f64::EPSILON * 8.0 {
                    (at, value) = (next, next_value);
                    break;
                }
                step.iter_mut().for_each(|part| *part /= 2.0);
            }
        }
        // Without a maximum the strengths run away until the steps are spent.
        Err(NotConnected)
    }

    fn value(&self, at: &[f64]) -> f64 {
        let of_pair = |(a, b, votes, points): &(usize, usize, f64, f64)| {
            let difference = at[*a] - at[*b];
            points * difference - votes * softplus(difference)
        };
        let prior: f64 = at.iter().map(|strength| strength / 2.0 - softplus(*strength)).sum();
        self.pairs.iter().map(of_pair).sum::<f64>() + self.prior_ties * prior
    }

    fn gradient(&self, at: &[f64]) -> Vec<f64> {
        let prior = at.iter().map(|strength| self.prior_ties * (0.5 - sigmoid(*strength)));
        let mut gradient: Vec<f64> = prior.collect();
        for (a, b, votes, points) in &self.pairs {
            let over = points - votes * sigmoid(at[*a] - at[*b]);
            gradient[*a] += over;
            gradient[*b] -= over;
        }
        gradient
    }

    /// The negative second derivative. Without prior ties only differences are known; the mean is then held where it is.
    pub(crate) fn information(&self, at: &[f64]) -> Square {
        let mut information = Square::zero(self.models);
        for (a, b, votes, _) in &self.pairs {
            information.add_difference(*a, *b, votes * slope(at[*a] - at[*b]));
        }
        for (row, strength) in at.iter().enumerate() {
            information.add(row, row, self.prior_ties * slope(*strength));
            if self.prior_ties == 0.0 {
                for column in 0..self.models {
                    information.add(row, column, 1.0);
                }
            }
        }
        information
    }

    pub(crate) fn centered(&self, mut at: Vec<f64>) -> Vec<f64> {
        let count = self.voted.len().max(1) as f64;
        let mean = self.voted.iter().map(|model| at[*model]).sum::<f64>() / count;
        at.iter_mut().for_each(|strength| *strength -= mean);
        at
    }
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The derivative of [`sigmoid`].
pub(crate) fn slope(x: f64) -> f64 {
    let p = sigmoid(x);
    p * (1.0 - p)
}

/// `ln(1 + e^x)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
