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
use crate::upstreams::access::Standing;

/// Every provider of the catalogue, with those of its offers that this gateway has tried since it started.
pub(super) async fn handle(State(state): State<AppState>, caller: Caller) -> Response {
    if let Err(problem) = caller.require(Scope::Read) {
        return problem.into_response();
    }
    let generator = &state.generator;
    let now = generator.clock.now();
    let rows = generator.routing.health().view(now);
    // What the operator calls his accounts is nobody else's.
    let is_admin = caller.require(Scope::Admin).is_ok();
    let provider = |upstream: &crate::upstreams::Upstream| {
        let own = rows.iter().filter(|row| row.provider == upstream.id);
        let mut provider = json!({
            "id": upstream.id,
            "object": "provider",
            "name": upstream.name,
            "service": upstream.service.as_str(),
            "region": upstream.region,
            "offers": own.map(offer).collect::<Vec<_>>(),
        });
        if is_admin {
            let standing = upstream.access.iter().flat_map(|access| access.standing(now));
            provider["credentials"] = standing.map(|one| credential(&one)).collect();
        }
        provider
    };
    let data: Vec<Value> = generator.upstreams.iter().map(provider).collect();
    respond::json(StatusCode::OK, &json!({ "object": "list", "data": data }))
}

fn credential(one: &Standing) -> Value {
    json!({
        "name": &*one.name,
        "resting_until": one.rest.map(|rest| rest.until.to_string()),
        "cause": one.rest.map(|rest| code_of(rest.cause)),
    })
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
