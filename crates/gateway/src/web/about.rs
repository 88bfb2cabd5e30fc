//! `/` for programs: name, version and links.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use crate::http::respond;
use crate::http::state::AppState;
use crate::http::visit;

/// Where no page is wanted.
pub(super) async fn handle(State(state): State<AppState>, headers: HeaderMap) -> Response {
    answer(&state, &headers)
}

/// The same, for the home page.
pub(super) fn answer(state: &AppState, headers: &HeaderMap) -> Response {
    let visit = visit::of(state, headers);
    let at = |path: &str| format!("{}{path}", visit.address);
    let body = json!({
        "name": "Pictor",
        "version": visit.version,
        "sandbox": visit.sandbox,
        "links": {
            "openai_base_url": at("/openai/v1"),
            "models": at("/openai/v1/models"),
            "openapi": at("/openapi.json"),
            "health": at("/healthz"),
            "llms": at("/llms.txt"),
            "docs": at("/docs"),
        },
    });
    respond::json(StatusCode::OK, &body)
}
