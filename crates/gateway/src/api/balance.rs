//! `GET /v1/balance`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::money::Micros;
use serde_json::{Value, json};

use super::caller::Caller;
use crate::auth::Scope;
use crate::db::accounts::Billing;
use crate::http::respond;
use crate::http::state::AppState;
use crate::problem::Problem;

/// What the account may spend, which is told of prepaid ones only, and what calls under way may cost; and what the key that asks may spend.
pub(super) async fn handle(State(state): State<AppState>, caller: Caller) -> Response {
    match balance(&state, &caller).await {
        Ok(balance) => respond::json(StatusCode::OK, &balance),
        Err(problem) => problem.into_response(),
    }
}

async fn balance(state: &AppState, caller: &Caller) -> Result<Value, Problem> {
    caller.require(Scope::Read)?;
    let found = state.generator.database.account(&caller.identity.account_id).await;
    let account = found.ok().flatten().ok_or_else(|| {
        tracing::error!("the balance could not be read");
        Problem::internal()
    })?;
    let left = state
        .generator
        .database
        .left_to_spend(&caller.identity.key_id, state.generator.clock.now());
    let left = left.await.map_err(|error| {
        tracing::error!(error = %error, "what a key may spend could not be read");
        Problem::of_database(&error)
    })?;
    let dollars = |micros: i64| Micros(micros).as_json_dollars();
    let available = (account.billing == Billing::Prepaid).then(|| dollars(account.available_micros));
    Ok(json!({
        "object": "balance",
        "billing_type": account.billing.as_str(),
        "available": { "amount": available, "currency": "usd" },
        "left": { "amount": left.map(dollars), "currency": "usd" },
        "held": { "amount": dollars(account.held_micros), "currency": "usd" },
    }))
}
