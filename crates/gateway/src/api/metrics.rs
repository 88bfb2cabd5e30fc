//! `GET /metrics`: figures for a monitoring system.

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};

use super::caller::Caller;
use crate::auth::Scope;
use crate::http::fallback;
use crate::http::state::AppState;
use crate::metrics::{CONTENT_TYPE, Snapshot};
use crate::problem::Problem;

/// The figures, unless they have an address of their own.
pub(super) async fn handle(state: State<AppState>, uri: Uri, caller: Result<Caller, Problem>) -> Response {
    if state.metrics_apart {
        return fallback::route(uri).await.into_response();
    }
    figures(state, caller).await
}

/// Everything that was counted since the start, and what is so right now. Where others than this machine can ask, it takes
/// a key that may read, unless the operator opened it.
pub(super) async fn figures(State(state): State<AppState>, caller: Result<Caller, Problem>) -> Response {
    let may_read = |caller: Caller| {
        caller.refuse_visitor("figures")?;
        caller.require(Scope::Read)
    };
    if state.metrics_guarded
        && let Err(problem) = caller.and_then(may_read)
    {
        return problem.into_response();
    }
    let generator = &state.generator;
    let now = Snapshot {
        journal: generator.database.written(),
        spool: state.spool.used(),
        offers: generator.routing.health().view(generator.clock.now()),
    };
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], generator.metrics.text(&now)).into_response()
}
