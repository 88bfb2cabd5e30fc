//! Where requests go: filters and reasons, and simulations of how strategies and health spread load over time.

#[path = "routing/filters.rs"]
mod filters;
#[path = "routing/load.rs"]
mod load;
#[path = "routing/outages.rs"]
mod outages;
#[path = "routing/reasons.rs"]
mod reasons;
#[path = "routing/world.rs"]
mod world;
