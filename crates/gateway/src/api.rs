//! The HTTP API: the table of routes and the layers around them.

mod absent;
mod accounts;
mod answer;
mod balance;
mod body;
mod caller;
mod edits;
mod envelope;
mod estimate;
mod events;
mod generations;
mod health;
mod health_providers;
mod images;
mod keys;
pub(crate) mod known_clients;
mod linger;
mod media;
mod metrics;
mod models;
mod openapi;
mod operator;
mod paging;
mod path;
mod query;
mod repeat;
mod repeats;
mod requests;
mod respond;
mod running;
mod sources;
pub(crate) mod state;
mod undelivered;
mod usage;
mod webhooks;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use accounts::postings;
pub(crate) use openapi::document;
use state::AppState;

/// Every route, and what is around all of them.
pub(crate) fn router(state: AppState) -> Router {
    let openai = Router::new()
        .route("/images/generations", post(generations::handle))
        .route("/images/edits", post(edits::handle))
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
        .route("/v1/requests", get(requests::list))
        .route("/v1/requests/{id}", get(requests::retrieve))
        .route("/v1/requests/{id}/payloads", delete(requests::purge))
        .route("/v1/usage", get(usage::handle))
        .route("/v1/health/providers", get(health_providers::handle))
        .route("/v1/webhooks/secret", get(webhooks::handle));
    let operations = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::handle))
        .route("/openapi.json", get(openapi::handle))
        .route("/media/{file}", get(media::handle));
    let routes = Router::new()
        .nest("/openai/v1", openai.clone())
        .nest("/v1", openai)
        .merge(native)
        .merge(operations);
    surrounded(routes, state)
}

/// What the address serves that the operator gave to `/metrics` alone.
pub(crate) fn metrics_router(state: AppState) -> Router {
    surrounded(Router::new().route("/metrics", get(metrics::figures)), state)
}

/// What is around every route.
fn surrounded(routes: Router<AppState>, state: AppState) -> Router {
    routes
        .fallback(absent::route)
        .method_not_allowed_fallback(absent::method)
        .layer(CatchPanicLayer::custom(respond::panicked))
        .layer(from_fn_with_state(state.clone(), envelope::envelope))
        .with_state(state)
}
