//! `POST /images/generations`: images from a prompt.

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::request::Endpoint;

use super::body::{Kind, Pieces, Room, kind, read_json};
use super::caller::Caller;
use super::images::{Call, serve};
use super::purpose::Purpose;
use crate::auth::Scope;
use crate::http::path::PathPart;
use crate::http::state::AppState;
use crate::problem::Problem;

/// Makes images from a prompt.
pub(super) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    Box::pin(answer(state, caller, query, request, None)).await
}

/// The same with the model's name in the path, as Azure's SDKs send it.
pub(super) async fn at_deployment(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(model): PathPart,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    Box::pin(answer(state, caller, query, request, Some(model))).await
}

async fn answer(
    state: AppState,
    caller: Caller,
    query: Option<String>,
    request: Request,
    deployment: Option<String>,
) -> Response {
    let scope = state.spool.scope();
    let read = async {
        caller.require(Scope::Generate)?;
        let purpose = Purpose::of(query.as_deref(), &caller)?;
        purpose.take_turn(&state, &caller).await?;
        if kind(request.headers())? != Kind::Json {
            return Err(Problem::invalid(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This endpoint takes a JSON body; forms go to /openai/v1/images/edits.",
            ));
        }
        let limits = &state.generator.limits;
        let (parts, body) = request.into_parts();
        let room = Room { scope: &scope, limits };
        let received = read_json(Pieces::json(body, &parts.headers, limits)?, &room).await?;
        Ok((received, purpose))
    };
    match read.await {
        Ok((received, purpose)) => {
            let call = Call {
                endpoint: Endpoint::Generations,
                path: "/openai/v1/images/generations",
                purpose,
                deployment,
            };
            serve(state, caller, call, scope, received).await
        }
        Err(problem) => problem.into_response(),
    }
}
