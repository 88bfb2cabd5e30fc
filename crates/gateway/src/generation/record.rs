//! What the database is told of a generation.

use jiff::Timestamp;
use planner::plan::RoutePlan;
use serde::Serialize;

use super::{Generated, Generator, Order};
use crate::db::DatabaseError;
use crate::db::generations::{AttemptRow, EndOfGeneration, NewGeneration, Status};
use crate::outcome::{Attempt, GenerationError, code_of, spent_word};
use crate::problem::Problem;

/// Marks by which the caller finds a request again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The caller's own `x-request-id`.
    pub client_request_id: Option<String>,
    /// The caller's `x-session-id`.
    pub session_id: Option<String>,
    /// The trace id of the caller's `traceparent`.
    pub trace_id: Option<String>,
}

/// Longest name of a caller's end user that is kept.
const END_USER_CHARS_MAX: usize = 200;

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}

impl Generator {
    /// Notes that a generation begins.
    pub(super) async fn record_start(
        &self,
        order: &Order,
        plan: &RoutePlan<'_>,
        created_at: Timestamp,
    ) -> Result<(), DatabaseError> {
        let estimate = plan
            .candidates
            .iter()
            .map(|candidate| candidate.resolved.estimate.total.0)
            .max()
            .unwrap_or(0);
        let adjustments = plan
            .candidates
            .first()
            .map_or_else(|| "[]".to_owned(), |candidate| json(&candidate.resolved.adjustments));
        self.database
            .begin_generation(&start(order, &plan.model.id, estimate, adjustments, created_at))
            .await
    }

    /// Notes a generation that is refused before it begins, and gives the refusal back.
    pub(super) async fn reject(&self, order: &Order, created_at: Timestamp, error: GenerationError) -> GenerationError {
        let model = self
            .catalog
            .model(&order.request.model)
            .map_or("", |model| model.id.as_str());
        let row = start(order, model, 0, "[]".to_owned(), created_at);
        let noted = async {
            self.database.begin_generation(&row).await?;
            self.database
                .end_generation(&order.id, &failed(&error, self.clock.now()), &[])
                .await
        };
        if let Err(cause) = noted.await {
            tracing::error!(generation.id = %order.id, error = %cause, "a refusal could not be noted");
        }
        error
    }

    /// Notes how a generation ended.
    pub(super) async fn record_end(
        &self,
        order: &Order,
        result: &Result<Generated, GenerationError>,
    ) -> Result<(), DatabaseError> {
        let now = self.clock.now();
        let (end, attempts) = match result {
            Ok(generated) => (completed(generated, now), generated.attempts.as_slice()),
            Err(error) => {
                let attempts = match error {
                    GenerationError::Attempts { attempts, .. } => attempts.as_slice(),
                    _ => &[],
                };
                (failed(error, now), attempts)
            }
        };
        let rows: Vec<AttemptRow> = attempts
            .iter()
            .zip(0..)
            .map(|(attempt, position)| attempt_row(attempt, position))
            .collect();
        self.database.end_generation(&order.id, &end, &rows).await
    }
}

fn start(
    order: &Order,
    model: &str,
    estimate_micros: i64,
    adjustments: String,
    created_at: Timestamp,
) -> NewGeneration {
    NewGeneration {
        id: order.id.clone(),
        account_id: order.caller.account_id.clone(),
        key_id: order.caller.key_id.clone(),
        client_request_id: order.marks.client_request_id.clone(),
        session_id: order.marks.session_id.clone(),
        trace_id: order.marks.trace_id.clone(),
        end_user: order
            .request
            .arguments
            .get("user")
            .and_then(|user| user.as_str())
            .map(|user| user.chars().take(END_USER_CHARS_MAX).collect()),
        endpoint: order.endpoint.to_owned(),
        model: model.to_owned(),
        estimate_micros,
        adjustments,
        request_size_bytes: i64::try_from(order.request_size_bytes).unwrap_or(i64::MAX),
        created_at,
    }
}

fn completed(generated: &Generated, now: Timestamp) -> EndOfGeneration {
    let bytes: u64 = generated
        .images
        .iter()
        .map(|delivered| delivered.image.blob.len())
        .sum();
    EndOfGeneration {
        status: Status::Completed,
        cost_micros: Some(generated.cost.0),
        cost_basis: serde_json::to_value(generated.cost_basis)
            .ok()
            .and_then(|basis| basis.as_str().map(ToOwned::to_owned)),
        cost_components: json(&generated.cost_components),
        adjustments: json(&generated.adjustments),
        error_code: None,
        error_message: None,
        response_size_bytes: i64::try_from(bytes).ok(),
        finished_at: now,
    }
}

fn failed(error: &GenerationError, now: Timestamp) -> EndOfGeneration {
    let problem = Problem::of_generation(error);
    let status = match error {
        GenerationError::Request(_) | GenerationError::Model { .. } | GenerationError::NoRoute { .. } => {
            Status::Rejected
        }
        GenerationError::Attempts { .. } if problem.status.is_client_error() && problem.status.as_u16() != 429 => {
            Status::Rejected
        }
        GenerationError::Attempts { .. } | GenerationError::Database(_) => Status::UpstreamFailure,
    };
    EndOfGeneration {
        status,
        cost_micros: None,
        cost_basis: None,
        cost_components: "[]".to_owned(),
        adjustments: "[]".to_owned(),
        error_code: Some(problem.code.to_owned()),
        error_message: Some(problem.message),
        response_size_bytes: None,
        finished_at: now,
    }
}

fn attempt_row(attempt: &Attempt, position: i64) -> AttemptRow {
    AttemptRow {
        position,
        provider: attempt.provider.clone(),
        model: attempt.model.clone(),
        outcome: attempt.outcome().to_owned(),
        code: attempt.failure.as_ref().map(|failure| code_of(failure.kind).to_owned()),
        spent: spent_word(attempt.spent()).to_owned(),
        http_status: attempt
            .failure
            .as_ref()
            .and_then(|failure| failure.status)
            .map(i64::from),
        upstream_id: attempt.upstream_id.clone(),
        started_at: attempt.started_at,
        duration_ms: i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX),
    }
}
