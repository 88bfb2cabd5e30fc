//! The Fireworks emulator: image workflows and older image models under `/fireworks/inference/v1`, results of jobs at
//! `/fireworks/media`.
//!
//! The AI SDK's package reaches it with `baseURL` set to `http://host:port/fireworks/inference/v1`. Not emulated: text
//! models, and the image-to-image and control endpoints of the older models.

mod ask;
mod errors;
mod jobs;
mod models;
mod run;
mod work;

use crate::core::Core;
use crate::jobs::Jobs;
use crate::media;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// The running emulator.
pub(crate) struct Fireworks {
    core: Arc<Core>,
    jobs: Jobs<jobs::Job>,
}

/// All routes below `/fireworks`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let fireworks = Arc::new(Fireworks {
        core,
        jobs: Jobs::default(),
    });
    let workflow = "/inference/v1/workflows/accounts/fireworks/models/{model}";
    Router::new()
        .route(&format!("{workflow}/text_to_image"), post(run::workflow))
        .route(workflow, post(jobs::submit))
        .route(&format!("{workflow}/get_result"), post(jobs::result))
        .route(
            "/inference/v1/image_generation/accounts/fireworks/models/{model}",
            post(run::image_generation),
        )
        .route("/media/{id}/{name}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(fireworks)
}

async fn file(State(fireworks): State<Arc<Fireworks>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&fireworks.core.media, fireworks.core.now(), &id).await
}

async fn unknown() -> Response {
    errors::error(404, "NOT_FOUND", "Path not found").into_response()
}

async fn wrong_method() -> Response {
    errors::error(405, "METHOD_NOT_ALLOWED", "Method not allowed").into_response()
}
