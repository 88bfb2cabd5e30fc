//! `GET /metrics`: figures for a monitoring system.

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};

use crate::http::fallback;
use crate::http::state::AppState;
use crate::metrics::{CONTENT_TYPE, Snapshot};

/// The figures, unless they have an address of their own.
pub(super) async fn handle(state: State<AppState>, uri: Uri) -> Response {
    if state.metrics_apart {
        return fallback::route(uri).await.into_response();
    }
    figures(state).await
}

/// Everything that was counted since the start, and what is so right now.
pub(super) async fn figures(State(state): State<AppState>) -> Response {
    let generator = &state.generator;
    let now = Snapshot {
        spool: state.spool.used(),
        offers: generator.routing.health().view(generator.clock.now()),
    };
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], generator.metrics.text(&now)).into_response()
}
