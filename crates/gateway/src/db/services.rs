//! From when on providers were served by emulators, or in truth.

use jiff::Timestamp;
use sqlx::Row;

use super::{Database, DatabaseError};

impl Database {
    /// Notes how a provider is served from `now` on, unless that is known. What was before the first note is taken to have been
    /// as the note says.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_service(&self, provider: &str, sandbox: bool, now: Timestamp) -> Result<(), DatabaseError> {
        let known = self.was_sandbox(provider, now).await?;
        if known == Some(sandbox) {
            return Ok(());
        }
        let since = known.map_or(0, |_| now.as_microsecond());
        // Another replica that starts at the same moment notes the same.
        sqlx::query("INSERT INTO services (provider, since, sandbox) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(provider)
            .bind(since)
            .bind(i64::from(sandbox))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Whether a provider was an emulator at that time. `None`: it was never served.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn was_sandbox(&self, provider: &str, at: Timestamp) -> Result<Option<bool>, DatabaseError> {
        let row =
            sqlx::query("SELECT sandbox FROM services WHERE provider = $1 AND since <= $2 ORDER BY since DESC LIMIT 1")
                .bind(provider)
                .bind(at.as_microsecond())
                .fetch_optional(&self.pool)
                .await?;
        let sandbox = row.map(|row| row.try_get::<i64, _>("sandbox")).transpose()?;
        Ok(sandbox.map(|sandbox| sandbox != 0))
    }
}
