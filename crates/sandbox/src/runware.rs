//! The Runware emulator: lists of tasks at `/runware/v1`, results at `/runware/media`.
//!
//! Tasks are `authentication`, `imageInference`, `imageUpload` and `getResponse`. Not emulated: the websocket, webhooks,
//! uploads to the caller's own storage, and the tasks that are not about making images from words.

mod ask;
mod errors;
mod models;
mod tasks;
mod work;

use crate::core::Core;
use crate::jobs::Jobs;
use crate::media;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use std::sync::Arc;

/// The running emulator.
pub(crate) struct Runware {
    core: Arc<Core>,
    /// Every task by its UUID, which may be used only once.
    jobs: Jobs<work::Job>,
}

/// All routes below `/runware`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let runware = Arc::new(Runware {
        core,
        jobs: Jobs::default(),
    });
    Router::new()
        .route("/v1", post(tasks::run))
        .route("/media/{id}/{name}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(runware)
}

async fn file(State(runware): State<Arc<Runware>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&runware.core.media, runware.core.now(), &id).await
}

async fn unknown() -> Response {
    errors::respond(errors::error(404, "notFound", "The requested resource does not exist."))
}
