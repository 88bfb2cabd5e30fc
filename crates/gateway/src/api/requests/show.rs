//! `GET /v1/requests/{id}`: all that is known of one request.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{absent, account, internal};
use crate::api::caller::Caller;
use crate::api::query::Parameters;
use crate::auth::Scope;
use crate::db::DatabaseError;
use crate::db::generations::{Filter, GenerationRow, Payloads, Status};
use crate::db::webhooks::WebhookRow;
use crate::http::path::PathPart;
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::Problem;
use crate::request_view::{self, Reader, stored};

/// One request, by Pictor's id, by the caller's own `x-request-id`, or by its `Idempotency-Key`.
pub(in crate::api) async fn handle(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = async {
        let only_key = caller.require_requests()?;
        let mut query = Parameters::of(query.as_deref());
        let account_id = account(&caller, &mut query)?;
        query.finish()?;
        let row = find(&state, &account_id, only_key, &id)
            .await
            .map_err(|error| internal(&error))?;
        let reader = if caller.identity.may(Scope::Admin) {
            Reader::Operator
        } else {
            Reader::Account
        };
        let body = whole(&state, &row.ok_or_else(absent)?, reader)
            .await
            .map_err(|error| internal(&error))?;
        Ok::<_, Problem>(respond::json(StatusCode::OK, &body))
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

async fn find(
    state: &AppState,
    account_id: &str,
    only_key: Option<&str>,
    id: &str,
) -> Result<Option<GenerationRow>, DatabaseError> {
    // PostgreSQL refuses a text with a NUL, and no id has one.
    if id.contains('\0') {
        return Ok(None);
    }
    let database = &state.generator.database;
    let row = database.generation(account_id, id).await?;
    if row.is_some() {
        return Ok(row.filter(|row| only_key.is_none_or(|key| row.start.key_id == key)));
    }
    for name in ["client_request_id", "idempotency_key"] {
        let mut filter = Filter::of(name, id);
        filter.equal.extend(only_key.map(|key| ("key_id", key.to_owned())));
        let newest = database.generations(account_id, &filter, 1).await?.pop();
        if newest.is_some() {
            return Ok(newest);
        }
    }
    Ok(None)
}

async fn whole(state: &AppState, row: &GenerationRow, reader: Reader) -> Result<Value, DatabaseError> {
    let database = &state.generator.database;
    let id = &row.start.id;
    let (payloads, webhook) = (database.payloads(id).await?, database.webhook(id).await?);
    let mut body = request_view::whole(&state.generator, row, reader).await?;
    if state.generator.being_kept.holds(id) {
        // Its images did not reach the caller and are not stored yet.
        body["status"] = json!(Status::Processing.as_str());
    }
    if let Some(payloads) = payloads {
        body["payloads"] = payloads_json(&payloads);
    }
    if let Some(purged) = row.payloads_purged_at {
        body["payloads_purged_at"] = json!(purged.to_string());
    }
    if let Some(webhook) = webhook {
        body["webhook"] = webhook_json(&webhook);
    }
    Ok(body)
}

fn payloads_json(payloads: &Payloads) -> Value {
    json!({ "request": stored(&payloads.request), "response": payloads.response.as_deref().map(stored) })
}

fn webhook_json(webhook: &WebhookRow) -> Value {
    json!({
        "state": webhook.state,
        "tries": webhook.tries,
        "last_status": webhook.last_status,
        "last_error": webhook.last_error,
    })
}
