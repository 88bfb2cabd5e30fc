//! Removing images whose time is over.

use super::store::MediaStore;
use crate::clock::Clock;
use crate::db::Database;

/// Images removed at a time, so that no write waits long for them.
const BATCH: i64 = 20;

/// Removes images whose time is over.
///
/// # Errors
/// When the store or the database fails; what is left is found again.
pub async fn remove_expired(
    store: &MediaStore,
    database: &Database,
    clock: &Clock,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    loop {
        let expired = database.expired_media(clock.now(), BATCH).await?;
        if expired.is_empty() {
            return Ok(());
        }
        let mut removed = Vec::with_capacity(expired.len());
        for media in expired {
            // The file first: a row without a file is found again, a file without a row never.
            match store.delete(&media.path).await {
                Ok(()) => removed.push(media.id),
                Err(error) => {
                    tracing::warn!(media.id = %media.id, error = %error, "an expired image could not be removed");
                }
            }
        }
        // What cannot be removed now is tried again at the next look.
        if removed.is_empty() {
            return Ok(());
        }
        database.at_leisure(database.forget_media(removed)).await?;
    }
}
