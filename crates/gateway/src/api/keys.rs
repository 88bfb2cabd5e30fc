//! `/v1/keys`: making, listing, changing and revoking API keys.

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use planner::fault::echo;
use serde_json::{Value, json};

use super::caller::Caller;
use super::operator::{body, internal};
use super::paging::Paging;
use super::query::Parameters;
use crate::auth::{self, Scope};
use crate::db::audit::Action;
use crate::db::keys::{KeyFilter, KeyStatus, KeyUse, Revocation};
use crate::http::path::PathPart;
use crate::http::respond;
use crate::http::state::AppState;
use crate::operator::keys::view::key_json;
use crate::operator::keys::{self, Surroundings};
use crate::operator::{Refusal, is_id};
use crate::problem::Problem;

/// Keys, newest first: those of the account, for admins those of every account.
pub(super) async fn list(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    match page(&state, &caller, query.as_deref()).await {
        Ok(page) => respond::json(StatusCode::OK, &page),
        Err(problem) => problem.into_response(),
    }
}

async fn page(state: &AppState, caller: &Caller, query: Option<&str>) -> Result<Value, Problem> {
    caller.require(Scope::Read)?;
    let now = state.generator.clock.now();
    let mut parameters = Parameters::of(query);
    let paging = Paging::read(&mut parameters);
    let status = parameters.one_of("status", &KeyStatus::ALL.map(|status| (status.as_str(), status)));
    let account_id = parameters.text("account_id");
    for (name, id) in [
        ("starting_after", &paging.starting_after),
        ("ending_before", &paging.ending_before),
    ] {
        if let Some(id) = id
            && visible(state, caller, id).await?.is_none()
        {
            parameters.fault(
                name,
                format!("'{name}' must be the id of a key: there is no {}", echo(id)),
            );
        }
    }
    parameters.finish()?;
    let filter = KeyFilter {
        account_id: account_filter(caller, account_id)?,
        status: status.map(|status| (status, now)),
        starting_after: paging.starting_after.clone(),
        ending_before: paging.ending_before.clone(),
    };
    let database = &state.generator.database;
    let found = database.keys(&filter, paging.wanted()).await;
    let rows = found.map_err(|error| internal(&error))?;
    let page = paging.page("/v1/keys", query, rows, |used| used.key.id.as_str());
    Ok(page.json(|used| key_json(used, now)))
}

/// The account whose keys are meant; `None`: every one.
fn account_filter(caller: &Caller, named: Option<String>) -> Result<Option<String>, Problem> {
    let own = &caller.identity.account_id;
    if caller.identity.may(Scope::Admin) {
        return Ok(named);
    }
    if named.is_some_and(|named| named != *own) {
        return Err(Problem::permission(
            "Keys of other accounts are for API keys with the scope 'admin'.",
        ));
    }
    Ok(Some(own.clone()))
}

/// The key of that id, if the caller may see it.
async fn visible(state: &AppState, caller: &Caller, id: &str) -> Result<Option<KeyUse>, Problem> {
    if !is_id(id) {
        return Ok(None);
    }
    let found = state
        .generator
        .database
        .key(id)
        .await
        .map_err(|error| internal(&error))?;
    let may_see =
        |used: &KeyUse| caller.identity.may(Scope::Admin) || used.key.account_id == caller.identity.account_id;
    Ok(found.filter(may_see))
}

fn missing() -> Problem {
    Problem::invalid(StatusCode::NOT_FOUND, "There is no API key of that id.")
}

/// One key.
pub(super) async fn retrieve(State(state): State<AppState>, caller: Caller, PathPart(id): PathPart) -> Response {
    let found = async {
        caller.require(Scope::Read)?;
        visible(&state, &caller, &id).await?.ok_or_else(missing)
    };
    answer(&state, found.await)
}

/// Makes a key. The answer is the only place where its secret ever stands.
pub(super) async fn create(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    match made(&state, &caller, request).await {
        Ok(key) => {
            let mut response = respond::json(StatusCode::CREATED, &key);
            let never = HeaderValue::from_static("no-store");
            response.headers_mut().insert(header::CACHE_CONTROL, never);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

async fn made(state: &AppState, caller: &Caller, request: Request) -> Result<Value, Problem> {
    caller.require(Scope::Admin)?;
    let received = body(state, request).await?;
    let (database, around) = (&state.generator.database, surroundings(state));
    let account_id = &caller.identity.account_id;
    let order = keys::order(database, &received.fields, account_id, around, received.faults).await?;
    let key = auth::mint(order, around.now);
    let details = Value::Object(received.fields);
    let told = caller
        .witness(state)
        .line(Action::KeyCreate, Some(&key.row.account_id), &key.row.id, details);
    let stored = database.insert_key(&key.row, Some(&told)).await;
    stored.map_err(|error| internal(&error))?;
    let stored = database.key(&key.row.id).await.map_err(|error| internal(&error))?;
    let mut told = key_json(&stored.ok_or_else(Problem::internal)?, around.now);
    told["key"] = Value::from(key.token);
    Ok(told)
}

/// Changes a key: what is left out stays, `null` clears.
pub(super) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let changed = async {
        caller.require(Scope::Admin)?;
        if !is_id(&id) {
            return Err(missing());
        }
        let received = body(&state, request).await?;
        let change = keys::change(&received.fields, surroundings(&state), received.faults)?;
        let database = &state.generator.database;
        let witness = caller.witness(&state);
        let tell = |account_id: &str| {
            let details = Value::Object(received.fields);
            witness.line(Action::KeyChange, Some(account_id), &id, details)
        };
        let changed = database
            .change_key(&id, |name, terms| change.apply(name, terms), tell)
            .await;
        state.keyring.forget(&id);
        changed.map_err(|error| internal(&error))?.ok_or_else(missing)
    };
    answer(&state, changed.await)
}

/// Revokes a key. The last working one with the scope `admin` only with `?force=true`.
pub(super) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    let revoked = async {
        caller.require(Scope::Admin)?;
        let mut parameters = Parameters::of(query.as_deref());
        let force = parameters.switch("force");
        parameters.finish()?;
        if !is_id(&id) {
            return Err(missing());
        }
        let database = &state.generator.database;
        let now = state.generator.clock.now();
        let key = visible(&state, &caller, &id).await?.ok_or_else(missing)?.key;
        let details = json!({ "force": force });
        let told = caller
            .witness(&state)
            .line(Action::KeyRevoke, Some(&key.account_id), &id, details);
        let done = if force {
            let done = database.revoke_key(&id, now, Some(&told)).await;
            done.map(|_| Revocation::Done)
        } else {
            database.revoke_key_but_last_admin(&id, now, Some(&told)).await
        };
        state.keyring.forget(&id);
        if done.map_err(|error| internal(&error))? == Revocation::LastAdmin {
            let message =
                "This is the last working API key with the scope 'admin'. Make another one first, or add ?force=true.";
            return Err(Refusal::Conflict(message.to_owned()).into());
        }
        visible(&state, &caller, &id).await?.ok_or_else(missing)
    };
    answer(&state, revoked.await)
}

fn surroundings(state: &AppState) -> Surroundings<'_> {
    Surroundings {
        catalog: &state.generator.catalog,
        now: state.generator.clock.now(),
    }
}

fn answer(state: &AppState, key: Result<KeyUse, Problem>) -> Response {
    match key {
        Ok(used) => respond::json(StatusCode::OK, &key_json(&used, state.generator.clock.now())),
        Err(problem) => problem.into_response(),
    }
}
