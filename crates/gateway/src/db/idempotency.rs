//! Keys that callers give so that a request is done once, however often it comes.

use jiff::Timestamp;
use sqlx::Row;

use super::link::Link;
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
    /// The generation that answers for it; [`NOBODY`] when the last one cost nothing and those before it may have.
    pub generation_id: String,
    /// Generations before it that may have been paid for and gave no answer.
    pub unknown_outcomes: i64,
}

/// Stands for a generation where none has the key.
const NOBODY: &str = "";

impl Claimed {
    /// Whether no generation has the key, although there were some.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.generation_id == NOBODY
    }
}

/// Claims a key for a generation. Returns whether it was free, or was given up by `instead_of`.
pub(super) async fn claim(
    link: &mut Link,
    key_id: &str,
    generation_id: &str,
    claim: &Claim,
    instead_of: Option<&str>,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    let key = claim.key.as_str();
    let over = "DELETE FROM idempotency_keys WHERE key_id = $1 AND idempotency_key = $2 AND expires_at <= $3";
    link.execute(over, &[key_id.into(), key.into(), now.as_microsecond().into()])
        .await?;
    let done = match instead_of {
        None => {
            let sql = "INSERT INTO idempotency_keys (key_id, idempotency_key, request_hash, generation_id, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key_id, idempotency_key) DO NOTHING";
            let values = [
                key_id.into(),
                key.into(),
                (&claim.request_hash).into(),
                generation_id.into(),
                now.as_microsecond().into(),
                claim.expires_at.as_microsecond().into(),
            ];
            link.execute(sql, &values).await?
        }
        Some(before) => {
            let sql = "UPDATE idempotency_keys SET generation_id = $3, \
                 unknown_outcomes = unknown_outcomes + CASE WHEN $4 = '' THEN 0 ELSE 1 END \
                 WHERE key_id = $1 AND idempotency_key = $2 AND generation_id = $4";
            let values = [key_id.into(), key.into(), generation_id.into(), before.into()];
            link.execute(sql, &values).await?
        }
    };
    Ok(done > 0)
}

/// Frees the key of a generation that gave no answer and cost nothing: the next request with it starts afresh. What earlier
/// ones under it may have cost is not forgotten.
pub(super) async fn free(link: &mut Link, generation_id: &str) -> Result<(), DatabaseError> {
    let sql = "DELETE FROM idempotency_keys WHERE generation_id = $1 AND unknown_outcomes = 0";
    if link.execute(sql, &[generation_id.into()]).await? == 0 {
        let sql = "UPDATE idempotency_keys SET generation_id = $2 WHERE generation_id = $1";
        link.execute(sql, &[generation_id.into(), NOBODY.into()]).await?;
    }
    Ok(())
}

/// Forgets up to `limit` keys whose time is over. Returns how many there were.
pub(super) async fn forget(link: &mut Link, now: Timestamp, limit: i64) -> Result<u64, DatabaseError> {
    let sql = "DELETE FROM idempotency_keys WHERE (key_id, idempotency_key) IN \
         (SELECT key_id, idempotency_key FROM idempotency_keys WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    link.execute(sql, &[now.as_microsecond().into(), limit.into()]).await
}

impl Database {
    /// What a caller's key stands for.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn claimed(&self, key_id: &str, key: &str, now: Timestamp) -> Result<Option<Claimed>, DatabaseError> {
        let query = sqlx::query(
            "SELECT request_hash, generation_id, unknown_outcomes FROM idempotency_keys \
             WHERE key_id = $1 AND idempotency_key = $2 AND expires_at > $3",
        );
        let query = query.bind(key_id).bind(key).bind(now.as_microsecond());
        let row = self
            .in_time(async { Ok(query.fetch_optional(&self.pool).await?) })
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
}
