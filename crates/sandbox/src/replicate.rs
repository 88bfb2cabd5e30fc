//! The Replicate emulator: predictions, files, models and webhooks under `/replicate/v1`, results at `/replicate/media`.
//!
//! Replicate's Python client reaches it with `base_url` (or `REPLICATE_BASE_URL`) set to `http://host:port/replicate`,
//! its JavaScript client with `baseUrl` set to `http://host:port/replicate/v1`. Not emulated: deployments, trainings,
//! collections, hardware and search.

mod ask;
mod call;
mod errors;
mod files;
mod input;
mod lookup;
mod models;
mod prediction;
mod predictions;
mod prices;
mod schema;
mod sizes;
mod stream;
mod values;
mod webhook;
mod work;

use crate::core::Core;
use crate::delivery::Courier;
use crate::jobs::Jobs;
use crate::media;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// The running emulator.
pub(crate) struct Replicate {
    core: Arc<Core>,
    jobs: Jobs<prediction::Prediction>,
    files: files::Files,
    secret: webhook::Secret,
    courier: Courier,
}

/// All routes below `/replicate`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let replicate = Arc::new(Replicate {
        core,
        jobs: Jobs::default(),
        files: files::Files::default(),
        secret: webhook::Secret::generate(),
        courier: Courier::default(),
    });
    Router::new()
        .route(
            "/v1/predictions",
            get(lookup::list).post(predictions::create_by_version),
        )
        .route("/v1/predictions/{id}", get(lookup::get))
        .route("/v1/predictions/{id}/cancel", post(lookup::cancel))
        .route("/v1/streams/{id}", get(stream::stream))
        .route("/v1/models", get(lookup::models))
        .route("/v1/models/{owner}/{name}", get(lookup::model))
        .route("/v1/models/{owner}/{name}/versions", get(lookup::versions))
        .route("/v1/models/{owner}/{name}/versions/{version}", get(lookup::version))
        .route(
            "/v1/models/{owner}/{name}/predictions",
            post(predictions::create_by_model),
        )
        .route("/v1/files", get(files::list).post(files::create))
        .route("/v1/files/{id}", get(files::get).delete(files::delete))
        .route("/v1/files/{id}/download", get(files::download))
        .route("/v1/webhooks/default/secret", get(webhook::secret))
        .route("/v1/account", get(lookup::account))
        .route("/media/{id}/{name}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(replicate)
}

async fn file(State(replicate): State<Arc<Replicate>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&replicate.core.media, replicate.core.now(), &id).await
}

async fn unknown() -> Response {
    errors::not_found().into_response()
}

async fn wrong_method() -> Response {
    errors::problem(405, "Method not allowed", "This method is not allowed here.").into_response()
}
