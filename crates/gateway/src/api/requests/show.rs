//! `GET /v1/requests/{id}`: all that is known of one request.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use planner::money::Micros;
use serde_json::{Value, json};

use super::{absent, account, internal, listed};
use crate::api::caller::Caller;
use crate::api::path::PathPart;
use crate::api::query::Parameters;
use crate::api::respond;
use crate::api::state::AppState;
use crate::auth::Scope;
use crate::db::DatabaseError;
use crate::db::generations::{AttemptRow, Filter, GenerationRow, Payloads};
use crate::db::media::MediaRow;
use crate::problem::Problem;

/// One request, by Pictor's id or by the caller's own `x-request-id`.
pub(in crate::api) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = async {
        caller.require(Scope::Read)?;
        let mut query = Parameters::of(query.as_deref());
        let account_id = account(&caller, &mut query)?;
        query.finish()?;
        let row = find(&state, &account_id, &id).await.map_err(|error| internal(&error))?;
        let body = whole(&state, &row.ok_or_else(absent)?)
            .await
            .map_err(|error| internal(&error))?;
        Ok::<_, Problem>(respond::json(StatusCode::OK, &body))
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

async fn find(state: &AppState, account_id: &str, id: &str) -> Result<Option<GenerationRow>, DatabaseError> {
    // PostgreSQL refuses a text with a NUL, and no id has one.
    if id.contains('\0') {
        return Ok(None);
    }
    let database = &state.generator.database;
    let row = database.generation(account_id, id).await?;
    if row.is_some() {
        return Ok(row);
    }
    let filter = Filter::of("client_request_id", id);
    Ok(database.generations(account_id, &filter, 1).await?.pop())
}

async fn whole(state: &AppState, row: &GenerationRow) -> Result<Value, DatabaseError> {
    let database = &state.generator.database;
    let id = &row.start.id;
    let attempts = database.attempts_of(id).await?;
    let media = database.media_of(id).await?;
    let payloads = database.payloads(id).await?;
    let now = state.generator.clock.now();
    let mut body = listed(row);
    body["provider"] = json!(row.provider);
    body["estimate"] = json!(Micros(row.start.estimate_micros).as_json_dollars());
    body["cost_basis"] = json!(row.cost_basis);
    body["cost_components"] = stored(&row.cost_components);
    body["adjustments"] = stored(&row.start.adjustments);
    body["attempts"] = attempts.iter().map(attempt_json).collect();
    body["data"] = media.iter().filter_map(|media| media_json(state, media, now)).collect();
    if row.markup_micros != 0 {
        body["markup"] = json!(Micros(row.markup_micros).as_json_dollars());
    }
    if let Some(payloads) = payloads {
        body["payloads"] = payloads_json(&payloads);
    }
    if let Some(purged) = row.payloads_purged_at {
        body["payloads_purged_at"] = json!(purged.to_string());
    }
    Ok(body)
}

/// What stands in a column as JSON.
fn stored(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn payloads_json(payloads: &Payloads) -> Value {
    json!({ "request": stored(&payloads.request), "response": payloads.response.as_deref().map(stored) })
}

/// A stored image with a fresh link that ends with the image.
fn media_json(state: &AppState, media: &MediaRow, now: Timestamp) -> Option<Value> {
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
        "cost": attempt.cost_micros.map(|micros| Micros(micros).as_json_dollars()),
    })
}
