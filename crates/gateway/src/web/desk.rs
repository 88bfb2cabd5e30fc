//! `/app`: the operator's desk, for who signed in with a key. Its pages show what the API answers their session.

mod accounts;
mod arena;
mod audit;
mod books;
mod catalog;
mod home;
mod keys;
mod live;
mod media;
mod providers;
mod requests;
mod sessions;
mod settings;
mod sign_in;
mod sitting;
mod usage;

use axum::Router;
use axum::routing::{get, post};

use crate::http::state::Current;

/// Its pages.
pub(super) fn routes() -> Router<Current> {
    Router::new()
        .route("/app", get(home::show))
        .route("/app/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/app/sign-out", post(sign_in::leave))
        .route("/app/requests", get(requests::show))
        .route("/app/requests/totals", get(requests::totals))
        .route("/app/requests/export", get(requests::export))
        .route("/app/requests/events", get(live::events))
        .route("/app/requests/{id}", get(requests::one))
        .route("/app/requests/{id}/row", get(requests::row))
        .route("/app/requests/{id}/purge", post(requests::purge))
        .route("/app/requests/{id}/publish", post(requests::publish))
        .route("/app/erasures", post(requests::erase))
        .route("/app/usage", get(usage::show))
        .route("/app/usage/figures", get(usage::figures))
        .route("/app/keys", get(keys::show).post(keys::make))
        .route("/app/keys/{id}", get(keys::one).post(keys::change))
        .route("/app/keys/{id}/revoke", post(keys::revoke))
        .route("/app/accounts", get(accounts::show).post(accounts::make))
        .route("/app/accounts/{id}", get(accounts::one).post(accounts::change))
        .route("/app/accounts/{id}/postings", post(accounts::post))
        .route("/app/audit", get(audit::show))
        .route("/app/providers", get(providers::show))
        .route("/app/providers/spending", get(providers::spending))
        .route("/app/media", get(media::show))
        .route("/app/media/totals", get(media::totals))
        .route("/app/arena", get(arena::show))
        .route("/app/arena/exhibits/{id}", post(arena::exhibit))
        .route("/app/arena/exhibits/{id}/removed", post(arena::remove))
        .route("/app/arena/reports/{id}", post(arena::report))
        .route("/app/arena/suggestions/{id}", post(arena::suggestion))
        .route("/app/arena/voters/{id}", post(arena::voter))
        .route("/app/arena/pictures/{file}", get(arena::picture))
        .route("/app/books", get(books::show))
        .route("/app/catalog", get(catalog::show))
        .route("/app/sessions", get(sessions::show))
        .route("/app/sessions/{id}/end", post(sessions::end))
        .route("/app/settings", get(settings::show))
        .route("/app/secrets/links", post(settings::rotate_links))
        .route("/app/secrets/webhooks", post(settings::rotate_webhooks))
}
