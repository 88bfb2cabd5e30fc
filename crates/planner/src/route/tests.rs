use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use serde_json::json;

use super::*;
use crate::catalog::load::load;
use crate::strategy::Strategy;

fn catalog() -> Catalog {
    let provider =
        |id: &str| format!("id = '{id}'\nname = '{id}'\nprotocol = 'x'\nbase_url = 'https://{id}.example'\n");
    let texts = ["openai", "fal", "replicate"].map(|id| (format!("providers/{id}.toml"), provider(id)));
    let sources: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    load(&sources).expect("a catalogue of providers alone")
}

fn parsed(value: &Value) -> (Route, Vec<(String, String)>) {
    let (route, faults) = Route::parse(value, &catalog());
    (
        route,
        faults.into_iter().map(|fault| (fault.param, fault.message)).collect(),
    )
}

#[test]
fn every_field_is_read_and_written_as_it_was() {
    let value = json!({ "strategy": "fastest", "only": ["openai", "fal"], "avoid": [], "max_price_usd": 0.05,
        "failover_on_content_policy": true, "hedge": true, "prefer": "rating" });
    let (route, faults) = parsed(&value);
    assert_eq!(faults, []);
    let expected = Route {
        strategy: Some(Strategy::Fastest),
        fit: None,
        only: Some(vec!["openai".to_owned(), "fal".to_owned()]),
        avoid: Some(Vec::new()),
        max_price: Some(Micros(50_000)),
        failover_on_content_policy: Some(true),
        hedge: Some(true),
        models: None,
        prefer: Some(Prefer::Rating),
        regions: None,
    };
    assert_eq!(route, expected);
    assert_eq!(json!(route), value);
    assert_eq!(parsed(&json!({})), (Route::NONE, vec![]));
    let unset = json!({ "strategy": null, "only": null, "avoid": null, "max_price_usd": null });
    assert_eq!(parsed(&unset), (Route::NONE, vec![]));
    assert_eq!(json!(Route::NONE), json!({}));
    let twice = parsed(&json!({ "avoid": ["fal", "fal"] })).0;
    assert_eq!(twice.avoid, Some(vec!["fal".to_owned()]));
}

#[test]
fn all_faults_are_told_at_once_with_what_was_meant() {
    let value = json!({ "strategie": "cheapest", "strategy": "cheap", "only": ["openia", 5], "avoid": "fal",
        "max_price_usd": -1, "failover_on_content_policy": "yes" });
    let (route, faults) = parsed(&value);
    assert_eq!(route, Route::NONE);
    let expected = [
        (
            "route",
            "A route has no field 'strategie'. Did you mean 'strategy'? Its fields: strategy, fit, only, avoid, max_price_usd, failover_on_content_policy, hedge, models, prefer, regions",
        ),
        (
            "route.strategy",
            "'route.strategy' must be one of balanced, cheapest, fastest, priority, not 'cheap'",
        ),
        (
            "route.only",
            "'route.only' names an unknown provider 'openia'. Did you mean 'openai'?",
        ),
        (
            "route.only",
            "'route.only' must be a list of provider ids; it holds a number",
        ),
        ("route.avoid", "'route.avoid' must be a list of provider ids, not text"),
        (
            "route.max_price_usd",
            "'route.max_price_usd' must be at least 0, not '-1'",
        ),
        (
            "route.failover_on_content_policy",
            "'route.failover_on_content_policy' must be true or false, not text",
        ),
    ];
    assert_eq!(
        faults,
        expected.map(|(param, message)| (param.to_owned(), message.to_owned()))
    );
}

#[test]
fn what_is_no_route_is_refused() {
    for (value, message) in [
        (json!("cheapest"), "'route' must be an object, not text"),
        (json!(["fal"]), "'route' must be an object, not a list"),
        (
            json!({ "only": [] }),
            "'route.only' is empty: name a provider, or leave it out",
        ),
        (
            json!({ "strategy": 3 }),
            "'route.strategy' must be one of balanced, cheapest, fastest, priority, not a number",
        ),
        (
            json!({ "max_price_usd": "5" }),
            "'route.max_price_usd' must be a number of dollars, not text",
        ),
        (json!({ "avoid": ["x".repeat(500)] }), "Known: openai, fal, replicate"),
        (
            json!({ "avoid": vec!["fal"; 65] }),
            "'route.avoid' has 65 entries; at most 64 are taken",
        ),
    ] {
        let faults = parsed(&value).1;
        assert!(
            faults.len() == 1 && faults[0].1.contains(message),
            "{value}: {faults:?}"
        );
    }
}

#[test]
fn prices_of_any_size_stay_in_range() {
    for (given, micros) in [
        (json!(0), 0),
        (json!(0.000_001), 1),
        (json!(1e300), 1_000_000_000_000),
        (json!(u64::MAX), 1_000_000_000_000),
        (json!(1e-300), 0),
        (json!(12.345_678), 12_345_678),
    ] {
        let (route, faults) = parsed(&json!({ "max_price_usd": given }));
        assert_eq!((route.max_price, faults), (Some(Micros(micros)), vec![]));
    }
}

#[test]
fn the_request_goes_over_the_key_and_the_key_over_the_operator() {
    let read = |value| parsed(&value).0;
    let operator =
        read(json!({ "strategy": "priority", "avoid": ["replicate", "fal"], "failover_on_content_policy": true }));
    let key = read(json!({ "max_price_usd": 0.1, "strategy": "cheapest", "hedge": true }));
    let request = read(json!({ "only": ["fal", "openai"], "failover_on_content_policy": false, "hedge": false }));
    let merged = request.over(&key).over(&operator);
    let expected = json!({ "strategy": "cheapest", "only": ["fal", "openai"], "avoid": ["replicate"], "max_price_usd": 0.1,
        "failover_on_content_policy": false, "hedge": false });
    assert_eq!(json!(merged), expected);
    assert_eq!(merged, request.over(&key.over(&operator)));
    let lifted = read(json!({ "avoid": [] })).over(&operator);
    assert_eq!(lifted.avoid, Some(Vec::new()));
    assert!(
        !request
            .policy(FailoverPolicy {
                on_content_policy: true,
                ..FailoverPolicy::default()
            })
            .on_content_policy
    );
    assert!(
        Route::NONE
            .policy(FailoverPolicy {
                on_content_policy: true,
                ..FailoverPolicy::default()
            })
            .on_content_policy
    );
}

fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["openai", "fal", "cheapest", "x"]).prop_map(Value::from),
        "\\PC{0,60}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop_oneof![
            prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
            "[a-z_]{0,9}"
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_read_without_fault_is_written_and_read_again(value in any_json()) {
        let catalog = catalog();
        let (route, faults) = Route::parse(&value, &catalog);
        for fault in &faults {
            prop_assert!(fault.message.chars().count() < 400, "{}", fault.message);
        }
        if faults.is_empty() {
            prop_assert_eq!(Route::parse(&json!(route), &catalog), (route.clone(), vec![]));
            prop_assert_eq!(&route.over(&Route::NONE), &route);
            prop_assert_eq!(Route::NONE.over(&route), route);
        }
    }
}
