//! `/search`.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use site::pages::search;

use super::query::{pairs, value};
use crate::http::face;
use crate::http::state::AppState;
use crate::http::visit;

/// Longest search, in letters.
const QUERY_CHARS_MAX: usize = 200;

/// What was found.
pub(super) async fn handle(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let pairs = pairs(query.as_deref());
    let words: String = value(&pairs, "q")
        .unwrap_or_default()
        .chars()
        .take(QUERY_CHARS_MAX)
        .collect();
    let page = search::page(
        &words,
        state.shelf.cards(&state.generator),
        state.shelf.reference(&state.openapi),
    );
    face::page(&page, &visit::of(&state, &headers), &headers)
}
