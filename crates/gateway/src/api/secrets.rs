//! `/v1/webhooks/secret` and `/v1/links/secret`: what links and webhooks are known by, and putting another in its place.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::fault::echo;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::operator::{body, internal};
use crate::auth::Scope;
use crate::db::secrets::OwnSecrets;
use crate::http::respond;
use crate::http::state::AppState;
use crate::operator::fields::Fields;
use crate::operator::{ID_CHARS_MAX, Refusal};
use crate::problem::Problem;
use crate::secrets::{self, OVERLAP_S_MAX, Whose};

fn answered(made: Result<Value, Problem>) -> Response {
    match made {
        Ok(body) => respond::json(StatusCode::OK, &body),
        Err(problem) => problem.into_response(),
    }
}

fn of_webhooks(secrets: &OwnSecrets) -> Value {
    let former = secrets.former.iter();
    let former: Vec<Value> = former
        .map(|(key, ends_at)| json!({ "key": key, "ends_at": ends_at.to_string() }))
        .collect();
    json!({ "key": secrets.current, "former": former })
}

/// Nobody but the gateway has use for the secret of links, so it is not shown.
fn of_links(secrets: &OwnSecrets) -> Value {
    let former = secrets.former.iter();
    let former: Vec<Value> = former
        .map(|(_, ends_at)| json!({ "ends_at": ends_at.to_string() }))
        .collect();
    json!({ "object": "links.secret", "former": former })
}

/// `GET /v1/webhooks/secret`: for keys that can order webhooks, as who has it can forge them.
pub(super) async fn webhooks(State(state): State<AppState>, caller: Caller) -> Response {
    let told = async {
        caller.require(Scope::Generate)?;
        caller.refuse_visitor("secret of webhooks")?;
        let whose = Whose::Webhooks(&caller.identity.account_id);
        let generator = &state.generator;
        let secrets = secrets::read(&generator.database, whose, generator.clock.now()).await;
        Ok(of_webhooks(&secrets.map_err(|error| internal(&error))?))
    };
    answered(told.await)
}

/// `POST /v1/webhooks/secret`: signs an account's webhooks with another secret, and with the former beside it for a while.
pub(super) async fn rotate_webhooks(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Admin)?;
        let received = body(&state, request).await?;
        let mut fields = Fields::new(&received.fields);
        let named = fields.text("account_id", ID_CHARS_MAX).value();
        let overlap_s = overlap(&mut fields);
        let account_id = named.unwrap_or_else(|| caller.identity.account_id.clone());
        let known = state.generator.database.account(&account_id).await;
        if known.map_err(|error| internal(&error))?.is_none() {
            fields.wrong(
                "account_id",
                &format!("names no account: there is no {}", echo(&account_id)),
            );
        }
        let mut faults = received.faults;
        faults.extend(fields.finish());
        if !faults.is_empty() {
            return Err(Refusal::Faults(faults).into());
        }
        let witness = caller.witness(&state);
        let rotated = secrets::rotate(&state.generator, Whose::Webhooks(&account_id), overlap_s, &witness);
        Ok(of_webhooks(&rotated.await?))
    };
    answered(made.await)
}

/// `GET /v1/links/secret`: until when former secrets of links count.
pub(super) async fn links(State(state): State<AppState>, caller: Caller) -> Response {
    let told = async {
        caller.require(Scope::Admin)?;
        let generator = &state.generator;
        let secrets = secrets::read(&generator.database, Whose::Links, generator.clock.now()).await;
        Ok(of_links(&secrets.map_err(|error| internal(&error))?))
    };
    answered(told.await)
}

/// `POST /v1/links/secret`: signs links with another secret; those that exist work until they end, unless that is not wanted.
pub(super) async fn rotate_links(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Admin)?;
        let received = body(&state, request).await?;
        let given: &Map<String, Value> = &received.fields;
        let mut fields = Fields::new(given);
        let overlap_s = overlap(&mut fields);
        let mut faults = received.faults;
        faults.extend(fields.finish());
        if !faults.is_empty() {
            return Err(Refusal::Faults(faults).into());
        }
        let witness = caller.witness(&state);
        let rotated = secrets::rotate(&state.generator, Whose::Links, overlap_s, &witness);
        Ok(of_links(&rotated.await?))
    };
    answered(made.await)
}

fn overlap(fields: &mut Fields<'_>) -> Option<i64> {
    fields.integer("overlap_s", 0..=OVERLAP_S_MAX).value()
}
