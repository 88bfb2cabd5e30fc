//! `/v1/arena/suggestions`: prompts that people would like to see in a competition.

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{VOTER_CHARS_MAX, answered, fields, state_of, text, voter};
use crate::api::caller::Caller;
use crate::api::operator::internal;
use crate::api::query::Parameters;
use crate::arena::suggestions::{self, PROMPT_CHARS_MAX};
use crate::arena::told;
use crate::auth::Scope;
use crate::db::arena::SuggestionState;
use crate::http::path::PathPart;
use crate::http::state::AppState;
use crate::operator::Refusal;
use crate::problem::Problem;

/// Suggestions of one answer.
const PAGE: i64 = 200;

/// Notes a suggestion.
pub(in crate::api) async fn suggest(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Read)?;
        let (prompt, named) = fields(&state, request, |fields| {
            let prompt = fields.read("prompt", text);
            let named = fields.text("voter", VOTER_CHARS_MAX);
            let wanted = format!("is a text of 1 to {PROMPT_CHARS_MAX} characters");
            (fields.required("prompt", prompt, &wanted), named.value())
        })
        .await?;
        let prompt = prompt.ok_or_else(Problem::internal)?;
        let voter = voter(&caller, named.as_deref());
        let row = suggestions::suggest(&state.generator, &voter, &prompt).await?;
        Ok(told::suggestion(&row))
    };
    answered(StatusCode::CREATED, made.await)
}

/// Suggestions, for operators.
pub(in crate::api) async fn list(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    let told = async {
        caller.require(Scope::Admin)?;
        let mut query = Parameters::of(query.as_deref());
        let wanted = query.one_of("state", &SuggestionState::ALL.map(|state| (state.as_str(), state)));
        query.finish()?;
        let wanted = wanted.unwrap_or(SuggestionState::Waiting);
        let rows = state.generator.database.suggestions(wanted, PAGE).await;
        let rows = rows.map_err(|error| internal(&error))?;
        let data: Vec<Value> = rows.iter().map(told::suggestion).collect();
        Ok(json!({ "object": "list", "data": data }))
    };
    answered(StatusCode::OK, told.await)
}

/// Takes or leaves a suggestion.
pub(in crate::api) async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let changed = async {
        caller.require(Scope::Admin)?;
        let legal = SuggestionState::ALL.map(|state| (state.as_str(), state));
        let wanted = state_of(&state, request, &legal, "must be 'waiting', 'taken' or 'left'").await?;
        let known = state.generator.database.set_suggestion_state(&id, wanted).await;
        if !known.map_err(|error| internal(&error))? {
            return Err(Refusal::NotFound("There is no such suggestion.".to_owned()).into());
        }
        Ok(json!({ "id": id, "object": "arena.suggestion", "state": wanted.as_str() }))
    };
    answered(StatusCode::OK, changed.await)
}
