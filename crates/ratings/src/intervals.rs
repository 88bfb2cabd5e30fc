//! Intervals by resampling votes.

use crate::fit::Problem;
use crate::interval::Interval;
use crate::{ANCHOR, ELO_PER_NAT, Fit, Options, Tally};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Poisson};

/// Intervals at `confidence` (0..1) by `rounds` of the Poisson bootstrap, one for each model: in each round every vote counts
/// as often as a Poisson variable of mean one says, the ratings are fitted anew, and the bounds are quantiles of what came.
/// It supposes nothing of how the estimates are distributed, and so checks [`Fit::interval`]. The same seed gives the same.
///
/// Rounds in which the plain likelihood has no maximum (see [`crate::NotConnected`]) are left out.
pub fn bootstrap(
    tally: &Tally,
    fit: &Fit,
    options: Options,
    confidence: f64,
    rounds: usize,
    seed: u64,
) -> Vec<Interval> {
    let mut rng = StdRng::seed_from_u64(seed);
    let models = tally.models();
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(rounds); models];
    for _ in 0..rounds {
        let again = tally.map(|count| Poisson::new(count).map_or(count, |poisson| poisson.sample(&mut rng)));
        let problem = Problem::new(&again, options.prior_ties);
        let Ok(strengths) = problem.solve(fit.strengths().to_vec()) else {
            continue;
        };
        // Centered over the models that are voted in truth: a round may happen to lack one.
        let count = fit.voted().len().max(1) as f64;
        let mean = fit.voted().iter().map(|model| strengths[*model]).sum::<f64>() / count;
        for (model, strength) in strengths.iter().enumerate() {
            drawn[model].push(ANCHOR + ELO_PER_NAT * (strength - mean));
        }
    }
    drawn
        .into_iter()
        .enumerate()
        .map(|(model, mut of_model)| {
            of_model.sort_by(f64::total_cmp);
            Interval {
                low: quantile(&of_model, (1.0 - confidence) / 2.0).unwrap_or(f64::NEG_INFINITY),
                rating: fit.rating(model),
                high: quantile(&of_model, 0.5 + confidence / 2.0).unwrap_or(f64::INFINITY),
            }
        })
        .collect()
}

/// The quantile of sorted values, between neighbors by proportion; none of none.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}
