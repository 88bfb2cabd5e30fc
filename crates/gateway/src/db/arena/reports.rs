//! What people report of pictures on show.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use crate::db::{Database, DatabaseError, rows, time};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// The operator has not looked at it.
    Waiting,
    /// The picture was taken down.
    Upheld,
    /// The picture stays.
    Dismissed,
}

impl ReportState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Upheld, Self::Dismissed];

    /// The name in tables and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Id.
    pub id: String,
    /// The picture.
    pub exhibit_id: String,
    /// Who, as voters are told apart.
    pub reporter: String,
    /// What is wrong with it.
    pub reason: String,
    /// Where it stands.
    pub state: ReportState,
    /// When.
    pub created_at: Timestamp,
}

/// A query for the reports that meet a condition.
fn select(condition: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "SELECT id, exhibit_id, reporter, reason, state, created_at FROM exhibit_reports WHERE {condition}"
    ))
}

fn read(row: &AnyRow) -> Result<ReportRow, DatabaseError> {
    Ok(ReportRow {
        id: row.try_get("id")?,
        exhibit_id: row.try_get("exhibit_id")?,
        reporter: row.try_get("reporter")?,
        reason: row.try_get("reason")?,
        state: rows::word(row, "state", &ReportState::ALL, ReportState::as_str)?,
        created_at: time(row.try_get("created_at")?, "created_at")?,
    })
}

impl Database {
    /// Notes a report. Returns whether it is this person's first on that picture.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_report(&self, row: &ReportRow) -> Result<bool, DatabaseError> {
        let done = sqlx::query(
            "INSERT INTO exhibit_reports (id, exhibit_id, reporter, reason, state, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.exhibit_id)
        .bind(&row.reporter)
        .bind(&row.reason)
        .bind(row.state.as_str())
        .bind(row.created_at.as_microsecond())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The report of a picture by somebody.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn report_by(&self, reporter: &str, exhibit_id: &str) -> Result<Option<ReportRow>, DatabaseError> {
        let query = sqlx::query(select("exhibit_id = $1 AND reporter = $2"))
            .bind(exhibit_id)
            .bind(reporter);
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// How many somebody has made since `since`, and how many wait in all.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn count_reports(&self, reporter: &str, since: Timestamp) -> Result<(i64, i64), DatabaseError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM exhibit_reports WHERE reporter = $1 AND created_at >= $2) AS own, \
             (SELECT COUNT(*) FROM exhibit_reports WHERE state = $3) AS waiting",
        )
        .bind(reporter)
        .bind(since.as_microsecond())
        .bind(ReportState::Waiting.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok((row.try_get("own")?, row.try_get("waiting")?))
    }

    /// Up to `limit` reports in a state, the newest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn reports(&self, state: ReportState, limit: i64) -> Result<Vec<ReportRow>, DatabaseError> {
        let sql = select("state = $1 ORDER BY created_at DESC, id LIMIT $2");
        let query = sqlx::query(sql).bind(state.as_str()).bind(limit);
        query.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// The report of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn report(&self, id: &str) -> Result<Option<ReportRow>, DatabaseError> {
        let query = sqlx::query(select("id = $1")).bind(id);
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// Answers every report of a picture that waits: the picture was looked at.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn answer_reports(&self, exhibit_id: &str, state: ReportState) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE exhibit_reports SET state = $2 WHERE exhibit_id = $1 AND state = $3")
            .bind(exhibit_id)
            .bind(state.as_str())
            .bind(ReportState::Waiting.as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
