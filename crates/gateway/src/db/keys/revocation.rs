//! The end of keys.

use jiff::Timestamp;

use crate::db::audit::{self, AuditRow};
use crate::db::{DEFAULT_ACCOUNT, Database, DatabaseError};

/// What came of revoking a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It works no more.
    Done,
    /// It was revoked before, or there is none of that id.
    Already,
    /// It was left, as no other key may do everything.
    LastAdmin,
}

impl Database {
    /// Revokes a key, with the line that tells of it. Returns whether there was one that was not revoked yet.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn revoke_key(&self, id: &str, now: Timestamp, told: Option<&AuditRow>) -> Result<bool, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id)
            .bind(now.as_microsecond())
            .execute(&mut *transaction)
            .await?;
        let is_done = done.rows_affected() > 0;
        if is_done {
            audit::insert(&mut transaction, told).await?;
        }
        transaction.commit().await?;
        Ok(is_done)
    }

    /// Revokes a key unless it is the last working one that may do everything.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn revoke_key_but_last_admin(
        &self,
        id: &str,
        now: Timestamp,
        told: Option<&AuditRow>,
    ) -> Result<Revocation, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        // One row that is always there, locked: of two admin keys, two callers at once cannot revoke one each.
        sqlx::query("UPDATE accounts SET held_micros = held_micros WHERE id = $1")
            .bind(DEFAULT_ACCOUNT)
            .execute(&mut *transaction)
            .await?;
        let sql = format!(
            "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL \
             AND (NOT ({}) OR EXISTS (SELECT 1 FROM api_keys AS other WHERE other.id <> $1 AND {}))",
            works_as_admin("api_keys"),
            works_as_admin("other"),
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .bind(now.as_microsecond())
            .execute(&mut *transaction)
            .await?;
        let left: Option<(i64,)> =
            sqlx::query_as("SELECT created_at FROM api_keys WHERE id = $1 AND revoked_at IS NULL")
                .bind(id)
                .fetch_optional(&mut *transaction)
                .await?;
        if done.rows_affected() > 0 {
            audit::insert(&mut transaction, told).await?;
        }
        transaction.commit().await?;
        Ok(if done.rows_affected() > 0 {
            Revocation::Done
        } else if left.is_some() {
            Revocation::LastAdmin
        } else {
            Revocation::Already
        })
    }
}

/// That a key of `table` may do everything, at the time `$2`.
fn works_as_admin(table: &str) -> String {
    format!(
        "',' || {table}.scopes || ',' LIKE '%,admin,%' AND {table}.revoked_at IS NULL \
         AND ({table}.expires_at IS NULL OR {table}.expires_at > $2)"
    )
}
