//! Calls to providers, as they ended.

use jiff::Timestamp;
use planner::failure::Spent;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::payloads::id_list;
use crate::db::link::Link;
use crate::db::{Database, DatabaseError, rows, time};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It has not ended, or nobody knows how.
    Running,
    /// It delivered.
    Succeeded,
    /// It did not.
    Failed,
}

impl AttemptOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Running, Self::Succeeded, Self::Failed];

    /// The name in tables and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// One call to one provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptRow {
    /// Place among the generation's attempts, from 0.
    pub position: i64,
    /// Provider.
    pub provider: String,
    /// The provider's model id.
    pub model: String,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    pub code: Option<String>,
    /// Whether it may have cost money.
    pub spent: Spent,
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
    /// What its failure says to the caller.
    #[serde(default)]
    pub message: Option<String>,
    /// What the provider said of it, for admins.
    #[serde(default)]
    pub excerpt: Option<String>,
}

/// Inserts attempts as they ended, in the place of how they began.
pub(in crate::db) async fn insert_attempts(
    link: &mut Link,
    attempts: &[(String, AttemptRow)],
) -> Result<(), DatabaseError> {
    rows::insert(
        link,
        "attempts",
        "generation_id, position, provider, model, outcome, code, spent, http_status, upstream_id, started_at, duration_ms, cost_micros, \
         message, excerpt",
        // What a process noted of a failure before it died is known better than by the one that takes over.
        "ON CONFLICT (generation_id, position) DO UPDATE SET outcome = excluded.outcome, \
         code = CASE WHEN attempts.outcome = 'failed' AND excluded.outcome = 'failed' THEN attempts.code ELSE excluded.code END, spent = excluded.spent, \
         http_status = excluded.http_status, upstream_id = excluded.upstream_id, \
         duration_ms = CASE WHEN attempts.outcome = 'failed' AND excluded.outcome = 'failed' THEN attempts.duration_ms ELSE excluded.duration_ms END, \
         cost_micros = excluded.cost_micros, message = CASE WHEN excluded.outcome = 'failed' THEN COALESCE(excluded.message, attempts.message) END, \
         excerpt = CASE WHEN excluded.outcome = 'failed' THEN COALESCE(excluded.excerpt, attempts.excerpt) END, facts = NULL",
        attempts,
        |(generation_id, attempt)| {
            [
                generation_id.into(),
                attempt.position.into(),
                (&attempt.provider).into(),
                (&attempt.model).into(),
                attempt.outcome.as_str().into(),
                attempt.code.as_deref().into(),
                attempt.spent.as_str().into(),
                attempt.http_status.into(),
                attempt.upstream_id.as_deref().into(),
                attempt.started_at.as_microsecond().into(),
                attempt.duration_ms.into(),
                attempt.cost_micros.into(),
                attempt.message.as_deref().into(),
                attempt.excerpt.as_deref().into(),
            ]
        },
    )
    .await
}

impl Database {
    /// The attempts of a generation, in order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn attempts_of(&self, generation_id: &str) -> Result<Vec<AttemptRow>, DatabaseError> {
        let ids = [generation_id.to_owned()];
        let found = self.attempts_of_all(&ids).await?;
        Ok(found.into_iter().map(|(_, attempt)| attempt).collect())
    }

    /// The attempts of several generations, those of one in their order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn attempts_of_all(&self, ids: &[String]) -> Result<Vec<(String, AttemptRow)>, DatabaseError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (list, _) = id_list(ids);
        let sql = format!(
            "SELECT generation_id, position, provider, model, outcome, code, spent, http_status, upstream_id, started_at, duration_ms, \
             cost_micros, message, excerpt FROM attempts WHERE generation_id IN ({list}) ORDER BY generation_id, position"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(id.as_str());
        }
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let generation_id: String = row.try_get("generation_id")?;
                let attempt = AttemptRow {
                    position: row.try_get("position")?,
                    provider: row.try_get("provider")?,
                    model: row.try_get("model")?,
                    outcome: rows::word(row, "outcome", &AttemptOutcome::ALL, AttemptOutcome::as_str)?,
                    code: row.try_get("code")?,
                    spent: rows::word(row, "spent", &Spent::ALL, Spent::as_str)?,
                    http_status: row.try_get("http_status")?,
                    upstream_id: row.try_get("upstream_id")?,
                    started_at: time(row.try_get("started_at")?, "started_at")?,
                    duration_ms: row.try_get("duration_ms")?,
                    cost_micros: row.try_get("cost_micros")?,
                    message: row.try_get("message")?,
                    excerpt: row.try_get("excerpt")?,
                };
                Ok((generation_id, attempt))
            })
            .collect()
    }
}
