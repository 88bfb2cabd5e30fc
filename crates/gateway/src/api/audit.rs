//! `GET /v1/audit`: what was done to sign-ins, keys, accounts and money, by whom and from where.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::fault::echo;
use serde_json::{Value, json};

use super::caller::Caller;
use super::operator::internal;
use super::paging::Paging;
use super::query::Parameters;
use crate::auth::Scope;
use crate::db::audit::{Action, Actor, AuditFilter, AuditRow};
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::Problem;

/// Lines, newest first, of all accounts.
pub(super) async fn handle(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    match page(&state, &caller, query.as_deref()).await {
        Ok(page) => respond::json(StatusCode::OK, &page),
        Err(problem) => problem.into_response(),
    }
}

async fn page(state: &AppState, caller: &Caller, query: Option<&str>) -> Result<Value, Problem> {
    caller.require(Scope::Admin)?;
    let database = &state.generator.database;
    let mut parameters = Parameters::of(query);
    let paging = Paging::read(&mut parameters);
    let filter = AuditFilter {
        account_id: parameters.text("account_id"),
        action: parameters.one_of("action", &Action::ALL.map(|action| (action.as_str(), action))),
        key_id: parameters.text("key_id"),
        target: parameters.text("target"),
        starting_after: paging.starting_after.clone(),
        ending_before: paging.ending_before.clone(),
    };
    for (name, id) in [
        ("starting_after", &paging.starting_after),
        ("ending_before", &paging.ending_before),
    ] {
        let Some(id) = id else { continue };
        let found = database.audit_line(id).await.map_err(|error| internal(&error))?;
        if found.is_none() {
            parameters.fault(
                name,
                format!("'{name}' must be the id of a line: there is no {}", echo(id)),
            );
        }
    }
    parameters.finish()?;
    let found = database.audit(&filter, paging.wanted()).await;
    let rows = found.map_err(|error| internal(&error))?;
    Ok(paging
        .page("/v1/audit", query, rows, |line| line.id.as_str())
        .json(line_json))
}

fn line_json(line: &AuditRow) -> Value {
    let (actor, address, request_id) = match &line.actor {
        Actor::Key {
            id,
            account_id,
            address,
            request_id,
        } => (
            json!({ "type": "key", "id": id, "account_id": account_id }),
            address.as_deref(),
            Some(request_id),
        ),
        Actor::CommandLine { user } => (
            json!({ "type": "command_line", "id": user, "account_id": null }),
            None,
            None,
        ),
    };
    json!({
        "id": line.id,
        "object": "audit_line",
        "created_at": line.created_at.to_string(),
        "action": line.action.as_str(),
        "actor": actor,
        "address": address,
        "request_id": request_id,
        "account_id": line.account_id,
        "target": line.target,
        "details": line.details,
    })
}
