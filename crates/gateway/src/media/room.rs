//! How many bytes the stored images take, in all and by account, and whether there is room for more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::db::{Database, DatabaseError};

/// How old a figure of the database may be: what is stored here is added at once, and what others store or remove is
/// seen this much later.
const FIGURES_LAST: SignedDuration = SignedDuration::from_secs(5);

/// How long it is waited for others who look.
const LOOKED_WITHIN: Duration = Duration::from_millis(1500);

/// The room for stored images. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaRoom {
    database: Database,
    limit_bytes: u64,
    figures: Arc<Mutex<Figures>>,
}

#[derive(Debug, Default)]
struct Figures {
    read_at: Option<Timestamp>,
    bytes_by_account: HashMap<String, u64>,
}

/// Why no more is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// The images of all accounts take as much as they may.
    Gateway {
        /// The limit `media_bytes`.
        limit_bytes: u64,
    },
    /// Those of this account do.
    Account {
        /// The account's own `media_bytes`.
        limit_bytes: u64,
    },
}

impl MediaRoom {
    /// Room for `limit_bytes` in all.
    #[must_use]
    pub fn new(database: Database, limit_bytes: u64) -> Self {
        Self {
            database,
            limit_bytes,
            figures: Arc::default(),
        }
    }

    /// Whether an account, which may have a limit of its own, may store more.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn look(
        &self,
        account_id: &str,
        own_limit_bytes: Option<i64>,
        now: Timestamp,
    ) -> Result<Option<NoRoom>, DatabaseError> {
        // Who waits for another one's look at a database that is away waits no longer than for his own.
        let figures = timeout(LOOKED_WITHIN, self.figures.lock()).await;
        let mut figures = figures.map_err(|_| DatabaseError::Unavailable)?;
        if figures.read_at.is_none_or(|at| now.duration_since(at) > FIGURES_LAST) {
            match self.database.media_bytes_by_account().await {
                Ok(read) => {
                    let bytes = |bytes| u64::try_from(bytes).unwrap_or(0);
                    figures.bytes_by_account = read.into_iter().map(|(id, sum)| (id, bytes(sum))).collect();
                }
                // Old figures do meanwhile: nothing is stored without the database.
                Err(error) if error.is_away() && figures.read_at.is_some() => {}
                Err(error) => return Err(error),
            }
            figures.read_at = Some(now);
        }
        if figures.bytes_by_account.values().sum::<u64>() >= self.limit_bytes {
            let limit_bytes = self.limit_bytes;
            return Ok(Some(NoRoom::Gateway { limit_bytes }));
        }
        let own = figures.bytes_by_account.get(account_id).copied().unwrap_or(0);
        let own_limit = own_limit_bytes.and_then(|limit| u64::try_from(limit).ok());
        Ok(own_limit
            .filter(|limit_bytes| own >= *limit_bytes)
            .map(|limit_bytes| NoRoom::Account { limit_bytes }))
    }

    /// Notes an image that was stored just now.
    pub async fn stored(&self, account_id: &str, size_bytes: u64) {
        let mut figures = self.figures.lock().await;
        *figures.bytes_by_account.entry(account_id.to_owned()).or_default() += size_bytes;
    }
}
