//! Who may be tried at all, and what is said when nobody may.

use std::collections::HashSet;
use std::sync::LazyLock;

use planner::catalog::Catalog;
use planner::fit::FitRule;
use planner::health::{Health, Report};
use planner::money::Micros;
use planner::plan::{Circumstances, Filter, NoRoute, plan};
use planner::request::{Endpoint, parse};
use planner::route::Route;
use planner::strategy::Strategy;
use proptest::prelude::{any, prop, proptest};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

use crate::world::{PRICES, at, catalog, providers, resolved};

fn all() -> HashSet<String> {
    PRICES.iter().map(|(id, _)| (*id).to_owned()).collect()
}

fn route(catalog: &Catalog, value: &Value) -> Route {
    let (route, faults) = Route::parse(value, catalog);
    assert_eq!(faults, []);
    route
}

/// What is set for one plan.
#[derive(Default)]
struct Given<'a> {
    forced: Option<&'a str>,
    allowed: Option<Vec<String>>,
    route: Value,
    without_credential: Option<&'a str>,
}

fn order(given: &Given<'_>) -> Result<Vec<String>, NoRoute> {
    let catalog = catalog(&PRICES);
    let wishes = match &given.route {
        Value::Null => Route::NONE,
        value => route(&catalog, value),
    };
    let mut available = all();
    if let Some(provider) = given.without_credential {
        available.remove(provider);
    }
    let now = Circumstances {
        forced_provider: given.forced,
        allowed_providers: given.allowed.as_deref(),
        route: &wishes,
        strategy: Strategy::Cheapest,
        ..Circumstances::new(&available, at(0))
    };
    plan(resolved(&catalog, &json!({})), &now).map(|plan| providers(&plan))
}

fn with_route(route: Value) -> Given<'static> {
    Given {
        route,
        ..Given::default()
    }
}

#[test]
fn each_filter_leaves_those_it_is_meant_to() {
    for (value, left) in [
        (json!({}), vec!["alpha", "beta", "gamma"]),
        (json!({ "only": ["gamma", "alpha"] }), vec!["alpha", "gamma"]),
        (json!({ "avoid": ["alpha"] }), vec!["beta", "gamma"]),
        (json!({ "max_price_usd": 0.04 }), vec!["alpha", "beta"]),
        (json!({ "only": ["alpha", "beta"], "avoid": ["alpha"] }), vec!["beta"]),
    ] {
        assert_eq!(
            order(&with_route(value.clone())).expect("some are left"),
            left,
            "{value}"
        );
    }
    let key = Given {
        allowed: Some(vec!["beta".to_owned()]),
        ..Given::default()
    };
    assert_eq!(order(&key).expect("one is left"), ["beta"]);
}

#[test]
fn a_refusal_names_the_filter_that_took_out_the_last_one() {
    let told = |given: Given<'_>| {
        let cause = order(&given).expect_err("nobody is left");
        (cause.to_string(), cause)
    };
    let (text, cause) = told(Given {
        allowed: Some(Vec::new()),
        ..Given::default()
    });
    assert_eq!(
        text,
        "this API key may use none of the providers that could serve it: alpha, beta, gamma"
    );
    assert!(matches!(cause, NoRoute::NotAllowed { removed, .. } if removed.len() == 3));
    let (text, cause) = told(Given {
        allowed: Some(vec!["alpha".to_owned(), "beta".to_owned()]),
        ..with_route(json!({ "only": ["beta", "gamma"], "avoid": ["beta"] }))
    });
    assert_eq!(
        text,
        "the route leaves no provider: alpha is not in 'route.only'; beta is in 'route.avoid'; \
         this API key may not use gamma"
    );
    assert!(matches!(cause, NoRoute::Excluded { .. }));
    let (text, cause) = told(Given {
        without_credential: Some("alpha"),
        ..with_route(json!({ "only": ["alpha"] }))
    });
    assert_eq!(
        text,
        "no provider has a credential here: alpha; beta is not in 'route.only'; gamma is not in 'route.only'"
    );
    assert!(matches!(cause, NoRoute::NoCredential { providers, .. } if providers == ["alpha"]));
    let (text, cause) = told(Given {
        without_credential: Some("alpha"),
        ..with_route(json!({ "max_price_usd": 0.03 }))
    });
    assert_eq!(
        text,
        "'route.max_price_usd' allows $0.03, and the cheapest provider, beta, would cost up to $0.04; \
         alpha has no credential here"
    );
    let NoRoute::TooDear {
        cheapest,
        provider,
        max_price,
        removed,
    } = cause
    else {
        panic!("{cause:?}")
    };
    assert_eq!(
        (cheapest, provider.as_str(), max_price),
        (Micros(40_000), "beta", Micros(30_000))
    );
    let filters: Vec<Filter> = removed.iter().map(|one| one.filter).collect();
    assert_eq!(filters, [Filter::Credential, Filter::Price, Filter::Price]);
}

#[test]
fn a_forced_provider_that_is_excluded_is_refused_as_others_are() {
    let forced = |route: Value| Given {
        forced: Some("alpha"),
        ..with_route(route)
    };
    assert_eq!(order(&forced(json!({}))).expect("it is fine"), ["alpha"]);
    for value in [json!({ "avoid": ["alpha"] }), json!({ "only": ["beta"] })] {
        let cause = order(&forced(value)).expect_err("a contradiction");
        assert!(
            matches!(&cause, NoRoute::Excluded { removed } if removed.len() == 1),
            "{cause:?}"
        );
    }
    let cause = order(&forced(json!({ "max_price_usd": 0 }))).expect_err("it costs something");
    assert!(matches!(
        cause,
        NoRoute::TooDear {
            cheapest: Micros(20_000),
            ..
        }
    ));
    let foreign = Given {
        allowed: Some(vec!["beta".to_owned()]),
        ..forced(json!({}))
    };
    assert!(matches!(order(&foreign), Err(NoRoute::NotAllowed { .. })));
}

#[test]
fn a_route_is_read_from_json_and_from_forms() {
    let catalog = catalog(&PRICES);
    let read = |value: Value, from_form: bool| {
        let fields = json!({ "model": "painter", "prompt": "dunes", "route": value });
        let (request, faults) = parse(
            Endpoint::Edits,
            fields.as_object().expect("an object"),
            from_form,
            &catalog,
        );
        (
            request.route,
            faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>(),
        )
    };
    let wish = json!({ "strategy": "fastest", "avoid": ["beta"] });
    let expected = (Some(route(&catalog, &wish)), vec![]);
    assert_eq!(read(wish.clone(), false), expected);
    assert_eq!(read(Value::from(wish.to_string()), true), expected);
    assert_eq!(read(Value::Null, false), (None, vec![]));
    assert_eq!(read(json!("null"), true), (None, vec![]));
    let text = read(Value::from(wish.to_string()), false);
    assert_eq!(text.1, ["'route' must be an object, not text"]);
    let broken = read(json!("{strategy: fastest}"), true).1;
    assert!(
        broken.len() == 1 && broken[0].starts_with("'route' is not JSON: "),
        "{broken:?}"
    );
    assert_eq!(read(json!({ "strategy": "fast", "only": ["delta"] }), false).1.len(), 2);
}

#[test]
fn who_does_as_asked_goes_first_unless_fit_is_only_weighed() {
    let catalog = catalog(&[("alpha", "0.02"), ("beta", "0.03")]);
    let available = all();
    let first = |fields: &Value, strategy, seed, fit| {
        let route = Route {
            fit: Some(fit),
            ..Route::NONE
        };
        let now = Circumstances {
            strategy,
            seed,
            route: &route,
            ..Circumstances::new(&available, at(0))
        };
        providers(&plan(resolved(&catalog, fields), &now).expect("two may be tried"))[0].clone()
    };
    let alpha_of_thousand = |fields: &Value| {
        let firsts = (0..1000).map(|seed| first(fields, Strategy::Balanced, seed, FitRule::Weighed));
        firsts.filter(|provider| provider == "alpha").count()
    };
    // Twice as many calls and a bit for two thirds of the price.
    let plain = alpha_of_thousand(&json!({}));
    assert!((650..735).contains(&plain), "{plain}");
    // Alpha has neither: 0.1 against 0.44, and 0.01 against 0.44.
    for (fields, expected) in [
        (json!({ "seed": 7 }), 150..220),
        (json!({ "size": "1536x1024" }), 150..220),
        (json!({ "seed": 7, "size": "1536x1024" }), 8..40),
    ] {
        let shares = alpha_of_thousand(&fields);
        assert!(expected.contains(&shares), "{fields}: {shares}");
        let by_price = first(&fields, Strategy::Cheapest, 1, FitRule::Weighed);
        assert_eq!(by_price, "alpha", "price stays alone");
        for strategy in Strategy::ALL {
            for fit in [FitRule::First, FitRule::Required] {
                let firsts = (0..100).map(|seed| first(&fields, strategy, seed, fit));
                assert!(
                    firsts.into_iter().all(|provider| provider == "beta"),
                    "{fields} {strategy}"
                );
            }
        }
    }
}

#[test]
fn a_required_fit_leaves_out_whoever_would_change_something_and_tells_what() {
    let catalog = catalog(&PRICES);
    let available = all();
    let route = Route {
        fit: Some(FitRule::Required),
        ..Route::NONE
    };
    let now = Circumstances {
        route: &route,
        ..Circumstances::new(&available, at(0))
    };
    let exact = plan(resolved(&catalog, &json!({ "seed": 7 })), &now).expect("two may be tried");
    let mut exact = providers(&exact);
    exact.sort();
    assert_eq!(exact, ["beta", "gamma"], "alpha takes no seed");
    let nobody = plan(
        resolved(&catalog, &json!({ "size": "1000x1500", "style": "vivid" })),
        &now,
    );
    let told = nobody.expect_err("nobody makes that size").to_string();
    for part in [
        "alpha would change size from 1000x1500 to 1024x1024, drop style",
        "beta would change size from 1000x1500 to 1024x1024, drop style",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

/// Read once for all cases.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| catalog(&PRICES));

proptest! {
    /// Whatever is set and whatever happened, who passes the filters is in the plan once, and nobody else is.
    #[test]
    fn a_plan_holds_exactly_those_that_pass(
        seed in any::<u64>(),
        strategy in prop::sample::select(Strategy::ALL.to_vec()),
        only in prop::option::of(prop::sample::subsequence(vec!["alpha", "beta", "gamma"], 1..=3)),
        avoid in prop::sample::subsequence(vec!["alpha", "beta", "gamma"], 0..=3),
        max_price in prop::option::of(0_i64..100_000),
        available in prop::sample::subsequence(vec!["alpha", "beta", "gamma"], 0..=3),
        failures in prop::collection::vec((0_usize..3, any::<bool>()), 0..40),
        later in 0_u64..400_000,
    ) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let wishes = Route {
            only: only.as_deref().map(owned),
            avoid: Some(owned(&avoid)),
            max_price: max_price.map(Micros),
            ..Route::NONE
        };
        let mut health = Health::new();
        let down = planner::failure::Failure::new(planner::failure::FailureKind::NotSent, "");
        for (step, (provider, fails)) in failures.into_iter().enumerate() {
            let name = PRICES[provider].0;
            let report = Report { started_at: at(step as u64), latency_ms: 1, failure: fails.then_some(&down) };
            health.record(name, &format!("{name}-painter"), &report, at(step as u64));
        }
        let set: HashSet<String> = owned(&available).into_iter().collect();
        let now = Circumstances { route: &wishes, strategy, health: &health, seed, ..Circumstances::new(&set, at(later)) };
        let passes = |(name, price): &&(&str, i64)| {
            only.as_ref().is_none_or(|only| only.contains(name)) && !avoid.contains(name) && available.contains(name)
                && max_price.is_none_or(|max| *price <= max)
        };
        let prices = [("alpha", 20_000), ("beta", 40_000), ("gamma", 80_000)];
        let mut expected: Vec<&str> = prices.iter().filter(passes).map(|(name, _)| *name).collect();
        match plan(resolved(&CATALOG, &json!({})), &now) {
            Err(_) => prop_assert!(expected.is_empty()),
            Ok(plan) => {
                let again = planner::plan::plan(resolved(&CATALOG, &json!({})), &now);
                prop_assert_eq!(Some(&plan), again.as_ref().ok());
                let healthy: Vec<bool> = plan.candidates.iter().map(|one| one.health.is_healthy()).collect();
                prop_assert!(healthy.is_sorted_by(|before, after| before >= after), "the unhealthy come last");
                if strategy == Strategy::Cheapest && healthy.iter().all(|healthy| *healthy) {
                    prop_assert_eq!(providers(&plan), expected.clone());
                }
                let mut tried = providers(&plan);
                tried.sort();
                expected.sort_unstable();
                prop_assert_eq!(tried, expected);
            }
        }
    }
}
