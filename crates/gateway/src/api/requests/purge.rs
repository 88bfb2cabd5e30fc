//! `DELETE /v1/requests/{id}/payloads`: forgets what was asked and answered, images included.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{absent, account, internal};
use crate::api::caller::Caller;
use crate::api::query::Parameters;
use crate::auth::Scope;
use crate::db::audit::Action;
use crate::erasure;
use crate::http::path::PathPart;
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::Problem;

/// Purges a request: for the key that made it, whatever its scopes, and for admins. What it cost and how it went stays.
pub(in crate::api) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = async {
        let mut query = Parameters::of(query.as_deref());
        let account_id = account(&caller, &mut query)?;
        query.finish()?;
        purge(&state, &caller, &account_id, &id).await
    };
    match answer.await {
        Ok(body) => respond::json(StatusCode::OK, &body),
        Err(problem) => problem.into_response(),
    }
}

async fn purge(state: &AppState, caller: &Caller, account_id: &str, id: &str) -> Result<Value, Problem> {
    let generator = &state.generator;
    let database = &generator.database;
    // PostgreSQL refuses a text with a NUL, and no id has one.
    if id.contains('\0') {
        return Err(absent());
    }
    let row = database
        .generation(account_id, id)
        .await
        .map_err(|error| internal(&error))?;
    let row = row.ok_or_else(absent)?;
    if row.start.key_id != caller.identity.key_id && !caller.identity.may(Scope::Admin) {
        return Err(Problem::permission(
            "Only the API key that made a request, or one with the scope 'admin', may purge it.",
        ));
    }
    if row.finished_at.is_none() {
        return Err(Problem::invalid(
            StatusCode::CONFLICT,
            "This request is still under way: it can be purged once it has ended.",
        ));
    }
    let told = caller
        .witness(state)
        .line(Action::RequestPurge, Some(&row.start.account_id), id, json!({}));
    let (first, deleted) = erasure::forget(generator.forgetting(), id, Some(&told)).await?;
    Ok(json!({
        "id": id,
        "object": "request.payloads",
        "purged": true,
        "already_purged": !first,
        "media_deleted": deleted,
    }))
}
