//! Ranks as ranges: how many models are surely better, and how many surely worse.

use crate::Fit;
use crate::intervals::quantile;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};

/// Draws by which the critical value of all pairs at once is found; its own error is then below one part in fifty.
const DRAWS: usize = 4_000;

/// The ranks that a model may hold, 1 being the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankRange {
    /// Its place in the order of ratings.
    pub rank: usize,
    /// One more than the models that are surely better.
    pub best: usize,
    /// All but those that are surely worse.
    pub worst: usize,
}

/// Rank ranges of `ranked` (in their order), all right at once with chance `confidence` (0..1): a model is *surely* better
/// than another when their difference exceeds its standard error by the value that the largest of all pairs' differences
/// exceeds with chance `1 - confidence`. That value is drawn from the fitted covariance; the same seed gives the same.
pub fn rank_ranges(fit: &Fit, ranked: &[usize], confidence: f64, seed: u64) -> Vec<RankRange> {
    let critical = critical_value(fit, ranked, confidence, seed);
    let strengths = fit.strengths();
    let surely_better =
        |a: usize, b: usize| strengths[a] - strengths[b] > critical * fit.difference_variance(a, b).sqrt();
    ranked
        .iter()
        .map(|model| {
            let others = || ranked.iter().filter(|other| *other != model);
            let count = |is: &dyn Fn(usize) -> bool| others().filter(|other| is(**other)).count();
            RankRange {
                rank: 1 + count(&|other| strengths[other] > strengths[*model]),
                best: 1 + count(&|other| surely_better(other, *model)),
                worst: ranked.len() - count(&|other| surely_better(*model, other)),
            }
        })
        .collect()
}

fn critical_value(fit: &Fit, ranked: &[usize], confidence: f64, seed: u64) -> f64 {
    let mut covariance = fit.covariance().clone();
    // Centered strengths have a covariance without full rank; a common shift is added, which no difference sees.
    for row in 0..covariance.side {
        for column in 0..covariance.side {
            covariance.add(row, column, 1.0);
        }
        covariance.add(row, row, 1e-12);
    }
    let Some(factor) = covariance.cholesky() else {
        return f64::INFINITY;
    };
    let pairs: Vec<(usize, usize, f64)> = ranked
        .iter()
        .enumerate()
        .flat_map(|(at, a)| ranked[at + 1..].iter().map(move |b| (*a, *b)))
        .map(|(a, b)| (a, b, fit.difference_variance(a, b).sqrt()))
        .filter(|(_, _, error)| *error > 0.0)
        .collect();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut largest: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let normal: Vec<f64> = (0..fit.models()).map(|_| StandardNormal.sample(&mut rng)).collect();
            let drawn = factor.shape(&normal);
            let of_pair = |(a, b, error): &(usize, usize, f64)| (drawn[*a] - drawn[*b]).abs() / error;
            pairs.iter().map(of_pair).fold(0.0, f64::max)
        })
        .collect();
    largest.sort_by(f64::total_cmp);
    quantile(&largest, confidence).unwrap_or(f64::INFINITY)
}
