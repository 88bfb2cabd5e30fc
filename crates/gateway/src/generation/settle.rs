//! The end of a generation, where another process may have taken it over because this one stood still.

use std::time::Duration;

use tokio::time::timeout;

use super::{Generated, Generator, Order};
use crate::db::DatabaseError;
use crate::db::generations::Status;
use crate::db::media::MediaRow;
use crate::outcome::GenerationError;

/// How long one look for the end that another process gives waits to be woken.
const LOOK: Duration = Duration::from_millis(250);

impl Generator {
    /// Puts the end on record. A generation that was taken over ends as the other process says; only when that found no image
    /// is what this one made the answer.
    pub(super) async fn settle(
        &self,
        order: &Order,
        result: Result<Generated, GenerationError>,
        unmade: &[i64],
    ) -> Result<Generated, GenerationError> {
        // With its images: those that were noted while another process had it were refused.
        let media = result.as_ref().map(stored_rows).unwrap_or_default();
        match self.record_end(order, &result, unmade, media.clone()).await {
            Err(DatabaseError::TakenOver) => {}
            recorded => return noted(result, recorded),
        }
        tracing::warn!("another process has taken this generation over");
        let is_completed = self.ended_elsewhere(&order.id).await;
        if !is_completed && media.is_empty() && result.is_err() {
            return result;
        }
        if !is_completed {
            match self.record_end(order, &result, unmade, media.clone()).await {
                Err(DatabaseError::TakenOver) => {}
                recorded => return noted(result, recorded),
            }
        }
        if let Ok(generated) = &result {
            generated.sending().iter().for_each(|file| file.remove());
        }
        for row in &media {
            // What cannot be removed now is swept.
            let _ = self.store.delete(&row.path).await;
        }
        // A stream cannot be begun anew with the other's images, and nobody asks for it again.
        if order.request.stream {
            return result;
        }
        Err(GenerationError::TakenOver)
    }

    /// Waits until the process that has a generation ends it. Whether it gave images.
    async fn ended_elsewhere(&self, id: &str) -> bool {
        let end = self.ends.of(id);
        loop {
            let woken = end.told();
            match self.database.awaited(id).await {
                Ok(Some(found)) if !found.is_under_way() => return found.status == Status::Completed,
                Ok(None) => return false,
                // Whoever has it ends it, or dies and is followed by another one.
                Ok(Some(_)) | Err(_) => drop(timeout(LOOK, woken).await),
            }
        }
    }
}

/// A result, whether or not its end could be noted.
fn noted(
    result: Result<Generated, GenerationError>,
    recorded: Result<(), DatabaseError>,
) -> Result<Generated, GenerationError> {
    if let Err(error) = recorded {
        // The images are paid for: they are handed out even when nobody can note it.
        tracing::error!(error = %error, "the end of a generation could not be noted");
    }
    result
}

/// The rows of images that this process has put into the store.
pub(super) fn stored_rows(generated: &Generated) -> Vec<MediaRow> {
    let stored = generated.images.iter().filter(|image| image.stored.is_some());
    stored.filter_map(|image| image.row.clone()).collect()
}
