//! What survives the death of the process that works on a generation: who works on it, the jobs at providers, the answer.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::Status;
use crate::db::{Database, DatabaseError, time};

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: i64,
    /// The body without images, as JSON.
    pub body: String,
}

/// A generation as those see it who wait for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Id.
    pub id: String,
    /// State.
    pub status: String,
    /// Why it failed, if it did.
    pub error_code: Option<String>,
    /// How its images are handed over.
    pub response_format: Option<String>,
    /// What was answered.
    pub answer: Option<Answer>,
    /// Whether the last byte of it went out.
    pub is_delivered: bool,
}

impl Awaited {
    /// Whether its end is yet to come.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        [Status::Pending, Status::Processing]
            .iter()
            .any(|status| status.as_str() == self.status)
    }
}

/// A generation that a dead process left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Id.
    pub id: String,
    /// Account.
    pub account_id: String,
    /// API key.
    pub key_id: String,
    /// Model.
    pub model: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it had to be done.
    pub deadline_at: Timestamp,
    /// How its images are handed over.
    pub response_format: Option<String>,
    /// Images that were asked for; 0 where nobody noted it.
    pub images: i64,
}

/// A call of such a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanedAttempt {
    /// Its place among the attempts.
    pub position: i64,
    /// Provider.
    pub provider: String,
    /// The provider's model id.
    pub model: String,
    /// Whether the dead process told that it failed.
    pub failed: bool,
    /// Whether it told that it failed at no cost.
    pub failed_unspent: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// Where the provider's job is found again.
    pub handle: Option<String>,
    /// What is needed to finish it.
    pub facts: Option<String>,
}

/// Notes a call before it is made.
pub(in crate::db) async fn begin_attempt(
    connection: &mut AnyConnection,
    generation_id: &str,
    begun: &BegunAttempt,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "INSERT INTO attempts (generation_id, position, provider, model, outcome, spent, started_at, duration_ms, facts) \
         VALUES ($1, $2, $3, $4, 'running', 'unknown', $5, 0, $6) ON CONFLICT (generation_id, position) DO NOTHING",
    )
    .bind(generation_id)
    .bind(begun.position)
    .bind(begun.provider.as_str())
    .bind(begun.model.as_str())
    .bind(begun.started_at.as_microsecond())
    .bind(begun.facts.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunAttempt {
    /// Its place among the attempts.
    pub position: i64,
    /// Provider.
    pub provider: String,
    /// The provider's model id.
    pub model: String,
    /// When.
    pub started_at: Timestamp,
    /// What is needed to finish it, as JSON.
    pub facts: String,
}

/// A call that failed while its generation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// Its place among the attempts.
    pub position: i64,
    /// Why.
    pub code: &'static str,
    /// `no`, `yes` or `unknown`.
    pub spent: &'static str,
    /// How long it took.
    pub duration_ms: i64,
}

/// Notes that a call failed.
pub(in crate::db) async fn note_failure(
    connection: &mut AnyConnection,
    generation_id: &str,
    failed: &FailedAttempt,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "UPDATE attempts SET outcome = 'failed', code = $3, spent = $4, duration_ms = $5 \
         WHERE generation_id = $1 AND position = $2 AND outcome = 'running'",
    )
    .bind(generation_id)
    .bind(failed.position)
    .bind(failed.code)
    .bind(failed.spent)
    .bind(failed.duration_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes where the provider's job is found again.
pub(in crate::db) async fn note_handle(
    connection: &mut AnyConnection,
    generation_id: &str,
    position: i64,
    handle: &str,
) -> Result<(), DatabaseError> {
    sqlx::query("UPDATE attempts SET handle = $3 WHERE generation_id = $1 AND position = $2")
        .bind(generation_id)
        .bind(position)
        .bind(handle)
        .execute(connection)
        .await?;
    Ok(())
}

fn awaited(row: &AnyRow) -> Result<Awaited, DatabaseError> {
    let status: Option<i64> = row.try_get("answer_status")?;
    let body: Option<String> = row.try_get("answer")?;
    Ok(Awaited {
        id: row.try_get("id")?,
        status: row.try_get("status")?,
        error_code: row.try_get("error_code")?,
        response_format: row.try_get("response_format")?,
        answer: status.zip(body).map(|(status, body)| Answer { status, body }),
        is_delivered: row.try_get::<Option<i64>, _>("delivered_at")?.is_some(),
    })
}

const AWAITED: &str = "id, status, error_code, response_format, answer_status, answer, delivered_at";

impl Database {
    /// How a generation stands for those who wait for its answer.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn awaited(&self, id: &str) -> Result<Option<Awaited>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {AWAITED} FROM generations WHERE id = $1"));
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(awaited).transpose()
    }

    /// Gives the answer of one request of a key with this hash since `since` to the retry `count` of an SDK: each answer to
    /// one call's retries only. First comes one whose connection broke, then one that nobody is known to have, then the
    /// oldest that was sent, at last one under way. Returns its id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn adopt(
        &self,
        key_id: &str,
        request_hash: &str,
        since: Timestamp,
        count: i64,
    ) -> Result<Option<String>, DatabaseError> {
        let row: Option<(String,)> = sqlx::query_as(
            "UPDATE generations SET adopted_by = $4 WHERE id = (SELECT id FROM generations WHERE key_id = $1 AND request_hash = $2 \
             AND created_at >= $3 AND adopted_by < $4 AND (status = $5 OR answer IS NOT NULL) \
             ORDER BY CASE WHEN broken_at IS NOT NULL THEN 0 WHEN status = $5 THEN 3 WHEN delivered_at IS NULL THEN 1 ELSE 2 END, \
             adopted_by DESC, id LIMIT 1) AND adopted_by < $4 RETURNING id",
        )
        .bind(key_id)
        .bind(request_hash)
        .bind(since.as_microsecond())
        .bind(count)
        .bind(Status::Processing.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(id,)| id))
    }

    /// Notes that the connection broke on which the caller waited for the answer, or got it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_break(&self, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE generations SET broken_at = $2 WHERE id = $1 AND broken_at IS NULL")
            .bind(id)
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Notes that the caller got the answer.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_delivery(&self, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE generations SET delivered_at = $2 WHERE id = $1 AND delivered_at IS NULL")
            .bind(id)
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What is held for a generation, if it is held still.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn held(&self, generation_id: &str) -> Result<Option<i64>, DatabaseError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT amount_micros FROM reservations WHERE generation_id = $1 AND state = 'open'")
                .bind(generation_id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(amount,)| amount))
    }

    /// What was held for a generation when it began, whatever became of that.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn reserved(&self, generation_id: &str) -> Result<Option<i64>, DatabaseError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT amount_micros FROM reservations WHERE generation_id = $1")
            .bind(generation_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|(amount,)| amount))
    }

    /// Keeps what is held for a generation until `until` at the least.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn hold_until(&self, generation_id: &str, until: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query(
            "UPDATE reservations SET expires_at = $2 WHERE generation_id = $1 AND state = 'open' AND expires_at < $2",
        )
        .bind(generation_id)
        .bind(until.as_microsecond())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Candidates of a generation that may have cost something and gave no image. Calls of one candidate that are made at
    /// one time, for an image each, are one try.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn unknown_tries(&self, generation_id: &str) -> Result<i64, DatabaseError> {
        let (count,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM (SELECT DISTINCT provider, model FROM attempts \
             WHERE generation_id = $1 AND outcome <> 'succeeded' AND spent <> 'no') AS tries",
        )
        .bind(generation_id)
        .fetch_one(&self.pool)
        .await?;
        Ok(count)
    }

    /// Says that a process is alive, for all generations that it works on.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn renew_leases(&self, owner: &str, until: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE generations SET lease_until = $2 WHERE status = $3 AND lease_owner = $1")
            .bind(owner)
            .bind(until.as_microsecond())
            .bind(Status::Processing.as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes over up to `limit` generations of processes that are alive no more. Each goes to one process only. What is
    /// held for it stays held until `held_until` at the least.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn take_over(
        &self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        held_until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Orphan>, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let rows = sqlx::query(
            "UPDATE generations SET lease_owner = $1, lease_until = $3 WHERE id IN (SELECT id FROM generations \
             WHERE status = $4 AND lease_until <= $2 AND lease_owner <> $1 ORDER BY created_at LIMIT $5) \
             AND status = $4 AND lease_until <= $2 AND lease_owner <> $1 \
             RETURNING id, account_id, key_id, model, created_at, deadline_at, response_format, images",
        )
        .bind(owner)
        .bind(now.as_microsecond())
        .bind(until.as_microsecond())
        .bind(Status::Processing.as_str())
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await?;
        let orphans = rows
            .iter()
            .map(|row| {
                Ok(Orphan {
                    id: row.try_get("id")?,
                    account_id: row.try_get("account_id")?,
                    key_id: row.try_get("key_id")?,
                    model: row.try_get("model")?,
                    created_at: time(row.try_get("created_at")?, "created_at")?,
                    deadline_at: time(row.try_get("deadline_at")?, "deadline_at")?,
                    response_format: row.try_get("response_format")?,
                    images: row.try_get("images")?,
                })
            })
            .collect::<Result<Vec<Orphan>, DatabaseError>>()?;
        for orphan in &orphans {
            sqlx::query(
                "UPDATE reservations SET expires_at = $2 WHERE generation_id = $1 AND state = 'open' AND expires_at < $2",
            )
            .bind(orphan.id.as_str())
            .bind(held_until.as_microsecond())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(orphans)
    }

    /// The calls of a generation that a dead process left behind, in order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn orphaned_attempts(&self, generation_id: &str) -> Result<Vec<OrphanedAttempt>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT position, provider, model, outcome, spent, started_at, handle, facts FROM attempts WHERE generation_id = $1 ORDER BY position",
        )
        .bind(generation_id)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let failed = row.try_get::<String, _>("outcome")? == "failed";
                Ok(OrphanedAttempt {
                    position: row.try_get("position")?,
                    provider: row.try_get("provider")?,
                    model: row.try_get("model")?,
                    failed,
                    failed_unspent: failed && row.try_get::<String, _>("spent")? == "no",
                    started_at: time(row.try_get("started_at")?, "started_at")?,
                    handle: row.try_get("handle")?,
                    facts: row.try_get("facts")?,
                })
            })
            .collect()
    }
}
