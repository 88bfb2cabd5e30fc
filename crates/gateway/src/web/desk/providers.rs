//! `/app/providers`: how each provider is served here, and how it has been doing.

use axum::response::Response;
use jiff::SignedDuration;
use planner::health::CircuitState;
use planner::money::Micros;
use site::frame::Page;
use site::here::Service;
use site::pages::desk::providers::{self, Circuit, Provider};
use site::told::list;

use super::sitting::Sitting;
use crate::outcome::code_of;
use crate::problem::Problem;
use crate::upstreams;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    let generator = &sitting.state.generator;
    let performance = sitting.state.shelf.performance(generator).await;
    let now = generator.clock.now();
    let since = now - SignedDuration::from_hours(24 * i64::from(performance.days));
    let mut query = vec![
        ("group_by".to_owned(), "provider".to_owned()),
        ("created_after".to_owned(), since.to_string()),
    ];
    query.extend(sitting.account().map(|account| ("account_id".to_owned(), account)));
    let spent = sitting.get("/v1/usage", &query).await?;
    let spent_at = |id: &str| {
        let row = list(&spent, "data").iter().find(|row| row["provider"] == id);
        Micros(row.and_then(|row| row["cost_micros"].as_i64()).unwrap_or_default())
    };
    let health = generator.routing.health().view(now);
    let providers: Vec<Provider> = generator
        .upstreams
        .iter()
        .map(|upstream| {
            let (service, origin) = match &upstream.service {
                upstreams::Service::Real { origin } => (Service::Real, Some(origin.clone())),
                upstreams::Service::Sandbox => (Service::Sandbox, None),
                upstreams::Service::Off => (Service::Off, None),
            };
            let own = health.iter().filter(|row| row.provider == upstream.id);
            let circuits = own.map(|row| {
                let (state, until) = match row.health.state {
                    CircuitState::Closed => ("closed", row.health.resting_until),
                    CircuitState::Open { until } => ("open", Some(until)),
                    CircuitState::HalfOpen { .. } => ("half_open", None),
                };
                Circuit {
                    native_model: row.native_model.clone(),
                    is_healthy: row.health.is_healthy(),
                    state,
                    cause: row.health.cause.map(code_of),
                    until,
                    success_rate: row.health.success_rate.unwrap_or(1.0),
                    samples: row.health.samples.into(),
                }
            });
            Provider {
                id: upstream.id.clone(),
                name: upstream.name.clone(),
                service,
                origin: origin.filter(|_| sitting.desk.is_admin),
                calls: performance.of_provider(&upstream.id),
                spent: spent_at(&upstream.id),
                circuits: circuits.collect(),
            }
        })
        .collect();
    Ok(providers::page(&sitting.desk, &providers, performance.days))
}
