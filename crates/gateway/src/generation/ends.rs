//! Who waits in this process for the end of which generation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::problem::Problem;

/// Entries of which those that nobody waits for any more are looked for when one is added.
const SWEPT_FROM: usize = 1024;

/// The ends that are waited for, by generation.
#[derive(Debug, Default)]
pub struct Ends(Mutex<HashMap<String, Weak<End>>>);

/// The end of one generation.
#[derive(Debug, Default)]
pub struct End {
    told: Notify,
    failure: OnceLock<Problem>,
}

impl Ends {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Weak<End>>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of a generation, which is told to whoever holds it.
    #[must_use]
    pub fn of(&self, generation_id: &str) -> Arc<End> {
        let mut entries = self.entries();
        if let Some(end) = entries.get(generation_id).and_then(Weak::upgrade) {
            return end;
        }
        if entries.len() >= SWEPT_FROM {
            entries.retain(|_, end| end.strong_count() > 0);
        }
        let end = Arc::new(End::default());
        entries.insert(generation_id.to_owned(), Arc::downgrade(&end));
        end
    }

    /// Wakes those who wait for a generation: it has ended, or its images are there. `failure` is what its caller is told, for
    /// those who asked for the same.
    pub fn tell(&self, generation_id: &str, failure: Option<Problem>) {
        let Some(end) = self.entries().remove(generation_id).and_then(|end| end.upgrade()) else {
            return;
        };
        if let Some(failure) = failure {
            let _ = end.failure.set(failure);
        }
        end.told.notify_waiters();
    }
}

impl End {
    /// Waits until it is told; from when this is called on, not from when it is polled first.
    pub fn told(&self) -> Notified<'_> {
        self.told.notified()
    }

    /// The failure that it was.
    #[must_use]
    pub fn failure(&self) -> Option<&Problem> {
        self.failure.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_wakes_those_who_wait_for_it_and_nobody_else() {
        let ends = Ends::default();
        let (one, same, other) = (ends.of("a"), ends.of("a"), ends.of("b"));
        let (first, second, third) = (one.told(), same.told(), other.told());
        ends.tell("a", Some(Problem::overloaded("busy")));
        first.await;
        second.await;
        assert_eq!(one.failure().map(|failure| failure.code), Some("OVERLOADED"));
        let pending = futures_util::poll!(std::pin::pin!(third));
        assert!(pending.is_pending() && other.failure().is_none());
        assert!(ends.of("a").failure().is_none(), "who comes later looks for himself");
    }
}
