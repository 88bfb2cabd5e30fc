//! API keys.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Database, DatabaseError, time};

/// A stored key. The secret itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Public part.
    pub id: String,
    /// Account that it belongs to.
    pub account_id: String,
    /// Name for people.
    pub name: String,
    /// Hash of the secret, as hexadecimal text.
    pub secret_hash: String,
    /// End of the secret, for people to tell keys apart.
    pub last_four: String,
    /// What it may do, separated by commas.
    pub scopes: String,
    /// How it gets images when a request does not say.
    pub response_format: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, account_id, name, secret_hash, last_four, scopes, response_format, created_at, revoked_at";

fn read(row: &AnyRow) -> Result<KeyRow, DatabaseError> {
    Ok(KeyRow {
        id: row.try_get("id")?,
        account_id: row.try_get("account_id")?,
        name: row.try_get("name")?,
        secret_hash: row.try_get("secret_hash")?,
        last_four: row.try_get("last_four")?,
        scopes: row.try_get("scopes")?,
        response_format: row.try_get("response_format")?,
        created_at: time(row.try_get("created_at")?, "created_at")?,
        revoked_at: row
            .try_get::<Option<i64>, _>("revoked_at")?
            .map(|micros| time(micros, "revoked_at"))
            .transpose()?,
    })
}

impl Database {
    /// Stores a new key.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_key(&self, key: &KeyRow) -> Result<(), DatabaseError> {
        sqlx::query(
            "INSERT INTO api_keys (id, account_id, name, secret_hash, last_four, scopes, response_format, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(key.id.as_str())
        .bind(key.account_id.as_str())
        .bind(key.name.as_str())
        .bind(key.secret_hash.as_str())
        .bind(key.last_four.as_str())
        .bind(key.scopes.as_str())
        .bind(key.response_format.as_deref())
        .bind(key.created_at.as_microsecond())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The key of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn key(&self, id: &str) -> Result<Option<KeyRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1"));
        sqlx::query(sql)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Every key, newest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn keys(&self) -> Result<Vec<KeyRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM api_keys ORDER BY created_at DESC, id"));
        sqlx::query(sql).fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Revokes a key. Returns whether there was one that still worked.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, DatabaseError> {
        let done = sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id)
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
