//! From when on providers were served by emulators, or in truth.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Database, DatabaseError};

impl Database {
    /// Notes which providers are emulators, and which are not, from `now` on, as far as that is not known. What was before the
    /// first note of a provider is taken to have been as that says.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_services(&self, served: &[(&str, bool)], now: Timestamp) -> Result<(), DatabaseError> {
        let known = self.latest_services().await?;
        for (provider, sandbox) in served {
            let known = known.get(*provider);
            if known == Some(sandbox) {
                continue;
            }
            // Another replica that starts at the same moment notes the same.
            sqlx::query("INSERT INTO services (provider, since, sandbox) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(*provider)
                .bind(known.map_or(0, |_| now.as_microsecond()))
                .bind(i64::from(*sandbox))
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    /// Whether each provider is an emulator by its last note.
    async fn latest_services(&self) -> Result<HashMap<String, bool>, DatabaseError> {
        let rows = sqlx::query("SELECT provider, sandbox FROM services ORDER BY since")
            .fetch_all(&self.pool)
            .await?;
        let read = |row: &AnyRow| Ok((row.try_get("provider")?, row.try_get::<i64, _>("sandbox")? != 0));
        rows.iter().map(read).collect()
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
