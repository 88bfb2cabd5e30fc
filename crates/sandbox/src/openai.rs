//! The OpenAI Images API: routes, authorization, and the headers that every answer has.

mod answer;
mod edits;
mod errors;
mod generation;
mod generations;
mod images;
mod models;
mod ratelimit;
mod run;
mod usage;
mod validate;

use crate::core::Core;
use crate::names::random_hex;
use crate::refused::Refused;
use crate::wire;
use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ratelimit::RateLimits;
use std::sync::Arc;
use std::time::Instant;

/// The dated API version that the real service names in its answers.
const API_VERSION: &str = "2020-10-01";
/// The organization that the sandbox's keys belong to.
const ORGANIZATION: &str = "org-sandbox";

/// The emulator's state.
pub(crate) struct OpenAi {
    core: Arc<Core>,
    limits: RateLimits,
}

/// The id of a request, as told by `x-request-id`.
#[derive(Clone)]
struct RequestId(String);

/// The routes below `/openai`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let emulator = Arc::new(OpenAi {
        core,
        limits: RateLimits::default(),
    });
    Router::new()
        .route("/v1/models", get(models::list))
        .route("/v1/models/{id}", get(models::one))
        .route("/v1/images/generations", post(generations::create))
        .route("/v1/images/edits", post(edits::create))
        .route("/v1/images/variations", post(generations::variations))
        .fallback(unknown_url)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&emulator), stamp))
        .with_state(emulator)
}

async fn unknown_url(method: Method, OriginalUri(uri): OriginalUri) -> Response {
    let path = uri.path().trim_start_matches("/openai");
    errors::unknown_url(&method, path).into_response()
}

async fn wrong_method(method: Method, OriginalUri(uri): OriginalUri) -> Response {
    let path = uri.path().trim_start_matches("/openai");
    errors::wrong_method(&method, path).into_response()
}

/// Gives every request an id and every answer the headers of the real service.
async fn stamp(State(emulator): State<Arc<OpenAi>>, mut request: Request, next: Next) -> Response {
    let id = format!("req_{}", random_hex(16));
    request.extensions_mut().insert(RequestId(id.clone()));
    let started = Instant::now();
    let counts = request.method() == Method::POST;
    let mut response = next.run(request).await;
    let processing_ms = started.elapsed().as_millis().max(1).to_string();
    let headers = response.headers_mut();
    set(headers, "x-request-id", &id);
    set(headers, "openai-processing-ms", &processing_ms);
    set(headers, "openai-version", API_VERSION);
    set(headers, "openai-organization", ORGANIZATION);
    if counts {
        emulator.limits.stamp(headers);
    }
    response
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Checks the key: `sk-` and at least eight characters; one that says `invalid` or `revoked` is.
fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    match wire::bearer(headers) {
        Some(key) if wire::is_key(key, "sk-") => Ok(()),
        Some(key) => Err(errors::wrong_key(key)),
        None => Err(errors::no_key()),
    }
}
