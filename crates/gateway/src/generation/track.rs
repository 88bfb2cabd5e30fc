//! What is on record of a generation while it runs: every call before it is made, every job as soon as it is known.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use planner::failure::Failure;

use super::facts::Facts;
use super::news::Teller;
use crate::db::generations::{BegunAttempt, FailedAttempt};
use crate::db::{Database, DatabaseError};
use crate::outcome::{Attempt, code_of};

/// The record of one generation.
#[derive(Debug)]
pub struct Track {
    /// `None` where no books are kept.
    database: Option<Database>,
    generation_id: String,
    next: AtomicI64,
    /// Who wants to hear of its calls.
    news: Option<Teller>,
    /// Whether nothing is kept of what providers say.
    keeps_no_texts: bool,
    /// Places of calls that are on record and were not made.
    unmade: Mutex<BTreeSet<i64>>,
}

/// A call on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnRecord {
    /// Its place among the attempts.
    pub position: i64,
    /// When it began.
    pub started_at: Timestamp,
}

impl Track {
    /// The record of a generation, in `database` if there is one, for calls from the place `next` on.
    #[must_use]
    pub fn starting_at(database: Option<Database>, generation_id: &str, next: i64) -> Self {
        Self {
            database,
            generation_id: generation_id.to_owned(),
            next: AtomicI64::new(next),
            unmade: Mutex::default(),
            news: None,
            keeps_no_texts: false,
        }
    }

    /// The same without the providers' own words, where the key has nothing written kept.
    #[must_use]
    pub fn without_texts(self, keeps_no_texts: bool) -> Self {
        Self { keeps_no_texts, ..self }
    }

    /// The same, told of to `news`.
    #[must_use]
    pub fn telling(self, news: Option<Teller>) -> Self {
        Self { news, ..self }
    }

    /// Tells that a call is made now.
    pub fn tell_start(&self, provider: &str, model: &str) {
        if let Some(news) = &self.news {
            news.started(provider, model);
        }
    }

    /// Tells how it ended.
    pub fn tell_end(&self, provider: &str, model: &str, failure: Option<&Failure>) {
        if let Some(news) = &self.news {
            news.ended(provider, model, failure);
        }
    }

    /// What is put on record of a call.
    #[must_use]
    pub fn begun(position: i64, facts: &Facts, started_at: Timestamp) -> BegunAttempt {
        BegunAttempt {
            position,
            provider: facts.provider.clone(),
            model: facts.native_model.clone(),
            started_at,
            facts: serde_json::to_string(facts).unwrap_or_default(),
        }
    }

    /// Puts a call on record before it is made.
    ///
    /// # Errors
    /// [`DatabaseError`]: what is not on record must not be called.
    pub async fn begin(&self, facts: &Facts, started_at: Timestamp) -> Result<OnRecord, DatabaseError> {
        let free = self.unmade_places().pop_first();
        let position = free.unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed));
        if let Some(database) = &self.database {
            let begun = Self::begun(position, facts, started_at);
            database.begin_attempt(&self.generation_id, begun).await?;
        }
        Ok(OnRecord { position, started_at })
    }

    /// Notes that calls which are on record are not made. Others may take their places.
    pub fn not_made(&self, calls: impl IntoIterator<Item = OnRecord>) {
        let places = calls.into_iter().map(|call| call.position);
        self.unmade_places().extend(places);
    }

    /// The places of calls that are on record and were not made.
    #[must_use]
    pub fn unmade(&self) -> Vec<i64> {
        self.unmade_places().iter().copied().collect()
    }

    fn unmade_places(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        // Nothing panics while it is held.
        self.unmade.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts on record that a call failed, for whoever takes the generation over.
    pub fn failed(&self, position: i64, failure: &Failure, took: Duration) {
        if let Some(database) = &self.database {
            database.note_failure(
                &self.generation_id,
                FailedAttempt {
                    position,
                    code: code_of(failure.kind).to_owned(),
                    spent: failure.spent,
                    duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
                    message: Some(failure.message.clone()),
                    excerpt: failure.excerpt.clone().filter(|_| !self.keeps_no_texts),
                },
            );
        }
    }

    /// Puts on record where the provider's job of a call is found again, and by which of several credentials.
    pub async fn accepted(&self, position: i64, handle: &str, credential: Option<&str>) {
        let Some(database) = &self.database else { return };
        let noted = database
            .note_handle(&self.generation_id, position, handle, credential)
            .await;
        if let Err(error) = noted {
            // The job is paid for: it is waited for even when nobody else could find it.
            tracing::error!(error = %error, "a provider's job could not be put on record");
        }
    }

    /// Puts on record how a call ended of which nobody waits for the end any more. What it gave is the operator's cost.
    pub fn ended_late(&self, attempt: &Attempt, now: Timestamp) {
        if let Some(database) = &self.database {
            database.note_late_end(&self.generation_id, attempt.row(), now);
        }
    }
}
