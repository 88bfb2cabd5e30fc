//! Sessions of the site, and the keys of visitors.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::audit::{self, AuditRow};
use super::keys::{KeyLimits, NO_SECRET};
use super::ledger::{ALL_VISITORS, PoolLimits};
use super::{Database, DatabaseError, VISITORS_ACCOUNT, maybe_time, time};
use crate::ids::random_text;
use crate::ledger::Period;

/// Who has a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// Somebody without a key, who spends from the visitors' account.
    Visitor,
    /// Somebody who signed in with a key.
    SignedIn,
}

impl SessionKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::SignedIn => "signed_in",
        }
    }
}

/// A stored session. Its secret is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Hash of the secret in its cookie, as hexadecimal text.
    pub id: String,
    /// Who has it.
    pub kind: SessionKind,
    /// The key that it acts for.
    pub key_id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// A visitor's session to be made.
#[derive(Debug, Clone)]
pub struct NewVisitor {
    /// Hash of its secret.
    pub id: String,
    /// The pool of the address that it comes from.
    pub pool: String,
    /// What the pool may spend.
    pub pool_limits: PoolLimits,
    /// What the session may spend and how often it may ask.
    pub limits: KeyLimits,
}

/// What holds for visitors here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitorRules {
    /// Limits of a session.
    pub session: KeyLimits,
    /// Limits of an address.
    pub address: PoolLimits,
    /// Limits of all visitors.
    pub all: PoolLimits,
    /// Sessions that may begin at one address in any ten minutes.
    pub address_sessions: u32,
}

/// What is left of a visitor's budgets, in millionths of a dollar; `None`: without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VisitorBudget {
    /// Of the session's own.
    pub session_micros: Option<i64>,
    /// Of its address's, for this day.
    pub address_micros: Option<i64>,
    /// Of all visitors', for this day.
    pub visitors_micros: Option<i64>,
}

impl VisitorBudget {
    /// The least of them: what can be spent now.
    #[must_use]
    pub fn least(&self) -> Option<i64> {
        let all = [self.session_micros, self.address_micros, self.visitors_micros];
        all.into_iter().flatten().min()
    }
}

/// Letters of the id of a visitor's key.
const KEY_ID_CHARS: usize = 12;

fn read(row: &AnyRow) -> Result<SessionRow, DatabaseError> {
    Ok(SessionRow {
        id: row.try_get("id")?,
        kind: match row.try_get::<String, _>("kind")?.as_str() {
            "visitor" => SessionKind::Visitor,
            "signed_in" => SessionKind::SignedIn,
            _ => return Err(DatabaseError::Content("kind")),
        },
        key_id: row.try_get("key_id")?,
        created_at: time(row.try_get("created_at")?, "created_at")?,
        last_seen_at: time(row.try_get("last_seen_at")?, "last_seen_at")?,
        revoked_at: maybe_time(row.try_get("revoked_at")?, "revoked_at")?,
    })
}

impl Database {
    /// Sets what all visitors together may spend, and what each session and address may from now on.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn set_visitor_limits(
        &self,
        all: PoolLimits,
        address: PoolLimits,
        session: KeyLimits,
    ) -> Result<(), DatabaseError> {
        let mut transaction = self.begin_write().await?;
        set_pool(&mut transaction, ALL_VISITORS, all).await?;
        sqlx::query("UPDATE pools SET day_limit_micros = $2, concurrent_limit = $3 WHERE id <> $1")
            .bind(ALL_VISITORS)
            .bind(address.day_micros)
            .bind(address.concurrent)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE key_limits SET total_limit_micros = $1, concurrent_limit = $2, requests_per_minute = $3 WHERE address_pool IS NOT NULL",
        )
        .bind(session.total_micros)
        .bind(session.concurrent)
        .bind(session.requests_per_minute)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Makes a visitor's session and the key that it acts for.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_visitor(&self, visitor: &NewVisitor, now: Timestamp) -> Result<SessionRow, DatabaseError> {
        let key_id = random_text(KEY_ID_CHARS);
        let mut transaction = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO accounts (id, billing_type, stores_payloads, created_at) VALUES ($1, 'postpaid', 0, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(VISITORS_ACCOUNT)
        .bind(now.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        set_pool(&mut transaction, &visitor.pool, visitor.pool_limits).await?;
        sqlx::query(
            "INSERT INTO api_keys (id, account_id, name, secret_hash, last_four, scopes, created_at) VALUES ($1, $2, 'visitor', $3, '', 'generate', $4)",
        )
        .bind(key_id.as_str())
        .bind(VISITORS_ACCOUNT)
        .bind(NO_SECRET)
        .bind(now.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO key_limits (key_id, address_pool, total_limit_micros, concurrent_limit, requests_per_minute) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(key_id.as_str())
        .bind(visitor.pool.as_str())
        .bind(visitor.limits.total_micros)
        .bind(visitor.limits.concurrent)
        .bind(visitor.limits.requests_per_minute)
        .execute(&mut *transaction)
        .await?;
        let row = SessionRow {
            id: visitor.id.clone(),
            kind: SessionKind::Visitor,
            key_id,
            created_at: now,
            last_seen_at: now,
            revoked_at: None,
        };
        insert(&mut transaction, &row).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// Makes the session of somebody who signed in with a key, with the line that tells of it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_session(
        &self,
        id: &str,
        key_id: &str,
        now: Timestamp,
        told: &AuditRow,
    ) -> Result<SessionRow, DatabaseError> {
        let row = SessionRow {
            id: id.to_owned(),
            kind: SessionKind::SignedIn,
            key_id: key_id.to_owned(),
            created_at: now,
            last_seen_at: now,
            revoked_at: None,
        };
        let mut transaction = self.begin_write().await?;
        insert(&mut transaction, &row).await?;
        audit::insert(&mut transaction, Some(told)).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// The session of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn session(&self, id: &str) -> Result<Option<SessionRow>, DatabaseError> {
        let sql = "SELECT id, kind, key_id, created_at, last_seen_at, revoked_at FROM sessions WHERE id = $1";
        let row = self
            .in_time(async { Ok(sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?) })
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Sessions of who signed in, as far as they were used since `since` and not ended: the latest used first. Each with the
    /// name and account of its key.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn signed_in_sessions(
        &self,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<(SessionRow, String, String)>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT sessions.id AS id, kind, key_id, sessions.created_at AS created_at, last_seen_at, sessions.revoked_at AS \
             revoked_at, name, account_id FROM sessions JOIN api_keys ON api_keys.id = key_id WHERE kind = 'signed_in' AND \
             sessions.revoked_at IS NULL AND api_keys.revoked_at IS NULL AND last_seen_at > $1 ORDER BY last_seen_at DESC LIMIT $2",
        )
        .bind(since.as_microsecond())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let read = |row| Ok((read(row)?, row.try_get("name")?, row.try_get("account_id")?));
        rows.iter().map(read).collect()
    }

    /// Notes that a session is used.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn see_session(&self, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
            .bind(id)
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends a session of somebody who signed in, with the line that tells of it. Returns whether it went on until now.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn end_signed_in(&self, id: &str, now: Timestamp, told: &AuditRow) -> Result<bool, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND kind = 'signed_in'",
        )
        .bind(id)
        .bind(now.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        let was_on = done.rows_affected() > 0;
        if was_on {
            audit::insert(&mut transaction, Some(told)).await?;
        }
        transaction.commit().await?;
        Ok(was_on)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn revoke_session(&self, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id)
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What is left of the budgets of a visitor's key.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn visitor_budget(&self, key_id: &str, now: Timestamp) -> Result<VisitorBudget, DatabaseError> {
        let left = |pool: &str| {
            format!(
                "(SELECT day_limit_micros - CASE WHEN {pool}.day >= $2 THEN {pool}.day_used_micros ELSE 0 END FROM pools AS {pool} WHERE {pool}.id = "
            )
        };
        let sql = format!(
            "SELECT total_limit_micros - total_used_micros AS own, {}address_pool) AS address, {}$3) AS visitors FROM key_limits WHERE key_id = $1",
            left("a"),
            left("v"),
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(key_id)
            .bind(Period::of(now).day)
            .bind(ALL_VISITORS)
            .fetch_optional(&self.pool)
            .await?;
        let row = row.ok_or(DatabaseError::Content("key_limits"))?;
        let at_least_none = |micros: Option<i64>| micros.map(|micros| micros.max(0));
        Ok(VisitorBudget {
            session_micros: at_least_none(row.try_get("own")?),
            address_micros: at_least_none(row.try_get("address")?),
            visitors_micros: at_least_none(row.try_get("visitors")?),
        })
    }

    /// Removes up to `limit` sessions that were last used before `before`. Keys of visitors that never asked for anything go
    /// with them, as do pools that nobody counts in. Returns how many sessions there were.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_sessions(&self, before: Timestamp, limit: i64) -> Result<u64, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let old: Vec<(String, String)> =
            sqlx::query_as("SELECT id, key_id FROM sessions WHERE last_seen_at < $1 ORDER BY last_seen_at LIMIT $2")
                .bind(before.as_microsecond())
                .bind(limit)
                .fetch_all(&mut *transaction)
                .await?;
        const UNUSED: &str = "secret_hash = '-' AND NOT EXISTS (SELECT 1 FROM sessions WHERE key_id = $1) \
             AND NOT EXISTS (SELECT 1 FROM generations WHERE key_id = $1) AND NOT EXISTS (SELECT 1 FROM reservations WHERE key_id = $1)";
        for (id, key_id) in &old {
            sqlx::query("DELETE FROM sessions WHERE id = $1")
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await?;
            for sql in [
                format!(
                    "DELETE FROM key_limits WHERE key_id = $1 AND EXISTS (SELECT 1 FROM api_keys WHERE id = $1 AND {UNUSED})"
                ),
                format!("DELETE FROM api_keys WHERE id = $1 AND {UNUSED}"),
            ] {
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(key_id.as_str())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        sqlx::query(
            "DELETE FROM pools WHERE id <> $1 AND open_count = 0 AND day < $2 \
             AND NOT EXISTS (SELECT 1 FROM key_limits JOIN sessions ON sessions.key_id = key_limits.key_id WHERE address_pool = pools.id)",
        )
        .bind(ALL_VISITORS)
        .bind(Period::of(before).day)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(u64::try_from(old.len()).unwrap_or(0))
    }
}

type Connection = sqlx::AnyConnection;

async fn set_pool(connection: &mut Connection, id: &str, limits: PoolLimits) -> Result<(), DatabaseError> {
    sqlx::query(
        "INSERT INTO pools (id, day_limit_micros, concurrent_limit) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET day_limit_micros = $2, concurrent_limit = $3",
    )
    .bind(id)
    .bind(limits.day_micros)
    .bind(limits.concurrent)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert(connection: &mut Connection, row: &SessionRow) -> Result<(), DatabaseError> {
    sqlx::query("INSERT INTO sessions (id, kind, key_id, created_at, last_seen_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(row.id.as_str())
        .bind(row.kind.as_str())
        .bind(row.key_id.as_str())
        .bind(row.created_at.as_microsecond())
        .bind(row.last_seen_at.as_microsecond())
        .execute(connection)
        .await?;
    Ok(())
}
