//! Where image bytes rest: in memory up to a bound, then in a file that has no name.
//!
//! The total is guarded where work is taken on, not where its bytes come: who is admitted has room set aside for what is
//! expected, and what comes larger is taken all the same, since it is paid for.

mod blob;
mod memory;
mod owners;
mod room;
mod writer;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

pub use blob::{Blob, BlobReader};
pub use owners::{Owners, WANTED_FOR};
pub use writer::BlobWriter;

/// Size of the pieces that a stream of a blob gives, but for the last, in bytes: large enough to be cheap, small enough for
/// hundreds of streams, and 64 KiB of base64.
pub const STREAM_CHUNK_BYTES: usize = 48 * 1024;

/// All blobs of the process, in bytes: past it new work is refused, since a disk that fills up takes the database with it.
pub const TOTAL_BYTES: u64 = 1 << 30;
/// Blobs held in memory by the whole process, in bytes.
pub const MEMORY_BYTES: u64 = 256 << 20;
/// Blobs held in memory by one generation, in bytes: small answers stay fast, large ones go to a file.
pub const MEMORY_PER_GENERATION_BYTES: u64 = 4 << 20;

/// So many times that stay in memory of a generation whose answers' lengths are known before they come.
pub const KNOWN_LENGTH_FACTOR: u64 = 4;

/// A share is never less than this part of the whole: one large request takes as much.
const LEAST_PART: u64 = 16;

/// The bounds of a spool.
#[derive(Debug, Clone)]
pub struct SpoolLimits {
    /// Largest sum of all blobs, in bytes.
    pub total_bytes: u64,
    /// Largest sum of the blobs in memory, in bytes.
    pub memory_bytes: u64,
    /// Largest sum of the blobs in memory of one scope, in bytes.
    pub memory_per_generation_bytes: u64,
    /// Where the files go; the system's folder for temporary files when absent.
    pub directory: Option<PathBuf>,
    /// Asked before each write to a file, so that a test can let it fail.
    pub before_write: fn() -> io::Result<()>,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        Self {
            total_bytes: TOTAL_BYTES,
            memory_bytes: MEMORY_BYTES,
            memory_per_generation_bytes: MEMORY_PER_GENERATION_BYTES,
            directory: None,
            before_write: || Ok(()),
        }
    }
}

/// Why bytes could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The total bound is reached: come back later.
    #[error("the spool is full ({total_bytes} bytes)")]
    Full {
        /// The bound, in bytes.
        total_bytes: u64,
    },
    /// Others want room too, and this owner has its share.
    #[error("the spool holds as much for this account as its share is while others want room ({share_bytes} bytes)")]
    Share {
        /// The share, in bytes.
        share_bytes: u64,
    },
    /// The file system has too little space left.
    #[error("the disk of the spool is full ({free_bytes} bytes are free)")]
    NoSpace {
        /// What is free, in bytes.
        free_bytes: u64,
    },
    /// The file system failed.
    #[error("the spool file failed: {0}")]
    Io(#[from] io::Error),
}

/// How much a spool holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolUse {
    /// Bytes in memory.
    pub memory: u64,
    /// Bytes in memory and in files, and those set aside.
    pub total: u64,
}

/// The spool of a process. Clones share the bounds.
#[derive(Debug, Clone)]
pub struct Spool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: SpoolLimits,
    memory: AtomicU64,
    /// What is held and what is set aside.
    total: AtomicU64,
    /// Of the total, what is set aside and not come yet.
    aside: AtomicU64,
    owners: Owners,
}

impl Spool {
    /// A spool with nothing in it.
    #[must_use]
    pub fn new(limits: SpoolLimits) -> Self {
        Self(Arc::new(Shared {
            limits,
            memory: AtomicU64::new(0),
            total: AtomicU64::new(0),
            aside: AtomicU64::new(0),
            owners: Owners::default(),
        }))
    }

    /// The room of work of the process's own.
    #[must_use]
    pub fn scope(&self) -> SpoolScope {
        self.scope_of("")
    }

    /// The room of one generation of `owner`; while several owners want room, none takes more than its share.
    #[must_use]
    pub fn scope_of(&self, owner: &str) -> SpoolScope {
        SpoolScope(Arc::new(Share {
            shared: Arc::clone(&self.0),
            owner: (!owner.is_empty()).then(|| Arc::from(owner)),
            memory: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            aside: AtomicU64::new(0),
            is_admitted: AtomicBool::new(false),
        }))
    }

    /// What is held now.
    #[must_use]
    pub fn used(&self) -> SpoolUse {
        SpoolUse {
            memory: self.0.memory.load(Ordering::Relaxed),
            total: self.0.total.load(Ordering::Relaxed),
        }
    }

    /// The bounds.
    #[must_use]
    pub fn limits(&self) -> &SpoolLimits {
        &self.0.limits
    }
}

/// The spool as one generation sees it. Clones count together.
#[derive(Debug, Clone)]
pub struct SpoolScope(Arc<Share>);

#[derive(Debug)]
struct Share {
    shared: Arc<Shared>,
    /// Whose it is; `None`: the process's own.
    owner: Option<Arc<str>>,
    memory: AtomicU64,
    /// What it may have in memory beyond its bound, as it is known to fit.
    expected: AtomicU64,
    /// What is set aside for this generation and has not come.
    aside: AtomicU64,
    is_admitted: AtomicBool,
}

impl SpoolScope {
    /// Starts a blob.
    #[must_use]
    pub fn writer(&self) -> BlobWriter {
        BlobWriter::new(self)
    }

    /// Keeps `bytes` as one blob.
    ///
    /// # Errors
    /// [`SpoolError`] when the spool is full or its file system fails.
    pub fn store(&self, bytes: &[u8]) -> Result<Blob, SpoolError> {
        let mut writer = self.writer();
        writer.write(bytes)?;
        writer.finish()
    }

    /// Admits the generation's work: sets room aside for the bytes that are expected, before anything is spent. What comes
    /// from now on is taken even past the bounds.
    ///
    /// # Errors
    /// [`SpoolError::Full`] past the total, [`SpoolError::NoSpace`] where the disk could not hold it.
    pub fn admit(&self, expected_bytes: u64) -> Result<(), SpoolError> {
        let shared = &self.0.shared;
        self.0.grow(expected_bytes)?;
        let promised = shared.aside.fetch_add(expected_bytes, Ordering::Relaxed);
        self.0.aside.fetch_add(expected_bytes, Ordering::Relaxed);
        let wanted = promised.saturating_add(expected_bytes);
        if let Some(free_bytes) = room::lacking(shared.limits.directory.as_deref(), wanted) {
            self.give_back_rest();
            return Err(SpoolError::NoSpace { free_bytes });
        }
        self.admit_paid();
        Ok(())
    }

    /// The same for work that is paid for already: no bound keeps its bytes out.
    pub fn admit_paid(&self) {
        self.0.is_admitted.store(true, Ordering::Relaxed);
    }

    /// Lets an answer of so many bytes stay in memory, where it fits into [`KNOWN_LENGTH_FACTOR`] times the generation's bound.
    pub fn expect(&self, answer_bytes: u64) {
        let share = &self.0;
        let most = share
            .shared
            .limits
            .memory_per_generation_bytes
            .saturating_mul(KNOWN_LENGTH_FACTOR);
        let wanted = share.memory.load(Ordering::Relaxed).saturating_add(answer_bytes);
        if wanted <= most {
            share.expected.fetch_max(wanted, Ordering::Relaxed);
        }
    }

    /// Gives back what is set aside and did not come: no more is expected.
    pub fn give_back_rest(&self) {
        self.0.give_back_rest();
    }

    /// Whose room it is; `None`: the process's own.
    #[must_use]
    pub fn owner(&self) -> Option<&Arc<str>> {
        self.0.owner.as_ref()
    }

    fn is_admitted(&self) -> bool {
        self.0.is_admitted.load(Ordering::Relaxed)
    }
}

impl Share {
    fn give_back_rest(&self) {
        let rest = self.aside.swap(0, Ordering::Relaxed);
        self.shared.aside.fetch_sub(rest, Ordering::Relaxed);
        self.shrink(rest);
    }

    /// Takes so many bytes more, within all bounds.
    fn grow(&self, size_bytes: u64) -> Result<(), SpoolError> {
        let total_bytes = self.shared.limits.total_bytes;
        // Any bytes are an owner's to take while nobody else wants some.
        let share = |several| match several {
            1 => u64::MAX,
            _ => (total_bytes / several).max(total_bytes / LEAST_PART),
        };
        let owners = &self.shared.owners;
        let owner = self.counted_owner(size_bytes);
        if let Some(owner) = owner
            && let Err(share_bytes) = owners.take(owner, size_bytes, share, Instant::now())
        {
            return Err(SpoolError::Share { share_bytes });
        }
        if add_up_to(&self.shared.total, size_bytes, total_bytes) {
            return Ok(());
        }
        if let Some(owner) = owner {
            owners.give_back(owner, size_bytes);
        }
        Err(SpoolError::Full { total_bytes })
    }

    /// Takes so many bytes more, past all bounds.
    fn force(&self, size_bytes: u64) {
        self.shared.total.fetch_add(size_bytes, Ordering::Relaxed);
        if let Some(owner) = self.counted_owner(size_bytes) {
            self.shared.owners.add(owner, size_bytes);
        }
    }

    /// Whose bytes are counted, where there are any: nearly all pieces of an answer take what was set aside, and nothing more.
    fn counted_owner(&self, size_bytes: u64) -> Option<&Arc<str>> {
        self.owner.as_ref().filter(|_| size_bytes > 0)
    }

    fn shrink(&self, size_bytes: u64) {
        self.shared.total.fetch_sub(size_bytes, Ordering::Relaxed);
        if let Some(owner) = self.counted_owner(size_bytes) {
            self.shared.owners.give_back(owner, size_bytes);
        }
    }

    /// Takes up to `size_bytes` of what is set aside. Returns how much that was.
    fn take_aside(&self, size_bytes: u64) -> u64 {
        let before = self
            .aside
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                Some(now.saturating_sub(size_bytes))
            })
            .unwrap_or(0);
        let taken = before.min(size_bytes);
        self.shared.aside.fetch_sub(taken, Ordering::Relaxed);
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back_rest();
    }
}

/// What one blob takes from the bounds; dropping it gives it back.
#[derive(Debug)]
struct Charge {
    scope: SpoolScope,
    memory: u64,
    total: u64,
    /// Of the total, what was set aside before: another try of the same generation may use it again.
    aside: u64,
}

impl Charge {
    fn new(scope: &SpoolScope) -> Self {
        Self {
            scope: scope.clone(),
            memory: 0,
            total: 0,
            aside: 0,
        }
    }

    fn take_total(&mut self, size_bytes: u64) -> Result<(), SpoolError> {
        let share = &self.scope.0;
        let aside = share.take_aside(size_bytes);
        let more = size_bytes - aside;
        // Counted before it is judged, so that whatever happens it is given back with the rest.
        self.aside += aside;
        self.total += aside;
        if self.scope.is_admitted() {
            share.force(more);
        } else {
            share.grow(more)?;
        }
        self.total += more;
        Ok(())
    }

    fn take_memory(&mut self, size_bytes: u64) -> bool {
        let share = &self.scope.0;
        let limits = &share.shared.limits;
        let expected = share.expected.load(Ordering::Relaxed);
        if !add_up_to(
            &share.memory,
            size_bytes,
            limits.memory_per_generation_bytes.max(expected),
        ) {
            return false;
        }
        if !add_up_to(&share.shared.memory, size_bytes, limits.memory_bytes) {
            share.memory.fetch_sub(size_bytes, Ordering::Relaxed);
            return false;
        }
        self.memory += size_bytes;
        true
    }

    /// Takes memory past the bounds, where there is no other place for what is paid for.
    fn force_memory(&mut self, size_bytes: u64) {
        let share = &self.scope.0;
        share.memory.fetch_add(size_bytes, Ordering::Relaxed);
        share.shared.memory.fetch_add(size_bytes, Ordering::Relaxed);
        self.memory += size_bytes;
    }

    fn give_back_memory(&mut self) {
        let share = &self.scope.0;
        share.memory.fetch_sub(self.memory, Ordering::Relaxed);
        share.shared.memory.fetch_sub(self.memory, Ordering::Relaxed);
        self.memory = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.give_back_memory();
        let share = &self.scope.0;
        share.aside.fetch_add(self.aside, Ordering::Relaxed);
        share.shared.aside.fetch_add(self.aside, Ordering::Relaxed);
        share.shrink(self.total - self.aside);
    }
}

/// Adds in one step, so that two writers at the bound cannot both pass it.
fn add_up_to(counter: &AtomicU64, size_bytes: u64, bound: u64) -> bool {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            now.checked_add(size_bytes).filter(|sum| *sum <= bound)
        })
        .is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use futures_util::TryStreamExt;

    use super::*;

    fn spool(total_bytes: u64, memory_bytes: u64, memory_per_generation_bytes: u64) -> Spool {
        Spool::new(SpoolLimits {
            total_bytes,
            memory_bytes,
            memory_per_generation_bytes,
            directory: None,
            ..SpoolLimits::default()
        })
    }

    fn pattern(size_bytes: usize) -> Vec<u8> {
        (0..size_bytes)
            .map(|index| u8::try_from(index * 31 % 251).expect("below 251"))
            .collect()
    }

    #[test]
    fn small_blobs_stay_in_memory_and_are_released_with_the_last_handle() {
        let spool = spool(1000, 1000, 100);
        let blob = spool.scope().store(b"hello").expect("fits");
        let second = blob.clone();
        assert!(blob.in_memory());
        assert_eq!(spool.used(), SpoolUse { memory: 5, total: 5 });
        drop(blob);
        assert_eq!(spool.used(), SpoolUse { memory: 5, total: 5 });
        drop(second);
        assert_eq!(spool.used(), SpoolUse::default());
    }

    #[test]
    fn past_the_generation_bound_a_blob_moves_to_a_file_whole() {
        let spool = spool(1 << 20, 1 << 20, 1000);
        let scope = spool.scope();
        let bytes = pattern(300_000);
        let mut writer = scope.writer();
        for part in bytes.chunks(700) {
            writer.write(part).expect("fits");
        }
        let blob = writer.finish().expect("file");
        assert!(!blob.in_memory());
        assert_eq!(
            spool.used(),
            SpoolUse {
                memory: 0,
                total: 300_000
            }
        );
        assert_eq!(blob.read_all().expect("file"), bytes);
        let other = scope.store(&bytes[..900]).expect("the bound is free again");
        assert!(other.in_memory());
    }

    #[test]
    fn an_answer_of_known_length_stays_in_memory_up_to_a_bound_of_its_own() {
        let spool = spool(1 << 20, 1 << 20, 1000);
        let scope = spool.scope();
        scope.expect(4000);
        assert!(scope.store(&pattern(4000)).expect("fits").in_memory());
        let other = spool.scope();
        other.expect(4001);
        assert!(!other.store(&pattern(4001)).expect("file").in_memory());
    }

    #[test]
    fn the_bound_of_the_process_counts_all_generations() {
        let spool = spool(10_000, 1000, 800);
        let first = spool.scope().store(&pattern(700)).expect("fits");
        let second = spool.scope().store(&pattern(700)).expect("fits");
        assert!(first.in_memory() && !second.in_memory());
        assert_eq!(
            spool.used(),
            SpoolUse {
                memory: 700,
                total: 1400
            }
        );
    }

    #[test]
    fn a_full_spool_refuses_and_gives_everything_back() {
        let spool = spool(1000, 100, 100);
        let kept = spool.scope().store(&pattern(900)).expect("fits");
        let mut writer = spool.scope().writer();
        writer.write(&pattern(50)).expect("fits");
        assert!(matches!(
            writer.write(&pattern(51)),
            Err(SpoolError::Full { total_bytes: 1000 })
        ));
        drop(writer);
        assert_eq!(spool.used().total, 900);
        drop(kept);
        assert_eq!(spool.used(), SpoolUse::default());
    }

    #[test]
    fn what_is_admitted_is_taken_whatever_comes() {
        let spool = spool(1000, 0, 0);
        let first = spool.scope();
        first.admit(600).expect("there is room");
        assert_eq!(spool.used().total, 600);
        let second = spool.scope();
        assert!(matches!(second.admit(500), Err(SpoolError::Full { total_bytes: 1000 })));
        assert_eq!(spool.used().total, 600, "who is refused holds nothing");
        let expected = first.store(&pattern(500)).expect("set aside");
        assert_eq!(spool.used().total, 600);
        let larger = first.store(&pattern(900)).expect("it is paid for");
        assert_eq!(spool.used().total, 1400);
        assert!(second.admit(1).is_err() && second.store(b"more").is_err());
        drop((expected, larger));
        assert_eq!(spool.used().total, 600, "another try may need it");
        first.give_back_rest();
        assert_eq!(spool.used(), SpoolUse::default());
        second.admit(1000).expect("there is room again");
        drop(second);
        assert_eq!(spool.used(), SpoolUse::default());
    }

    #[test]
    fn what_is_paid_for_stays_in_memory_where_no_file_can_be_made() {
        let gone = tempfile::tempdir().expect("a folder").path().join("gone");
        let spool = Spool::new(SpoolLimits {
            total_bytes: 1 << 20,
            memory_bytes: 100,
            memory_per_generation_bytes: 100,
            directory: Some(gone),
            ..SpoolLimits::default()
        });
        let scope = spool.scope();
        assert!(scope.store(&pattern(5000)).is_err());
        assert!(matches!(scope.admit(5000), Err(SpoolError::NoSpace { .. })));
        scope.admit_paid();
        let kept = scope.store(&pattern(5000)).expect("it is paid for");
        assert!(kept.in_memory());
        assert_eq!(kept.read_all().expect("memory"), pattern(5000));
        assert_eq!(spool.used().memory, 5000);
        drop(kept);
        assert_eq!(spool.used(), SpoolUse::default());
    }

    #[test]
    fn while_several_want_room_none_takes_more_than_its_share() {
        let spool = spool(160_000, 160_000, 160_000);
        let [first, second] = ["a", "b"].map(|owner| spool.scope_of(owner));
        let mut held: Vec<Blob> = (0..12)
            .map(|_| first.store(&pattern(10_000)).expect("who is alone may take all"))
            .collect();
        let second_held = second.store(&pattern(10_000)).expect("there is room");
        assert!(matches!(
            first.store(&pattern(10_000)),
            Err(SpoolError::Share { share_bytes: 80_000 })
        ));
        assert!(matches!(first.admit(1), Err(SpoolError::Share { .. })));
        spool
            .scope()
            .store(&pattern(10_000))
            .expect("the process's own work has no share");
        held.truncate(7);
        held.push(first.store(&pattern(10_000)).expect("within its share again"));
        assert!(first.store(&pattern(10_000)).is_err());
        first.admit_paid();
        held.push(first.store(&pattern(10_000)).expect("what is paid for is taken"));
        drop((held, second_held));
        assert_eq!(spool.used(), SpoolUse::default());
    }

    #[test]
    fn readers_are_independent_and_seek() {
        for bound in [10, 1 << 20] {
            let blob = spool(1 << 20, 1 << 20, bound)
                .scope()
                .store(&pattern(200_000))
                .expect("fits");
            let (mut one, mut two) = (blob.reader(), blob.reader());
            one.seek(SeekFrom::Start(65_530)).expect("inside");
            let mut part = [0; 20];
            one.read_exact(&mut part).expect("inside");
            assert_eq!(part[..], pattern(200_000)[65_530..65_550]);
            let mut all = Vec::new();
            two.read_to_end(&mut all).expect("readable");
            assert_eq!(all, pattern(200_000));
            assert_eq!(one.seek(SeekFrom::End(-1)).expect("inside"), 199_999);
            assert!(one.seek(SeekFrom::Current(-300_000)).is_err());
        }
    }

    #[tokio::test]
    async fn streams_give_bounded_chunks() {
        for bound in [10, 1 << 20] {
            let blob = spool(1 << 20, 1 << 20, bound)
                .scope()
                .store(&pattern(200_000))
                .expect("fits");
            let chunks: Vec<bytes::Bytes> = blob.stream().try_collect().await.expect("readable");
            assert!(chunks.iter().all(|chunk| chunk.len() <= STREAM_CHUNK_BYTES));
            assert_eq!(chunks.concat(), pattern(200_000));
        }
    }
}
