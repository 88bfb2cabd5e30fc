//! What happens to a generation's calls, for a caller who wants to hear of it while it waits.

use planner::failure::Failure;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::outcome::code_of;

/// News that wait for a caller who reads slowly. Past it the oldest is left out: a call never waits for it.
const WAITING_MAX: usize = 64;

/// What became of a call to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptNews {
    /// The provider.
    pub provider: String,
    /// Its model id.
    pub model: String,
    /// `started`, `succeeded` or `failed`.
    pub outcome: &'static str,
    /// Why it failed.
    pub code: Option<&'static str>,
}

/// Tells the news. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Teller(broadcast::Sender<AttemptNews>);

/// Hears them.
#[derive(Debug)]
pub struct Heard(broadcast::Receiver<AttemptNews>);

impl Default for Teller {
    fn default() -> Self {
        Self(broadcast::channel(WAITING_MAX).0)
    }
}

impl Teller {
    /// The way in which they are heard from now on.
    #[must_use]
    pub fn listen(&self) -> Heard {
        Heard(self.0.subscribe())
    }

    /// Tells that a call begins.
    pub(super) fn started(&self, provider: &str, model: &str) {
        self.tell(provider, model, "started", None);
    }

    /// Tells how it ended.
    pub(super) fn ended(&self, provider: &str, model: &str, failure: Option<&Failure>) {
        let outcome = if failure.is_some() { "failed" } else { "succeeded" };
        self.tell(provider, model, outcome, failure.map(|failure| code_of(failure.kind)));
    }

    fn tell(&self, provider: &str, model: &str, outcome: &'static str, code: Option<&'static str>) {
        // Nobody may be listening any more.
        let _ = self.0.send(AttemptNews {
            provider: provider.to_owned(),
            model: model.to_owned(),
            outcome,
            code,
        });
    }
}

impl Heard {
    /// The next one; `None` when no more will come. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<AttemptNews> {
        loop {
            match self.0.recv().await {
                Ok(news) => return Some(news),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
