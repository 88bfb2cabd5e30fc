//! What the rest of the gateway asks of the journal, apart from generations and money: turns of keys, signs of life, webhooks,
//! images, and what is removed.

use std::time::Duration;

use jiff::Timestamp;

use super::{Accepting, Ask, Entry, Forget, Written};
use crate::db::generations::{Orphan, Payloads};
use crate::db::media::MediaRow;
use crate::db::webhooks::{DueWebhook, TriedWebhook, WebhookRoom};
use crate::db::{Database, DatabaseError};

impl Database {
    /// Takes one request of a key into account that begins no generation, if the key's limit by the minute allows one now.
    /// Else returns how long until it does.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn take_turn(&self, key_id: &str, now: Timestamp) -> Result<Result<(), Duration>, DatabaseError> {
        let ask = Ask::Turn {
            key_id: key_id.to_owned(),
            now,
        };
        match self.journal.ask(ask).await? {
            Written::Turn(turn) => Ok(turn),
            _ => Err(DatabaseError::Closed),
        }
    }

    /// Says that this process is alive, for all generations that it works on.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn beat(&self) -> Result<(), DatabaseError> {
        let owner = self.owner().to_owned();
        self.journal.ask(Ask::Beat { owner }).await.map(drop)
    }

    /// Gives all leases of this process up: others take what it worked on over at once.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn stop_beating(&self) -> Result<(), DatabaseError> {
        self.bury(self.owner(), None).await
    }

    /// Takes a process for dead, unless its beat is another one than `beat` by now.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn bury(&self, owner: &str, beat: Option<i64>) -> Result<(), DatabaseError> {
        let owner = owner.to_owned();
        self.journal.ask(Ask::Bury { owner, beat }).await.map(drop)
    }

    /// Takes over up to `limit` generations of processes that are alive no more. Each goes to one process only. What is
    /// held for it stays held until `held_until` at the least.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn take_over(
        &self,
        now: Timestamp,
        held_until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Orphan>, DatabaseError> {
        let owner = self.owner().to_owned();
        let ask = Ask::TakeOver {
            owner,
            now,
            held_until,
            limit,
        };
        match self.journal.ask(ask).await? {
            Written::Orphans(orphans) => Ok(orphans),
            _ => Err(DatabaseError::Closed),
        }
    }

    /// Takes webhooks that are due and for which there is `room`, to be sent before `until`. Each goes to one process only.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn claim_webhooks(
        &self,
        now: Timestamp,
        until: Timestamp,
        room: WebhookRoom,
    ) -> Result<Vec<DueWebhook>, DatabaseError> {
        if !self.has_due_webhook(now).await? {
            return Ok(Vec::new());
        }
        match self.journal.ask(Ask::ClaimWebhooks { now, until, room }).await? {
            Written::Webhooks(webhooks) => Ok(webhooks),
            _ => Err(DatabaseError::Closed),
        }
    }

    /// Notes what came of a try, unless another process took it over meanwhile. What was delivered is delivered, whoever
    /// says so.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn note_webhook(&self, due: &DueWebhook, tried: &TriedWebhook) -> Result<(), DatabaseError> {
        let (due, tried) = (due.clone(), tried.clone());
        self.journal.hand_over(Entry::Told { due, tried }).accepted().await
    }

    /// Gives back a webhook whose try was broken off: it is due at once, and the try does not count.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn give_back_webhook(&self, due: &DueWebhook, now: Timestamp) -> Result<(), DatabaseError> {
        let due = due.clone();
        self.journal.hand_over(Entry::NotTold { due, now }).accepted().await
    }

    /// Notes stored images, unless another process has taken their generation over. They are written together with what
    /// comes right after, such as the generation's end.
    pub(crate) fn note_media(&self, rows: Vec<MediaRow>) -> Accepting {
        self.note_media_of(rows, self.owner())
    }

    /// The same for images that the process `owner` made.
    pub(crate) fn note_media_of(&self, rows: Vec<MediaRow>, owner: &str) -> Accepting {
        let owner = owner.to_owned();
        self.journal.hand_over(Entry::Media { rows, owner })
    }

    /// Forgets an image whose file is gone.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn delete_media(&self, id: &str) -> Result<(), DatabaseError> {
        self.forget_media(vec![id.to_owned()]).await
    }

    /// Forgets images whose files are gone.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_media(&self, ids: Vec<String>) -> Result<(), DatabaseError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.journal.ask(Ask::Forget(Forget::Media(ids))).await.map(drop)
    }

    /// Keeps what was asked and answered. What is accepted is written.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_payloads(&self, generation_id: &str, payloads: &Payloads) -> Result<(), DatabaseError> {
        let entry = Entry::Payloads {
            generation_id: generation_id.to_owned(),
            payloads: payloads.clone(),
        };
        self.journal.hand_over(entry).accepted().await
    }

    /// Removes up to `limit` ended generations that are older than their account keeps them, or than `days` where it does
    /// not say. Those with images that still live stay. The ledger keeps its postings. Returns how many there were.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_generations(&self, now: Timestamp, days: i64, limit: i64) -> Result<u64, DatabaseError> {
        let ids = self.old_generations(now, days, limit).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        match self.journal.ask(Ask::Forget(Forget::Generations(ids))).await? {
            Written::Count(count) => Ok(count),
            _ => Err(DatabaseError::Closed),
        }
    }

    /// Forgets up to `limit` keys whose time is over. Returns how many there were.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn forget_claims(&self, now: Timestamp, limit: i64) -> Result<u64, DatabaseError> {
        match self.journal.ask(Ask::Forget(Forget::Claims { now, limit })).await? {
            Written::Count(count) => Ok(count),
            _ => Err(DatabaseError::Closed),
        }
    }
}
