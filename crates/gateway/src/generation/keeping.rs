//! Storing the images of a generation, however long the store is away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::record::RESERVATION_GRACE;
use super::{Delivered, Generated, Generator};
use crate::db::DatabaseError;
use crate::db::media::MediaRow;
use crate::ids::random_text;
use crate::media::shelf::Leftover;
use crate::media::store::StoreError;

/// Why images could not be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl KeepError {
    /// Whether it stays so however often it is tried: what is to be stored is broken.
    fn is_final(&self) -> bool {
        matches!(self, Self::Store(StoreError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData)
    }
}

/// First wait before images are stored once more that could not be; each further one is twice as long.
const AGAIN_FIRST: Duration = Duration::from_millis(250);
/// Longest such wait: an object store that is back is found soon.
const AGAIN_MOST: Duration = Duration::from_secs(10);

/// Letters of a media id: 22 base-62 characters are 131 bits, which nobody guesses.
const MEDIA_ID_CHARS: usize = 22;

/// Seconds that images wait for a caller whose key keeps none and who did not get them: as long as an SDK's retry finds them.
pub(super) const UNDELIVERED_S: i64 = 15 * 60;

/// When images are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The generation's end goes on record right after.
    BeforeEnd,
    /// The end waits for it, however long it takes, so that what is held must stay held.
    Pending,
    /// The end is on record.
    AfterEnd,
}

/// Whose images are stored, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeping<'a> {
    /// The generation.
    pub(super) generation_id: &'a str,
    /// The account.
    pub(super) account_id: &'a str,
    /// Seconds that links last; `None`: as set for all.
    pub(super) ttl_s: Option<i64>,
    /// Seconds that the files are kept at the least, for links that are made later.
    pub(super) at_least_s: i64,
    /// When.
    pub(super) moment: Moment,
}

/// Stores every image and gives it a link. What goes on record right before the end is not waited for: it is written
/// together with that.
pub(super) async fn store(
    generator: &Generator,
    keeping: &Keeping<'_>,
    generated: &mut Generated,
) -> Result<(), KeepError> {
    let link_ends_at = allot(generator, keeping, generated);
    for delivered in &mut generated.images {
        let (Some(row), None) = (&delivered.row, delivered.stored) else {
            continue;
        };
        generator.store.put(&row.path, &delivered.image.blob).await?;
        let noted = generator.database.note_media(vec![row.clone()]);
        match keeping.moment {
            Moment::BeforeEnd | Moment::Pending => noted.leave(),
            Moment::AfterEnd => noted.accepted().await?,
        }
        delivered.stored = Some(row.position);
        let room = &generator.room;
        room.stored(keeping.account_id, delivered.image.blob.len()).await;
        let extension = delivered.image.info.format.extension();
        delivered.url = Some(generator.links.sign(&row.id, extension, link_ends_at));
        if let Some(shelved) = delivered.shelved.take() {
            shelved.remove();
        }
    }
    generated.kept = true;
    // As they lie in the store, some of them since before a process died.
    generated.images.sort_by_key(|image| image.stored);
    Ok(())
}

/// Gives every image that is not stored its row, the same at each try. Returns when links to them end.
fn allot(generator: &Generator, keeping: &Keeping<'_>, generated: &mut Generated) -> Timestamp {
    let now = generator.clock.now();
    let for_all = || i64::try_from(generator.limits.media_ttl_s).unwrap_or(i64::MAX / 4);
    let ttl_s = keeping.ttl_s.unwrap_or_else(for_all);
    let after = |seconds: i64| {
        now.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MAX)
    };
    let expires_at = after(ttl_s.max(keeping.at_least_s));
    let taken: Vec<i64> = generated.images.iter().filter_map(|image| image.stored).collect();
    let mut free = (0..).filter(|position| !taken.contains(position));
    for delivered in generated.images.iter_mut().filter(|image| image.stored.is_none()) {
        let position = free.next().unwrap_or(i64::MAX);
        let row = delivered.row.take();
        let row = row.unwrap_or_else(|| row_of(keeping.generation_id, position, delivered, now));
        delivered.row = Some(MediaRow {
            position,
            created_at: now,
            expires_at,
            ..row
        });
    }
    after(ttl_s)
}

fn row_of(generation_id: &str, position: i64, delivered: &Delivered, now: Timestamp) -> MediaRow {
    let info = &delivered.image.info;
    let id = random_text(MEDIA_ID_CHARS);
    // A folder a day keeps folders small.
    let path = format!("{}/{id}.{}", now.strftime("%Y/%m/%d"), info.format.extension());
    MediaRow {
        id,
        generation_id: generation_id.to_owned(),
        position,
        path,
        format: info.format.to_string(),
        width_px: i64::from(info.width_px),
        height_px: i64::from(info.height_px),
        size_bytes: i64::try_from(delivered.image.blob.len()).unwrap_or(i64::MAX),
        created_at: now,
        expires_at: now,
        made: serde_json::to_string(&delivered.origin).ok(),
    }
}

/// Stores the images of an answer that found nobody, or whose account keeps all of them: however long the store or the
/// database is away. Until then their bytes stay in the spool, and on the shelf of this process.
pub(super) async fn keep(generator: &Generator, keeping: &Keeping<'_>, generated: &mut Generated) {
    if generated.kept {
        return;
    }
    let _seen = generator.being_kept.enter(keeping.generation_id);
    let mut wait = AGAIN_FIRST;
    while let Err(error) = store(generator, keeping, generated).await {
        tracing::error!(error = %error, "images could not be kept; they are kept as soon as that works");
        shelve(generator, keeping, generated).await;
        if keeping.moment == Moment::Pending {
            let until = generator
                .clock
                .now()
                .checked_add(RESERVATION_GRACE)
                .unwrap_or(Timestamp::MAX);
            if let Err(error) = generator.database.hold_until(keeping.generation_id, until).await {
                tracing::warn!(error = %error, "what is held could not be kept held");
            }
        }
        sleep(wait).await;
        wait = (wait * 2).min(AGAIN_MOST);
    }
}

/// Puts images that the store does not take into files of this process, which the next one finds if this one dies.
pub(super) async fn shelve(generator: &Generator, keeping: &Keeping<'_>, generated: &mut Generated) {
    allot(generator, keeping, generated);
    for delivered in &mut generated.images {
        let (Some(row), None) = (&delivered.row, delivered.stored) else {
            continue;
        };
        if delivered.shelved.as_ref().is_some_and(|shelved| !shelved.is_sending()) {
            continue;
        }
        let put = generator.shelf.put(row, keeping.account_id, &delivered.image.blob);
        match put.await {
            Ok(shelved) => {
                if let Some(before) = delivered.shelved.replace(Arc::new(shelved)) {
                    before.remove();
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "images that wait for the store could not be put into a file");
                return;
            }
        }
    }
}

/// Puts images that are about to be sent, and kept nowhere else, into files of this process: if it dies before the answer is
/// out, the next one stores them, and their request has them.
pub(super) async fn shelve_while_sending(generator: &Generator, keeping: &Keeping<'_>, generated: &mut Generated) {
    allot(generator, keeping, generated);
    for delivered in &mut generated.images {
        let (Some(row), None, None) = (&delivered.row, delivered.stored, &delivered.shelved) else {
            continue;
        };
        let put = generator
            .shelf
            .put_while_sending(row, keeping.account_id, &delivered.image.blob);
        match put.await {
            Ok(shelved) => delivered.shelved = Some(Arc::new(shelved)),
            // The answer is on its way in a moment: that is all that it was for.
            Err(error) => tracing::debug!(error = %error, "an image could not be put into a file while it is sent"),
        }
    }
}

impl Generator {
    /// Takes up the images that dead processes had promised and could not store. From now on their generations are being
    /// kept; they are stored however long that takes. A stopping gateway does not wait for it: the next start finds them again.
    pub(crate) fn take_up(&self) {
        let leftovers = self.shelf.leftovers().unwrap_or_else(|error| {
            tracing::error!(error = %error, "images that wait for the store could not be looked for");
            Vec::new()
        });
        let seen = |leftover: Leftover| (self.being_kept.enter(&leftover.row.generation_id), leftover);
        let leftovers: Vec<(Seen, Leftover)> = leftovers.into_iter().map(seen).collect();
        let generator = self.clone();
        tokio::spawn(async move {
            for (_seen, leftover) in leftovers {
                generator.store_leftover(&leftover).await;
                generator.ends.tell(&leftover.row.generation_id, None);
            }
        });
    }

    async fn store_leftover(&self, leftover: &Leftover) {
        let mut wait = AGAIN_FIRST;
        while let Err(error) = self.try_to_store(leftover).await {
            if error.is_final() {
                tracing::error!(request.id = %leftover.row.generation_id, error = %error, "an image that a dead process promised is broken and is given up");
                leftover.give_up();
                return;
            }
            tracing::error!(request.id = %leftover.row.generation_id, error = %error, "an image that a dead process promised could not be stored; it is stored as soon as that works");
            sleep(wait).await;
            wait = (wait * 2).min(AGAIN_MOST);
        }
        tracing::warn!(request.id = %leftover.row.generation_id, "an image that a dead process promised was stored");
    }

    async fn try_to_store(&self, leftover: &Leftover) -> Result<(), KeepError> {
        let row = &leftover.row;
        let now = self.clock.now();
        // It lasts as long as if it had been stored at once.
        let expires_at = now.checked_add(row.expires_at.duration_since(row.created_at));
        let row = MediaRow {
            created_at: now,
            expires_at: expires_at.unwrap_or(Timestamp::MAX),
            ..row.clone()
        };
        self.store
            .put_file(&row.path, leftover.bytes().await.map_err(StoreError::from)?)
            .await?;
        self.room
            .stored(&leftover.account_id, u64::try_from(row.size_bytes).unwrap_or(0))
            .await;
        let noted = self.database.note_media_of(vec![row], &leftover.owner);
        match noted.accepted().await {
            // Another process took the generation over, and has images of its own.
            Ok(()) | Err(DatabaseError::TakenOver) => {}
            Err(error) => return Err(error.into()),
        }
        leftover.remove();
        Ok(())
    }
}

/// Generations whose images are being stored although their end is on record, and how many wait for it.
#[derive(Debug, Default)]
pub struct BeingKept(Mutex<BTreeMap<String, usize>>);

impl BeingKept {
    /// Whether the images of a generation are yet to be stored.
    #[must_use]
    pub fn holds(&self, generation_id: &str) -> bool {
        self.counts().contains_key(generation_id)
    }

    fn enter(self: &Arc<Self>, generation_id: &str) -> Seen {
        *self.counts().entry(generation_id.to_owned()).or_default() += 1;
        Seen {
            being_kept: Arc::clone(self),
            generation_id: generation_id.to_owned(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a generation out again.
struct Seen {
    being_kept: Arc<BeingKept>,
    generation_id: String,
}

impl Drop for Seen {
    fn drop(&mut self) {
        let mut counts = self.being_kept.counts();
        if let Some(count) = counts.get_mut(&self.generation_id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.generation_id);
            }
        }
    }
}
