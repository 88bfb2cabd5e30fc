//! How load moves away from an outage and back.

use std::time::Duration;

use planner::failure::{Failure, FailureKind};
use planner::health::{Admission, FAILURES_IN_A_ROW_MAX, OPEN_MAX};
use planner::strategy::{Priority, Strategy};

use crate::world::{Behavior, Served, World, at, share};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn calls(served: &[Served], provider: &str) -> usize {
    served.iter().filter(|one| one.called.contains(&provider)).count()
}

#[test]
fn an_outage_of_the_cheapest_costs_few_calls_and_it_comes_back() {
    let behaviors = [
        Behavior::steady(2000).down(10 * MINUTE..70 * MINUTE),
        Behavior::steady(3000),
        Behavior::steady(4000),
    ];
    let mut world = World::new(Strategy::Cheapest, behaviors);
    let before = world.until(10 * MINUTE);
    assert_eq!(share(&before, "alpha"), 1.0);
    let during = world.until(70 * MINUTE);
    assert!(
        during.iter().all(|one| one.by == Some("beta")),
        "everybody is served by the next one"
    );
    let called = |served: &[Served]| served.iter().take_while(|one| one.first() == "alpha").count();
    assert_eq!(called(&during), FAILURES_IN_A_ROW_MAX, "the first ones met the outage");
    // After that only probes, after 10, 20, 40, 80, 160 and then every 300 seconds.
    let probes = calls(&during, "alpha") - FAILURES_IN_A_ROW_MAX;
    assert!((14..=17).contains(&probes), "{probes} probes in an hour");
    assert!(
        calls(&during, "alpha") * 40 < during.len(),
        "of {} requests",
        during.len()
    );
    let recovering = world.until(70 * MINUTE + OPEN_MAX.as_millis() as u64 + 5000);
    let back = recovering
        .iter()
        .position(|one| one.by == Some("alpha"))
        .expect("a probe that works");
    assert_eq!(
        share(&recovering[back..], "alpha"),
        1.0,
        "all load is back after one probe"
    );
    assert_eq!(share(&world.requests(100), "alpha"), 1.0);
}

#[test]
fn every_strategy_moves_away_and_back() {
    for strategy in Strategy::ALL {
        // The provider that each of them likes best.
        let behaviors = [
            Behavior::steady(1000).down(10 * MINUTE..30 * MINUTE),
            Behavior::steady(4000),
            Behavior::steady(4000),
        ];
        let mut world = World::new(strategy, behaviors);
        world
            .priorities
            .0
            .insert("alpha".to_owned(), Priority { group: 0, weight: 1 });
        let usual = share(&world.until(10 * MINUTE), "alpha");
        assert!(usual > 0.8, "{strategy}: {usual}");
        let first: Vec<Served> = world.requests(20);
        assert!(
            calls(&first, "alpha") <= 6,
            "{strategy}: {} of 20",
            calls(&first, "alpha")
        );
        let during = world.until(30 * MINUTE);
        assert!(
            share(&during, "alpha") < 0.04,
            "{strategy}: {}",
            share(&during, "alpha")
        );
        assert!(during.iter().all(|one| one.by.is_some()));
        // At most the longest opening and the time until chance makes it a probe.
        world.until(36 * MINUTE);
        let after = share(&world.requests(500), "alpha");
        assert!((after - usual).abs() < 0.1, "{strategy}: {after} after, {usual} before");
    }
}

#[test]
fn one_request_probes_and_the_others_stay_away() {
    let behaviors = [Behavior::steady(1000), Behavior::steady(1000), Behavior::steady(1000)];
    let mut world = World::new(Strategy::Cheapest, behaviors);
    world
        .behaviors
        .insert("alpha", Behavior::steady(1000).down(0..u64::MAX));
    world.requests(FAILURES_IN_A_ROW_MAX);
    assert_eq!(world.order(), ["beta", "gamma", "alpha"], "it is never left out");
    world.now_ms += 10_000;
    assert_eq!(world.order()[0], "alpha");
    assert_eq!(world.start("alpha"), Admission::Probe);
    for _ in 0..5 {
        assert_eq!(world.order(), ["beta", "gamma", "alpha"]);
        assert_eq!(world.start("alpha"), Admission::LastResort);
    }
}

#[test]
fn with_everybody_down_all_are_tried_and_the_first_to_work_serves() {
    let end = 30 * MINUTE;
    for strategy in Strategy::ALL {
        let behaviors = [2000, 3000, 4000].map(|latency_ms| Behavior::steady(latency_ms).down(0..end));
        let mut world = World::new(strategy, behaviors);
        world
            .behaviors
            .insert("beta", Behavior::steady(3000).down(0..20 * MINUTE));
        let dark = world.until(20 * MINUTE - 5000);
        for one in &dark {
            let mut called = one.called.clone();
            called.sort_unstable();
            assert_eq!(called, ["alpha", "beta", "gamma"], "{strategy} at {}", one.began_ms);
            assert_eq!(one.by, None);
        }
        assert!(!world.is_healthy("alpha") && !world.is_healthy("gamma"), "{strategy}");
        world.now_ms = 20 * MINUTE;
        // No probe is waited for: the last resort that works closes the circuit.
        assert_eq!(world.request().by, Some("beta"), "{strategy}");
        assert!(world.is_healthy("beta"));
        assert_eq!(world.order()[0], "beta", "{strategy}");
    }
}

#[test]
fn of_the_unhealthy_the_one_that_recovers_first_is_tried_first() {
    let behaviors = [1000, 1000, 1000].map(Behavior::steady);
    let mut world = World::new(Strategy::Cheapest, behaviors);
    let limited = |seconds| Failure {
        retry_after: Some(Duration::from_secs(seconds)),
        ..Failure::new(FailureKind::RateLimited, "")
    };
    let broke = Failure::new(FailureKind::QuotaExhausted, "");
    for (provider, failure) in [("alpha", &broke), ("beta", &limited(60)), ("gamma", &limited(30))] {
        let report = planner::health::Report {
            started_at: at(0),
            latency_ms: 0,
            failure: Some(failure),
        };
        world
            .health
            .record(provider, &format!("{provider}-painter"), &report, at(0));
    }
    assert_eq!(world.order(), ["gamma", "beta", "alpha"]);
    world.now_ms = 30_000;
    assert_eq!(world.order(), ["gamma", "beta", "alpha"]);
    world.now_ms = 60_000;
    assert_eq!(
        world.order(),
        ["beta", "gamma", "alpha"],
        "both are well, and the cheaper one is first"
    );
    world.now_ms = 900_000;
    assert_eq!(world.order(), ["alpha", "beta", "gamma"]);
}

#[test]
fn a_rate_limit_rests_the_provider_for_as_long_as_it_asks() {
    let busy = Behavior {
        outage_failure: Failure {
            retry_after: Some(Duration::from_secs(120)),
            ..Failure::new(FailureKind::RateLimited, "")
        },
        ..Behavior::steady(2000).down(MINUTE..MINUTE + 30_000)
    };
    let mut world = World::new(
        Strategy::Cheapest,
        [busy, Behavior::steady(2000), Behavior::steady(2000)],
    );
    world.until(MINUTE);
    let resting = world.until(3 * MINUTE);
    assert_eq!(calls(&resting, "alpha"), 1, "one refusal is enough");
    assert_eq!(share(&world.until(5 * MINUTE), "alpha"), 1.0);
}

#[test]
fn who_cannot_serve_us_is_asked_four_times_an_hour() {
    let revoked = Behavior {
        outage_failure: Failure::new(FailureKind::BadCredential, ""),
        ..Behavior::steady(2000).down(0..2 * HOUR)
    };
    let mut world = World::new(
        Strategy::Cheapest,
        [revoked, Behavior::steady(2000), Behavior::steady(2000)],
    );
    let served = world.until(2 * HOUR);
    assert_eq!(calls(&served, "alpha"), 8, "of {} requests", served.len());
    let mended = world.until(2 * HOUR + 16 * MINUTE);
    let back = mended
        .iter()
        .position(|one| one.by == Some("alpha"))
        .expect("a probe that works");
    assert_eq!(share(&mended[back..], "alpha"), 1.0);
}

#[test]
fn the_next_group_serves_while_the_first_is_down() {
    let behaviors = [
        Behavior::steady(2000).down(10 * MINUTE..30 * MINUTE),
        Behavior::steady(2000).down(10 * MINUTE..30 * MINUTE),
        Behavior::steady(2000),
    ];
    let mut world = World::new(Strategy::Priority, behaviors);
    for (provider, group) in [("alpha", 0), ("beta", 0), ("gamma", 1)] {
        world
            .priorities
            .0
            .insert(provider.to_owned(), Priority { group, weight: 1 });
    }
    assert_eq!(share(&world.until(10 * MINUTE), "gamma"), 0.0);
    let during = world.until(30 * MINUTE);
    assert!(share(&during, "gamma") > 0.95, "{}", share(&during, "gamma"));
    world.until(36 * MINUTE);
    let after = world.requests(1000);
    assert_eq!(share(&after, "gamma"), 0.0);
    assert!((share(&after, "alpha") - 0.5).abs() < 0.06);
}

#[test]
fn a_second_walk_puts_those_last_that_fell_ill_on_the_first() {
    let mut world = World::new(Strategy::Cheapest, [1000, 1000, 1000].map(Behavior::steady));
    let before = world.health.clone();
    world
        .behaviors
        .insert("alpha", Behavior::steady(1000).down(0..u64::MAX));
    world.requests(FAILURES_IN_A_ROW_MAX);
    let (after, now) = (std::mem::replace(&mut world.health, before), at(world.now_ms));
    let healthy = world.health.clone();
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.walk(&healthy, now), [0, 1, 2]);
    assert_eq!(plan.walk(&after, now), [1, 2, 0]);
}
