//! `POST /images/generations`: images from a prompt.

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::request::Endpoint;

use super::body::{Kind, Pieces, Room, kind, read_json};
use super::caller::Caller;
use super::images::{Call, is_dry_run, serve};
use super::state::AppState;
use crate::auth::Scope;
use crate::problem::Problem;

/// Makes images from a prompt.
pub(super) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let scope = state.spool.scope();
    let read = async {
        caller.require(Scope::Generate)?;
        if kind(request.headers())? != Kind::Json {
            return Err(Problem::invalid(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This endpoint takes a JSON body; forms go to /openai/v1/images/edits.",
            ));
        }
        let limits = &state.generator.limits;
        let (parts, body) = request.into_parts();
        read_json(
            Pieces::json(body, &parts.headers, limits)?,
            &Room { scope: &scope, limits },
        )
        .await
    };
    match read.await {
        Ok(received) => {
            let call = Call {
                endpoint: Endpoint::Generations,
                path: "/openai/v1/images/generations",
                dry_run: is_dry_run(query.as_deref()),
            };
            serve(state, caller, call, scope, received).await
        }
        Err(problem) => problem.into_response(),
    }
}
