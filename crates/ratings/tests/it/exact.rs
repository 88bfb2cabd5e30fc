//! Small cases by hand and by an independent solver.

use crate::voters::World;
use ratings::{ANCHOR, NotConnected, Options, Outcome, Tally, bootstrap, expected_score, fit, rank_ranges};

/// Hunter's minorization-maximization (2004) of the same likelihood: another algorithm, slow and sure. Elo, mean at the anchor.
fn by_minorization(tally: &Tally) -> Vec<f64> {
    let models = tally.models();
    let mut gamma = vec![1.0; models];
    for _ in 0..200_000 {
        let next: Vec<f64> = (0..models)
            .map(|a| {
                let others = (0..models).filter(|b| *b != a);
                let meetings: f64 = others
                    .map(|b| tally.head_to_head(a, b).votes() / (gamma[a] + gamma[b]))
                    .sum();
                tally.record(a).points() / meetings
            })
            .collect();
        let scale = (next.iter().map(|value: &f64| value.ln()).sum::<f64>() / models as f64).exp();
        let next: Vec<f64> = next.into_iter().map(|value| value / scale).collect();
        let moved = next
            .iter()
            .zip(&gamma)
            .map(|(a, b)| (a.ln() - b.ln()).abs())
            .fold(0.0, f64::max);
        gamma = next;
        if moved < 1e-14 {
            break;
        }
    }
    gamma.iter().map(|value| ANCHOR + 400.0 * value.log10()).collect()
}

#[test]
fn two_models_have_the_odds_of_their_points() {
    let mut tally = Tally::new(2);
    tally.add_many(0, 1, Outcome::Left, 30.0);
    tally.add_many(1, 0, Outcome::Left, 9.0);
    tally.add_many(1, 0, Outcome::AsGood, 1.0);
    tally.add_many(0, 1, Outcome::BothBad, 1.0);
    let fit = fit(&tally, Options::PLAIN).expect("both have won");
    let difference = 400.0 * (31.0_f64 / 10.0).log10();
    assert!((fit.rating(0) - (ANCHOR + difference / 2.0)).abs() < 1e-9);
    assert!((fit.rating(1) - (ANCHOR - difference / 2.0)).abs() < 1e-9);
    assert!((fit.expected_score(0, 1) - 31.0 / 41.0).abs() < 1e-12);
    // The variance of an average of 41 outcomes, carried over to the difference of strengths by its slope.
    let p = 31.0 / 41.0;
    let squares = 30.0 * (1.0 - p) * (1.0 - p) + 9.0 * p * p + 2.0 * (0.5_f64 - p).powi(2);
    let variance = squares / (41.0 * p * (1.0 - p)).powi(2);
    assert!((fit.difference_variance(0, 1) - variance).abs() < 1e-12);
}

#[test]
fn many_models_agree_with_another_solver() {
    for seed in 0..6 {
        let truth = (0..7).map(|at| 900.0 + 70.0 * at as f64).collect();
        let tally = World::new(truth, 0.4, seed).tally(1_500);
        let fit = fit(&tally, Options::PLAIN).expect("everyone meets everyone");
        for (model, want) in by_minorization(&tally).into_iter().enumerate() {
            assert!(
                (fit.rating(model) - want).abs() < 1e-6,
                "seed {seed}, model {model}: {} is not {want}",
                fit.rating(model)
            );
        }
    }
}

#[test]
fn the_order_of_models_and_sides_changes_nothing() {
    let mut world = World::new(vec![1000.0, 1100.0, 1250.0, 1050.0], 0.5, 3);
    let tally = world.tally(400);
    let mut other = Tally::new(4);
    for (a, b, record) in tally.pairs() {
        let (a, b) = (3 - a, 3 - b);
        other.add_many(b, a, Outcome::Right, record.won);
        other.add_many(b, a, Outcome::Left, record.lost);
        other.add_many(b, a, Outcome::BothBad, record.as_good + record.both_bad);
    }
    let (one, two) = (
        fit(&tally, Options::default()).expect("prior"),
        fit(&other, Options::default()).expect("prior"),
    );
    for model in 0..4 {
        assert!((one.rating(model) - two.rating(3 - model)).abs() < 1e-8);
        assert!((one.standard_error(model) - two.standard_error(3 - model)).abs() < 1e-8);
    }
}

#[test]
fn what_the_likelihood_cannot_tell_is_told_by_the_prior() {
    let mut tally = Tally::new(4);
    tally.add_many(0, 1, Outcome::Left, 12.0);
    assert_eq!(fit(&tally, Options::PLAIN).err(), Some(NotConnected));
    let fitted = fit(&tally, Options::default()).expect("prior ties connect");
    assert_eq!(fitted.voted(), [0, 1]);
    assert!(fitted.rating(0) > fitted.rating(1) && fitted.rating(0) < 1_600.0);
    assert!(fitted.standard_error(0) > 60.0, "twelve equal votes are no certainty");
    assert!(
        fitted.standard_error(2) > fitted.standard_error(0),
        "nothing is known of the third"
    );
}

#[test]
fn the_mean_of_the_voted_is_the_anchor() {
    let mut world = World::new(vec![900.0, 1100.0, 1500.0, 1300.0, 1000.0], 0.2, 9);
    let mut tally = Tally::new(6);
    for (a, b, record) in world.tally(300).pairs() {
        tally.add_many(a, b, Outcome::Left, record.won);
        tally.add_many(a, b, Outcome::Right, record.lost);
    }
    let fit = fit(&tally, Options::default()).expect("prior");
    let mean = (0..5).map(|model| fit.rating(model)).sum::<f64>() / 5.0;
    assert!((mean - ANCHOR).abs() < 1e-9);
}

#[test]
fn chances_of_the_elo_scale() {
    assert!((expected_score(1500.0, 1100.0) - 10.0 / 11.0).abs() < 1e-12);
    assert_eq!(expected_score(1100.0, 1100.0), 0.5);
}

#[test]
fn both_kinds_of_intervals_agree_where_votes_are_many() {
    let truth: Vec<f64> = (0..8).map(|at| 950.0 + 40.0 * at as f64).collect();
    let tally = World::new(truth, 0.5, 21).tally(8_000);
    let fit = fit(&tally, Options::default()).expect("prior");
    for (model, resampled) in bootstrap(&tally, &fit, Options::default(), 0.95, 800, 5)
        .into_iter()
        .enumerate()
    {
        let robust = fit.interval(model, 0.95);
        let width = robust.high - robust.low;
        assert!(
            (resampled.low - robust.low).abs() < 0.1 * width,
            "{resampled:?} {robust:?}"
        );
        assert!(
            (resampled.high - robust.high).abs() < 0.1 * width,
            "{resampled:?} {robust:?}"
        );
    }
}

#[test]
fn a_rank_is_a_range() {
    let tally = World::new(vec![1300.0, 1295.0, 1000.0], 0.3, 2).tally(3_000);
    let fit = fit(&tally, Options::default()).expect("prior");
    let ranges = rank_ranges(&fit, &[0, 1, 2], 0.95, 1);
    assert_eq!((ranges[0].best, ranges[0].worst), (1, 2));
    assert_eq!((ranges[1].best, ranges[1].worst), (1, 2));
    assert_eq!((ranges[2].rank, ranges[2].best, ranges[2].worst), (3, 3, 3));
    assert_eq!(rank_ranges(&fit, &[2], 0.95, 1)[0].worst, 1, "among the ranked only");
    assert!(rank_ranges(&fit, &[], 0.95, 1).is_empty());
}
