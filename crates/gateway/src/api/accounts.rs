//! `/v1/accounts`: who pays, and how far.

pub(super) mod postings;

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::money::Micros;
use serde_json::{Value, json};

use super::caller::Caller;
use super::operator::{body, internal};
use super::paging::Paging;
use super::query::Parameters;
use crate::auth::Scope;
use crate::db::accounts::AccountRow;
use crate::http::path::PathPart;
use crate::http::respond;
use crate::http::state::AppState;
use crate::operator::accounts;
use crate::problem::Problem;

/// Accounts in the order of their ids.
pub(super) async fn list(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    match page(&state, &caller, query.as_deref()).await {
        Ok(page) => respond::json(StatusCode::OK, &page),
        Err(problem) => problem.into_response(),
    }
}

async fn page(state: &AppState, caller: &Caller, query: Option<&str>) -> Result<Value, Problem> {
    caller.require(Scope::Admin)?;
    let mut parameters = Parameters::of(query);
    let paging = Paging::read(&mut parameters);
    parameters.finish()?;
    let range = (paging.starting_after.as_deref(), paging.ending_before.as_deref());
    let found = state.generator.database.accounts(range, paging.wanted()).await;
    let rows = found.map_err(|error| internal(&error))?;
    let page = paging.page("/v1/accounts", query, rows, |account| account.id.as_str());
    Ok(page.json(account_json))
}

/// One account.
pub(super) async fn retrieve(State(state): State<AppState>, caller: Caller, PathPart(id): PathPart) -> Response {
    let found = async {
        caller.require(Scope::Admin)?;
        Ok(accounts::found(&state.generator.database, &id).await?)
    };
    answer(StatusCode::OK, found.await)
}

/// Makes an account.
pub(super) async fn create(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Admin)?;
        let received = body(&state, request).await?;
        let (database, now) = (&state.generator.database, state.generator.clock.now());
        let witness = caller.witness(&state);
        Ok(accounts::create(database, &received.fields, received.faults, now, &witness).await?)
    };
    answer(StatusCode::CREATED, made.await)
}

/// Changes an account: what is left out stays, `null` clears.
pub(super) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let changed = async {
        caller.require(Scope::Admin)?;
        let received = body(&state, request).await?;
        let database = &state.generator.database;
        accounts::found(database, &id).await?;
        let witness = caller.witness(&state);
        Ok(accounts::change(database, &id, &received.fields, received.faults, &witness).await?)
    };
    answer(StatusCode::OK, changed.await)
}

fn answer(status: StatusCode, account: Result<AccountRow, Problem>) -> Response {
    match account {
        Ok(account) => respond::json(status, &account_json(&account)),
        Err(problem) => problem.into_response(),
    }
}

fn account_json(account: &AccountRow) -> Value {
    let dollars = |micros: i64| Micros(micros).as_json_dollars();
    json!({
        "id": account.id,
        "object": "account",
        "billing_type": account.billing.as_str(),
        "credit_limit_usd": account.credit_limit_micros.map(dollars),
        "balance": { "available_usd": dollars(account.available_micros), "held_usd": dollars(account.held_micros) },
        "log_retention_days": account.log_retention_days,
        "media_ttl_s": account.media_ttl_s,
        "media_bytes": account.media_bytes,
        "stores_payloads": account.stores_payloads,
        "created_at": account.created_at.to_string(),
    })
}
