//! What is on record of a generation while it runs: every call before it is made, every job as soon as it is known.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use planner::failure::Failure;

use super::facts::Facts;
use super::record::attempt_row;
use crate::db::generations::{BegunAttempt, FailedAttempt};
use crate::db::{Database, DatabaseError};
use crate::outcome::{Attempt, code_of, spent_word};

/// The record of one generation.
#[derive(Debug)]
pub struct Track {
    /// `None` where no books are kept.
    database: Option<Database>,
    generation_id: String,
    next: AtomicI64,
}

impl Track {
    /// The record of a generation, in `database` if there is one.
    #[must_use]
    pub fn new(database: Option<Database>, generation_id: &str) -> Self {
        Self::starting_at(database, generation_id, 0)
    }

    /// The same, for calls from the place `next` on.
    #[must_use]
    pub fn starting_at(database: Option<Database>, generation_id: &str, next: i64) -> Self {
        Self {
            database,
            generation_id: generation_id.to_owned(),
            next: AtomicI64::new(next),
        }
    }

    /// Puts a call on record before it is made. Returns its place among the attempts.
    ///
    /// # Errors
    /// [`DatabaseError`]: what is not on record must not be called.
    pub async fn begin(&self, facts: &Facts, started_at: Timestamp) -> Result<i64, DatabaseError> {
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(database) = &self.database else {
            return Ok(position);
        };
        let begun = BegunAttempt {
            position,
            provider: facts.provider.clone(),
            model: facts.native_model.clone(),
            started_at,
            facts: serde_json::to_string(facts).unwrap_or_default(),
        };
        database.begin_attempt(&self.generation_id, begun).await?;
        Ok(position)
    }

    /// Puts on record that a call failed, for whoever takes the generation over.
    pub fn failed(&self, position: i64, failure: &Failure, took: Duration) {
        if let Some(database) = &self.database {
            database.note_failure(
                &self.generation_id,
                FailedAttempt {
                    position,
                    code: code_of(failure.kind).to_owned(),
                    spent: spent_word(failure.spent).to_owned(),
                    duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
                },
            );
        }
    }

    /// Puts on record where the provider's job of a call is found again.
    pub async fn accepted(&self, position: i64, handle: &str) {
        let Some(database) = &self.database else { return };
        if let Err(error) = database.note_handle(&self.generation_id, position, handle).await {
            // The job is paid for: it is waited for even when nobody else could find it.
            tracing::error!(generation.id = self.generation_id, error = %error, "a provider's job could not be put on record");
        }
    }

    /// Puts on record how a call ended of which nobody waits for the end any more. What it gave is the operator's cost.
    pub fn ended_late(&self, attempt: &Attempt, now: Timestamp) {
        if let Some(database) = &self.database {
            database.note_late_end(&self.generation_id, attempt_row(attempt), now);
        }
    }
}
