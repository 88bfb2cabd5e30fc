//! `POST /images/edits`: images from images.

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use planner::request::Endpoint;

use super::body::{Kind, Pieces, Room, kind, read_json_with_images, read_multipart};
use super::caller::Caller;
use super::images::{Call, serve};
use super::purpose::Purpose;
use crate::auth::Scope;
use crate::http::path::PathPart;
use crate::http::state::AppState;
use crate::problem::Problem;

/// Edits images, or enlarges one.
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
        let limits = &state.generator.limits;
        let room = Room { scope: &scope, limits };
        let kind = kind(request.headers())?;
        let (parts, body) = request.into_parts();
        let received = match kind {
            Kind::Json => read_json_with_images(Pieces::json(body, &parts.headers, limits)?, &room).await?,
            Kind::Multipart(boundary) => {
                read_multipart(Pieces::multipart(body, &parts.headers, limits)?, boundary, &room).await?
            }
        };
        Ok((received, purpose))
    };
    let read: Result<_, Problem> = read.await;
    match read {
        Ok((received, purpose)) => {
            let call = Call {
                endpoint: Endpoint::Edits,
                path: "/openai/v1/images/edits",
                purpose,
                deployment,
            };
            serve(state, caller, call, scope, received).await
        }
        Err(problem) => problem.into_response(),
    }
}
