//! Voters whose votes do not count.

use jiff::Timestamp;
use sqlx::Row;

use super::flag;
use crate::db::{Database, DatabaseError, maybe_time, time};

/// A voter who was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideRow {
    /// Who.
    pub voter: String,
    /// In which world.
    pub sandbox: bool,
    /// Why, in a word.
    pub reason: String,
    /// Why, in words.
    pub detail: String,
    /// How many votes there were when it was found.
    pub votes: i64,
    /// When.
    pub found_at: Timestamp,
    /// When the operator took the votes back in.
    pub restored_at: Option<Timestamp>,
}

impl Database {
    /// Sets a voter aside. One that is known already stays as it is, so that what an operator restored is not set aside anew.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn set_aside(&self, row: &AsideRow) -> Result<(), DatabaseError> {
        sqlx::query(
            "INSERT INTO arena_aside (voter, sandbox, reason, detail, votes, found_at, restored_at) \
             VALUES ($1, $2, $3, $4, $5, $6, NULL) ON CONFLICT (voter) DO NOTHING",
        )
        .bind(&row.voter)
        .bind(flag(row.sandbox))
        .bind(&row.reason)
        .bind(&row.detail)
        .bind(row.votes)
        .bind(row.found_at.as_microsecond())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Everybody who was set aside in a world, the newest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn aside(&self, sandbox: bool) -> Result<Vec<AsideRow>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT voter, reason, detail, votes, found_at, restored_at FROM arena_aside WHERE sandbox = $1 \
             ORDER BY found_at DESC, voter",
        )
        .bind(flag(sandbox))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AsideRow {
                    voter: row.try_get("voter")?,
                    sandbox,
                    reason: row.try_get("reason")?,
                    detail: row.try_get("detail")?,
                    votes: row.try_get("votes")?,
                    found_at: time(row.try_get("found_at")?, "found_at")?,
                    restored_at: maybe_time(row.try_get("restored_at")?, "restored_at")?,
                })
            })
            .collect()
    }

    /// Takes a voter's votes back in, or sets them aside again. Returns whether the voter was ever set aside.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn restore_voter(&self, voter: &str, restored_at: Option<Timestamp>) -> Result<bool, DatabaseError> {
        let done = sqlx::query("UPDATE arena_aside SET restored_at = $2 WHERE voter = $1")
            .bind(voter)
            .bind(restored_at.map(Timestamp::as_microsecond))
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
