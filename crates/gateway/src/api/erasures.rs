//! `POST /v1/erasures`: forgets all of an end user in one action.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::caller::Caller;
use super::operator::body;
use crate::auth::Scope;
use crate::erasure;
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::Problem;

/// Forgets what a user's requests asked and got, pictures on show and votes included.
pub(super) async fn handle(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let erased = async {
        caller.require(Scope::Admin)?;
        let received = body(&state, request).await?;
        let witness = caller.witness(&state);
        let account_id = &caller.identity.account_id;
        let (given, faults) = (&received.fields, received.faults);
        let erased = erasure::erase(state.generator.forgetting(), given, account_id, faults, &witness).await?;
        Ok::<_, Problem>(erased)
    };
    match erased.await {
        Ok(erased) => respond::json(
            StatusCode::OK,
            &json!({
                "object": "erasure",
                "requests": erased.requests,
                "media_deleted": erased.media,
                "exhibits_taken_down": erased.exhibits,
                "votes_deleted": erased.votes,
                "under_way": erased.under_way,
            }),
        ),
        Err(problem) => problem.into_response(),
    }
}
