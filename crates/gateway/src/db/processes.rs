//! Which processes are alive: each says so by a beat that it counts up, and others see whether it goes on.
//!
//! No clock is compared: who looks takes a process for dead when its beat stands still for as long as a lease lasts by the
//! looker's own stopwatch. So neither a clock that steps nor a database that was away for everybody ends a lease.

use jiff::Timestamp;
use sqlx::Row as _;

use super::generations::{BY_BEAT, Orphan, Status};
use super::ledger;
use super::link::Link;
use super::{Database, DatabaseError, Dialect, time};

/// That a generation was left behind by its process: `$1` is who looks, `$2` the time, for what an older version leased,
/// `$3` the state and `$4` [`BY_BEAT`].
const LEFT_BEHIND: &str = "status = $3 AND (lease_until <= $2 OR lease_until = $4) AND lease_owner <> $1 \
     AND NOT EXISTS (SELECT 1 FROM processes WHERE owner = lease_owner)";

/// A process and how often it has said that it is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beat {
    /// The process.
    pub(crate) owner: String,
    /// The count.
    pub(crate) beat: i64,
}

/// A process says that it is alive. One that was taken for dead is there again.
pub(super) async fn beat(link: &mut Link, owner: &str) -> Result<(), DatabaseError> {
    let sql = "INSERT INTO processes (owner, beat) VALUES ($1, 1) ON CONFLICT (owner) DO UPDATE SET beat = processes.beat + 1";
    link.execute(sql, &[owner.into()]).await?;
    Ok(())
}

/// A process is dead, unless its beat is not the one that stood still.
pub(super) async fn bury(link: &mut Link, owner: &str, beat: Option<i64>) -> Result<(), DatabaseError> {
    let sql = "DELETE FROM processes WHERE owner = $1 AND (CAST($2 AS BIGINT) IS NULL OR beat = $2)";
    link.execute(sql, &[owner.into(), beat.into()]).await?;
    Ok(())
}

/// Writes what changes nothing, which fails where any other write would.
pub(super) async fn probe(link: &mut Link, dialect: Dialect) -> Result<(), DatabaseError> {
    // On PostgreSQL a transaction needs no space on our side, and the row would be fought for by replicas.
    let sql = match dialect {
        Dialect::Sqlite => "UPDATE own_secrets SET value = value",
        Dialect::PostgreSql => "UPDATE own_secrets SET value = value WHERE name = ''",
    };
    link.execute(sql, &[]).await?;
    Ok(())
}

/// Takes over up to `limit` generations of processes that are alive no more. Each goes to one process only. What is held for
/// it stays held until `held_until` at the least.
pub(super) async fn take_over(
    link: &mut Link,
    owner: &str,
    now: Timestamp,
    held_until: Timestamp,
    limit: i64,
) -> Result<Vec<Orphan>, DatabaseError> {
    let sql = format!(
        "UPDATE generations SET lease_owner = $1, lease_until = $4 WHERE id IN (SELECT id FROM generations WHERE {LEFT_BEHIND} \
         ORDER BY created_at LIMIT $5) AND {LEFT_BEHIND} \
         RETURNING id, account_id, key_id, model, created_at, deadline_at, response_format, images"
    );
    let values = [
        owner.into(),
        now.as_microsecond().into(),
        Status::Processing.as_str().into(),
        BY_BEAT.into(),
        limit.into(),
    ];
    let mut orphans = Vec::new();
    for row in link.rows(&sql, &values).await? {
        let orphan = Orphan {
            id: row.text(0)?,
            account_id: row.text(1)?,
            key_id: row.text(2)?,
            model: row.text(3)?,
            created_at: time(row.number(4)?, "created_at")?,
            deadline_at: time(row.number(5)?, "deadline_at")?,
            response_format: row.maybe_text(6)?,
            images: row.number(7)?,
        };
        ledger::hold_until(link, &orphan.id, held_until).await?;
        orphans.push(orphan);
    }
    Ok(orphans)
}

impl Database {
    /// All processes that said they are alive, but this one.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn beats(&self) -> Result<Vec<Beat>, DatabaseError> {
        let rows = sqlx::query("SELECT owner, beat FROM processes WHERE owner <> $1")
            .bind(self.owner())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Beat {
                    owner: row.try_get("owner")?,
                    beat: row.try_get("beat")?,
                })
            })
            .collect()
    }

    /// Whether there is anything to take over. Most of the time there is not, and the writer need not be asked.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn has_orphans(&self, now: Timestamp) -> Result<bool, DatabaseError> {
        let sql = format!("SELECT id FROM generations WHERE {LEFT_BEHIND} LIMIT 1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.owner())
            .bind(now.as_microsecond())
            .bind(Status::Processing.as_str())
            .bind(BY_BEAT)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }
}
