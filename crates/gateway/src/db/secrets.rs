//! Secrets that the gateway makes for itself, and those that they took the place of, which count until they end.

use jiff::Timestamp;

use super::audit::{self, AuditRow};
use super::{Database, DatabaseError, time};

/// Former secrets of one name that count at one time: every message would be signed by each.
pub const FORMER_MAX: usize = 4;

/// A secret and what counts beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnSecrets {
    /// The one that is in force.
    pub current: String,
    /// Those that still count, and until when; the one that ends last is the first.
    pub former: Vec<(String, Timestamp)>,
}

/// What became of a secret that was to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// Another is in force.
    Done,
    /// As many count as may.
    TooMany,
}

impl Database {
    /// The secret of that name; `fresh` becomes it when there is none yet.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn own_secret(&self, name: &str, fresh: &str) -> Result<String, DatabaseError> {
        sqlx::query("INSERT INTO own_secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.pool)
            .await?;
        let (value,): (String,) = sqlx::query_as("SELECT value FROM own_secrets WHERE name = $1")
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        Ok(value)
    }

    /// The same with those that it took the place of and that count at `now`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn own_secrets(&self, name: &str, fresh: &str, now: Timestamp) -> Result<OwnSecrets, DatabaseError> {
        let current = self.own_secret(name, fresh).await?;
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT value, ends_at FROM former_secrets WHERE name = $1 AND ends_at > $2 ORDER BY ends_at DESC",
        )
        .bind(name)
        .bind(now.as_microsecond())
        .fetch_all(&self.pool)
        .await?;
        let former = rows
            .into_iter()
            .map(|(value, ends_at)| Ok((value, time(ends_at, "ends_at")?)));
        Ok(OwnSecrets {
            current,
            former: former.collect::<Result<_, DatabaseError>>()?,
        })
    }

    /// Puts `fresh` in the place of the secret of that name, which counts until `ends_at` from then on; when that is over, all
    /// former ones end at once.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn rotate_secret(
        &self,
        name: &str,
        fresh: &str,
        (ends_at, now): (Timestamp, Timestamp),
        told: &AuditRow,
    ) -> Result<Rotated, DatabaseError> {
        let overlaps = ends_at > now;
        let mut transaction = self.begin_write().await?;
        // Another replica may be at it: what is read below is what that one leaves.
        sqlx::query("UPDATE own_secrets SET value = value WHERE name = $1")
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        // An overlap of nothing ends every one, the others only what is over.
        let over = if overlaps { now.as_microsecond() } else { i64::MAX };
        sqlx::query("DELETE FROM former_secrets WHERE name = $1 AND ends_at <= $2")
            .bind(name)
            .bind(over)
            .execute(&mut *transaction)
            .await?;
        if overlaps {
            let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM former_secrets WHERE name = $1")
                .bind(name)
                .fetch_one(&mut *transaction)
                .await?;
            if usize::try_from(count).unwrap_or(usize::MAX) >= FORMER_MAX {
                return Ok(Rotated::TooMany);
            }
            sqlx::query(
                "INSERT INTO former_secrets (name, value, ends_at) SELECT name, value, $1 FROM own_secrets WHERE name = $2",
            )
            .bind(ends_at.as_microsecond())
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query(
            "INSERT INTO own_secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(fresh)
        .execute(&mut *transaction)
        .await?;
        audit::insert(&mut transaction, Some(told)).await?;
        transaction.commit().await?;
        // What ended at once was ended for a reason.
        if !overlaps {
            self.leave_no_trace().await?;
        }
        Ok(Rotated::Done)
    }

    /// Removes former secrets that have ended.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_secrets(&self, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("DELETE FROM former_secrets WHERE ends_at <= $1")
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The time at which the last of all links that exist ends, if there is one; and the longest time that links of an account or
    /// a key last, in seconds, if one has a time of its own.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn ends_of_links(&self) -> Result<(Option<Timestamp>, Option<i64>), DatabaseError> {
        let (last,): (Option<i64>,) = sqlx::query_as("SELECT MAX(expires_at) FROM media")
            .fetch_one(&self.pool)
            .await?;
        let (longest,): (Option<i64>,) = sqlx::query_as(
            "SELECT MAX(media_ttl_s) FROM (SELECT media_ttl_s FROM accounts UNION ALL SELECT media_ttl_s FROM api_keys) AS own",
        )
            .fetch_one(&self.pool)
            .await?;
        Ok((last.map(|last| time(last, "expires_at")).transpose()?, longest))
    }
}
