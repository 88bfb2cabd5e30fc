//! Generations and their attempts.

mod durable;
mod list;
mod payloads;
mod spending;

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Database, DatabaseError, maybe_time, rows, time};

pub use durable::{Answer, Awaited, BegunAttempt, FailedAttempt, Orphan, OrphanedAttempt};
pub(super) use durable::{begin_attempt, note_failure, note_handle};
pub use list::{Cursor, Filter, Summary};
pub use payloads::Payloads;
pub use spending::{Grouping, Spending, SpendingFilter};

/// Where a generation stands, as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Planned, nothing sent yet.
    Pending,
    /// Being executed.
    Processing,
    /// Delivered, at least in part.
    Completed,
    /// Every attempt failed.
    UpstreamFailure,
    /// Refused before anything was sent, or by a provider for the caller's fault.
    Rejected,
    /// Given up.
    Cancelled,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::UpstreamFailure,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// The name in tables and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::UpstreamFailure => "upstream_failure",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is known when a generation begins.
#[derive(Debug, Clone)]
pub struct NewGeneration {
    /// Id, made before the call.
    pub id: String,
    /// Account.
    pub account_id: String,
    /// API key.
    pub key_id: String,
    /// The caller's own request id.
    pub client_request_id: Option<String>,
    /// The caller's session.
    pub session_id: Option<String>,
    /// Trace id of the caller's `traceparent`.
    pub trace_id: Option<String>,
    /// The caller's end user.
    pub end_user: Option<String>,
    /// Path that was called.
    pub endpoint: String,
    /// Model.
    pub model: String,
    /// Estimate.
    pub estimate_micros: i64,
    /// Adjustments as JSON.
    pub adjustments: String,
    /// The candidates in order as JSON, and why each stood where it stood.
    pub plan: String,
    /// Body that came.
    pub request_size_bytes: i64,
    /// When.
    pub created_at: Timestamp,
    /// Images that are asked for; 0 when it is read from the log.
    pub images: i64,
    /// What lets others find and finish it.
    pub durable: Durable,
}

/// What lets another process finish a generation, and the caller find its answer again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durable {
    /// The process that works on it; `None` for one that has ended when it is noted.
    pub lease: Option<Lease>,
    /// The caller's own key for the request.
    pub idempotency_key: Option<String>,
    /// Hash of the request.
    pub request_hash: Option<String>,
    /// How its images are handed over.
    pub response_format: Option<String>,
    /// Where its end is told.
    pub webhook_url: Option<String>,
}

/// Who works on a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The process.
    pub owner: String,
    /// Until when it is taken to be alive unless it says so again.
    pub until: Timestamp,
    /// When the generation must be done.
    pub deadline_at: Timestamp,
}

/// What is known when a generation ends.
#[derive(Debug, Clone)]
pub struct EndOfGeneration {
    /// Final state.
    pub status: Status,
    /// The provider of the first image.
    pub provider: Option<String>,
    /// Charge.
    pub cost_micros: Option<i64>,
    /// The operator's part of the charge.
    pub markup_micros: i64,
    /// How the charge was found.
    pub cost_basis: Option<String>,
    /// Lines of the charge as JSON.
    pub cost_components: String,
    /// Adjustments as JSON.
    pub adjustments: String,
    /// Public error code.
    pub error_code: Option<String>,
    /// Public error text.
    pub error_message: Option<String>,
    /// Bytes of the images handed out.
    pub response_size_bytes: Option<i64>,
    /// What was answered, where somebody may ask for it again.
    pub answer: Option<Answer>,
    /// Whether the caller's own key for the request is free again: what cost nothing may simply be done anew.
    pub frees_claim: bool,
    /// When.
    pub finished_at: Timestamp,
}

/// A stored generation.
#[derive(Debug, Clone)]
pub struct GenerationRow {
    /// What was known at the beginning.
    pub start: NewGeneration,
    /// State.
    pub status: String,
    /// End.
    pub finished_at: Option<Timestamp>,
    /// The provider of the first image.
    pub provider: Option<String>,
    /// Charge.
    pub cost_micros: Option<i64>,
    /// The operator's part of the charge.
    pub markup_micros: i64,
    /// How the charge was found.
    pub cost_basis: Option<String>,
    /// Lines of the charge as JSON.
    pub cost_components: String,
    /// Public error code.
    pub error_code: Option<String>,
    /// Public error text.
    pub error_message: Option<String>,
    /// Bytes of the images handed out.
    pub response_size_bytes: Option<i64>,
    /// When its payloads were removed.
    pub payloads_purged_at: Option<Timestamp>,
}

/// One call to one provider.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Place among the generation's attempts, from 0.
    pub position: i64,
    /// Provider.
    pub provider: String,
    /// The provider's model id.
    pub model: String,
    /// `succeeded` or `failed`.
    pub outcome: String,
    /// Why it failed.
    pub code: Option<String>,
    /// `no`, `yes` or `unknown`.
    pub spent: String,
    /// The provider's HTTP status.
    pub http_status: Option<i64>,
    /// The provider's own id of the call.
    pub upstream_id: Option<String>,
    /// When.
    pub started_at: Timestamp,
    /// How long.
    pub duration_ms: i64,
    /// What it was charged, if it delivered.
    pub cost_micros: Option<i64>,
}

const COLUMNS: &str = "id, account_id, key_id, client_request_id, session_id, trace_id, end_user, endpoint, model, status, created_at, \
     finished_at, estimate_micros, provider, cost_micros, markup_micros, cost_basis, cost_components, adjustments, error_code, \
     error_message, request_size_bytes, response_size_bytes, payloads_purged_at, idempotency_key, plan";

fn read(row: &AnyRow) -> Result<GenerationRow, DatabaseError> {
    Ok(GenerationRow {
        start: NewGeneration {
            id: row.try_get("id")?,
            account_id: row.try_get("account_id")?,
            key_id: row.try_get("key_id")?,
            client_request_id: row.try_get("client_request_id")?,
            session_id: row.try_get("session_id")?,
            trace_id: row.try_get("trace_id")?,
            end_user: row.try_get("end_user")?,
            endpoint: row.try_get("endpoint")?,
            model: row.try_get("model")?,
            estimate_micros: row.try_get("estimate_micros")?,
            adjustments: row.try_get("adjustments")?,
            plan: row.try_get("plan")?,
            request_size_bytes: row.try_get("request_size_bytes")?,
            created_at: time(row.try_get("created_at")?, "created_at")?,
            images: 0,
            durable: Durable {
                idempotency_key: row.try_get("idempotency_key")?,
                ..Durable::default()
            },
        },
        status: row.try_get("status")?,
        finished_at: maybe_time(row.try_get("finished_at")?, "finished_at")?,
        provider: row.try_get("provider")?,
        cost_micros: row.try_get("cost_micros")?,
        markup_micros: row.try_get("markup_micros")?,
        cost_basis: row.try_get("cost_basis")?,
        cost_components: row.try_get("cost_components")?,
        error_code: row.try_get("error_code")?,
        error_message: row.try_get("error_message")?,
        response_size_bytes: row.try_get("response_size_bytes")?,
        payloads_purged_at: maybe_time(row.try_get("payloads_purged_at")?, "payloads_purged_at")?,
    })
}

/// Inserts generations: those that begin, and those that were refused and have their end already.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    generations: &[(NewGeneration, Option<EndOfGeneration>)],
) -> Result<(), DatabaseError> {
    rows::insert(
        connection,
        "generations",
        "id, account_id, key_id, client_request_id, session_id, trace_id, end_user, endpoint, model, created_at, estimate_micros, \
         request_size_bytes, adjustments, status, cost_components, finished_at, error_code, error_message, lease_owner, lease_until, \
         deadline_at, idempotency_key, request_hash, response_format, images, plan",
        rows::ALL_NEW,
        generations,
        |query, (start, end)| {
            let query = query.bind(start.id.as_str()).bind(start.account_id.as_str());
            let query = query.bind(start.key_id.as_str()).bind(start.client_request_id.as_deref());
            let query = query.bind(start.session_id.as_deref()).bind(start.trace_id.as_deref());
            let query = query.bind(start.end_user.as_deref()).bind(start.endpoint.as_str());
            let query = query.bind(start.model.as_str()).bind(start.created_at.as_microsecond());
            let query = query.bind(start.estimate_micros).bind(start.request_size_bytes);
            let end = end.as_ref();
            let status = end.map_or(Status::Processing, |end| end.status);
            let query = query.bind(start.adjustments.as_str()).bind(status.as_str()).bind("[]");
            let query = query.bind(end.map(|end| end.finished_at.as_microsecond()));
            let query = query.bind(end.and_then(|end| end.error_code.as_deref()));
            let query = query.bind(end.and_then(|end| end.error_message.as_deref()));
            let durable = &start.durable;
            let lease = durable.lease.as_ref();
            let query = query.bind(lease.map(|lease| lease.owner.as_str()));
            let query = query.bind(lease.map_or(0, |lease| lease.until.as_microsecond()));
            let query = query.bind(lease.map_or(0, |lease| lease.deadline_at.as_microsecond()));
            let query = query.bind(durable.idempotency_key.as_deref());
            let query = query.bind(durable.request_hash.as_deref());
            query.bind(durable.response_format.as_deref()).bind(start.images).bind(start.plan.as_str())
        },
    )
    .await
}

/// Inserts attempts as they ended, in the place of how they began.
pub(super) async fn insert_attempts(
    connection: &mut AnyConnection,
    attempts: &[(String, AttemptRow)],
) -> Result<(), DatabaseError> {
    rows::insert(
        connection,
        "attempts",
        "generation_id, position, provider, model, outcome, code, spent, http_status, upstream_id, started_at, duration_ms, cost_micros",
        // What a process noted of a failure before it died is known better than by the one that takes over.
        "ON CONFLICT (generation_id, position) DO UPDATE SET outcome = excluded.outcome, \
         code = CASE WHEN attempts.outcome = 'failed' THEN attempts.code ELSE excluded.code END, spent = excluded.spent, \
         http_status = excluded.http_status, upstream_id = excluded.upstream_id, \
         duration_ms = CASE WHEN attempts.outcome = 'failed' THEN attempts.duration_ms ELSE excluded.duration_ms END, \
         cost_micros = excluded.cost_micros, facts = NULL",
        attempts,
        |query, (generation_id, attempt)| {
            let query = query.bind(generation_id.as_str()).bind(attempt.position);
            let query = query.bind(attempt.provider.as_str()).bind(attempt.model.as_str());
            let query = query.bind(attempt.outcome.as_str()).bind(attempt.code.as_deref());
            let query = query.bind(attempt.spent.as_str()).bind(attempt.http_status);
            let query = query.bind(attempt.upstream_id.as_deref());
            let query = query.bind(attempt.started_at.as_microsecond());
            query.bind(attempt.duration_ms).bind(attempt.cost_micros)
        },
    )
    .await
}

/// Whether there is a generation of that id.
pub(super) async fn exists(connection: &mut AnyConnection, id: &str) -> Result<bool, DatabaseError> {
    let row = sqlx::query("SELECT 1 FROM generations WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Notes the end of a generation.
pub(super) async fn end(connection: &mut AnyConnection, id: &str, end: &EndOfGeneration) -> Result<(), DatabaseError> {
    sqlx::query(
        "UPDATE generations SET status = $2, finished_at = $3, cost_micros = $4, cost_basis = $5, cost_components = $6, \
         adjustments = $7, error_code = $8, error_message = $9, response_size_bytes = $10, provider = $11, markup_micros = $12, \
         answer_status = $13, answer = $14 WHERE id = $1",
    )
    .bind(id)
    .bind(end.status.as_str())
    .bind(end.finished_at.as_microsecond())
    .bind(end.cost_micros)
    .bind(end.cost_basis.as_deref())
    .bind(end.cost_components.as_str())
    .bind(end.adjustments.as_str())
    .bind(end.error_code.as_deref())
    .bind(end.error_message.as_deref())
    .bind(end.response_size_bytes)
    .bind(end.provider.as_deref())
    .bind(end.markup_micros)
    .bind(end.answer.as_ref().map(|answer| answer.status))
    .bind(end.answer.as_ref().map(|answer| answer.body.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a generation that nobody works on any more: what became of it is not known.
pub(super) async fn give_up(connection: &mut AnyConnection, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
    sqlx::query(
        "UPDATE generations SET status = $2, finished_at = $3, error_code = 'OUTCOME_UNKNOWN', error_message = $4 \
         WHERE id = $1 AND status = $5",
    )
    .bind(id)
    .bind(Status::UpstreamFailure.as_str())
    .bind(now.as_microsecond())
    .bind("The gateway stopped while this request was under way. What was held for it was given back.")
    .bind(Status::Processing.as_str())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE attempts SET outcome = 'failed', code = 'interrupted' WHERE generation_id = $1 AND outcome = 'running'",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

impl Database {
    /// The generation of that id in an account.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn generation(&self, account_id: &str, id: &str) -> Result<Option<GenerationRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM generations WHERE account_id = $1 AND id = $2"
        ));
        sqlx::query(sql)
            .bind(account_id)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// The attempts of a generation, in order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn attempts_of(&self, generation_id: &str) -> Result<Vec<AttemptRow>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT position, provider, model, outcome, code, spent, http_status, upstream_id, started_at, duration_ms, cost_micros \
             FROM attempts WHERE generation_id = $1 ORDER BY position",
        )
        .bind(generation_id)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AttemptRow {
                    position: row.try_get("position")?,
                    provider: row.try_get("provider")?,
                    model: row.try_get("model")?,
                    outcome: row.try_get("outcome")?,
                    code: row.try_get("code")?,
                    spent: row.try_get("spent")?,
                    http_status: row.try_get("http_status")?,
                    upstream_id: row.try_get("upstream_id")?,
                    started_at: time(row.try_get("started_at")?, "started_at")?,
                    duration_ms: row.try_get("duration_ms")?,
                    cost_micros: row.try_get("cost_micros")?,
                })
            })
            .collect()
    }
}
