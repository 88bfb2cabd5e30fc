//! What was asked and answered, for accounts that keep it, and forgetting it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Executor as _;

use super::Status;
use super::search::words;
use crate::db::audit::{self, AuditRow};
use crate::db::link::{Link, Value};
use crate::db::{Database, DatabaseError, Dialect, rows};
use crate::ledger::DAY_MICROS;

/// Days that the row of a request stays at the least, as who repeats a request is answered by it for so long: a key that has
/// nothing kept has no more than that.
const ROW_DAYS_MIN: i64 = 1;

/// What was asked and answered, as JSON, without images and secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payloads {
    /// What was asked.
    pub request: String,
    /// What was answered, if anything was.
    pub response: Option<String>,
}

/// Keeps what was asked and answered, unless it was purged already: a purge may come as soon as the generation's end is
/// noted.
pub(in crate::db) async fn insert_payloads(
    link: &mut Link,
    generation_id: &str,
    payloads: &Payloads,
) -> Result<(), DatabaseError> {
    let sql = "INSERT INTO payloads (generation_id, request, response) SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT) FROM generations \
         WHERE id = $1 AND payloads_purged_at IS NULL ON CONFLICT (generation_id) DO NOTHING";
    let values = [
        generation_id.into(),
        (&payloads.request).into(),
        payloads.response.as_deref().into(),
    ];
    if link.execute(sql, &values).await? == 0 {
        return Ok(());
    }
    // The prompt is found by its words as long as it is kept.
    let asked: serde_json::Value = serde_json::from_str(&payloads.request).unwrap_or_default();
    let words = words(asked["prompt"].as_str().unwrap_or_default());
    let sql = "SELECT created_at FROM generations WHERE id = $1";
    let Some(row) = link.row(sql, &[generation_id.into()]).await? else {
        return Ok(());
    };
    let created_at = row.number(0)?;
    let columns = "word, created_at, generation_id";
    let words: Vec<(String, &str)> = words.into_iter().map(|word| (word, generation_id)).collect();
    rows::insert(link, "request_words", columns, rows::IF_NEW, &words, |(word, id)| {
        [word.into(), created_at.into(), (*id).into()]
    })
    .await
}

/// `$1, $2` and so on, and the ids as values.
pub(in crate::db) fn id_list(ids: &[String]) -> (String, Vec<Value<'_>>) {
    let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    (places.join(", "), ids.iter().map(Value::from).collect())
}

/// Removes generations with all that belongs to them. The ledger keeps its postings. Returns how many there were.
pub(in crate::db) async fn forget(link: &mut Link, ids: &[String]) -> Result<u64, DatabaseError> {
    let (list, values) = id_list(ids);
    // An image may have been stored since they were chosen.
    let free = format!(
        "SELECT id FROM generations WHERE id IN ({list}) AND NOT EXISTS (SELECT 1 FROM media WHERE generation_id = generations.id)"
    );
    for table in ["payloads", "request_words", "attempts", "webhooks"] {
        let sql = format!("DELETE FROM {table} WHERE generation_id IN ({free})");
        link.execute(&sql, &values).await?;
    }
    let sql = format!("DELETE FROM generations WHERE id IN ({free})");
    link.execute(&sql, &values).await
}

impl Database {
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

    /// Forgets what was asked and answered, and what providers said of it, with the line that tells of it. What is forgotten
    /// leaves the database's files. Returns whether it is the first time.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn purge_payloads(
        &self,
        generation_id: &str,
        now: Timestamp,
        told: Option<&AuditRow>,
    ) -> Result<bool, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        if self.dialect == Dialect::Sqlite {
            // Asked for here alone: a connection that is opened while the database is locked would wait for it.
            transaction.execute("PRAGMA secure_delete = ON").await?;
        }
        sqlx::query("DELETE FROM payloads WHERE generation_id = $1")
            .bind(generation_id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM request_words WHERE generation_id = $1")
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
        sqlx::query("UPDATE attempts SET excerpt = NULL WHERE generation_id = $1 AND excerpt IS NOT NULL")
            .bind(generation_id)
            .execute(&mut *transaction)
            .await?;
        let is_first = done.rows_affected() > 0;
        if is_first {
            audit::insert(&mut transaction, told).await?;
        }
        transaction.commit().await?;
        self.leave_no_trace().await?;
        Ok(is_first)
    }

    /// Forgets whose request it was.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_user_of(&self, generation_id: &str) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE generations SET end_user = NULL WHERE id = $1")
            .bind(generation_id)
            .execute(&self.pool)
            .await?;
        self.leave_no_trace().await
    }

    /// The oldest generations that may be forgotten, found by index, account by account, and key by key where a key of the
    /// account has a time of its own, without holding up the writer.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(in crate::db) async fn old_generations(
        &self,
        now: Timestamp,
        days: i64,
        limit: i64,
    ) -> Result<Vec<String>, DatabaseError> {
        let accounts: Vec<(String, Option<i64>, i64)> = sqlx::query_as(
            "SELECT id, log_retention_days, (SELECT COUNT(*) FROM api_keys WHERE account_id = accounts.id \
             AND log_retention_days IS NOT NULL) FROM accounts ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut ids = Vec::new();
        for (account_id, own_days, keys) in accounts {
            let days = own_days.unwrap_or(days);
            let owners = if keys == 0 {
                vec![("account_id", account_id, days)]
            } else {
                self.keys_with_days(&account_id, days).await?
            };
            for (column, owner, days) in owners {
                let missing = limit - i64::try_from(ids.len()).unwrap_or(limit);
                if missing <= 0 {
                    return Ok(ids);
                }
                ids.extend(self.old_of(column, &owner, (now, days), missing).await?);
            }
        }
        Ok(ids)
    }

    /// The keys of an account, each with the days that its requests stay.
    async fn keys_with_days(
        &self,
        account_id: &str,
        days: i64,
    ) -> Result<Vec<(&'static str, String, i64)>, DatabaseError> {
        let keys: Vec<(String, Option<i64>)> =
            sqlx::query_as("SELECT id, log_retention_days FROM api_keys WHERE account_id = $1 ORDER BY id")
                .bind(account_id)
                .fetch_all(&self.pool)
                .await?;
        let of = |(id, own): (String, Option<i64>)| ("key_id", id, own.unwrap_or(days).max(ROW_DAYS_MIN));
        Ok(keys.into_iter().map(of).collect())
    }

    async fn old_of(
        &self,
        column: &str,
        owner: &str,
        (now, days): (Timestamp, i64),
        limit: i64,
    ) -> Result<Vec<String>, DatabaseError> {
        let oldest = now.as_microsecond().saturating_sub(days.saturating_mul(DAY_MICROS));
        let sql = format!(
            "SELECT id FROM generations WHERE {column} = $1 AND created_at < $2 AND finished_at IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM media WHERE generation_id = generations.id) ORDER BY created_at LIMIT $3"
        );
        let old: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(owner)
            .bind(oldest)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(old.into_iter().map(|(id,)| id).collect())
    }
}
