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
mod images;
mod keys;
pub(crate) mod known_clients;
mod linger;
mod media;
mod models;
mod openapi;
mod operator;
mod paging;
mod path;
mod query;
mod requests;
mod respond;
mod sources;
pub(crate) mod state;
mod undelivered;
mod usage;

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
        .route("/v1/keys/{id}", get(keys::retrieve).patch(keys::change).delete(keys::revoke))
        .route("/v1/accounts", get(accounts::list).post(accounts::create))
        .route("/v1/accounts/{id}", get(accounts::retrieve).patch(accounts::change))
        .route("/v1/accounts/{id}/postings", get(postings::list).post(postings::create))
        .route("/v1/requests", get(requests::list))
        .route("/v1/requests/{id}", get(requests::retrieve))
        .route("/v1/requests/{id}/payloads", delete(requests::purge))
        .route("/v1/usage", get(usage::handle));
    let operations = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/openapi.json", get(openapi::handle))
        .route("/media/{file}", get(media::handle));
    Router::new()
        .nest("/openai/v1", openai.clone())
        .nest("/v1", openai)
        .merge(native)
        .merge(operations)
        .fallback(absent::route)
        .method_not_allowed_fallback(absent::method)
        .layer(CatchPanicLayer::custom(respond::panicked))
        .layer(from_fn_with_state(state.clone(), envelope::envelope))
        .with_state(state)
}
