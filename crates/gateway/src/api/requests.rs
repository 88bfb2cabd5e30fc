//! `/v1/requests`: what was asked before, and what came of it.

mod export;
mod purge;
mod query;
mod show;

use std::collections::HashMap;

use axum::extract::{OriginalUri, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use planner::money::Micros;
use serde_json::{Value, json};

pub(super) use purge::handle as purge;
pub(super) use query::{SEARCH_CHARS_MAX, account};
pub(super) use show::handle as retrieve;

use super::caller::Caller;
use crate::db::DatabaseError;
use crate::db::generations::{AttemptRow, DayOf, Summary};
use crate::http::respond;
use crate::http::state::AppState;
use crate::ledger::date_of;
use crate::problem::Problem;
use crate::request_view::{listed, with_way};
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
    let mut ways = Ways::default();
    if asked.attempts {
        let ids: Vec<String> = rows.iter().map(|row| row.start.id.clone()).collect();
        let found = database.attempts_of_all(&ids).await;
        for (id, attempt) in found.map_err(|error| internal(&error))? {
            ways.entry(id).or_default().push(attempt);
        }
    }
    let page = asked.paging.page(path, query, rows, |row| &row.start.id);
    let mut body = page.json(|row| {
        if asked.attempts {
            with_way(row, ways.get(&row.start.id).map_or(&[], Vec::as_slice))
        } else {
            listed(row)
        }
    });
    if asked.summary {
        let summary = database.summary(&asked.account_id, &asked.filter).await;
        body["summary"] = summary_json(&summary.map_err(|error| internal(&error))?);
    }
    Ok(respond::json(StatusCode::OK, &body))
}

/// Attempts by request.
type Ways = HashMap<String, Vec<AttemptRow>>;

fn summary_json(summary: &Summary) -> Value {
    let day = |day: &DayOf| {
        json!({
            "day": date_of(day.day).map(|date| date.to_string()),
            "requests": day.count,
            "completed": day.completed,
            "failed": day.failed,
            "cost_micros": day.cost_micros,
        })
    };
    json!({
        "count": summary.count,
        "completed": summary.completed,
        "failed": summary.failed,
        "total_cost": Micros(summary.cost_micros).as_json_dollars(),
        "total_cost_micros": summary.cost_micros,
        "currency": "usd",
        "took": summary.took.map(|took| json!({ "p50_ms": took.p50_ms, "p95_ms": took.p95_ms, "of": took.of })),
        "days": summary.days.iter().map(day).collect::<Vec<_>>(),
    })
}

fn internal(error: &DatabaseError) -> Problem {
    tracing::error!(error = %error, "requests could not be read");
    Problem::internal()
}

fn absent() -> Problem {
    Problem::invalid(StatusCode::NOT_FOUND, "There is no request of that id in this account.")
}
