//! Removing what is too old without holding up those who wait for the writer.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Database;

/// Of the writer's time, what removing may take: one part in so many.
const SHARE: u32 = 4;
/// How long removing waits for a moment in which nobody wants to write.
const PATIENCE: Duration = Duration::from_millis(250);
/// Between two looks for such a moment.
const LOOK: Duration = Duration::from_millis(5);

impl Database {
    /// Does a piece of removing when nobody wants to write, and then leaves the writer to others for some time.
    pub async fn at_leisure<T>(&self, piece: impl Future<Output = T>) -> T {
        let asked = Instant::now();
        while !self.journal.is_idle() && asked.elapsed() < PATIENCE {
            sleep(LOOK).await;
        }
        let began = Instant::now();
        let done = piece.await;
        sleep(began.elapsed() * (SHARE - 1)).await;
        done
    }
}
