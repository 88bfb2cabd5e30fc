//! The BytePlus ModelArk emulator: Seedream images under `/byteplus/api/v3`, results at `/byteplus/media`.
//!
//! Written after the provider's documentation. Fields that the API does not document are ignored. Not emulated: web search
//! and the splitting of a picture into layers, whose fields are taken and do nothing, and the mark in the picture.

mod ask;
mod errors;
mod images;
mod job;
mod models;
mod stream;

use crate::core::Core;
use crate::media;
use crate::names::random_hex;
use crate::refused::Refused;
use crate::wire;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// The id of a request, as told by `x-request-id` and at the end of every error's message.
#[derive(Clone)]
struct RequestId(String);

/// All routes below `/byteplus`. There are no edits of their own: images are given to `generations`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/api/v3/images/generations", post(images::create))
        .route("/media/{id}/{name}", get(file))
        .fallback(unknown)
        .layer(axum::middleware::from_fn(stamp))
        .with_state(core)
}

/// Results are reached by their link alone, without a key.
async fn file(State(core): State<Arc<Core>>, Path((id, _)): Path<(String, String)>) -> Response {
    media::serve(&core.media, core.now(), &id).await
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found").into_response()
}

/// Gives every request an id.
async fn stamp(mut request: Request, next: Next) -> Response {
    let id = format!("02{}", random_hex(20));
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
            let text = "The API key in the request is missing or has the wrong format.";
            Err(errors::credential(text))
        }
        Some(key) if wire::is_key(key, "") => Ok(()),
        Some(_) => Err(errors::credential("The API key does not exist.")),
    }
}
