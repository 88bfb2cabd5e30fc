//! The control routes under `/_sandbox`: faults, bill, calls, clock and help.

use crate::core::Core;
use crate::faults::{FAULTS_HELP, FaultOrder};
use crate::provider::Provider;
use crate::wire::{self, MAX_JSON_BYTES};
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How far the clock may be set forward in one step: a year, in seconds.
const MAX_ADVANCE_S: u64 = 366 * 24 * 3_600;

/// The control routes.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/help", get(help))
        .route("/health", get(health))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/bill", get(bill).delete(clear_bill))
        .route("/calls", get(calls).delete(clear_calls))
        .route("/clock", post(advance_clock))
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(&core), may))
        .with_state(core)
}

/// Lets through who has the token, where there is one: programs and pages on the same machine could order faults otherwise.
async fn may(State(core): State<Arc<Core>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION);
    let given = given.and_then(|given| given.to_str().ok()?.strip_prefix("Bearer "));
    if core.control_token.is_none() || core.control_token.as_deref() == given {
        return next.run(request).await;
    }
    let why = "this sandbox belongs to a gateway: its control routes ask for the token in its data folder, as 'Authorization: Bearer ...'";
    wire::json(StatusCode::UNAUTHORIZED, &json!({ "error": why }))
}

async fn help(State(core): State<Arc<Core>>) -> String {
    format!("{FAULTS_HELP}{}", core.faults.named.help())
}

async fn health() -> Response {
    wire::json(StatusCode::OK, &json!({"status": "ok"}))
}

async fn unknown() -> Response {
    let why = "there are help, health, faults, bill, calls and clock here";
    wire::json(StatusCode::NOT_FOUND, &json!({"error": why}))
}

async fn faults(State(core): State<Arc<Core>>) -> Response {
    wire::json(StatusCode::OK, &json!({"faults": core.faults.list()}))
}

async fn add_fault(State(core): State<Arc<Core>>, body: Body) -> Response {
    let order: FaultOrder = match parse(body).await {
        Ok(order) => order,
        Err(refusal) => return refusal,
    };
    match core.faults.push(order) {
        Ok(shown) => wire::json(StatusCode::CREATED, &shown),
        Err(why) => refuse(&why),
    }
}

async fn clear_faults(State(core): State<Arc<Core>>) -> StatusCode {
    core.faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Filter {
    provider: Option<Provider>,
}

async fn bill(State(core): State<Arc<Core>>, Query(filter): Query<Filter>) -> Response {
    let (entries, dropped) = core.bill.entries(filter.provider);
    let total: i64 = entries.iter().map(|entry| entry.micros).sum();
    let answer = json!({"total_micros": total, "currency": "USD", "dropped": dropped, "entries": entries});
    wire::json(StatusCode::OK, &answer)
}

async fn clear_bill(State(core): State<Arc<Core>>) -> StatusCode {
    core.bill.clear();
    StatusCode::NO_CONTENT
}

async fn calls(State(core): State<Arc<Core>>, Query(filter): Query<Filter>) -> Response {
    let (calls, received) = core.calls.calls(filter.provider);
    wire::json(StatusCode::OK, &json!({"received": received, "calls": calls}))
}

async fn clear_calls(State(core): State<Arc<Core>>) -> StatusCode {
    core.calls.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: u64,
}

async fn advance_clock(State(core): State<Arc<Core>>, body: Body) -> Response {
    let advance: Advance = match parse(body).await {
        Ok(advance) => advance,
        Err(refusal) => return refusal,
    };
    if advance.advance_s > MAX_ADVANCE_S {
        return refuse("advance_s is at most a year");
    }
    core.advance_clock(Duration::from_secs(advance.advance_s));
    let now = core.now();
    wire::json(StatusCode::OK, &json!({"now": now}))
}

async fn parse<T: DeserializeOwned>(body: Body) -> Result<T, Response> {
    let bytes = wire::read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| refuse("the body cannot be read"))?;
    serde_json::from_slice(&bytes).map_err(|error| refuse(&error.to_string()))
}

fn refuse(why: &str) -> Response {
    wire::json(StatusCode::BAD_REQUEST, &json!({"error": why}))
}
