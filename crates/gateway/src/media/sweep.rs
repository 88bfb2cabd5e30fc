//! Removing images whose time is over.

use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::store::MediaStore;
use crate::clock::Clock;
use crate::db::Database;

/// How often expired images are looked for: links end by themselves, this only frees space.
const PAUSE: Duration = Duration::from_secs(60);
/// Images removed at a time.
const BATCH: i64 = 100;

/// Removes expired images until the gateway stops.
pub async fn sweep(store: MediaStore, database: Database, clock: Clock, tasks: TaskTracker) {
    let mut ticks = tokio::time::interval(PAUSE);
    let mut closing = tokio::time::interval(Duration::from_millis(250));
    loop {
        tokio::select! {
            _ = closing.tick() => if tasks.is_closed() { return },
            _ = ticks.tick() => {
                if let Err(error) = remove_expired(&store, &database, &clock).await {
                    tracing::warn!(error = %error, "expired images could not be removed");
                }
            }
        }
    }
}

async fn remove_expired(
    store: &MediaStore,
    database: &Database,
    clock: &Clock,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    loop {
        let expired = database.expired_media(clock.now(), BATCH).await?;
        if expired.is_empty() {
            return Ok(());
        }
        let mut removed = 0;
        for media in expired {
            // The file first: a row without a file is found again, a file without a row never.
            match store.delete(&media.path).await {
                Ok(()) => {
                    database.delete_media(&media.id).await?;
                    removed += 1;
                }
                Err(error) => {
                    tracing::warn!(media.id = %media.id, error = %error, "an expired image could not be removed");
                }
            }
        }
        // What cannot be removed now is tried again at the next look.
        if removed == 0 {
            return Ok(());
        }
    }
}
