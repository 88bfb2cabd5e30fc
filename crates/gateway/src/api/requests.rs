//! `GET /v1/requests` and `GET /v1/requests/{id}`: what was asked before, and what came of it.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use planner::money::Micros;
use serde_json::{Value, json};

use super::caller::Caller;
use super::path::PathPart;
use super::respond;
use super::state::AppState;
use crate::auth::Scope;
use crate::db::DatabaseError;
use crate::db::generations::{AttemptRow, Filter, GenerationRow};
use crate::db::media::MediaRow;
use crate::problem::Problem;

/// Requests on one page when the caller names no number.
const LIMIT_DEFAULT: i64 = 20;
/// Most requests on one page.
const LIMIT_MAX: i64 = 100;

fn internal(error: &DatabaseError) -> Problem {
    tracing::error!(error = %error, "requests could not be read");
    Problem::internal()
}

/// The account's requests, newest first.
pub(super) async fn list(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    match page(&state, &caller, query.as_deref().unwrap_or_default()).await {
        Ok(body) => respond::json(StatusCode::OK, &body),
        Err(problem) => problem.into_response(),
    }
}

async fn page(state: &AppState, caller: &Caller, query: &str) -> Result<Value, Problem> {
    caller.require(Scope::Read)?;
    let (filter, limit) = read_query(query)?;
    // One more than asked tells whether there is another page.
    let account = &caller.identity.account_id;
    let mut rows = state
        .generator
        .database
        .generations(account, &filter, limit + 1)
        .await
        .map_err(|error| internal(&error))?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    let backwards = filter.ending_before.is_some();
    if more {
        if backwards {
            rows.remove(0);
        } else {
            rows.pop();
        }
    }
    let has_next = if backwards { true } else { more };
    let has_previous = if backwards {
        more
    } else {
        filter.starting_after.is_some()
    };
    let link = |name: &str, row: Option<&GenerationRow>| row.map(|row| page_url(query, name, &row.start.id));
    Ok(json!({
        "object": "list",
        "data": rows.iter().map(request_json).collect::<Vec<_>>(),
        "next_page_url": link("starting_after", rows.last().filter(|_| has_next)),
        "previous_page_url": link("ending_before", rows.first().filter(|_| has_previous)),
    }))
}

fn page_url(query: &str, cursor: &str, id: &str) -> String {
    let mut next = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "starting_after" && name != "ending_before" {
            next.append_pair(&name, &value);
        }
    }
    next.append_pair(cursor, id);
    format!("/v1/requests?{}", next.finish())
}

fn read_query(query: &str) -> Result<(Filter, i64), Problem> {
    let mut filter = Filter::default();
    let mut limit = LIMIT_DEFAULT;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        let wrong = |wanted: &str| {
            let fault = planner::fault::Fault::new(name.as_ref(), format!("'{name}' must be {wanted}"));
            Problem::faults(&[fault])
        };
        let time = |value: &str| {
            value
                .parse::<Timestamp>()
                .map_err(|_| wrong("a time such as 2026-01-31T00:00:00Z"))
        };
        match name.as_ref() {
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=LIMIT_MAX).contains(number));
                limit = number.ok_or_else(|| wrong("a whole number from 1 to 100"))?;
            }
            "starting_after" => filter.starting_after = Some(value),
            "ending_before" => filter.ending_before = Some(value),
            "created_after" => filter.created_after = Some(time(&value)?),
            "created_before" => filter.created_before = Some(time(&value)?),
            "key_id" => filter.key_id = Some(value),
            "status" => filter.status = Some(value),
            "client_request_id" => filter.client_request_id = Some(value),
            _ => {
                return Err(wrong(
                    "left out: filters are limit, starting_after, ending_before, created_after, created_before, key_id, status, client_request_id",
                ));
            }
        }
    }
    if filter.starting_after.is_some() && filter.ending_before.is_some() {
        let fault = planner::fault::Fault::new(
            "ending_before",
            "'starting_after' and 'ending_before' exclude each other",
        );
        return Err(Problem::faults(&[fault]));
    }
    Ok((filter, limit))
}

/// One request, by Pictor's id or by the caller's own `x-request-id`.
pub(super) async fn retrieve(State(state): State<AppState>, caller: Caller, PathPart(id): PathPart) -> Response {
    match whole(&state, &caller, &id).await {
        Ok(body) => respond::json(StatusCode::OK, &body),
        Err(problem) => problem.into_response(),
    }
}

async fn whole(state: &AppState, caller: &Caller, id: &str) -> Result<Value, Problem> {
    caller.require(Scope::Read)?;
    let database = &state.generator.database;
    let account = &caller.identity.account_id;
    let mut row = database
        .generation(account, id)
        .await
        .map_err(|error| internal(&error))?;
    if row.is_none() {
        let filter = Filter {
            client_request_id: Some(id.to_owned()),
            ..Filter::default()
        };
        row = database
            .generations(account, &filter, 1)
            .await
            .map_err(|error| internal(&error))?
            .pop();
    }
    let row =
        row.ok_or_else(|| Problem::invalid(StatusCode::NOT_FOUND, "There is no request of that id in this account."))?;
    let attempts = database
        .attempts_of(&row.start.id)
        .await
        .map_err(|error| internal(&error))?;
    let media = database
        .media_of(&row.start.id)
        .await
        .map_err(|error| internal(&error))?;
    let mut body = request_json(&row);
    body["estimate"] = Value::from(Micros(row.start.estimate_micros).as_json_dollars());
    body["cost_basis"] = row.cost_basis.as_deref().map_or(Value::Null, Value::from);
    body["cost_components"] = serde_json::from_str(&row.cost_components).unwrap_or_default();
    body["adjustments"] = serde_json::from_str(&row.start.adjustments).unwrap_or_default();
    body["attempts"] = attempts.iter().map(attempt_json).collect();
    body["data"] = media.iter().filter_map(|media| media_json(state, media)).collect();
    Ok(body)
}

/// A stored image with a fresh link that ends with the image.
fn media_json(state: &AppState, media: &MediaRow) -> Option<Value> {
    let now = state.generator.clock.now();
    if media.expires_at.duration_since(now) <= SignedDuration::ZERO {
        return None;
    }
    let extension = media.path.rsplit('.').next().unwrap_or(&media.format);
    Some(json!({
        "url": state.generator.links.sign(&media.id, extension, media.expires_at),
        "size": format!("{}x{}", media.width_px, media.height_px),
        "output_format": media.format,
        "bytes": media.size_bytes,
    }))
}

fn attempt_json(attempt: &AttemptRow) -> Value {
    json!({
        "provider": attempt.provider,
        "model": attempt.model,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "spent": attempt.spent,
        "http_status": attempt.http_status,
        "upstream_id": attempt.upstream_id,
        "started_at": attempt.started_at.to_string(),
        "duration_ms": attempt.duration_ms,
    })
}

/// The fields of a request in a list.
fn request_json(row: &GenerationRow) -> Value {
    let start = &row.start;
    json!({
        "id": start.id,
        "object": "request",
        "created_at": start.created_at.to_string(),
        "model": start.model,
        "modality": "image",
        "endpoint": start.endpoint,
        "status": row.status,
        "cost": row.cost_micros.map(|micros| Micros(micros).as_json_dollars()),
        "currency": "usd",
        "duration_ms": row.finished_at.map(|end| end.duration_since(start.created_at).as_millis()).and_then(|ms| u64::try_from(ms).ok()),
        "key_id": start.key_id,
        "error_code": row.error_code,
        "error_message": row.error_message,
        "session_id": start.session_id,
        "trace_id": start.trace_id,
        "user": start.end_user,
        "request_size_bytes": start.request_size_bytes,
        "response_size_bytes": row.response_size_bytes,
        "client_request_id": start.client_request_id,
    })
}
