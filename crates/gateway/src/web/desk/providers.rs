//! `/app/providers`: how each provider is served here, and how it has been doing.

use axum::response::Response;
use jiff::SignedDuration;
use planner::money::Micros;
use site::frame::Page;
use site::here::Service;
use site::pages::desk::providers::{self, Circuit, Provider, Spent};
use site::told::list;

use super::super::query::value;
use super::sitting::{Sitting, fragment};
use crate::outcome::code_of;
use crate::problem::Problem;
use crate::upstreams;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

/// What callers were charged by provider, for a script that puts it in its place.
pub(super) async fn spending(sitting: Sitting) -> Response {
    let spent = async {
        let performance = sitting.state.shelf.performance(&sitting.state.generator).await;
        Ok(providers::spending(&spent(&sitting, performance.days).await?))
    };
    fragment(spent.await)
}

/// What callers were charged in so many days, by provider, the most first.
async fn spent(sitting: &Sitting, days: u32) -> Result<Vec<Spent>, Problem> {
    let generator = &sitting.state.generator;
    let since = generator.clock.now() - SignedDuration::from_hours(24 * i64::from(days));
    let mut query = vec![
        ("group_by".to_owned(), "provider".to_owned()),
        ("created_after".to_owned(), since.to_string()),
    ];
    query.extend(sitting.account().map(|account| ("account_id".to_owned(), account)));
    let answer = sitting.get("/v1/usage", &query).await?;
    let names = sitting.providers();
    let spent = list(&answer, "data").iter().filter_map(|row| {
        let id = row["provider"].as_str()?;
        let cost = Micros(row["cost_micros"].as_i64()?);
        (cost > Micros::ZERO).then(|| (id.to_owned(), names.name(id).to_owned(), cost))
    });
    let mut spent: Vec<Spent> = spent.collect();
    spent.sort_by_key(|(_, _, cost)| std::cmp::Reverse(*cost));
    Ok(spent)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    let generator = &sitting.state.generator;
    let performance = sitting.state.shelf.performance(generator).await;
    let now = generator.clock.now();
    let added_up = match value(&sitting.pairs, "totals") {
        Some(_) => Some(spent(sitting, performance.days).await?),
        None => None,
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
            let circuits = own.map(|row| Circuit {
                native_model: row.native_model.clone(),
                is_healthy: row.health.is_healthy(),
                state: row.health.state.as_str(),
                cause: row.health.cause.map(code_of),
                until: row.health.state.until().or(row.health.resting_until),
                success_rate: row.health.success_rate.unwrap_or(1.0),
                samples: row.health.samples.into(),
            });
            Provider {
                id: upstream.id.clone(),
                name: upstream.name.clone(),
                service,
                origin: origin.filter(|_| sitting.desk.is_admin),
                calls: performance.of_provider(&upstream.id),
                circuits: circuits.collect(),
            }
        })
        .collect();
    Ok(providers::page(
        &sitting.desk,
        &providers,
        added_up.as_deref(),
        performance.days,
    ))
}
