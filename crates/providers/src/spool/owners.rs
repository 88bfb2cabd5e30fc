//! Who holds how much of something that is there once for all: while several want some, none takes more than its share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// For so long after it asked an owner counts as one that wants some, also while it has none.
pub const WANTED_FOR: Duration = Duration::from_secs(10);

/// What each owner holds: bytes, places, whatever is counted.
#[derive(Debug, Default)]
pub struct Owners(Mutex<HashMap<Arc<str>, Owner>>);

#[derive(Debug)]
struct Owner {
    held: u64,
    asked_at: Instant,
}

impl Owners {
    fn all(&self) -> MutexGuard<'_, HashMap<Arc<str>, Owner>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so much more for `owner`, in the same step in which it is seen that this is within its share: what `share` says
    /// for so many owners as want some now, itself among them.
    ///
    /// # Errors
    /// The share that would be passed. That `owner` wants some is noted all the same.
    pub fn take(&self, owner: &Arc<str>, amount: u64, share: impl FnOnce(u64) -> u64, now: Instant) -> Result<(), u64> {
        let mut all = self.all();
        all.retain(|_, owner| owner.held > 0 || now.saturating_duration_since(owner.asked_at) < WANTED_FOR);
        let several = all.len() + usize::from(!all.contains_key(owner));
        let own = all.entry(Arc::clone(owner)).or_insert(Owner { held: 0, asked_at: now });
        own.asked_at = now;
        let share = share(u64::try_from(several).unwrap_or(u64::MAX));
        let wanted = own.held.saturating_add(amount);
        if wanted > share {
            return Err(share);
        }
        own.held = wanted;
        Ok(())
    }

    /// Takes so much more for `owner`, whatever its share.
    pub fn add(&self, owner: &Arc<str>, amount: u64) {
        let mut all = self.all();
        let own = all.entry(Arc::clone(owner)).or_insert_with(|| Owner {
            held: 0,
            asked_at: Instant::now(),
        });
        own.held += amount;
    }

    /// Gives back so much of what `owner` holds.
    pub fn give_back(&self, owner: &Arc<str>, amount: u64) {
        if let Some(own) = self.all().get_mut(owner) {
            own.held = own.held.saturating_sub(amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn many_who_ask_at_one_moment_pass_no_share() {
        const SHARE: u64 = 40;
        let (owners, owner) = (Owners::default(), Arc::<str>::from("a"));
        let (start, now) = (Barrier::new(8), Instant::now());
        let taken: usize = thread::scope(|threads| {
            let one = || {
                start.wait();
                (0..20)
                    .filter(|_| owners.take(&owner, 1, |_| SHARE, now).is_ok())
                    .count()
            };
            let all: Vec<_> = (0..8).map(|_| threads.spawn(one)).collect();
            all.into_iter().map(|one| one.join().expect("it only counts")).sum()
        });
        assert_eq!(taken, 40);
        assert_eq!(owners.take(&owner, 1, |_| SHARE, now), Err(SHARE));
        owners.give_back(&owner, 1);
        assert_eq!(owners.take(&owner, 1, |_| SHARE, now), Ok(()));
    }
}
