//! `/models`.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use site::filter::Filter;
use site::pages::models;

use super::query::pairs;
use crate::http::face;
use crate::http::state::AppState;
use crate::http::visit;

/// The list of models.
pub(super) async fn handle(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let generator = &state.generator;
    let performance = state.shelf.performance(generator).await;
    let filter = Filter::read(&pairs(query.as_deref()));
    let hung = state.shelf.hung(generator).await;
    let page = models::page(models::Shown {
        cards: state.shelf.cards(generator),
        hung: &hung,
        filter: &filter,
        performance: &performance,
        ranks: &super::leaderboard::ranks(&state).await,
        today: super::model::today(generator),
    });
    face::page(&page, &visit::of(&state, &headers), &headers)
}
