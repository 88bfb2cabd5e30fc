//! Generations and their attempts.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Database, DatabaseError, time};

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
    /// Body that came.
    pub request_size_bytes: i64,
    /// When.
    pub created_at: Timestamp,
}

/// What is known when a generation ends.
#[derive(Debug, Clone)]
pub struct EndOfGeneration {
    /// Final state.
    pub status: Status,
    /// Charge.
    pub cost_micros: Option<i64>,
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
    /// Charge.
    pub cost_micros: Option<i64>,
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
}

/// Which generations to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of this API key.
    pub key_id: Option<String>,
    /// Only those in this state.
    pub status: Option<String>,
    /// Only those with this request id of the caller.
    pub client_request_id: Option<String>,
    /// Only those made at or after this time.
    pub created_after: Option<Timestamp>,
    /// Only those made at or before this time.
    pub created_before: Option<Timestamp>,
    /// Only those older than this id.
    pub starting_after: Option<String>,
    /// Only those newer than this id.
    pub ending_before: Option<String>,
}

const COLUMNS: &str = "id, account_id, key_id, client_request_id, session_id, trace_id, end_user, endpoint, model, status, created_at, \
     finished_at, estimate_micros, cost_micros, cost_basis, cost_components, adjustments, error_code, error_message, \
     request_size_bytes, response_size_bytes";

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
            request_size_bytes: row.try_get("request_size_bytes")?,
            created_at: time(row.try_get("created_at")?, "created_at")?,
        },
        status: row.try_get("status")?,
        finished_at: row
            .try_get::<Option<i64>, _>("finished_at")?
            .map(|micros| time(micros, "finished_at"))
            .transpose()?,
        cost_micros: row.try_get("cost_micros")?,
        cost_basis: row.try_get("cost_basis")?,
        cost_components: row.try_get("cost_components")?,
        error_code: row.try_get("error_code")?,
        error_message: row.try_get("error_message")?,
        response_size_bytes: row.try_get("response_size_bytes")?,
    })
}

impl Database {
    /// Notes a generation before anything is sent.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn begin_generation(&self, start: &NewGeneration) -> Result<(), DatabaseError> {
        sqlx::query(
            "INSERT INTO generations (id, account_id, key_id, client_request_id, session_id, trace_id, end_user, endpoint, model, \
             status, created_at, estimate_micros, cost_components, adjustments, request_size_bytes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '[]', $13, $14)",
        )
        .bind(start.id.as_str())
        .bind(start.account_id.as_str())
        .bind(start.key_id.as_str())
        .bind(start.client_request_id.as_deref())
        .bind(start.session_id.as_deref())
        .bind(start.trace_id.as_deref())
        .bind(start.end_user.as_deref())
        .bind(start.endpoint.as_str())
        .bind(start.model.as_str())
        .bind(Status::Processing.as_str())
        .bind(start.created_at.as_microsecond())
        .bind(start.estimate_micros)
        .bind(start.adjustments.as_str())
        .bind(start.request_size_bytes)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes the end of a generation and all of its attempts, in one transaction.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn end_generation(
        &self,
        id: &str,
        end: &EndOfGeneration,
        attempts: &[AttemptRow],
    ) -> Result<(), DatabaseError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "UPDATE generations SET status = $2, finished_at = $3, cost_micros = $4, cost_basis = $5, cost_components = $6, \
             adjustments = $7, error_code = $8, error_message = $9, response_size_bytes = $10 WHERE id = $1",
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
        .execute(&mut *transaction)
        .await?;
        for attempt in attempts {
            sqlx::query(
                "INSERT INTO attempts (generation_id, position, provider, model, outcome, code, spent, http_status, upstream_id, started_at, duration_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(id)
            .bind(attempt.position)
            .bind(attempt.provider.as_str())
            .bind(attempt.model.as_str())
            .bind(attempt.outcome.as_str())
            .bind(attempt.code.as_deref())
            .bind(attempt.spent.as_str())
            .bind(attempt.http_status)
            .bind(attempt.upstream_id.as_deref())
            .bind(attempt.started_at.as_microsecond())
            .bind(attempt.duration_ms)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

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

    /// Generations of an account that fit, newest first; with `ending_before`, those next to it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn generations(
        &self,
        account_id: &str,
        filter: &Filter,
        limit: i64,
    ) -> Result<Vec<GenerationRow>, DatabaseError> {
        let backwards = filter.ending_before.is_some();
        let (edge, direction) = if backwards { (">", "ASC") } else { ("<", "DESC") };
        // One text for all filters: an absent one is null and lets every row through.
        let sql = format!(
            "SELECT {COLUMNS} FROM generations WHERE account_id = $1 \
             AND (CAST($2 AS TEXT) IS NULL OR key_id = $2) AND (CAST($3 AS TEXT) IS NULL OR status = $3) \
             AND (CAST($4 AS TEXT) IS NULL OR client_request_id = $4) \
             AND (CAST($5 AS BIGINT) IS NULL OR created_at >= $5) AND (CAST($6 AS BIGINT) IS NULL OR created_at <= $6) \
             AND (CAST($7 AS TEXT) IS NULL OR id {edge} $7) ORDER BY id {direction} LIMIT $8"
        );
        let cursor = filter.ending_before.as_deref().or(filter.starting_after.as_deref());
        let mut rows: Vec<GenerationRow> = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(account_id)
            .bind(filter.key_id.as_deref())
            .bind(filter.status.as_deref())
            .bind(filter.client_request_id.as_deref())
            .bind(filter.created_after.map(Timestamp::as_microsecond))
            .bind(filter.created_before.map(Timestamp::as_microsecond))
            .bind(cursor)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect::<Result<_, _>>()?;
        if backwards {
            rows.reverse();
        }
        Ok(rows)
    }

    /// The attempts of a generation, in order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn attempts_of(&self, generation_id: &str) -> Result<Vec<AttemptRow>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT position, provider, model, outcome, code, spent, http_status, upstream_id, started_at, duration_ms \
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
                })
            })
            .collect()
    }
}
