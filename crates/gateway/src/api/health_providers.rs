//! `GET /v1/health/providers`: how each provider is served here, and how its offers have been doing.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::health::HealthRow;
use serde_json::{Value, json};

use super::caller::Caller;
use crate::auth::Scope;
use crate::http::respond;
use crate::http::state::AppState;
use crate::outcome::code_of;

/// Every provider of the catalogue, with those of its offers that this gateway has tried since it started.
pub(super) async fn handle(State(state): State<AppState>, caller: Caller) -> Response {
    if let Err(problem) = caller.require(Scope::Read) {
        return problem.into_response();
    }
    let generator = &state.generator;
    let rows = generator.routing.health().view(generator.clock.now());
    let provider = |upstream: &crate::upstreams::Upstream| {
        let own = rows.iter().filter(|row| row.provider == upstream.id);
        json!({
            "id": upstream.id,
            "object": "provider",
            "name": upstream.name,
            "service": upstream.service.as_str(),
            "region": upstream.region,
            "offers": own.map(offer).collect::<Vec<_>>(),
        })
    };
    let data: Vec<Value> = generator.upstreams.iter().map(provider).collect();
    respond::json(StatusCode::OK, &json!({ "object": "list", "data": data }))
}

fn offer(row: &HealthRow) -> Value {
    let health = &row.health;
    json!({
        "native_model": row.native_model,
        "healthy": health.is_healthy(),
        "state": health.state.as_str(),
        "until": health.state.until().map(|time| time.to_string()),
        "cause": health.cause.map(code_of),
        "resting_until": health.resting_until.map(|time| time.to_string()),
        "success_rate": health.success_rate,
        "latency_p50_ms": health.latency_p50_ms,
        "samples": health.samples,
    })
}
