//! `GET /models` and `GET /models/{id}`: the catalogue.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::catalog::model::Model;
use planner::view::ModelView;
use serde_json::{Value, json};

use super::caller::Caller;
use super::query::switch;
use crate::http::path::PathPart;
use crate::http::respond;
use crate::http::state::AppState;
use crate::outcome::GenerationError;
use crate::problem::Problem;

/// Every model. `?schema=true` adds what a request to each may hold.
pub(super) async fn list(State(state): State<AppState>, _caller: Caller, RawQuery(query): RawQuery) -> Response {
    let with_schema = match switch(query.as_deref(), "schema") {
        Ok(with_schema) => with_schema,
        Err(problem) => return problem.into_response(),
    };
    let models: Vec<Value> = state
        .generator
        .catalog
        .models()
        .map(|model| model_json(&state, model, with_schema))
        .collect();
    respond::json(StatusCode::OK, &json!({ "object": "list", "data": models }))
}

/// One model, by its id or an alias. A retired one is still told of.
pub(super) async fn retrieve(
    State(state): State<AppState>,
    _caller: Caller,
    PathPart(id): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    let with_schema = match switch(query.as_deref(), "schema") {
        Ok(with_schema) => with_schema,
        Err(problem) => return problem.into_response(),
    };
    let catalog = &state.generator.catalog;
    if let Some(model) = catalog.model(&id) {
        return respond::json(StatusCode::OK, &model_json(&state, model, with_schema));
    }
    match catalog.find(&id) {
        Ok(found) => respond::json(StatusCode::OK, &model_json(&state, found.model, with_schema)),
        Err(cause) => Problem::of_generation(&GenerationError::Model { name: id, cause }).into_response(),
    }
}

fn model_json(state: &AppState, model: &Model, with_schema: bool) -> Value {
    let generator = &state.generator;
    ModelView::of(&generator.catalog, model, generator.upstreams.available()).to_json(with_schema)
}
