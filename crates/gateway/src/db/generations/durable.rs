//! What survives the death of the process that works on a generation: who works on it, the jobs at providers, the answer.

use jiff::Timestamp;
use planner::failure::Spent;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::Status;
use crate::db::link::Link;
use crate::db::{Database, DatabaseError, rows, time};

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub status: Status,
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
        matches!(self.status, Status::Pending | Status::Processing)
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
    /// Which of several credentials handed it in.
    pub credential: Option<String>,
    /// What is needed to finish it.
    pub facts: Option<String>,
}

/// Notes calls before they are made. One that was put on record too early is put in its place.
pub(in crate::db) async fn begin_attempts(
    link: &mut Link,
    calls: &[(String, BegunAttempt)],
) -> Result<(), DatabaseError> {
    rows::insert(
        link,
        "attempts",
        "generation_id, position, provider, model, outcome, spent, started_at, duration_ms, facts",
        "ON CONFLICT (generation_id, position) DO UPDATE SET provider = excluded.provider, model = excluded.model, \
         started_at = excluded.started_at, facts = excluded.facts WHERE attempts.outcome = 'running' AND attempts.handle IS NULL",
        calls,
        |(generation_id, begun)| {
            [
                generation_id.into(),
                begun.position.into(),
                (&begun.provider).into(),
                (&begun.model).into(),
                "running".into(),
                "unknown".into(),
                begun.started_at.as_microsecond().into(),
                0.into(),
                (&begun.facts).into(),
            ]
        },
    )
    .await
}

/// Whether a generation is under way and its owner is this process, or nobody.
pub(in crate::db) async fn is_worked_on_by(link: &mut Link, id: &str, owner: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT 1 FROM generations WHERE id = $1 AND status = $2 AND (lease_owner IS NULL OR lease_owner = $3)";
    let values = [id.into(), Status::Processing.as_str().into(), owner.into()];
    Ok(link.row(sql, &values).await?.is_some())
}

/// Whether nobody else than this process has had a generation last.
pub(in crate::db) async fn is_owned_by(link: &mut Link, id: &str, owner: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT 1 FROM generations WHERE id = $1 AND lease_owner <> $2";
    Ok(link.row(sql, &[id.into(), owner.into()]).await?.is_none())
}

/// Forgets calls that were put on record and never made.
pub(in crate::db) async fn forget_calls(
    link: &mut Link,
    generation_id: &str,
    positions: &[i64],
) -> Result<(), DatabaseError> {
    for position in positions {
        let sql = "DELETE FROM attempts WHERE generation_id = $1 AND position = $2 AND outcome = 'running'";
        link.execute(sql, &[generation_id.into(), (*position).into()]).await?;
    }
    Ok(())
}

/// Ends a generation whose caller was told that it cannot begin: nothing was sent.
pub(in crate::db) async fn withdraw(link: &mut Link, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
    let sql = "UPDATE generations SET status = $2, finished_at = $3, error_code = 'OVERLOADED', error_message = $4 \
         WHERE id = $1 AND status = $5";
    let values = [
        id.into(),
        Status::Rejected.as_str().into(),
        now.as_microsecond().into(),
        "The gateway could not write its books in time. Nothing was spent.".into(),
        Status::Processing.as_str().into(),
    ];
    link.execute(sql, &values).await?;
    let sql = "DELETE FROM attempts WHERE generation_id = $1";
    link.execute(sql, &[id.into()]).await?;
    Ok(())
}

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Its place among the attempts.
    pub position: i64,
    /// Why.
    pub code: String,
    /// Whether it may have cost money.
    pub spent: Spent,
    /// How long it took.
    pub duration_ms: i64,
    /// What it says to the caller.
    #[serde(default)]
    pub message: Option<String>,
    /// What the provider said, for admins.
    #[serde(default)]
    pub excerpt: Option<String>,
}

/// Notes that a call failed.
pub(in crate::db) async fn note_failure(
    link: &mut Link,
    generation_id: &str,
    failed: &FailedAttempt,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE attempts SET outcome = 'failed', code = $3, spent = $4, duration_ms = $5, message = $6, excerpt = $7 \
         WHERE generation_id = $1 AND position = $2 AND outcome = 'running'";
    let values = [
        generation_id.into(),
        failed.position.into(),
        (&failed.code).into(),
        failed.spent.as_str().into(),
        failed.duration_ms.into(),
        failed.message.as_deref().into(),
        failed.excerpt.as_deref().into(),
    ];
    link.execute(sql, &values).await?;
    Ok(())
}

/// Notes where the provider's job is found again, and by which of several credentials.
pub(in crate::db) async fn note_handle(
    link: &mut Link,
    generation_id: &str,
    position: i64,
    handle: &str,
    credential: Option<&str>,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE attempts SET handle = $3, credential = $4 WHERE generation_id = $1 AND position = $2";
    let values = [generation_id.into(), position.into(), handle.into(), credential.into()];
    link.execute(sql, &values).await?;
    Ok(())
}

/// Notes where a generation's time went, as JSON.
pub(in crate::db) async fn note_timings(link: &mut Link, id: &str, timings: &str) -> Result<(), DatabaseError> {
    let sql = "UPDATE generations SET timings = $2 WHERE id = $1";
    link.execute(sql, &[id.into(), timings.into()]).await?;
    Ok(())
}

/// Notes that the caller got the answer.
pub(in crate::db) async fn note_delivery(link: &mut Link, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
    let sql = "UPDATE generations SET delivered_at = $2 WHERE id = $1 AND delivered_at IS NULL";
    link.execute(sql, &[id.into(), now.as_microsecond().into()]).await?;
    Ok(())
}

/// Notes that the connection broke on which the caller waited for the answer, or got it.
pub(in crate::db) async fn note_break(link: &mut Link, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
    let sql = "UPDATE generations SET broken_at = $2 WHERE id = $1 AND broken_at IS NULL";
    link.execute(sql, &[id.into(), now.as_microsecond().into()]).await?;
    Ok(())
}

/// Gives an answer to the retry `count` of an SDK, as [`Database::adopt`] says. A failure that cost nothing is none: it is tried
/// anew.
pub(in crate::db) async fn adopt(
    link: &mut Link,
    key_id: &str,
    request_hash: &str,
    since: Timestamp,
    count: i64,
) -> Result<Option<String>, DatabaseError> {
    let sql = "UPDATE generations SET adopted_by = $4 WHERE id = (SELECT id FROM generations WHERE key_id = $1 AND request_hash = $2 \
         AND created_at >= $3 AND adopted_by < $4 AND (status = $5 OR answer IS NOT NULL AND (status = $6 OR EXISTS \
         (SELECT 1 FROM attempts WHERE generation_id = generations.id AND spent <> 'no'))) \
         ORDER BY CASE WHEN broken_at IS NOT NULL THEN 0 WHEN status = $5 THEN 3 WHEN delivered_at IS NULL THEN 1 ELSE 2 END, \
         adopted_by DESC, id LIMIT 1) AND adopted_by < $4 RETURNING id";
    let values = [
        key_id.into(),
        request_hash.into(),
        since.as_microsecond().into(),
        count.into(),
        Status::Processing.as_str().into(),
        Status::Completed.as_str().into(),
    ];
    let row = link.row(sql, &values).await?;
    row.map(|row| row.text(0)).transpose()
}

fn awaited(row: &AnyRow) -> Result<Awaited, DatabaseError> {
    let status: Option<i64> = row.try_get("answer_status")?;
    let body: Option<String> = row.try_get("answer")?;
    Ok(Awaited {
        id: row.try_get("id")?,
        status: rows::word(row, "status", &Status::ALL, Status::as_str)?,
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
        let row = self
            .in_time(async { Ok(sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?) })
            .await?;
        row.as_ref().map(awaited).transpose()
    }

    /// Whether the process that had a generation last is another one, and alive.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn is_worked_on_elsewhere(&self, generation_id: &str) -> Result<bool, DatabaseError> {
        let sql = "SELECT generations.id FROM generations JOIN processes ON owner = lease_owner \
             WHERE generations.id = $1 AND owner <> $2";
        let query = sqlx::query(sql).bind(generation_id).bind(self.owner());
        let row = self
            .in_time(async { Ok(query.fetch_optional(&self.pool).await?) })
            .await?;
        Ok(row.is_some())
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

    /// Candidates of a generation that may have cost something and gave no image. Calls of one candidate that are made at
    /// one time, for an image each, are one try.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn unknown_tries(&self, generation_id: &str) -> Result<i64, DatabaseError> {
        let query = sqlx::query_as(
            "SELECT COUNT(*) FROM (SELECT DISTINCT provider, model FROM attempts \
             WHERE generation_id = $1 AND outcome <> 'succeeded' AND spent <> 'no') AS tries",
        );
        let query = query.bind(generation_id);
        let (count,): (i64,) = self.in_time(async { Ok(query.fetch_one(&self.pool).await?) }).await?;
        Ok(count)
    }

    /// The same over all requests of a key with this hash since `since` whose outcome is unknown.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn unknown_tries_since(
        &self,
        key_id: &str,
        request_hash: &str,
        since: Timestamp,
    ) -> Result<i64, DatabaseError> {
        let query = sqlx::query_as(
            "SELECT COUNT(*) FROM (SELECT DISTINCT generation_id, attempts.provider, attempts.model FROM attempts \
             JOIN generations ON generations.id = generation_id WHERE key_id = $1 AND request_hash = $2 \
             AND generations.created_at >= $3 AND error_code = 'OUTCOME_UNKNOWN' AND outcome <> 'succeeded' AND spent <> 'no') AS tries",
        );
        let query = query.bind(key_id).bind(request_hash).bind(since.as_microsecond());
        let (count,): (i64,) = self.in_time(async { Ok(query.fetch_one(&self.pool).await?) }).await?;
        Ok(count)
    }

    /// The calls of a generation that a dead process left behind, in order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn orphaned_attempts(&self, generation_id: &str) -> Result<Vec<OrphanedAttempt>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT position, provider, model, outcome, spent, started_at, handle, credential, facts FROM attempts WHERE generation_id = $1 ORDER BY position",
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
                    credential: row.try_get("credential")?,
                    facts: row.try_get("facts")?,
                })
            })
            .collect()
    }
}
