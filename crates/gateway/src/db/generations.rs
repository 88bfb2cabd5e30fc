//! Generations and their attempts.

mod attempts;
mod durable;
mod filter;
mod list;
mod payloads;
mod search;
mod spending;
mod summary;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::link::Link;
use super::{Database, DatabaseError, maybe_time, rows, time};

pub(super) use attempts::insert_attempts;
pub use attempts::{AttemptOutcome, AttemptRow};
pub use durable::{Answer, Awaited, BegunAttempt, FailedAttempt, Orphan, OrphanedAttempt};
pub(super) use durable::{
    adopt, begin_attempts, forget_calls, is_owned_by, is_worked_on_by, note_break, note_delivery, note_failure,
    note_handle, note_timings, withdraw,
};
pub use filter::{Cursor, EVERY_ACCOUNT, Filter, Search};
pub use payloads::Payloads;
pub(super) use payloads::{forget, id_list, insert_payloads};
pub use spending::{Grouping, Spending, SpendingFilter};
pub use summary::{DayOf, Summary, TOOK_OF_MAX, Took};

/// Where a generation stands, as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// In the place of a lease's end: its owner's beat says whether it lives. An older version, which goes by the end, leaves it
/// alone.
pub(super) const BY_BEAT: i64 = i64::MAX;

/// What is known when a generation begins.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The process.
    pub owner: String,
    /// When the generation must be done.
    pub deadline_at: Timestamp,
}

/// What is known when a generation ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndOfGeneration {
    /// What the operator's policy said, where it denied it, as JSON.
    #[serde(default)]
    pub policy: Option<String>,
    /// Final state.
    pub status: Status,
    /// The model of the first image, where it may be another one than was named.
    pub model: Option<String>,
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
    pub status: Status,
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
    /// What the operator's policy said, where it denied it, as JSON.
    pub policy: Option<String>,
    /// When its payloads were removed.
    pub payloads_purged_at: Option<Timestamp>,
    /// Where its time went, as JSON.
    pub timings: String,
}

const COLUMNS: &str = "id, account_id, key_id, client_request_id, session_id, trace_id, end_user, endpoint, model, status, created_at, \
     finished_at, estimate_micros, provider, cost_micros, markup_micros, cost_basis, cost_components, adjustments, error_code, \
     error_message, request_size_bytes, response_size_bytes, payloads_purged_at, idempotency_key, plan, timings, policy";

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
        status: rows::word(row, "status", &Status::ALL, Status::as_str)?,
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
        timings: row.try_get("timings")?,
        policy: row.try_get("policy")?,
    })
}

/// Inserts generations: those that begin, and those that were refused and have their end already.
pub(super) async fn insert(
    link: &mut Link,
    generations: &[(NewGeneration, Option<EndOfGeneration>)],
) -> Result<(), DatabaseError> {
    rows::insert(
        link,
        "generations",
        "id, account_id, key_id, client_request_id, session_id, trace_id, end_user, endpoint, model, created_at, estimate_micros, \
         request_size_bytes, adjustments, status, cost_components, finished_at, error_code, error_message, lease_owner, lease_until, \
         deadline_at, idempotency_key, request_hash, response_format, images, plan, policy",
        rows::ALL_NEW,
        generations,
        |(start, end)| {
            let end = end.as_ref();
            let durable = &start.durable;
            let lease = durable.lease.as_ref();
            [
                (&start.id).into(),
                (&start.account_id).into(),
                (&start.key_id).into(),
                start.client_request_id.as_deref().into(),
                start.session_id.as_deref().into(),
                start.trace_id.as_deref().into(),
                start.end_user.as_deref().into(),
                (&start.endpoint).into(),
                (&start.model).into(),
                start.created_at.as_microsecond().into(),
                start.estimate_micros.into(),
                start.request_size_bytes.into(),
                (&start.adjustments).into(),
                end.map_or(Status::Processing, |end| end.status).as_str().into(),
                "[]".into(),
                end.map(|end| end.finished_at.as_microsecond()).into(),
                end.and_then(|end| end.error_code.as_deref()).into(),
                end.and_then(|end| end.error_message.as_deref()).into(),
                lease.map(|lease| lease.owner.as_str()).into(),
                lease.map_or(0, |_| BY_BEAT).into(),
                lease.map_or(0, |lease| lease.deadline_at.as_microsecond()).into(),
                durable.idempotency_key.as_deref().into(),
                durable.request_hash.as_deref().into(),
                durable.response_format.as_deref().into(),
                start.images.into(),
                (&start.plan).into(),
                end.and_then(|end| end.policy.as_deref()).into(),
            ]
        },
    )
    .await
}

/// Whether there is a generation of that id.
pub(super) async fn exists(link: &mut Link, id: &str) -> Result<bool, DatabaseError> {
    let row = link
        .row("SELECT 1 FROM generations WHERE id = $1", &[id.into()])
        .await?;
    Ok(row.is_some())
}

/// Notes the end of a generation, which the process `owner` gave it.
pub(super) async fn end(link: &mut Link, id: &str, end: &EndOfGeneration, owner: &str) -> Result<(), DatabaseError> {
    let sql = "UPDATE generations SET status = $2, finished_at = $3, cost_micros = $4, cost_basis = $5, cost_components = $6, \
         adjustments = $7, error_code = $8, error_message = $9, response_size_bytes = $10, provider = $11, markup_micros = $12, \
         answer_status = $13, answer = $14, model = COALESCE($16, model), policy = $17, \
         lease_owner = CASE WHEN lease_owner IS NULL THEN NULL ELSE $15 END WHERE id = $1";
    let values = [
        id.into(),
        end.status.as_str().into(),
        end.finished_at.as_microsecond().into(),
        end.cost_micros.into(),
        end.cost_basis.as_deref().into(),
        (&end.cost_components).into(),
        (&end.adjustments).into(),
        end.error_code.as_deref().into(),
        end.error_message.as_deref().into(),
        end.response_size_bytes.into(),
        end.provider.as_deref().into(),
        end.markup_micros.into(),
        end.answer.as_ref().map(|answer| answer.status).into(),
        end.answer.as_ref().map(|answer| answer.body.as_str()).into(),
        owner.into(),
        end.model.as_deref().into(),
        end.policy.as_deref().into(),
    ];
    link.execute(sql, &values).await?;
    Ok(())
}

/// Ends a generation that nobody works on any more: what became of it is not known.
pub(super) async fn give_up(link: &mut Link, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
    let message = "The gateway stopped while this request was under way. What was held for it was given back.";
    let sql = "UPDATE generations SET status = $2, finished_at = $3, error_code = 'OUTCOME_UNKNOWN', error_message = $4 \
         WHERE id = $1 AND status = $5";
    let values = [
        id.into(),
        Status::UpstreamFailure.as_str().into(),
        now.as_microsecond().into(),
        message.into(),
        Status::Processing.as_str().into(),
    ];
    link.execute(sql, &values).await?;
    let sql =
        "UPDATE attempts SET outcome = 'failed', code = 'interrupted' WHERE generation_id = $1 AND outcome = 'running'";
    link.execute(sql, &[id.into()]).await?;
    Ok(())
}

impl Database {
    /// The generation of that id in an account.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn generation(&self, account_id: &str, id: &str) -> Result<Option<GenerationRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM generations WHERE id = $2 AND ($1 = '*' OR account_id = $1)"
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
}
