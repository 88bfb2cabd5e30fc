//! The fal emulator: `/fal/run` and `/fal/queue` take calls, `/fal/rest` uploads and keys, `/fal/media` has files,
//! `/fal/api` tells of endpoints and prices.
//!
//! fal's Python client reaches it with `FAL_RUN_HOST=host:port/fal/run` and `FAL_QUEUE_RUN_HOST=host:port/fal/queue`
//! (it insists on https, so on a sandbox with TLS); its JavaScript client with `proxyUrl` set to `/fal/proxy`.
//! Not emulated: streams of `/stream` endpoints, realtime sockets, retries of the queue, and what the platform API tells of use.

mod answer;
mod ask;
mod call;
mod chosen;
mod endpoints;
mod errors;
mod fields;
mod job;
mod platform;
mod prices;
mod proxy;
mod queue;
mod run;
mod sizes;
mod storage;
mod webhook;
mod work;

use crate::core::Core;
use crate::delivery::Courier;
use crate::jobs::Jobs;
use crate::{media, wire};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{any, get, post, put};
use errors::{plain, respond};
use serde_json::json;
use std::sync::Arc;
use storage::direct;

/// The running emulator.
pub(crate) struct Fal {
    core: Arc<Core>,
    jobs: Jobs<job::Job>,
    uploads: storage::Uploads,
    signer: webhook::Signer,
    courier: Courier,
}

/// All routes below `/fal`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let fal = Arc::new(Fal {
        core,
        jobs: Jobs::default(),
        uploads: storage::Uploads::default(),
        signer: webhook::Signer::generate(),
        courier: Courier::default(),
    });
    let direct = Router::new()
        .route("/run/{*endpoint}", post(run::run))
        .route("/queue/{*path}", any(queue::queue))
        .route("/rest/storage/upload/initiate", post(storage::initiate))
        .route(
            "/rest/storage/upload/initiate-multipart",
            post(storage::initiate_multipart),
        )
        .route("/rest/storage/auth/token", post(direct::token))
        .route("/media/files/upload", post(direct::upload))
        .route("/media/files/upload/multipart", post(direct::begin))
        .route(
            "/media/files/{id}/{name}/multipart/{upload}/{part}",
            put(direct::upload_part).post(direct::complete),
        )
        .route("/api/v1/models", get(platform::models))
        .route("/api/v1/models/pricing", get(platform::pricing))
        .route("/rest/.well-known/jwks.json", get(webhook::keys))
        .route("/media/upload/{id}", put(storage::upload))
        .route(
            "/media/upload-multipart/{id}/{part}",
            put(storage::upload_part).post(storage::complete),
        )
        .route("/media/files/{id}/{name}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(fal);
    let proxy = any(proxy::proxy).with_state(direct.clone());
    direct.route("/proxy", proxy)
}

/// What is served for paths outside of all prefixes. fal's clients need nothing there: their host settings take a
/// path as well.
pub(crate) fn fallback_router(_core: Arc<Core>) -> Router {
    Router::new().fallback(|| async {
        let prefixes = crate::PATHS.join(", ");
        let hint = format!("Sandbox: nothing is here. The prefixes are {prefixes}, /fal/proxy and /_sandbox/help.");
        wire::json(StatusCode::NOT_FOUND, &json!({ "detail": hint }))
    })
}

async fn file(State(fal): State<Arc<Fal>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&fal.core.media, fal.core.now(), &id).await
}

async fn unknown() -> Response {
    respond(plain(404, "Not Found"), None)
}

async fn wrong_method() -> Response {
    respond(plain(405, "Method Not Allowed"), None)
}
