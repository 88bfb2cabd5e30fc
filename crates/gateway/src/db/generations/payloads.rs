//! What was asked and answered, for accounts that keep it, and forgetting it.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::Status;
use crate::db::{Database, DatabaseError};
use crate::ledger::DAY_MICROS;

/// What was asked and answered, as JSON, without images and secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payloads {
    /// What was asked.
    pub request: String,
    /// What was answered, if anything was.
    pub response: Option<String>,
}

impl Database {
    /// Keeps what was asked and answered, unless it was purged already: a purge may come as soon as the generation's end is
    /// noted.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_payloads(&self, generation_id: &str, payloads: &Payloads) -> Result<(), DatabaseError> {
        sqlx::query(
            "INSERT INTO payloads (generation_id, request, response) SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT) FROM generations \
             WHERE id = $1 AND payloads_purged_at IS NULL ON CONFLICT (generation_id) DO NOTHING",
        )
        .bind(generation_id)
        .bind(payloads.request.as_str())
        .bind(payloads.response.as_deref())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What was asked and answered.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn payloads(&self, generation_id: &str) -> Result<Option<Payloads>, DatabaseError> {
        let row: Option<(String, Option<String>)> =
            sqlx::query_as("SELECT request, response FROM payloads WHERE generation_id = $1")
                .bind(generation_id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(request, response)| Payloads { request, response }))
    }

    /// Forgets what was asked and answered. Returns whether it is the first time.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn purge_payloads(&self, generation_id: &str, now: Timestamp) -> Result<bool, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        sqlx::query("DELETE FROM payloads WHERE generation_id = $1")
            .bind(generation_id)
            .execute(&mut *transaction)
            .await?;
        // A failure's answer stays: it tells nothing of what was asked, and that it may have been paid for.
        let done = sqlx::query(
            "UPDATE generations SET payloads_purged_at = $2, answer = CASE WHEN status = $3 THEN NULL ELSE answer END \
             WHERE id = $1 AND payloads_purged_at IS NULL",
        )
        .bind(generation_id)
        .bind(now.as_microsecond())
        .bind(Status::Completed.as_str())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Removes up to `limit` ended generations that are older than their account keeps them, or than `days` where it does
    /// not say. Those with images that still live stay. The ledger keeps its postings. Returns how many there were.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_generations(&self, now: Timestamp, days: i64, limit: i64) -> Result<u64, DatabaseError> {
        let oldest = now.as_microsecond().saturating_sub(days.saturating_mul(DAY_MICROS));
        let mut transaction = self.begin_write().await?;
        // Named once, so that all tables lose the same ones: an image may end between two statements.
        let sql = format!(
            "SELECT generations.id FROM generations JOIN accounts ON accounts.id = account_id \
             WHERE generations.created_at < COALESCE($1 - log_retention_days * {DAY_MICROS}, $2) AND finished_at IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM media WHERE generation_id = generations.id) ORDER BY generations.created_at LIMIT $3"
        );
        let ids: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(now.as_microsecond())
            .bind(oldest)
            .bind(limit)
            .fetch_all(&mut *transaction)
            .await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let mut removed = 0;
        for (table, column) in [
            ("payloads", "generation_id"),
            ("attempts", "generation_id"),
            ("webhooks", "generation_id"),
            ("generations", "id"),
        ] {
            let sql = format!("DELETE FROM {table} WHERE {column} IN ({})", places.join(", "));
            let query = ids
                .iter()
                .fold(sqlx::query(AssertSqlSafe(sql)), |query, (id,)| query.bind(id.as_str()));
            removed = query.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(removed)
    }
}
