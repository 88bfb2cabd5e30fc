//! Keys that callers give so that a request is done once, however often it comes.

use jiff::Timestamp;
use sqlx::{AnyConnection, Row};

use super::{Database, DatabaseError};

/// A caller's key for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The caller's key.
    pub key: String,
    /// Hash of the request that it came with.
    pub request_hash: String,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Hash of the request that it came with first.
    pub request_hash: String,
    /// The generation that answers for it.
    pub generation_id: String,
    /// Generations before it that may have been paid for and gave no answer.
    pub unknown_outcomes: i64,
}

/// Claims a key for a generation. Returns whether it was free, or was given up by `instead_of`.
pub(super) async fn claim(
    connection: &mut AnyConnection,
    key_id: &str,
    generation_id: &str,
    claim: &Claim,
    instead_of: Option<&str>,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    sqlx::query("DELETE FROM idempotency_keys WHERE key_id = $1 AND idempotency_key = $2 AND expires_at <= $3")
        .bind(key_id)
        .bind(claim.key.as_str())
        .bind(now.as_microsecond())
        .execute(&mut *connection)
        .await?;
    let done = match instead_of {
        None => {
            sqlx::query(
                "INSERT INTO idempotency_keys (key_id, idempotency_key, request_hash, generation_id, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key_id, idempotency_key) DO NOTHING",
            )
            .bind(key_id)
            .bind(claim.key.as_str())
            .bind(claim.request_hash.as_str())
            .bind(generation_id)
            .bind(now.as_microsecond())
            .bind(claim.expires_at.as_microsecond())
            .execute(connection)
            .await?
        }
        Some(before) => {
            sqlx::query(
                "UPDATE idempotency_keys SET generation_id = $3, unknown_outcomes = unknown_outcomes + 1 \
                 WHERE key_id = $1 AND idempotency_key = $2 AND generation_id = $4",
            )
            .bind(key_id)
            .bind(claim.key.as_str())
            .bind(generation_id)
            .bind(before)
            .execute(connection)
            .await?
        }
    };
    Ok(done.rows_affected() > 0)
}

/// Frees the key of a generation that gave no answer and cost nothing: the next request with it starts afresh.
pub(super) async fn free(connection: &mut AnyConnection, generation_id: &str) -> Result<(), DatabaseError> {
    sqlx::query("DELETE FROM idempotency_keys WHERE generation_id = $1")
        .bind(generation_id)
        .execute(connection)
        .await?;
    Ok(())
}

impl Database {
    /// What a caller's key stands for.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn claimed(&self, key_id: &str, key: &str, now: Timestamp) -> Result<Option<Claimed>, DatabaseError> {
        let row = sqlx::query(
            "SELECT request_hash, generation_id, unknown_outcomes FROM idempotency_keys \
             WHERE key_id = $1 AND idempotency_key = $2 AND expires_at > $3",
        )
        .bind(key_id)
        .bind(key)
        .bind(now.as_microsecond())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Claimed {
                request_hash: row.try_get("request_hash")?,
                generation_id: row.try_get("generation_id")?,
                unknown_outcomes: row.try_get("unknown_outcomes")?,
            })
        })
        .transpose()
    }

    /// Forgets keys whose time is over.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn forget_claims(&self, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("DELETE FROM idempotency_keys WHERE expires_at <= $1")
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
