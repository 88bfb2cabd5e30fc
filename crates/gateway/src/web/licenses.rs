//! `/licenses`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use site::pages::licenses;

use crate::http::face;
use crate::http::state::AppState;
use crate::http::visit;

/// What is shipped, and under which licenses.
pub(super) async fn handle(State(state): State<AppState>, headers: HeaderMap) -> Response {
    face::page(&licenses::page(), &visit::of(&state, &headers), &headers)
}
