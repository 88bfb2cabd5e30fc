//! What requests that fit come to, by day and in all.

use sqlx::{AssertSqlSafe, Row as _};

use super::filter::{BY_TIME, Filter, IS_TROUBLE};
use super::search::{self, Way};
use crate::db::{Database, DatabaseError};
use crate::ledger::DAY_MICROS;

/// How many generations fit, and what they cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many.
    pub count: i64,
    /// Those that delivered.
    pub completed: i64,
    /// Those that ended without.
    pub failed: i64,
    /// What they cost in all.
    pub cost_micros: i64,
    /// How long those that delivered took, if there are some.
    pub took: Option<Took>,
    /// The same by day, the earliest first; only days with requests.
    pub days: Vec<DayOf>,
}

/// How long requests took, from when they came to their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// The median, in milliseconds.
    pub p50_ms: i64,
    /// What one in twenty exceeds, in milliseconds.
    pub p95_ms: i64,
    /// How many it is made of: the latest, at most [`TOOK_OF_MAX`].
    pub of: usize,
}

/// Requests that times are made of: enough for a twentieth of them to be many, and few enough to be read at once.
pub const TOOK_OF_MAX: usize = 10_000;

/// What a day's requests come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOf {
    /// The day in UTC, counted from 1970.
    pub day: i64,
    /// How many requests.
    pub count: i64,
    /// Those that delivered.
    pub completed: i64,
    /// Those that ended without.
    pub failed: i64,
    /// What they cost.
    pub cost_micros: i64,
}

impl Database {
    /// What the generations of an account that fit come to, whatever the page.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn summary(&self, account_id: &str, filter: &Filter) -> Result<Summary, DatabaseError> {
        let ways = self.ways(filter).await?;
        if ways.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Summary::default());
        }
        let mut conditions = filter.conditions(account_id, false, BY_TIME);
        if let Some(ways) = &ways {
            search::any(&mut conditions, ways);
        }
        let sql = format!(
            "SELECT generations.created_at / {DAY_MICROS} AS day, COUNT(*) AS count, \
             CAST(SUM(CASE WHEN generations.status = 'completed' THEN 1 ELSE 0 END) AS BIGINT) AS completed, \
             CAST(SUM(CASE WHEN {IS_TROUBLE} THEN 1 ELSE 0 END) AS BIGINT) AS failed, \
             CAST(COALESCE(SUM(generations.cost_micros), 0) AS BIGINT) AS cost FROM generations WHERE {} \
             GROUP BY generations.created_at / {DAY_MICROS} ORDER BY day",
            conditions.sql
        );
        let rows = conditions
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .fetch_all(&self.pool)
            .await?;
        let mut summary = Summary::default();
        for row in &rows {
            let day = DayOf {
                day: row.try_get("day")?,
                count: row.try_get("count")?,
                completed: row.try_get("completed")?,
                failed: row.try_get("failed")?,
                cost_micros: row.try_get("cost")?,
            };
            summary.count += day.count;
            summary.completed += day.completed;
            summary.failed += day.failed;
            summary.cost_micros += day.cost_micros;
            summary.days.push(day);
        }
        summary.took = self.took(account_id, filter, ways.as_deref()).await?;
        Ok(summary)
    }

    async fn took(
        &self,
        account_id: &str,
        filter: &Filter,
        ways: Option<&[Way]>,
    ) -> Result<Option<Took>, DatabaseError> {
        let mut conditions = filter.conditions(account_id, false, BY_TIME);
        if let Some(ways) = ways {
            search::any(&mut conditions, ways);
        }
        let sql = format!(
            "SELECT generations.finished_at - generations.created_at AS took FROM generations WHERE {} \
             AND generations.status = 'completed' AND generations.finished_at IS NOT NULL \
             ORDER BY generations.created_at DESC LIMIT {TOOK_OF_MAX}",
            conditions.sql
        );
        let rows = conditions
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .fetch_all(&self.pool)
            .await?;
        let mut times: Vec<i64> = rows.iter().map(|row| row.try_get("took")).collect::<Result<_, _>>()?;
        times.sort_unstable();
        let at = |part: usize| {
            times
                .get((times.len().saturating_sub(1) * part + 50) / 100)
                .map(|micros| micros / 1_000)
        };
        Ok(at(50).zip(at(95)).map(|(p50_ms, p95_ms)| Took {
            p50_ms,
            p95_ms,
            of: times.len(),
        }))
    }
}
