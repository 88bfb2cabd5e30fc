//! The xAI emulator: images and edits under `/xai/v1`, both in JSON, results at `/xai/media`.
//!
//! Written after the provider's documentation and what its users measured. Fields that the API does not know are ignored.

mod ask;
mod errors;
mod images;
mod models;

use crate::core::Core;
use crate::media;
use crate::names::random_uuid;
use crate::refused::Refused;
use crate::wire;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// How keys begin.
const KEY_PREFIX: &str = "xai-";

/// The id of a request, as told by `x-request-id`.
#[derive(Clone)]
struct RequestId(String);

/// All routes below `/xai`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/v1/images/generations", post(images::generate))
        .route("/v1/images/edits", post(images::edit))
        .route("/v1/image-generation-models", get(models::list))
        .route("/v1/image-generation-models/{id}", get(models::one))
        .route("/media/{id}/{name}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn(stamp))
        .with_state(core)
}

/// Results are reached by their link alone, without a key.
async fn file(State(core): State<Arc<Core>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&core.media, core.now(), &id).await
}

async fn unknown() -> Response {
    errors::bare(404, "Not Found").into_response()
}

async fn wrong_method() -> Response {
    errors::bare(405, "Method Not Allowed").into_response()
}

/// Gives every request an id.
async fn stamp(mut request: Request, next: Next) -> Response {
    let id = random_uuid();
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

/// Checks the key.
fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    match wire::bearer(headers) {
        None => {
            let text = "No API key provided. Put it into the Authorization header.";
            Err(errors::coded(401, "Unauthenticated", text))
        }
        Some(key) if wire::is_key(key, KEY_PREFIX) => Ok(()),
        Some(key) => Err(errors::wrong_key(key)),
    }
}
