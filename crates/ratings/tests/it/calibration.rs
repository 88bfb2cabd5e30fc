//! Intervals and rank ranges hold the truth as often as they say, ties and sides included.

use crate::voters::World;
use ratings::{Options, Pairing, Tally, choose, fit, left_first, rank_ranges, sides};

const SEEDS: u64 = 400;
const CONFIDENCE: f64 = 0.9;

/// How often, over all seeds: all ranks inside their ranges; ratings' differences from the first inside their intervals.
fn coverage(truth: &[f64], ties: f64, votes: usize) -> (f64, f64) {
    let (mut ranks_right, mut inside, mut asked) = (0, 0, 0);
    for seed in 0..SEEDS {
        let tally = World::new(truth.to_vec(), ties, 1_000 + seed).tally(votes);
        let fit = fit(&tally, Options::default()).expect("prior");
        let all: Vec<usize> = (0..truth.len()).collect();
        let ranges = rank_ranges(&fit, &all, CONFIDENCE, seed);
        let right = all.iter().all(|model| {
            let better = truth.iter().filter(|other| **other > truth[*model]).count();
            let worse = truth.iter().filter(|other| **other < truth[*model]).count();
            ranges[*model].best <= better + 1 && ranges[*model].worst >= truth.len() - worse
        });
        ranks_right += usize::from(right);
        let mean = truth.iter().sum::<f64>() / truth.len() as f64;
        for model in all {
            let interval = fit.interval(model, CONFIDENCE);
            let true_rating = truth[model] - mean + ratings::ANCHOR;
            inside += usize::from(interval.low <= true_rating && true_rating <= interval.high);
            asked += 1;
        }
    }
    (
        f64::from(ranks_right as u32) / SEEDS as f64,
        f64::from(inside as u32) / f64::from(asked),
    )
}

/// Three standard errors below the stated confidence, of so many seeds.
fn least() -> f64 {
    CONFIDENCE - 3.0 * (CONFIDENCE * (1.0 - CONFIDENCE) / SEEDS as f64).sqrt()
}

#[test]
fn true_ranks_lie_inside_their_ranges() {
    let close: Vec<f64> = (0..8).map(|at| 1_050.0 + 12.0 * f64::from(at)).collect();
    let wide: Vec<f64> = (0..8).map(|at| 800.0 + 90.0 * f64::from(at)).collect();
    let equal = vec![1_100.0; 8];
    for (truth, ties, votes) in [
        (&close, 0.0, 1_500),
        (&close, 0.5, 1_500),
        (&wide, 0.5, 1_500),
        (&equal, 0.3, 1_500),
        (&wide, 0.5, 150),
    ] {
        let (ranks, _) = coverage(truth, ties, votes);
        assert!(
            ranks >= least(),
            "{ranks} of all seeds, ties {ties}, {votes} votes of {truth:?}"
        );
    }
}

#[test]
fn ratings_lie_inside_their_intervals_without_ties() {
    let truth: Vec<f64> = (0..8).map(|at| 900.0 + 50.0 * f64::from(at)).collect();
    let (_, inside) = coverage(&truth, 0.0, 2_000);
    assert!((inside - CONFIDENCE).abs() < 0.02, "{inside}");
}

#[test]
fn the_ranges_are_not_so_wide_that_they_say_nothing() {
    let truth: Vec<f64> = (0..8).map(|at| 800.0 + 90.0 * f64::from(at)).collect();
    let tally = World::new(truth, 0.3, 5).tally(12_000);
    let fit = fit(&tally, Options::default()).expect("prior");
    for range in rank_ranges(&fit, &[0, 1, 2, 3, 4, 5, 6, 7], CONFIDENCE, 1) {
        assert_eq!(
            range.best, range.worst,
            "ninety points apart are told apart by 12,000 votes"
        );
    }
}

/// Pairs by gain find the order with fewer votes than pairs by lot, and every model stands as often on either side.
#[test]
fn pairs_by_gain_tell_more() {
    let truth: Vec<f64> = (0..10).map(|at| 700.0 + 100.0 * f64::from(at)).collect();
    let all: Vec<usize> = (0..10).collect();
    let spread = |tally: &Tally| {
        let fit = fit(tally, Options::default()).expect("prior");
        let neighbors = all.windows(2).map(|pair| fit.difference_variance(pair[0], pair[1]));
        neighbors.sum::<f64>()
    };
    let (mut chosen, mut drawn) = (0.0, 0.0);
    for seed in 0..6 {
        let mut world = World::new(truth.clone(), 0.3, seed);
        let mut tally = Tally::new(10);
        for _ in 0..600 {
            let fitted = fit(&tally, Options::default()).expect("prior");
            let offer = choose(Pairing::new(&fitted, &all).offers(), world.lot()).expect("there are pairs");
            let (left, right) = if left_first(&tally, offer.a, offer.b, world.lot()) {
                (offer.a, offer.b)
            } else {
                (offer.b, offer.a)
            };
            let outcome = world.vote(left, right);
            tally.add(left, right, outcome);
        }
        for model in &all {
            let (left, right) = tally.stood(*model);
            assert!((left - right).abs() <= 20.0, "{left} times left, {right} times right");
        }
        assert!(!sides(&tally, 0.9999).biased);
        chosen += spread(&tally);
        drawn += spread(&World::new(truth.clone(), 0.3, 50 + seed).tally(600));
    }
    assert!(chosen < 0.9 * drawn, "{chosen} is not less than {drawn}");
}
