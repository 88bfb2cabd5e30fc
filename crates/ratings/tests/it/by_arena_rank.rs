//! The same votes by the public package `arena-rank`, whose answers `by_arena_rank.py` wrote down once.

use ratings::{Options, Outcome, Tally, fit};
use serde::Deserialize;

/// Elo points. The package stops its search at a tolerance and adds a small constant to its information matrix.
const NEAR: f64 = 0.05;

#[derive(Deserialize)]
struct Case {
    name: String,
    votes: Vec<(usize, usize, usize, f64)>,
    ratings: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

#[test]
fn ratings_and_intervals_equal_those_of_arena_rank() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../by_arena_rank.json")).expect("the fixture is JSON");
    assert!(cases.len() >= 3);
    for case in cases {
        let mut tally = Tally::new(case.ratings.len());
        for (left, right, outcome, count) in case.votes {
            tally.add_many(left, right, Outcome::ALL[outcome], count);
        }
        let fit = fit(&tally, Options::PLAIN).expect("everyone meets everyone");
        for (model, want) in case.ratings.iter().enumerate() {
            let interval = fit.interval(model, 0.95);
            let told = [interval.rating, interval.low, interval.high];
            for (ours, theirs) in told.into_iter().zip([*want, case.lower[model], case.upper[model]]) {
                assert!(
                    (ours - theirs).abs() < NEAR,
                    "{}, model {model}: {told:?}, {theirs}",
                    case.name
                );
            }
        }
    }
}
