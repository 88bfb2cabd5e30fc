//! `/llms.txt`, `/llms-full.txt` and `/sitemap.xml`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use site::machine;

use super::model::told;
use crate::http::face;
use crate::http::state::AppState;
use crate::http::visit;

const MARKDOWN: &str = "text/markdown; charset=utf-8";

fn intro(state: &AppState, address: &str) -> String {
    machine::site(
        state.shelf.cards(&state.generator),
        state.shelf.reference(&state.openapi),
        address,
    )
}

/// What there is, and where.
pub(super) async fn llms(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let address = visit::of(&state, &headers).address;
    face::text(MARKDOWN, intro(&state, &address), &headers)
}

/// Everything in one file.
pub(super) async fn full(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let address = visit::of(&state, &headers).address;
    let make = async {
        let mut models = Vec::new();
        for model in state.generator.catalog.models() {
            models.push(told(&state, model, &address, &[], |shown| machine::model(&shown)).await);
            // Others are served between two models.
            tokio::task::yield_now().await;
        }
        machine::full(&intro(&state, &address), &models, &address)
    };
    let text = state.shelf.text(&address, make).await;
    face::text(MARKDOWN, text.to_string(), &headers)
}

/// Every page, for search engines.
pub(super) async fn sitemap(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let address = visit::of(&state, &headers).address;
    let map = machine::sitemap(
        state.shelf.cards(&state.generator),
        state.shelf.reference(&state.openapi),
        &address,
    );
    face::text("application/xml", map, &headers)
}
