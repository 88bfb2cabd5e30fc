//! `/v1/requests`: what was asked before, and what came of it.

mod export;
mod purge;
mod query;
mod show;

use axum::extract::{OriginalUri, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use planner::money::Micros;
use serde_json::{Value, json};

pub(super) use purge::handle as purge;
pub(super) use query::account;
pub(super) use show::handle as retrieve;

use super::caller::Caller;
use crate::db::DatabaseError;
use crate::db::generations::Summary;
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::Problem;
use crate::request_view::listed;
use query::{Form, Query};

/// The account's requests, newest first: a page of them, or all of them as a file.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let only_key = caller.require_requests()?;
        let mut asked = Query::read(&state, &caller, query.as_deref(), &headers).await?;
        asked
            .filter
            .equal
            .extend(only_key.map(|key| ("key_id", key.to_owned())));
        match asked.form {
            Form::Page => page(&state, &asked, uri.path(), query.as_deref()).await,
            Form::Export(format) => export::answer(&state, asked, format).await,
        }
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

async fn page(state: &AppState, asked: &Query, path: &str, query: Option<&str>) -> Result<Response, Problem> {
    let database = &state.generator.database;
    let rows = database
        .generations(&asked.account_id, &asked.filter, asked.paging.wanted())
        .await
        .map_err(|error| internal(&error))?;
    let page = asked.paging.page(path, query, rows, |row| &row.start.id);
    let mut body = page.json(listed);
    if asked.summary {
        let summary = database.summary(&asked.account_id, &asked.filter).await;
        body["summary"] = summary_json(summary.map_err(|error| internal(&error))?);
    }
    Ok(respond::json(StatusCode::OK, &body))
}

fn summary_json(summary: Summary) -> Value {
    json!({
        "count": summary.count,
        "total_cost": Micros(summary.cost_micros).as_json_dollars(),
        "total_cost_micros": summary.cost_micros,
        "currency": "usd",
    })
}

fn internal(error: &DatabaseError) -> Problem {
    tracing::error!(error = %error, "requests could not be read");
    Problem::internal()
}

fn absent() -> Problem {
    Problem::invalid(StatusCode::NOT_FOUND, "There is no request of that id in this account.")
}
