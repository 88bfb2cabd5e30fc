//! The answer to a dry run.

use axum::http::StatusCode;
use axum::response::Response;
use planner::money::Micros;
use planner::plan::{Candidate, RoutePlan};
use serde_json::{Value, json};

use crate::generation::facts;
use crate::http::respond;

/// What the request would cost, at the first candidate and at every other. Never an id, data, status or url: nothing was made.
pub(super) fn answer(plan: &RoutePlan<'_>) -> Response {
    let first = &plan.candidates[0].resolved;
    let candidates: Vec<Value> = plan.candidates.iter().map(candidate_json).collect();
    let mut body = json!({
        "estimated": true,
        "model": first.model.id,
        "provider": first.offer.provider,
        "total_cost_micros": first.estimate.total,
        "currency": "USD",
        "components": first.estimate.components,
        "candidates": candidates,
        "adjustments": first.adjustments,
        "cost_basis": first.estimate.basis,
        "warnings": facts::warnings(&plan.candidates[0]),
    });
    if first.estimate.markup != Micros::ZERO {
        body["markup_micros"] = json!(first.estimate.markup);
    }
    respond::json(StatusCode::OK, &body)
}

fn candidate_json(candidate: &Candidate<'_>) -> Value {
    let resolved = &candidate.resolved;
    json!({ "model": resolved.model.id, "provider": resolved.offer.provider, "total_cost_micros": resolved.estimate.total })
}
