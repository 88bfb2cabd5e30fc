//! Generations under way, shared between the accounts that want some.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use providers::Owners;
use tokio::time::Instant;

/// Places for generations. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    held: AtomicUsize,
    accounts: Owners,
}

/// The place of one generation, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Shares,
    account_id: Arc<str>,
}

impl Shares {
    /// `most` places.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            held: AtomicUsize::new(0),
            accounts: Owners::default(),
        }))
    }

    /// A place for a generation of an account: any that is free while no other account wants one, else one of its share.
    pub(crate) fn take(&self, account_id: &str, now: Instant) -> Option<Share> {
        let Inner { most, held, accounts } = &*self.0;
        let account_id = Arc::from(account_id);
        let share = |several: u64| u64::try_from(*most).unwrap_or(u64::MAX).div_ceil(several);
        accounts.take(&account_id, 1, share, now.into_std()).ok()?;
        // From here on it is given back when it is dropped.
        let share = Share {
            shares: self.clone(),
            account_id,
        };
        if held.fetch_add(1, Ordering::Relaxed) < *most {
            return Some(share);
        }
        drop(share);
        None
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Inner { held, accounts, .. } = &*self.shares.0;
        held.fetch_sub(1, Ordering::Relaxed);
        accounts.give_back(&self.account_id, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use providers::spool::WANTED_FOR;

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
