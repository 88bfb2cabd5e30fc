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
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{get, post};
use errors::Refused;
use std::sync::Arc;

/// How keys begin.
const KEY_PREFIX: &str = "xai-";
/// Shorter keys do not exist.
const MIN_KEY_CHARS: usize = 8;

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
    Refused::bare(404, "Not Found").to_response()
}

async fn wrong_method() -> Response {
    Refused::bare(405, "Method Not Allowed").to_response()
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

/// Checks the key: `xai-` and at least eight characters; one that says `invalid` or `revoked` is.
fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = value
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim())
        .filter(|key| !key.is_empty());
    let Some(key) = key else {
        return Err(Refused::coded(
            401,
            "Unauthenticated",
            "No API key provided. Put it into the Authorization header.",
        ));
    };
    let known = key.starts_with(KEY_PREFIX)
        && key.len() >= MIN_KEY_CHARS
        && !key.contains("invalid")
        && !key.contains("revoked");
    if known { Ok(()) } else { Err(Refused::wrong_key(key)) }
}
