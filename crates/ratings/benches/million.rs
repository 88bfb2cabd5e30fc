//! A million votes among 60 models: ratings, sandwich and bootstrap intervals, rank ranges. Fails past [`LIMIT_S`].
#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ratings::{Options, Outcome, Tally, bootstrap, expected_score, fit, rank_ranges};
use std::time::Instant;

const MODELS: usize = 60;
const VOTES: usize = 1_000_000;
const ROUNDS: usize = 200;
const LIMIT_S: f64 = 5.0;

fn main() {
    let mut rng = StdRng::seed_from_u64(1);
    let truth: Vec<f64> = (0..MODELS).map(|_| rng.random_range(900.0..1_300.0)).collect();
    let votes: Vec<(u16, u16, Outcome)> = (0..VOTES).map(|_| vote(&truth, &mut rng)).collect();

    let begin = Instant::now();
    let mut tally = Tally::new(MODELS);
    for (left, right, outcome) in &votes {
        tally.add(usize::from(*left), usize::from(*right), *outcome);
    }
    let fitted = fit(&tally, Options::default()).expect("prior ties connect");
    let all: Vec<usize> = (0..MODELS).collect();
    let ranges = rank_ranges(&fitted, &all, 0.95, 1);
    let robust_s = begin.elapsed().as_secs_f64();
    let resampled = bootstrap(&tally, &fitted, Options::default(), 0.95, ROUNDS, 1);
    let all_s = begin.elapsed().as_secs_f64();

    println!(
        "{VOTES} votes, {MODELS} models: ratings, sandwich intervals and rank ranges {robust_s:.3} s; with {ROUNDS} bootstrap rounds {all_s:.3} s (limit {LIMIT_S} s)"
    );
    println!(
        "first of {}: rank {} to {}, {:?}",
        ranges.len(),
        ranges[0].best,
        ranges[0].worst,
        resampled[0]
    );
    assert!(all_s < LIMIT_S, "{all_s:.2} s is more than {LIMIT_S} s");
}

fn vote(truth: &[f64], rng: &mut StdRng) -> (u16, u16, Outcome) {
    let left = rng.random_range(0..MODELS);
    let right = (left + rng.random_range(1..MODELS)) % MODELS;
    let better = expected_score(truth[left], truth[right]);
    let lot: f64 = rng.random();
    let outcome = match lot {
        lot if lot < 0.1 => Outcome::AsGood,
        lot if lot < 0.13 => Outcome::BothBad,
        _ if rng.random::<f64>() < better => Outcome::Left,
        _ => Outcome::Right,
    };
    (left as u16, right as u16, outcome)
}
