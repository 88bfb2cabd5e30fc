//! How calls went, for those who ask how fast and how reliable a provider is.

use jiff::Timestamp;
use sqlx::Row;

use super::{Database, DatabaseError};

/// One call that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedCall {
    /// The model.
    pub model: String,
    /// The provider.
    pub provider: String,
    /// Whether it delivered.
    pub succeeded: bool,
    /// The code of its failure.
    pub code: Option<String>,
    /// How long it took.
    pub duration_ms: i64,
}

impl Database {
    /// Calls that began at or after `since` and have ended, the latest first, at most `limit` of them. Of each provider only those
    /// since it is served as it is now: what an emulator did is no figure of the provider's.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn ended_calls(&self, since: Timestamp, limit: i64) -> Result<Vec<EndedCall>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT generations.model AS model, attempts.provider AS provider, attempts.outcome AS outcome, \
             attempts.code AS code, attempts.duration_ms AS duration_ms FROM attempts \
             JOIN generations ON generations.id = attempts.generation_id \
             WHERE attempts.started_at >= $1 AND attempts.outcome IN ('succeeded', 'failed') \
             AND attempts.started_at >= COALESCE((SELECT MAX(since) FROM services WHERE services.provider = attempts.provider), 0) \
             ORDER BY attempts.started_at DESC LIMIT $2",
        )
        .bind(since.as_microsecond())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let outcome: String = row.try_get("outcome")?;
                Ok(EndedCall {
                    model: row.try_get("model")?,
                    provider: row.try_get("provider")?,
                    succeeded: outcome == "succeeded",
                    code: row.try_get("code")?,
                    duration_ms: row.try_get("duration_ms")?,
                })
            })
            .collect()
    }
}
