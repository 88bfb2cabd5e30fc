//! What the database is told of a generation.

use std::time::Duration;

use jiff::Timestamp;
use planner::explain::places;
use planner::failure::Spent;
use planner::plan::{Candidate, RoutePlan};
use planner::resolve::Adjustment;
use serde::Serialize;
use serde_json::{Value, json};

use super::executor::FirstCalls;
use super::facts::Facts;
use super::track::{OnRecord, Track};
use super::{Generated, Generator, Order};
use crate::db::DatabaseError;
use crate::db::generations::{
    Answer, AttemptRow, BegunAttempt, Durable, EndOfGeneration, NewGeneration, Payloads, Status,
};
use crate::db::journal::{Ended, NotBegun};
use crate::db::ledger::{Hold, Settlement, Shortage};
use crate::db::media::MediaRow;
use crate::ledger::Charge;
use crate::outcome::{Attempt, GenerationError};
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

/// How long after its deadline a generation's reservation still holds: images are converted and stored after the last call.
pub(super) const RESERVATION_GRACE: Duration = Duration::from_secs(120);
/// Longest name of a caller's end user that is kept; without the character NUL, which PostgreSQL does not store.
const END_USER_CHARS_MAX: usize = 200;

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}

/// Whether a refusal is not put on record: the one that has the caller's key answers for this one; what could not be written
/// cannot be now; and who asks too often shall not fill the log.
fn goes_untold(error: &GenerationError) -> bool {
    matches!(
        error,
        GenerationError::Claimed | GenerationError::Database(_) | GenerationError::Shortage(Shortage::Turn { .. })
    )
}

/// A plan that is on record and paid for in advance.
pub(super) struct Reserved<'a> {
    pub(super) plan: RoutePlan<'a>,
    /// Its first calls, where they are on record with it.
    pub(super) first: Option<FirstCalls>,
}

impl Generator {
    /// Puts a generation on record and holds money for it: for the dearest candidate that can be paid. Dearer ones leave the
    /// plan. Where there are none, the first calls are on record with it.
    pub(super) async fn reserve<'a>(
        &self,
        order: &Order,
        mut plan: RoutePlan<'a>,
        created_at: Timestamp,
    ) -> Result<Reserved<'a>, GenerationError> {
        if !self.bookkeeping {
            return Ok(Reserved { plan, first: None });
        }
        let prices: Vec<i64> = plan.candidates.iter().map(price).collect();
        let dearest = prices.iter().copied().max().unwrap_or(0);
        let adjustments = plan.candidates.first().map_or_else(
            || "[]".to_owned(),
            |first| kept_changes(&first.resolved.adjustments, order.caller.keeps_no_texts),
        );
        let lasts = self.deadline(&plan) + RESERVATION_GRACE;
        let hold = Hold {
            prices,
            expires_at: created_at.checked_add(lasts).unwrap_or(Timestamp::MAX),
        };
        let mut start = start(order, &plan.model.id, dearest, adjustments, created_at);
        start.plan = to_json(&places(&plan));
        let deadline_at = created_at.checked_add(self.deadline(&plan)).unwrap_or(Timestamp::MAX);
        start.durable.lease = Some(self.lease(deadline_at));
        let (candidate, calls) = self.first_calls(order, &plan, created_at);
        let positions = calls.iter().map(|call| OnRecord {
            position: call.position,
            started_at: call.started_at,
        });
        let first = FirstCalls {
            candidate,
            calls: positions.collect(),
        };
        let claim = order.claim.clone();
        let begun = self.database.begin_generation_with(start, hold, claim, calls).await?;
        if begun.is_ok() {
            self.ends.began(&order.id, &order.caller.account_id);
        }
        match begun {
            Ok(held) if held == dearest => Ok(Reserved {
                plan,
                first: Some(first),
            }),
            Ok(held) => {
                plan.candidates.retain(|candidate| price(candidate) <= held);
                Ok(Reserved { plan, first: None })
            }
            Err(NotBegun::Shortage(shortage)) => Err(GenerationError::Shortage(shortage)),
            Err(NotBegun::Claimed) => Err(GenerationError::Claimed),
        }
    }

    /// The calls that a plan begins with, as nearly always nothing comes between, and whom they ask.
    fn first_calls(&self, order: &Order, plan: &RoutePlan<'_>, now: Timestamp) -> (usize, Vec<BegunAttempt>) {
        let walk = plan.walk(&self.routing.health(), self.clock.now());
        let Some((place, candidate)) = walk
            .first()
            .and_then(|place| Some((*place, plan.candidates.get(*place)?)))
        else {
            return (0, Vec::new());
        };
        let n = order.request.n;
        let calls = Facts::of(candidate, order.is_async).calls(&candidate.resolved, n, n, order.tries_before);
        let begun = calls.iter().zip(0..);
        let begun = begun.map(|(call, position)| Track::begun(position, &call.facts, now));
        (place, begun.collect())
    }

    /// Notes a generation that is refused before it begins, and gives the refusal back.
    pub(super) async fn reject(&self, order: &Order, created_at: Timestamp, error: GenerationError) -> GenerationError {
        if !self.bookkeeping || goes_untold(&error) {
            return error;
        }
        let model = self
            .catalog
            .model(&order.request.model)
            .map_or("", |model| model.id.as_str());
        let row = start(order, model, 0, "[]".to_owned(), created_at);
        let end = failed(&error, order.caller.keeps_no_texts, self.clock.now());
        if let Err(cause) = self.database.reject_generation(row, end).await {
            tracing::error!(error = %cause, "a refusal could not be noted");
        }
        error
    }

    /// Notes where the time of a generation went that is on record.
    pub(super) fn record_timings(&self, order: &Order, result: &Result<Generated, GenerationError>) {
        let is_on_record = match result {
            Ok(_) => true,
            // It is another process's by now.
            Err(GenerationError::TakenOver) => false,
            Err(error) => !goes_untold(error),
        };
        if self.bookkeeping && is_on_record {
            let timings = to_json(&order.stopwatch.timings());
            self.database.note_timings(&order.id, timings);
        }
    }

    /// Notes how a generation ended, and settles what was held for it. `unmade` are calls that are on record and were not
    /// made, `media` its stored images, on record by now or not.
    pub(super) async fn record_end(
        &self,
        order: &Order,
        result: &Result<Generated, GenerationError>,
        unmade: &[i64],
        media: Vec<MediaRow>,
    ) -> Result<(), DatabaseError> {
        if !self.bookkeeping {
            return Ok(());
        }
        let now = self.clock.now();
        let (end, attempts, settlement) = match result {
            Ok(generated) => {
                let charge = Charge {
                    total_micros: generated.cost.0,
                    markup_micros: generated.markup.0,
                };
                let attempts = generated.attempts.as_slice();
                let without_texts = order.caller.keeps_no_texts;
                let mut end = completed(generated, without_texts, now);
                end.answer = order.is_awaited().then(|| success(generated, without_texts));
                (end, attempts, Settlement::Charge(charge))
            }
            Err(error) => {
                let attempts = match error {
                    GenerationError::Attempts { attempts, .. } => attempts.as_slice(),
                    GenerationError::Denied(denial) => denial.attempts.as_slice(),
                    _ => &[],
                };
                let mut end = failed(error, order.caller.keeps_no_texts, now);
                // What cost nothing may simply be asked again.
                let is_paid = attempts.iter().any(|attempt| attempt.spent() != Spent::No);
                // Twins that wait for it, here or elsewhere, share it all the same.
                end.answer = order.is_awaited().then(|| failure(error));
                end.frees_claim = !is_paid;
                (end, attempts, Settlement::Release)
            }
        };
        let ended = attempts.iter().filter(|attempt| !attempt.under_way);
        let is_withheld = matches!(result, Err(GenerationError::Denied(_)));
        let row = |attempt: &Attempt| {
            let row = if is_withheld { attempt.withheld() } else { attempt.row() };
            AttemptRow {
                excerpt: row.excerpt.filter(|_| !order.caller.keeps_no_texts),
                ..row
            }
        };
        let rows: Vec<AttemptRow> = ended.map(row).collect();
        let ended = Ended {
            id: order.id.clone(),
            end,
            attempts: rows,
            unmade: unmade.to_vec(),
            media,
            settlement,
        };
        self.database.end(ended).await?;
        let failure = result.as_ref().err().map(Problem::of_generation);
        self.ends.tell(&order.id, failure);
        if order.request.webhook_url.is_some() {
            self.told.notify_one();
        }
        if let Some(request) = &order.asked {
            let response = result.as_ref().ok().map(answered);
            let payloads = Payloads {
                request: request.clone(),
                response,
            };
            self.database.insert_payloads(&order.id, &payloads).await?;
        }
        Ok(())
    }
}

/// A success as it is answered, without the images; without what is written in it, where that is not kept.
pub(super) fn success(generated: &Generated, without_texts: bool) -> Answer {
    let mut body = super::answer::body(generated);
    if without_texts {
        for item in body["data"].as_array_mut().into_iter().flatten() {
            *item = json!({});
        }
        let changes = kept_changes(&generated.adjustments, without_texts);
        body["metadata"]["adjustments"] = serde_json::from_str(&changes).unwrap_or_default();
    }
    Answer {
        status: 200,
        body: body.to_string(),
    }
}

/// Stands for a text that is not kept.
const NOT_KEPT: &str = "(not kept)";
/// Longest value of a parameter that is no text of somebody's: such as a size, a format, a model.
const WORD_CHARS_MAX: usize = 40;

/// What was changed of a request, as it is kept.
pub(super) fn kept_changes(adjustments: &[Adjustment], without_texts: bool) -> String {
    if !without_texts {
        return to_json(&adjustments);
    }
    let is_text = |value: &Value| match value {
        Value::String(text) => text.chars().count() > WORD_CHARS_MAX,
        Value::Array(_) | Value::Object(_) => true,
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    let kept = |change: &Adjustment| {
        let is_prompt = change.parameter.contains("prompt");
        let value = |value: &Value| {
            let hidden = !value.is_null() && (is_prompt || is_text(value));
            if hidden { Value::from(NOT_KEPT) } else { value.clone() }
        };
        Adjustment {
            requested: value(&change.requested),
            used: value(&change.used),
            ..change.clone()
        }
    };
    to_json(&adjustments.iter().map(kept).collect::<Vec<_>>())
}

/// A failure as it is answered.
pub(super) fn failure(error: &GenerationError) -> Answer {
    let problem = Problem::of_generation(error);
    Answer {
        status: i64::from(problem.status.as_u16()),
        body: problem.body().to_string(),
    }
}

/// What a candidate costs at the most.
fn price(candidate: &Candidate<'_>) -> i64 {
    candidate.resolved.estimate.total.0
}

/// What was answered, without the images.
fn answered(generated: &Generated) -> String {
    let data: Vec<Value> = generated
        .images
        .iter()
        .map(|delivered| json!({ "revised_prompt": delivered.revised_prompt }))
        .collect();
    json!({ "created": generated.created_at.as_second(), "data": data, "usage": generated.usage.map(|usage| json!(usage)) })
        .to_string()
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
            .map(|user| {
                user.chars()
                    .filter(|letter| *letter != '\0')
                    .take(END_USER_CHARS_MAX)
                    .collect()
            }),
        endpoint: order.endpoint.to_owned(),
        model: model.to_owned(),
        estimate_micros,
        adjustments,
        plan: "[]".to_owned(),
        request_size_bytes: i64::try_from(order.request_size_bytes).unwrap_or(i64::MAX),
        created_at,
        images: i64::from(order.request.n),
        durable: Durable {
            lease: None,
            idempotency_key: order.claim.as_ref().map(|claimed| claimed.claim.key.clone()),
            request_hash: order.request_hash.clone(),
            response_format: Some(order.response_format.as_str().to_owned()),
            webhook_url: order.request.webhook_url.clone(),
        },
    }
}

pub(super) fn completed(generated: &Generated, without_texts: bool, now: Timestamp) -> EndOfGeneration {
    let bytes: u64 = generated
        .images
        .iter()
        .map(|delivered| delivered.image.blob.len())
        .sum();
    EndOfGeneration {
        policy: None,
        status: Status::Completed,
        model: Some(generated.model.clone()),
        provider: Some(generated.provider.clone()),
        markup_micros: generated.markup.0,
        cost_micros: Some(generated.cost.0),
        cost_basis: serde_json::to_value(generated.cost_basis)
            .ok()
            .and_then(|basis| basis.as_str().map(ToOwned::to_owned)),
        cost_components: to_json(&generated.cost_components),
        adjustments: kept_changes(&generated.adjustments, without_texts),
        error_code: None,
        error_message: None,
        response_size_bytes: i64::try_from(bytes).ok(),
        answer: None,
        frees_claim: false,
        finished_at: now,
    }
}

pub(super) fn failed(error: &GenerationError, without_texts: bool, now: Timestamp) -> EndOfGeneration {
    let problem = Problem::of_generation(error);
    let status = match error {
        GenerationError::Request(_)
        | GenerationError::Model { .. }
        | GenerationError::NoRoute { .. }
        | GenerationError::Forbidden(_)
        | GenerationError::Denied(_)
        | GenerationError::Claimed
        | GenerationError::NoRoom(_)
        | GenerationError::Shortage(_) => Status::Rejected,
        GenerationError::Attempts { .. } if problem.status.is_client_error() && problem.status.as_u16() != 429 => {
            Status::Rejected
        }
        GenerationError::Attempts { .. } | GenerationError::TakenOver | GenerationError::Database(_) => {
            Status::UpstreamFailure
        }
    };
    let policy = match error {
        GenerationError::Denied(denial) => Some(denial.record(without_texts)),
        _ => None,
    };
    EndOfGeneration {
        policy,
        status,
        model: None,
        provider: None,
        markup_micros: 0,
        cost_micros: None,
        cost_basis: None,
        cost_components: "[]".to_owned(),
        adjustments: "[]".to_owned(),
        error_code: Some(problem.code.to_owned()),
        error_message: Some(problem.message),
        response_size_bytes: None,
        answer: None,
        frees_claim: false,
        finished_at: now,
    }
}
