//! The emulator of DashScope, Alibaba Cloud's Model Studio: image models under `/alibaba/api/v1`, answered at once or as
//! tasks, with results at `/alibaba/media` for a day.
//!
//! The official Python client reaches it with `dashscope.base_http_api_url` set to `http://host:port/alibaba/api/v1`.
//! Not emulated: server-sent events, sets of related images, the older text-to-image endpoint, and cancelling.

mod ask;
mod errors;
mod generation;
mod models;
mod tasks;
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
pub(crate) struct DashScope {
    core: Arc<Core>,
    tasks: Jobs<tasks::Task>,
}

/// All routes below `/alibaba`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let dashscope = Arc::new(DashScope {
        core,
        tasks: Jobs::default(),
    });
    Router::new()
        .route(
            "/api/v1/services/aigc/multimodal-generation/generation",
            post(generation::at_once),
        )
        .route(
            "/api/v1/services/aigc/image-generation/generation",
            post(generation::as_task),
        )
        .route("/api/v1/tasks/{id}", get(tasks::get))
        .route("/media/{id}/{name}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(dashscope)
}

async fn file(State(dashscope): State<Arc<DashScope>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&dashscope.core.media, dashscope.core.now(), &id).await
}

async fn unknown() -> Response {
    errors::url().into_response()
}
