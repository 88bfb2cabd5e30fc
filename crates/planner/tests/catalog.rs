//! The catalogue as it ships, against the facts that it was written from.

#[path = "catalog/days.rs"]
mod days;
#[path = "catalog/draws.rs"]
mod draws;
#[path = "catalog/facts.rs"]
mod facts;
#[path = "catalog/figures.rs"]
mod figures;
#[path = "catalog/folder.rs"]
mod folder;
#[path = "catalog/handlings.rs"]
mod handlings;
#[path = "catalog/mistakes.rs"]
mod mistakes;
#[path = "catalog/passthrough.rs"]
mod passthrough;
#[path = "catalog/prices.rs"]
mod prices;
#[path = "catalog/properties.rs"]
mod properties;
#[path = "catalog/refusals.rs"]
mod refusals;
#[path = "catalog/requests.rs"]
mod requests;
#[path = "catalog/schemas.rs"]
mod schemas;
#[path = "catalog/starting.rs"]
mod starting;
#[path = "catalog/unknown.rs"]
mod unknown;
