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
    let time = generator.clock.now();
    // Where the figures have an address of their own, that state is the one of the start.
    let upstreams = generator.in_force().upstreams;
    let credentials = upstreams.iter().flat_map(|upstream| {
        let standing = upstream.access.iter().flat_map(|access| access.standing(time));
        standing.map(|one| (upstream.id.clone(), one.name.to_string(), one.rest.is_some()))
    });
    let now = Snapshot {
        journal: generator.database.written(),
        spool: state.spool.used(),
        offers: generator.routing.health().view(time),
        credentials: credentials.collect(),
    };
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], generator.metrics.text(&now)).into_response()
}
