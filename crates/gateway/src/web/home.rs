//! `/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use planner::mode::Mode;
use planner::view::ModelView;
use site::pages::home;

use super::{about, asked};
use crate::http::face;
use crate::http::state::AppState;
use crate::http::visit;

/// The home page, or name, version and links for programs.
pub(super) async fn handle(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if !face::wants_page(&headers)
        && headers
            .get("accept")
            .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("json")))
    {
        return about::answer(&state, &headers);
    }
    let generator = &state.generator;
    let catalog = Arc::clone(&generator.catalog);
    let cards = state.shelf.cards(generator);
    // The first one that makes pictures from text: featured ones stand first.
    let mut models = catalog
        .models()
        .filter(|model| model.modes().contains(&Mode::TextToImage));
    let sample = models.next().and_then(|model| {
        let view = ModelView::of(&catalog, model, generator.upstreams.available());
        let price = asked::price(
            generator,
            &view,
            asked::Wish {
                mode: Some(Mode::TextToImage),
                size: Some("1536x1024"),
                ..asked::Wish::default()
            },
        );
        let first = price
            .explanation
            .offers
            .into_iter()
            .find(|offer| offer.place == Some(1))?;
        Some((model.id.as_str(), first.sent?.total_cost_micros))
    });
    let visit = visit::of(&state, &headers);
    let hung = state.shelf.hung(generator).await;
    let page = home::page(home::Shown {
        cards,
        hung: &hung,
        address: &visit.address,
        sample,
    });
    face::page(&page, &visit, &headers)
}
