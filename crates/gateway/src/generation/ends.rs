//! Who waits in this process for the end of which generation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;

/// Entries of which those that nobody waits for any more are looked for when one is added.
const SWEPT_FROM: usize = 1024;

/// News that wait for one who listens slowly. Past them the oldest are left out: no generation waits for it.
const NEWS_MAX: usize = 256;

/// The ends that are waited for, by generation.
#[derive(Debug)]
pub struct Ends {
    waited_for: Mutex<HashMap<String, Weak<End>>>,
    news: broadcast::Sender<LogNews>,
    closed: CancellationToken,
}

impl Default for Ends {
    fn default() -> Self {
        Self {
            waited_for: Mutex::default(),
            news: broadcast::channel(NEWS_MAX).0,
            closed: CancellationToken::new(),
        }
    }
}

/// What happens to the log of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogNews {
    /// A generation is on record, and under way.
    Began {
        /// Its id.
        id: String,
        /// Its account.
        account_id: String,
    },
    /// One has ended, or its images are there.
    Ended {
        /// Its id.
        id: String,
    },
}

/// Hears the news.
#[derive(Debug)]
pub struct Heard(broadcast::Receiver<LogNews>, CancellationToken);

impl Heard {
    /// The next one; `None` when no more will come. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<LogNews> {
        loop {
            let news = tokio::select! {
                news = self.0.recv() => news,
                () = self.1.cancelled() => return None,
            };
            match news {
                Ok(news) => return Some(news),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The end of one generation.
#[derive(Debug, Default)]
pub struct End {
    told: Notify,
    failure: OnceLock<Problem>,
}

impl Ends {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Weak<End>>> {
        // Nothing panics while it is held.
        self.waited_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to the log from now on.
    #[must_use]
    pub fn listen(&self) -> Heard {
        Heard(self.news.subscribe(), self.closed.clone())
    }

    /// Ends all listening, now and later: the gateway stops, and waits for nobody who only listens.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Tells that a generation is on record.
    pub(super) fn began(&self, generation_id: &str, account_id: &str) {
        if self.news.receiver_count() > 0 {
            let _ = self.news.send(LogNews::Began {
                id: generation_id.to_owned(),
                account_id: account_id.to_owned(),
            });
        }
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
        if self.news.receiver_count() > 0 {
            // Whoever listens may have gone just now.
            let _ = self.news.send(LogNews::Ended {
                id: generation_id.to_owned(),
            });
        }
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
    async fn who_listens_hears_what_begins_and_ends() {
        let ends = Ends::default();
        ends.began("before", "a");
        let mut heard = ends.listen();
        ends.began("one", "a");
        ends.tell("one", None);
        let (id, account_id) = ("one".to_owned(), "a".to_owned());
        let began = LogNews::Began {
            id: id.clone(),
            account_id,
        };
        assert_eq!(heard.next().await, Some(began));
        assert_eq!(heard.next().await, Some(LogNews::Ended { id }));
        ends.close();
        assert_eq!(heard.next().await, None);
    }

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
