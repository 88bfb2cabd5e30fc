//! The HTTP API: the table of routes and the layers around them.

mod absent;
mod accounts;
mod answer;
mod arena;
mod audit;
mod balance;
mod body;
mod caller;
mod edits;
mod erasures;
mod estimate;
mod events;
pub mod fuzzed;
mod generations;
mod health;
mod health_providers;
mod images;
mod keys;
mod media;
mod metrics;
mod models;
mod neighbours;
mod openapi;
mod operator;
mod paging;
mod purpose;
mod query;
mod repeats;
mod requests;
mod running;
mod secrets;
mod sources;
mod undelivered;
mod usage;
mod webhooks;

use axum::Router;
use axum::routing::{delete, get, patch, post, put};

use crate::http::state::Current;
use accounts::postings;
use arena::{operator as operating, reports, suggestions};
use edits::Edits;
use generations::Generations;
pub(crate) use openapi::document;

/// Every route.
pub(crate) fn routes(aliases: &[String]) -> Router<Current> {
    let openai = Router::new()
        .route("/images/generations", post(images::handle::<Generations>))
        .route("/images/edits", post(images::handle::<Edits>))
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::retrieve))
        .route("/images/variations", post(absent::variations))
        .route("/responses", post(absent::responses))
        .route("/chat/completions", post(absent::chat_completions))
        .route("/videos", post(absent::videos));
    let native = Router::new()
        .route("/v1/balance", get(balance::handle))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route(
            "/v1/keys/{id}",
            get(keys::retrieve).patch(keys::change).delete(keys::revoke),
        )
        .route("/v1/accounts", get(accounts::list).post(accounts::create))
        .route("/v1/accounts/{id}", get(accounts::retrieve).patch(accounts::change))
        .route("/v1/accounts/{id}/postings", get(postings::list).post(postings::create))
        .route("/v1/audit", get(audit::handle))
        .route("/v1/requests", get(requests::list))
        .route("/v1/requests/{id}", get(requests::retrieve))
        .route("/v1/requests/{id}/payloads", delete(requests::purge))
        .route("/v1/erasures", post(erasures::handle))
        .route("/v1/usage", get(usage::handle))
        .route("/v1/health/providers", get(health_providers::handle))
        .route(
            "/v1/webhooks/secret",
            get(secrets::webhooks).post(secrets::rotate_webhooks),
        )
        .route("/v1/links/secret", get(secrets::links).post(secrets::rotate_links))
        .merge(of_arena());
    let operations = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::handle))
        .route("/openapi.json", get(openapi::handle))
        .route("/media/{file}", get(media::handle));
    // As Azure's SDKs call it.
    let deployments = Router::new()
        .route("/images/generations", post(images::at_deployment::<Generations>))
        .route("/images/edits", post(images::at_deployment::<Edits>));
    let aliased = aliases
        .iter()
        .fold(Router::new(), |routes, alias| routes.nest(alias, openai.clone()));
    Router::new()
        .nest("/openai/v1", openai.clone())
        .nest("/v1", openai)
        .nest("/openai/deployments/{model}", deployments)
        .merge(aliased)
        .merge(native)
        .merge(operations)
}

/// Those of the arena.
fn of_arena() -> Router<Current> {
    Router::new()
        .route("/v1/arena/competitions", get(arena::competitions))
        .route("/v1/arena/battles", post(arena::battle))
        .route("/v1/arena/votes", post(arena::vote))
        .route("/v1/arena/votes/{battle}", delete(arena::take_back))
        .route("/v1/arena/leaderboard", get(arena::leaderboard))
        .route("/v1/arena/entries", post(operating::enter))
        .route("/v1/arena/exhibits", get(operating::exhibits).post(operating::publish))
        .route(
            "/v1/arena/exhibits/{id}",
            patch(operating::show).delete(operating::remove),
        )
        .route("/v1/arena/exhibits/{id}/reports", post(reports::report))
        .route(
            "/v1/arena/exhibits/{id}/opinion",
            put(reports::judge).delete(reports::forget_opinion),
        )
        .route("/v1/arena/reports", get(reports::list))
        .route("/v1/arena/reports/{id}", patch(reports::decide))
        .route("/v1/arena/voters", get(operating::voters))
        .route("/v1/arena/voters/{id}", patch(operating::restore))
        .route(
            "/v1/arena/suggestions",
            get(suggestions::list).post(suggestions::suggest),
        )
        .route("/v1/arena/suggestions/{id}", patch(suggestions::decide))
        .route("/v1/arena/demo", post(operating::demonstrate))
}

/// What the address serves that the operator gave to `/metrics` alone.
pub(crate) fn metrics_routes() -> Router<Current> {
    Router::new().route("/metrics", get(metrics::figures))
}
