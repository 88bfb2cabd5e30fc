//! What generations and operators ask of the journal.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::{Ask, ClaimOf, Ended, Entry, NotBegun, Written};
use crate::db::audit::AuditRow;
use crate::db::generations::{AttemptRow, BegunAttempt, EndOfGeneration, FailedAttempt, NewGeneration};
use crate::db::ledger::{Hold, OperatorPosting, Posted, Settlement};
use crate::db::{Database, DatabaseError};

/// How long who is refused waits until that is on record.
const REFUSED_WITHIN: Duration = Duration::from_millis(500);

impl Database {
    /// Notes a generation before anything is sent, and holds money for it: the dearest price that can be paid. When that is
    /// the dearest of all, `calls` are on record with it.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] within two seconds when nothing can be written; nothing is held then. A [`NotBegun`]
    /// is no error of the database; nothing is noted then.
    pub async fn begin_generation_with(
        &self,
        start: NewGeneration,
        hold: Hold,
        claim: Option<ClaimOf>,
        calls: Vec<BegunAttempt>,
    ) -> Result<Result<i64, NotBegun>, DatabaseError> {
        let ask = Ask::Begin {
            start: Box::new(start),
            hold,
            claim,
            calls,
        };
        match self.journal.ask(ask).await? {
            Written::Held(held) => Ok(held),
            _ => Err(DatabaseError::Closed),
        }
    }

    /// The same without calls.
    ///
    /// # Errors
    /// As for [`Self::begin_generation_with`].
    pub async fn begin_generation(
        &self,
        start: NewGeneration,
        hold: Hold,
        claim: Option<ClaimOf>,
    ) -> Result<Result<i64, NotBegun>, DatabaseError> {
        self.begin_generation_with(start, hold, claim, Vec::new()).await
    }

    /// Notes a call before it is made. What is accepted is written.
    ///
    /// # Errors
    /// [`DatabaseError`]: what is not on record must not be called. [`DatabaseError::TakenOver`] among them.
    pub async fn begin_attempt(&self, generation_id: &str, begun: BegunAttempt) -> Result<(), DatabaseError> {
        let generation_id = generation_id.to_owned();
        let owner = self.owner().to_owned();
        let entry = Entry::BeginAttempt {
            generation_id,
            begun,
            owner,
        };
        self.journal.hand_over(entry).accepted().await
    }

    /// Notes where a provider's job is found again, and by which of several credentials, ahead of other writes. What is accepted
    /// is written.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_handle(
        &self,
        generation_id: &str,
        position: i64,
        handle: &str,
        credential: Option<&str>,
    ) -> Result<(), DatabaseError> {
        let entry = Entry::Handle {
            generation_id: generation_id.to_owned(),
            position,
            handle: handle.to_owned(),
            credential: credential.map(str::to_owned),
        };
        self.journal.hand_over(entry).accepted().await
    }

    /// Notes that a call failed. Does not wait until it is written.
    pub fn note_failure(&self, generation_id: &str, failed: FailedAttempt) {
        let generation_id = generation_id.to_owned();
        self.journal.hand_over(Entry::Failure { generation_id, failed }).leave();
    }

    /// Notes how a call ended whose generation has ended before, and what it cost the operator: `cost_micros` of the row.
    /// Does not wait until it is written.
    pub fn note_late_end(&self, generation_id: &str, attempt: AttemptRow, now: Timestamp) {
        let entry = Entry::LateEnd {
            generation_id: generation_id.to_owned(),
            attempt: Box::new(attempt),
            now,
        };
        self.journal.hand_over(entry).leave();
    }

    /// Notes where the time of a generation went, as JSON. Does not wait until it is written.
    pub fn note_timings(&self, generation_id: &str, timings: String) {
        let generation_id = generation_id.to_owned();
        self.journal.hand_over(Entry::Timed { generation_id, timings }).leave();
    }

    /// Notes that the caller got the answer.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_delivery(&self, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
        let generation_id = id.to_owned();
        let entry = Entry::Delivery { generation_id, now };
        self.journal.hand_over(entry).accepted().await
    }

    /// Notes that the connection broke on which the caller waited for the answer, or got it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn note_break(&self, id: &str, now: Timestamp) -> Result<(), DatabaseError> {
        let generation_id = id.to_owned();
        self.journal
            .hand_over(Entry::Break { generation_id, now })
            .accepted()
            .await
    }

    /// Gives the answer of one request of a key with this hash since `since` to the retry `count` of an SDK: each answer to
    /// one call's retries only. First comes one whose connection broke, then one that nobody is known to have, then the
    /// oldest that was sent, at last one under way. Returns its id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn adopt(
        &self,
        key_id: &str,
        request_hash: &str,
        since: Timestamp,
        count: i64,
    ) -> Result<Option<String>, DatabaseError> {
        let ask = Ask::Adopt {
            key_id: key_id.to_owned(),
            request_hash: request_hash.to_owned(),
            since,
            count,
        };
        match self.journal.ask(ask).await? {
            Written::Adopted(id) => Ok(id),
            _ => Err(DatabaseError::Closed),
        }
    }

    /// Keeps what is held for a generation until `until` at the least.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn hold_until(&self, generation_id: &str, until: Timestamp) -> Result<(), DatabaseError> {
        let generation_id = generation_id.to_owned();
        let entry = Entry::HoldUntil { generation_id, until };
        self.journal.hand_over(entry).accepted().await
    }

    /// Notes a generation that is refused before it begins. Whoever is refused does not wait long until it is written.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] at once while nothing can be written: refusals shall not fill the waiting file.
    pub async fn reject_generation(&self, start: NewGeneration, end: EndOfGeneration) -> Result<(), DatabaseError> {
        if self.journal.trouble().is_some() {
            return Err(DatabaseError::Unavailable);
        }
        let (start, end) = (Box::new(start), Box::new(end));
        let accepted = self.journal.hand_over(Entry::Reject { start, end }).accepted();
        // It is on its way, and nothing was spent.
        timeout(REFUSED_WITHIN, accepted).await.unwrap_or(Ok(()))
    }

    /// Notes the end of a generation with all that belongs to it, and settles what was held for it. What is accepted is
    /// written, whatever happens to this process.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] when neither the database nor the waiting file takes it within five seconds;
    /// [`DatabaseError::TakenOver`] when another process has the generation, or has ended it with images.
    pub async fn end(&self, ended: Ended) -> Result<(), DatabaseError> {
        let (ended, owner) = (Box::new(ended), self.owner().to_owned());
        self.journal.hand_over(Entry::End { ended, owner }).accepted().await
    }

    /// The same for one without images that wait to be noted.
    ///
    /// # Errors
    /// As for [`Self::end`].
    pub async fn end_generation(
        &self,
        id: &str,
        end: EndOfGeneration,
        attempts: Vec<AttemptRow>,
        settlement: Settlement,
    ) -> Result<(), DatabaseError> {
        self.end(Ended {
            id: id.to_owned(),
            end,
            attempts,
            unmade: Vec::new(),
            media: Vec::new(),
            settlement,
        })
        .await
    }

    /// Gives back what is held for generations that should have ended before `now`. Returns how many there were, at most
    /// `limit`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn expire_reservations(&self, now: Timestamp, limit: i64) -> Result<usize, DatabaseError> {
        let overdue = self.overdue(now, limit).await?;
        let count = overdue.len();
        for generation_id in overdue {
            self.expire(&generation_id, now).await?;
        }
        Ok(count)
    }

    /// Gives back what is held for a generation.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn expire(&self, generation_id: &str, now: Timestamp) -> Result<(), DatabaseError> {
        let generation_id = generation_id.to_owned();
        self.journal.ask(Ask::Expire { generation_id, now }).await.map(drop)
    }

    /// Moves money for the operator: once, however often it is asked for.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn post(&self, order: OperatorPosting) -> Result<Posted, DatabaseError> {
        self.post_told(order, None).await
    }

    /// The same with the line that tells of it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn post_told(&self, order: OperatorPosting, told: Option<AuditRow>) -> Result<Posted, DatabaseError> {
        let told = told.map(Box::new);
        match self.journal.ask(Ask::Post { order, told }).await? {
            Written::Posted(posted) => Ok(posted),
            _ => Err(DatabaseError::Closed),
        }
    }
}

impl Entry {
    /// The generation that it is about.
    pub(super) fn generation_id(&self) -> &str {
        match self {
            Self::BeginAttempt { generation_id, .. }
            | Self::Handle { generation_id, .. }
            | Self::Failure { generation_id, .. }
            | Self::LateEnd { generation_id, .. }
            | Self::Withdraw { generation_id, .. }
            | Self::Payloads { generation_id, .. }
            | Self::Timed { generation_id, .. }
            | Self::Break { generation_id, .. }
            | Self::HoldUntil { generation_id, .. }
            | Self::Delivery { generation_id, .. } => generation_id,
            Self::Reject { start, .. } => &start.id,
            Self::End { ended, .. } => &ended.id,
            Self::Media { rows, .. } => rows.first().map_or("", |media| media.generation_id.as_str()),
            Self::Told { due, .. } | Self::NotTold { due, .. } => &due.generation_id,
        }
    }
}
