//! Who holds how much of a spool: while several want room, none takes more than its share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// For so long after it asked an owner counts as one that wants room, also while it has none.
const WANTED_FOR: Duration = Duration::from_secs(10);
/// A share is never less than this part of the whole: one large request takes as much.
const LEAST_PART: u64 = 16;

/// Bytes by owner.
#[derive(Debug, Default)]
pub(super) struct Owners(Mutex<HashMap<Arc<str>, Owner>>);

#[derive(Debug)]
struct Owner {
    held_bytes: u64,
    asked_at: Instant,
}

impl Owners {
    fn all(&self) -> MutexGuard<'_, HashMap<Arc<str>, Owner>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The share of `owner` where so many bytes more would be past it: any bytes are its to take while nobody else wants
    /// some.
    pub(super) fn share_passed(
        &self,
        owner: &Arc<str>,
        size_bytes: u64,
        total_bytes: u64,
        now: Instant,
    ) -> Option<u64> {
        let mut all = self.all();
        all.retain(|_, owner| owner.held_bytes > 0 || now.duration_since(owner.asked_at) < WANTED_FOR);
        let own = all.entry(Arc::clone(owner)).or_insert(Owner {
            held_bytes: 0,
            asked_at: now,
        });
        own.asked_at = now;
        let wanted = own.held_bytes.saturating_add(size_bytes);
        let several = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let share = (total_bytes / several).max(total_bytes / LEAST_PART);
        (several > 1 && wanted > share).then_some(share)
    }

    pub(super) fn add(&self, owner: &Arc<str>, size_bytes: u64) {
        let mut all = self.all();
        let own = all.entry(Arc::clone(owner)).or_insert_with(|| Owner {
            held_bytes: 0,
            asked_at: Instant::now(),
        });
        own.held_bytes += size_bytes;
    }

    pub(super) fn remove(&self, owner: &Arc<str>, size_bytes: u64) {
        if let Some(own) = self.all().get_mut(owner) {
            own.held_bytes = own.held_bytes.saturating_sub(size_bytes);
        }
    }
}
