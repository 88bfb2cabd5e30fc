//! What a caller sends beside the fields that are known: kept once, and bounded.

use std::collections::HashSet;
use std::sync::Arc;

use planner::catalog::Catalog;
use planner::fault::Fault;
use planner::native::NativeValue;
use planner::request::{Endpoint, Inputs, parse};
use planner::resolve::{Resolution, resolve};
use serde_json::{Map, Value, json};

use crate::folder::{catalog, model};

fn asked(catalog: &Catalog, more: Map<String, Value>, check: impl FnOnce(Result<Resolution<'_>, Vec<Fault>>)) {
    let mut fields = more;
    for (name, value) in [
        ("model", json!("gpt-image-1.5")),
        ("prompt", json!("dunes")),
        ("n", json!(10)),
    ] {
        fields.insert(name.to_owned(), value);
    }
    let (request, faults) = parse(Endpoint::Generations, &fields, false, catalog);
    assert!(faults.is_empty(), "{faults:?}");
    check(resolve(
        catalog,
        model(catalog, "gpt-image-1.5"),
        &request,
        &Inputs::default(),
    ));
}

#[test]
fn a_large_value_is_the_same_one_at_every_offer_and_in_every_call() {
    let catalog = catalog();
    let large = json!({ "more": vec![json!({}); 9_000] });
    let more = Map::from_iter([("extras".to_owned(), large)]);
    asked(&catalog, more, |resolution| {
        let resolution = resolution.expect("it can be served");
        let mut places = HashSet::new();
        let mut calls = 0;
        for resolved in &resolution.offers {
            for (before, images) in resolved.fan_out(10).into_iter().enumerate() {
                let call = resolved.call(images, u32::try_from(before).expect("few"));
                match &call.fields["extras"] {
                    NativeValue::Shared(value) => places.insert(Arc::as_ptr(value)),
                    other => panic!("{other:?}"),
                };
                calls += 1;
            }
        }
        assert!(resolution.offers.len() > 2 && calls > 3);
        assert_eq!(places.len(), 1, "one value for {calls} calls");
    });
}

#[test]
fn fields_that_nobody_knows_are_few_and_have_names_of_a_sane_length() {
    let catalog = catalog();
    let many = |count: usize| (0..count).map(|number| (format!("own_{number}"), json!(1))).collect();
    asked(&catalog, many(100), |resolution| assert!(resolution.is_ok()));
    asked(&catalog, many(101), |resolution| {
        let faults = resolution.expect_err("too many");
        assert!(faults[0].message.contains("at most 100 such fields"), "{faults:?}");
    });
    let long = Map::from_iter([("x".repeat(257), json!(1))]);
    asked(&catalog, long, |resolution| {
        let faults = resolution.expect_err("too long");
        assert!(
            faults[0].message.contains("has 257 characters; at most 256"),
            "{faults:?}"
        );
    });
}
