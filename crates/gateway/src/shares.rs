//! Generations under way, shared between the accounts that want some.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For so long after it asked an account counts as one that wants a share, also while it has none.
const WANTED_FOR: Duration = Duration::from_secs(10);

/// Places for generations. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_account: HashMap<String, Account>,
}

#[derive(Debug)]
struct Account {
    held: usize,
    asked_at: Instant,
}

/// The place of one generation, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Shares,
    account_id: String,
}

impl Shares {
    /// `most` places.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            held: Mutex::default(),
        }))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while it is held.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a generation of an account: any that is free while no other account wants one, else one of its share.
    pub(crate) fn take(&self, account_id: &str, now: Instant) -> Option<Share> {
        let mut held = self.held();
        held.by_account
            .retain(|_, account| account.held > 0 || now.duration_since(account.asked_at) < WANTED_FOR);
        let account = held
            .by_account
            .entry(account_id.to_owned())
            .or_insert(Account { held: 0, asked_at: now });
        account.asked_at = now;
        let own = account.held;
        let share = self.0.most.div_ceil(held.by_account.len());
        if held.total >= self.0.most || own >= share {
            return None;
        }
        held.total += 1;
        if let Some(account) = held.by_account.get_mut(account_id) {
            account.held += 1;
        }
        drop(held);
        Some(Share {
            shares: self.clone(),
            account_id: account_id.to_owned(),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        held.total -= 1;
        if let Some(account) = held.by_account.get_mut(&self.account_id) {
            account.held -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_alone_has_all_and_of_two_each_has_half() {
        let shares = Shares::new(8);
        let now = Instant::now();
        let at = |now: Instant, account: &str, count: usize| -> Vec<Share> {
            (0..count).filter_map(|_| shares.take(account, now)).collect()
        };
        let take = |account: &str, count: usize| at(now, account, count);
        let mut first = take("a", 10);
        assert_eq!(first.len(), 8);
        assert!(take("b", 1).is_empty(), "all are taken");
        // What becomes free goes to the one who has less than its share.
        first.truncate(6);
        assert!(take("a", 1).is_empty());
        let second = take("b", 2);
        assert_eq!(second.len(), 2);
        first.truncate(4);
        assert!(take("a", 1).is_empty());
        assert_eq!(take("b", 9).len(), 2);
        drop(second);
        first.extend(at(now + WANTED_FOR, "a", 10));
        assert_eq!(first.len(), 8, "alone again");
    }
}
