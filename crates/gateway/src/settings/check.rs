//! What the settings name and only the catalogue knows.

use planner::catalog::Catalog;
use planner::catalog::lookup::NotFound;

use super::Settings;
use crate::operator::fields::nearest;

/// The first mistake, if there is one.
pub(super) fn mistake(settings: &Settings, catalog: &Catalog) -> Option<String> {
    let mut successors = settings.successors.iter();
    let providers = settings.providers.keys().map(|id| ("providers", id));
    let priorities = settings.priorities.0.keys().map(|id| ("priorities", id));
    let mut unknown = providers
        .chain(priorities)
        .filter(|(_, id)| catalog.provider(id).is_none());
    successors
        .find_map(|(id, successor)| wrong_successor(id, successor, catalog))
        .or_else(|| unknown.next().map(|(table, id)| unknown_provider(table, id, catalog)))
}

fn unknown_provider(table: &str, id: &str, catalog: &Catalog) -> String {
    let known: Vec<&str> = catalog.providers().map(|provider| provider.id.as_str()).collect();
    let meant = nearest(id, &known).map_or_else(String::new, |meant| format!("; did you mean '{meant}'?"));
    format!("{table}.{id}: the catalogue has no provider '{id}'{meant}")
}

/// What is wrong with one entry of `successors`.
fn wrong_successor(id: &str, successor: &str, catalog: &Catalog) -> Option<String> {
    if catalog.model(id).is_none_or(|model| model.id != *id) {
        return Some(format!(
            "successors.{id}: the catalogue has no model with the id '{id}'"
        ));
    }
    match catalog.find(successor) {
        Ok(_) => None,
        Err(NotFound::Disabled { .. }) => Some(format!("successors.{id}: '{successor}' is disabled itself")),
        Err(_) => Some(format!("successors.{id}: the catalogue has no model '{successor}'")),
    }
}
