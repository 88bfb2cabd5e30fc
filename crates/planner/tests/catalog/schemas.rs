//! The schema of every model: what it lists somebody takes, and what somebody takes it lists.

use planner::handling::{Handling, handling};
use planner::schema::of_model;
use serde_json::Value;

use crate::folder::catalog;

#[test]
fn no_schema_lists_what_nobody_takes_or_leaves_out_what_somebody_does() {
    let catalog = catalog();
    let mut listed = 0;
    for model in catalog.models().filter(|model| model.live_offers().next().is_some()) {
        let schema = of_model(&catalog, model);
        let properties = schema["properties"].as_object().expect("properties");
        for (name, parameter) in catalog.parameters_of(model) {
            let mut offers = model.live_offers();
            let takes = |offer: &&planner::catalog::offer::Offer| {
                let modes = offer.modes.keys().filter(|mode| parameter.applies_in(**mode));
                let mut own = modes.filter_map(|mode| offer.in_mode(*mode));
                own.any(|mode| handling(name, mode) != Handling::Unsupported)
            };
            let is_taken = offers.any(|offer| takes(&offer));
            let field = if name == "image" { "images" } else { name.as_str() };
            assert_eq!(properties.contains_key(field), is_taken, "{} {name}", model.id);
            listed += usize::from(is_taken);
        }
        for (name, property) in properties.iter().filter(|(name, _)| *name != "model") {
            assert!(
                property["x-providers"].as_array().is_some_and(|all| !all.is_empty()),
                "{} {name}",
                model.id
            );
            assert!(property["x-modes"] != Value::Array(Vec::new()), "{} {name}", model.id);
        }
    }
    assert!(listed > 500, "schemas were read: {listed}");
}
