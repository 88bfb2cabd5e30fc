use jiff::Timestamp;
use proptest::prelude::*;

use super::Strategy;
use super::*;
use crate::health::CircuitState;

fn health(samples: u32, successes: u32, latency_p50_ms: Option<u64>) -> OfferHealth {
    OfferHealth {
        success_rate: (samples > 0).then(|| f64::from(successes) / f64::from(samples)),
        latency_p50_ms,
        samples,
        successes,
        ..OfferHealth::default()
    }
}

fn contender<'a>(provider: &'a str, price: i64, health: &'a OfferHealth) -> Contender<'a> {
    Contender {
        provider,
        price: Micros(price),
        departures: 0,
        health,
    }
}

fn places(ranked: &[(usize, Rank)]) -> Vec<usize> {
    ranked.iter().map(|(place, _)| *place).collect()
}

/// How often each place is first over many seeds, in parts of all.
fn firsts(contenders: &[Contender<'_>], strategy: Strategy, priorities: &Priorities) -> Vec<f64> {
    const SEEDS: u32 = 10_000;
    let mut counts = vec![0_u32; contenders.len()];
    for seed in 0..SEEDS {
        let ranked = order(contenders, strategy, priorities, &mut Draw::new(u64::from(seed)));
        counts[ranked[0].0] += 1;
    }
    counts
        .into_iter()
        .map(|count| f64::from(count) / f64::from(SEEDS))
        .collect()
}

fn near(shares: &[f64], expected: &[f64]) -> bool {
    shares.len() == expected.len() && shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02)
}

#[test]
fn names_are_those_of_the_api() {
    for strategy in Strategy::ALL {
        assert_eq!(Strategy::parse(strategy.as_str()), Some(strategy));
        assert_eq!(serde_json::json!(strategy), strategy.as_str());
    }
    assert_eq!(Strategy::parse("Cheapest"), None);
    assert_eq!(Strategy::default(), Strategy::Balanced);
}

#[test]
fn the_cheapest_is_first_and_equals_stay_in_their_order() {
    let unknown = OfferHealth::default();
    let slow = health(32, 1, Some(99_000));
    let mut dear = contender("a", 30, &unknown);
    dear.departures = 0;
    let mut first_cheap = contender("b", 10, &slow);
    first_cheap.departures = 5;
    let all = [dear, first_cheap, contender("c", 10, &unknown)];
    for seed in 0..50 {
        let ranked = order(&all, Strategy::Cheapest, &Priorities::default(), &mut Draw::new(seed));
        assert_eq!(places(&ranked), [1, 2, 0], "price stays alone");
    }
}

#[test]
fn balanced_shares_follow_the_formula() {
    let unknown = OfferHealth::default();
    let none = Priorities::default();
    // Price alone: 1 to 1/4.
    let by_price = [contender("a", 20_000, &unknown), contender("b", 40_000, &unknown)];
    let shares = firsts(&by_price, Strategy::Balanced, &none);
    assert!(near(&shares, &[0.8, 0.2]), "{shares:?}");
    // Speed alone: 1 to 1/3, and who is not known is taken as the fastest.
    let (fast, slow) = (health(32, 32, Some(2000)), health(32, 32, Some(6000)));
    let by_speed = [contender("a", 1000, &fast), contender("b", 1000, &slow)];
    let shares = firsts(&by_speed, Strategy::Balanced, &none);
    assert!(near(&shares, &[0.75, 0.25]), "{shares:?}");
    // Success alone: (3.8 + 32) / 36 against (3.8 + 16) / 36, to the fourth: 1 to 0.0936.
    let half = health(32, 16, Some(2000));
    let by_success = [contender("a", 1000, &fast), contender("b", 1000, &half)];
    let shares = firsts(&by_success, Strategy::Balanced, &none);
    assert!(near(&shares, &[0.914, 0.086]), "{shares:?}");
    // A dropped parameter weighs a tenth, against who drops least.
    let mut twice = contender("a", 1000, &unknown);
    let mut once = contender("b", 1000, &unknown);
    (twice.departures, once.departures) = (2, 1);
    let shares = firsts(&[twice, once], Strategy::Balanced, &none);
    assert!(near(&shares, &[1.0 / 11.0, 10.0 / 11.0]), "{shares:?}");
}

#[test]
fn nearly_free_and_nearly_at_once_are_alike() {
    let (quick, quicker) = (health(9, 9, Some(250)), health(9, 9, Some(0)));
    let all = [contender("a", 100, &quick), contender("b", 0, &quicker)];
    let shares = firsts(&all, Strategy::Balanced, &Priorities::default());
    assert!(near(&shares, &[0.5, 0.5]), "{shares:?}");
}

#[test]
fn few_results_weigh_little_and_an_outage_is_not_held_against_a_probe() {
    let one_failure = health(1, 0, None);
    assert!(balanced::success(&one_failure) > 0.7);
    assert!(balanced::success(&health(20, 0, None)) < 0.2);
    assert_eq!(
        balanced::latency_ms(&health(9, 2, Some(100))),
        None,
        "two are no median"
    );
    let probed = OfferHealth {
        state: CircuitState::HalfOpen { probing: false },
        ..health(20, 0, None)
    };
    assert_eq!(balanced::success(&probed), SUPPOSED_SUCCESS);
}

#[test]
fn the_fastest_is_first_and_the_unknown_now_and_then() {
    let none = Priorities::default();
    let (slow, fast) = (health(32, 32, Some(9000)), health(32, 32, Some(3000)));
    // Quick when it works, which it does half of the time.
    let unsteady = health(32, 16, Some(2500));
    let unknown = OfferHealth::default();
    let all = [
        contender("a", 1, &slow),
        contender("b", 9, &fast),
        contender("c", 1, &unsteady),
        contender("d", 1, &unknown),
        contender("e", 1, &unknown),
    ];
    let mut seen_last = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let ranked = order(&all, Strategy::Fastest, &none, &mut Draw::new(seed));
        let known: Vec<usize> = places(&ranked).into_iter().filter(|place| *place < 3).collect();
        assert_eq!(known, [1, 2, 0]);
        seen_last.insert(ranked[4].0);
    }
    assert_eq!(seen_last, [3, 4].into(), "the unknown are drawn");
    let shares = firsts(&all, Strategy::Fastest, &none);
    assert!(near(&shares, &[0.0, 0.9, 0.0, 0.05, 0.05]), "{shares:?}");
    let shares = firsts(&all[3..], Strategy::Fastest, &none);
    assert!(near(&shares, &[0.5, 0.5]), "{shares:?}");
}

#[test]
fn groups_come_in_order_and_shares_hold_within_them() {
    let unknown = OfferHealth::default();
    let given =
        r#"{"b": {"group": 1, "weight": 3}, "a": {"group": 1}, "c": {"weight": 2}, "d": {"group": 1, "weight": 0}}"#;
    let priorities: Priorities = serde_json::from_str(given).expect("groups and weights");
    let all = ["x", "a", "b", "c", "d"].map(|provider| contender(provider, 1, &unknown));
    for seed in 0..200 {
        let ranked = places(&order(&all, Strategy::Priority, &priorities, &mut Draw::new(seed)));
        assert_eq!((ranked[0], ranked[3], ranked[4]), (3, 4, 0), "{ranked:?}");
    }
    let shares = firsts(&all[..3], Strategy::Priority, &priorities);
    assert!(near(&shares, &[0.0, 0.25, 0.75]), "{shares:?}");
    let unknown_key = serde_json::from_str::<Priorities>(r#"{"a": {"groups": 1}}"#);
    assert!(unknown_key.is_err());
}

proptest! {
    #[test]
    fn every_order_holds_each_contender_once_and_comes_again_with_its_seed(
        seed in any::<u64>(),
        strategy in prop::sample::select(Strategy::ALL.to_vec()),
        drawn in prop::collection::vec(
            (0_i64..i64::MAX, 0_usize..400, 0_u32..33, any::<u32>(), prop::option::of(any::<u64>()), any::<bool>()), 0..12),
    ) {
        let healths: Vec<OfferHealth> = drawn
            .iter()
            .map(|(.., samples, successes, latency, probing)| OfferHealth {
                state: if *probing { CircuitState::HalfOpen { probing: false } } else { CircuitState::Open { until: Timestamp::MAX } },
                ..health(*samples, successes % (samples + 1), *latency)
            })
            .collect();
        let all: Vec<Contender<'_>> = drawn
            .iter()
            .zip(&healths)
            .map(|((price, departures, ..), health)| Contender { departures: *departures, ..contender("a", *price, health) })
            .collect();
        let ranked = order(&all, strategy, &Priorities::default(), &mut Draw::new(seed));
        let mut sorted = places(&ranked);
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..all.len()).collect::<Vec<_>>());
        prop_assert_eq!(&ranked, &order(&all, strategy, &Priorities::default(), &mut Draw::new(seed)));
        for (_, rank) in &ranked {
            if let Rank::Weight { weight, chance } = rank {
                prop_assert!(weight.total().is_finite() && (0.0..=1.0).contains(chance));
            }
        }
    }
}
