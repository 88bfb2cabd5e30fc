//! What an explanation says of the order.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use planner::explain::{Explanation, explain};
use planner::failure::{Failure, FailureKind};
use planner::health::{Health, Report};
use planner::plan::Circumstances;
use planner::request::{Endpoint, Inputs, parse};
use planner::strategy::{Priorities, Priority, Strategy};
use serde_json::{Value, json};

use crate::world::{PRICES, at, catalog};

/// How things are when a request is explained.
#[derive(Default)]
struct Given {
    fields: Value,
    strategy: Strategy,
    priorities: Priorities,
    health: Health,
    now_ms: u64,
    seed: u64,
}

fn explained(given: &Given) -> Explanation {
    let catalog = catalog(&PRICES);
    let mut fields = json!({ "model": "painter", "prompt": "dunes" });
    let more = given.fields.as_object().cloned().unwrap_or_default();
    fields.as_object_mut().expect("an object").extend(more);
    let (request, faults) = parse(
        Endpoint::Generations,
        fields.as_object().expect("an object"),
        false,
        &catalog,
    );
    let available: HashSet<String> = PRICES.iter().map(|(id, _)| (*id).to_owned()).collect();
    let wishes = request.route.clone().unwrap_or_default();
    let now = Circumstances {
        route: &wishes,
        strategy: given.strategy,
        priorities: &given.priorities,
        health: &given.health,
        seed: given.seed,
        ..Circumstances::new(&available, at(given.now_ms))
    };
    let model = catalog.model("painter").expect("the only model");
    explain(&catalog, model, &request, &Inputs::default(), &now, faults)
}

/// Place and reason of each provider.
fn told(explanation: &Explanation) -> BTreeMap<&str, (Option<usize>, &str)> {
    let offers = explanation.offers.iter();
    offers
        .map(|offer| (offer.provider.as_str(), (offer.place, offer.reason.as_str())))
        .collect()
}

fn record(health: &mut Health, provider: &str, times: usize, latency_ms: u64, failure: Option<&Failure>) {
    for _ in 0..times {
        let report = Report {
            started_at: at(0),
            latency_ms,
            failure,
        };
        health.record(provider, &format!("{provider}-painter"), &report, at(0));
    }
}

#[test]
fn the_cheapest_is_explained_by_price() {
    let explanation = explained(&Given {
        strategy: Strategy::Cheapest,
        ..Given::default()
    });
    assert_eq!(explanation.strategy, Strategy::Cheapest);
    let expected = [
        ("alpha", (Some(1), "$0.02 at the most; the cheapest goes first")),
        ("beta", (Some(2), "$0.04 at the most, more than alpha")),
        ("gamma", (Some(3), "$0.08 at the most, more than beta")),
    ];
    assert_eq!(told(&explanation), expected.into());
}

#[test]
fn a_draw_is_explained_by_chance_and_what_counts_against_it() {
    let mut given = Given {
        fields: json!({ "seed": 7, "route": { "fit": "weighed" } }),
        ..Given::default()
    };
    record(&mut given.health, "beta", 8, 4000, None);
    record(&mut given.health, "gamma", 8, 1000, None);
    // Alpha is unknown and drops the seed; beta pays for its price and its time.
    let explanation = explained(&given);
    assert_eq!(explanation.strategy, Strategy::Balanced);
    let told = told(&explanation);
    let factors = "(against the best: success 0.87, parameters that it drops or changes 0.10)";
    assert!(told["alpha"].1.ends_with(factors), "{told:?}");
    assert!(
        told["beta"].1.ends_with("(against the best: price 0.25, speed 0.25)"),
        "{told:?}"
    );
    assert!(told["gamma"].1.ends_with("(against the best: price 0.06)"), "{told:?}");
    let first = explanation.offers.first().expect("three offers");
    assert!(
        first.reason.contains("; drawn first, with a chance of "),
        "{}",
        first.reason
    );
    let second = format!("; drawn after {}, with a chance of ", first.provider);
    assert!(explanation.offers[1].reason.contains(&second), "{told:?}");
    let chances = told.values().map(|(_, reason)| {
        let number = reason
            .split("chance of ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        number.and_then(|number| number.parse::<f64>().ok()).expect("a number")
    });
    assert!((chances.sum::<f64>() - 100.0).abs() <= 1.5, "{told:?}");
}

#[test]
fn who_comes_less_near_is_told_what_it_would_change() {
    let explanation = explained(&Given {
        fields: json!({ "seed": 7, "size": "1536x1024" }),
        ..Given::default()
    });
    let told = told(&explanation);
    let (place, reason) = told["alpha"];
    assert_eq!(place, Some(3));
    let before = &explanation.offers[1].provider;
    let expected = format!(
        "$0.02 at the most; it would change size from 1536x1024 to 1024x1024, drop seed, so it is tried after {before}, which comes nearer"
    );
    assert_eq!(reason, expected);
    assert_eq!(
        explanation.offers[2]
            .sent
            .as_ref()
            .map(|sent| sent.fit.departures.len()),
        Some(2)
    );
}

#[test]
fn speed_is_explained_by_time_and_exploring() {
    let mut given = Given {
        strategy: Strategy::Fastest,
        ..Given::default()
    };
    record(&mut given.health, "beta", 32, 4000, None);
    record(&mut given.health, "gamma", 32, 1000, None);
    let usual = (0..).find(|seed| {
        given.seed = *seed;
        explained(&given).offers[0].provider == "gamma"
    });
    assert!(usual.is_some());
    let explanation = explained(&given);
    let told_usual = told(&explanation);
    assert_eq!(
        told_usual["gamma"],
        (
            Some(1),
            "$0.08 at the most; the fastest goes first, with 1006 ms to a success"
        )
    );
    assert_eq!(
        told_usual["beta"],
        (Some(2), "$0.04 at the most; 4022 ms to a success, tried after gamma")
    );
    assert_eq!(
        told_usual["alpha"],
        (
            Some(3),
            "$0.02 at the most; its speed is unknown, so it is tried after beta"
        )
    );
    let exploring = (0..1000).find(|seed| {
        given.seed = *seed;
        explained(&given).offers[0].provider == "alpha"
    });
    assert!(exploring.is_some(), "one in ten");
    let explanation = explained(&given);
    let reason = "$0.02 at the most; its speed is unknown, and now and then such a one goes first";
    assert_eq!(told(&explanation)["alpha"], (Some(1), reason));
    let unknown = explained(&Given {
        strategy: Strategy::Fastest,
        ..Given::default()
    });
    assert!(
        unknown.offers[0]
            .reason
            .ends_with("; no speed is known, so the order is drawn")
    );
}

#[test]
fn groups_are_explained_by_the_operators_words() {
    let mut given = Given {
        strategy: Strategy::Priority,
        ..Given::default()
    };
    for (provider, weight) in [("beta", 0), ("gamma", 5)] {
        let priority = Priority { group: 0, weight };
        given.priorities.0.insert(provider.to_owned(), priority);
    }
    let group = "group 0 of the operator";
    let none = "$0.02 at the most; in no group of the operator, so it is tried after all of them";
    let weight =
        |weight, chance| format!("{group}; drawn there by weight {weight}, with a chance of {chance} % to be first");
    let last = format!("$0.04 at the most; {}", weight(0, 0));
    let first = format!("$0.08 at the most; {group}");
    let expected = [
        ("alpha", (Some(3), none)),
        ("beta", (Some(2), last.as_str())),
        ("gamma", (Some(1), first.as_str())),
    ];
    assert_eq!(told(&explained(&given)), expected.into());
    given.priorities.0["beta"].weight = 15;
    let (beta, gamma) = (weight(15, 75), weight(5, 25));
    let explanation = explained(&given);
    let told = told(&explanation);
    assert!(
        told["beta"].1.ends_with(&beta) && told["gamma"].1.ends_with(&gamma),
        "{told:?}"
    );
}

#[test]
fn health_is_explained_and_shown() {
    let mut given = Given {
        strategy: Strategy::Cheapest,
        ..Given::default()
    };
    let down = Failure::new(FailureKind::NotSent, "");
    let limited = Failure {
        retry_after: Some(Duration::from_secs(60)),
        ..Failure::new(FailureKind::RateLimited, "")
    };
    record(&mut given.health, "alpha", 4, 1, Some(&down));
    record(&mut given.health, "beta", 1, 1, Some(&limited));
    given.now_ms = 5000;
    let explanation = explained(&given);
    let expected = [
        (
            "alpha",
            (
                Some(2),
                "$0.02 at the most; it failed too often and is given up until 2026-07-01T00:00:10Z, so it is tried after the others",
            ),
        ),
        (
            "beta",
            (
                Some(3),
                "$0.04 at the most; the provider asked to be left alone until 2026-07-01T00:01:00Z, so it is tried after the others",
            ),
        ),
        ("gamma", (Some(1), "$0.08 at the most; the cheapest goes first")),
    ];
    assert_eq!(told(&explanation), expected.into());
    let shown = serde_json::to_value(explanation.offers[1].health).expect("plain data");
    assert_eq!((&shown["state"], &shown["success_rate"]), (&json!("open"), &json!(0.0)));
    given.now_ms = 10_000;
    let explanation = explained(&given);
    let reason = "$0.02 at the most; the cheapest goes first; it failed before and is probed";
    assert_eq!(told(&explanation)["alpha"], (Some(1), reason));
    given.health.start("alpha", "alpha-painter", at(10_000));
    let explanation = explained(&given);
    let reason =
        "$0.02 at the most; it failed too often and another request probes it, so it is tried after the others";
    assert_eq!(told(&explanation)["alpha"], (Some(2), reason));
    record(&mut given.health, "gamma", 1, 1, Some(&limited));
    let explanation = explained(&given);
    let first = &explanation.offers[0];
    assert_eq!(first.provider, "alpha");
    assert!(
        first
            .reason
            .ends_with("; none is well, and those go first that may be so first"),
        "{}",
        first.reason
    );
}

#[test]
fn who_is_filtered_out_is_told_why() {
    let explanation = explained(&Given {
        fields: json!({ "route": { "only": ["alpha", "beta"], "avoid": ["alpha"], "strategy": "cheapest" } }),
        ..Given::default()
    });
    assert_eq!(explanation.strategy, Strategy::Cheapest, "as the route says");
    let expected = [
        ("alpha", (None, "'route.avoid' names this provider")),
        ("beta", (Some(1), "$0.04 at the most; the only one that can be called")),
        ("gamma", (None, "'route.only' does not name this provider")),
    ];
    assert_eq!(told(&explanation), expected.into());
    let explanation = explained(&Given {
        fields: json!({ "route": { "max_price_usd": 0.01 } }),
        ..Given::default()
    });
    let reason = "$0.04 at the most, and 'route.max_price_usd' allows $0.01";
    assert_eq!(told(&explanation)["beta"], (None, reason));
}
