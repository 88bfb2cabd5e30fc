//! The Black Forest Labs emulator: tasks under `/bfl/v1`, polled at the address that comes with each, pictures at `/bfl/media`.
//!
//! Written after the provider's documentation. Not emulated: webhooks (their fields are checked and then ignored), finetuned
//! models, and `flux-pro-1.0-expand`. Fields that a model does not have are ignored, as the real API does.

mod errors;
mod fields;
mod models;
mod submit;
mod task;
mod work;

use crate::core::Core;
use crate::jobs::Jobs;
use crate::media;
use crate::refused::Refused;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// The running emulator.
pub(crate) struct Bfl {
    core: Arc<Core>,
    tasks: Jobs<task::Task>,
}

/// All routes below `/bfl`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let bfl = Arc::new(Bfl {
        core,
        tasks: Jobs::default(),
    });
    Router::new()
        .route("/v1/get_result", get(task::get))
        .route("/v1/{model}", post(submit::submit))
        .route("/media/{id}/{name}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(bfl)
}

/// Results are reached by their link alone, without a key.
async fn file(State(bfl): State<Arc<Bfl>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&bfl.core.media, bfl.core.now(), &id).await
}

async fn unknown() -> Response {
    errors::detail(404, "Not Found").into_response()
}

async fn wrong_method() -> Response {
    errors::detail(405, "Method Not Allowed").into_response()
}

/// Checks the key of `x-key`: at least eight characters; one that says `invalid` or `revoked` is.
fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    let key = headers.get("x-key").and_then(|key| key.to_str().ok());
    match key.map(str::trim) {
        None | Some("") => Err(errors::detail(403, "Not authenticated")),
        Some(key) if !crate::wire::is_key(key, "") => {
            Err(errors::coded(401, "invalid_api_key", "The provided API key is invalid"))
        }
        Some(_) => Ok(()),
    }
}
