//! What providers were paid for by day and model, for those who hold it against their bills.

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::Row;

use crate::db::{Database, DatabaseError};
use crate::ledger::{DAY_MICROS, date_of};

/// The calls of one day to one native model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentCalls {
    /// The day in UTC on which they began.
    pub day: Date,
    /// The provider's model id.
    pub model: String,
    /// What they cost at the provider, in millionths of a dollar: without the operator's mark-up.
    pub provider_micros: i64,
    /// Those that delivered.
    pub calls: i64,
    /// Those that delivered nothing and may have been billed.
    pub doubtful: i64,
}

impl Database {
    /// What calls to `provider` cost that began from `from` on and before `to`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn spent_calls(
        &self,
        provider: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SpentCalls>, DatabaseError> {
        // The mark-up is of the whole charge; each call bears its part. What nobody got is on record by its own posting,
        // and has no charge beside it.
        let rows = sqlx::query(
            "SELECT attempts.started_at / $4 AS day, attempts.model AS model, \
             CAST(COALESCE(SUM(CASE WHEN attempts.cost_micros IS NULL THEN 0 \
               WHEN markup.amount_micros IS NULL OR generations.cost_micros IS NULL OR generations.cost_micros = 0 THEN attempts.cost_micros \
               ELSE attempts.cost_micros - attempts.cost_micros * markup.amount_micros / generations.cost_micros END), 0) AS BIGINT) AS micros, \
             CAST(COALESCE(SUM(CASE WHEN attempts.outcome = 'succeeded' THEN 1 ELSE 0 END), 0) AS BIGINT) AS calls, \
             CAST(COALESCE(SUM(CASE WHEN attempts.outcome <> 'succeeded' AND attempts.spent <> 'no' THEN 1 ELSE 0 END), 0) AS BIGINT) AS doubtful \
             FROM attempts JOIN generations ON generations.id = attempts.generation_id \
             LEFT JOIN entries AS markup ON markup.posting_id = generations.id || '/charge' AND markup.book = 'markup' \
             WHERE attempts.provider = $1 AND attempts.started_at >= $2 AND attempts.started_at < $3 \
             GROUP BY attempts.started_at / $4, attempts.model ORDER BY 1, 2",
        )
        .bind(provider)
        .bind(from.as_microsecond())
        .bind(to.as_microsecond())
        .bind(DAY_MICROS)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let day: i64 = row.try_get("day")?;
                Ok(SpentCalls {
                    day: date_of(day).ok_or(DatabaseError::Content("day"))?,
                    model: row.try_get("model")?,
                    provider_micros: row.try_get("micros")?,
                    calls: row.try_get("calls")?,
                    doubtful: row.try_get("doubtful")?,
                })
            })
            .collect()
    }
}
