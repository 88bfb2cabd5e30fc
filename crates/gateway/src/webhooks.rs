//! Telling callers how their generations ended, by Standard Webhooks: signed, and again until it is taken or given up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use providers::GuardedClient;
use serde_json::json;
use tokio::select;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use url::Url;

use crate::db::DatabaseError;
use crate::db::generations::Status;
use crate::db::webhooks::{DueWebhook, TriedWebhook, WebhookRoom, WebhookState, host};
use crate::generation::Generator;
use crate::request_view::{self, Reader};
use crate::secrets::{self, Whose};
use crate::signing;

/// Waits before the second, third and fourth try, from the end of the one before. There is no fifth.
pub(crate) const RETRY_AFTER: [SignedDuration; 3] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(15),
    SignedDuration::from_secs(45),
];
/// Longest try: receivers should answer before they work.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a try is this process's alone. Longer than any try lasts, so that only what a dead one tried is tried by another.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);
/// How often it is looked for what is due: again, or because another process ended it.
const LOOK: Duration = Duration::from_secs(1);
/// Tries at one time: some receivers let one wait.
const AT_ONCE: usize = 128;
/// Of those, of one account: with several that wait for receivers who never answer, others' are sent all the same.
const OF_ACCOUNT_AT_ONCE: usize = 16;
/// And to one host, whoever sends there.
const TO_HOST_AT_ONCE: usize = 4;

/// What a generation that gave images is told as.
pub(crate) const COMPLETED: &str = "image.completed";
/// What one that gave none is told as.
pub(crate) const FAILED: &str = "image.failed";

/// Sends what is due, until `stopped`: what is being sent then is left to others at once.
pub(crate) async fn keep(generator: Generator, client: Arc<GuardedClient>, stopped: CancellationToken) {
    let sender = Sender {
        generator,
        client,
        stopped,
    };
    let mut ticks = tokio::time::interval(LOOK);
    let mut sending: JoinSet<()> = JoinSet::new();
    let mut under_way: HashMap<Id, (String, String)> = HashMap::new();
    loop {
        select! {
            () = sender.stopped.cancelled() => break,
            _ = ticks.tick() => {}
            () = sender.generator.told.notified() => {}
            Some(ended) = sending.join_next_with_id() => {
                under_way.remove(&task_of(ended));
            }
        }
        while let Some(ended) = sending.try_join_next_with_id() {
            under_way.remove(&task_of(ended));
        }
        for due in sender.due(under_way.values().cloned().collect()).await {
            let sender = sender.anew();
            let span = tracing::error_span!("request", request.id = %due.generation_id);
            let to = (due.account_id.clone(), host(&due.url).unwrap_or_default());
            let task = sending.spawn(async move { sender.deliver(due).await }.instrument(span));
            under_way.insert(task.id(), to);
        }
    }
    while sending.join_next().await.is_some() {}
}

/// The task that ended, in whatever way.
fn task_of(ended: Result<(Id, ()), JoinError>) -> Id {
    ended.map_or_else(|error| error.id(), |(id, ())| id)
}

/// Why a receiver gave no status. The texts are fit for the caller who named it.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    /// It could not be reached, or may not be.
    #[error(transparent)]
    Fetch(#[from] providers::FetchError),
    /// What is to be sent could not be made; more is in the log.
    #[error("the message could not be made")]
    Broken,
}

/// What a try needs. Cheap to clone.
#[derive(Clone)]
struct Sender {
    generator: Generator,
    client: Arc<GuardedClient>,
    stopped: CancellationToken,
}

impl Sender {
    /// The same with the catalogue in force now.
    fn anew(&self) -> Self {
        Self {
            generator: self.generator.in_force(),
            ..self.clone()
        }
    }

    fn now(&self) -> Timestamp {
        self.generator.clock.now()
    }

    /// What is due and from now on this process's, beside what is under way.
    async fn due(&self, under_way: Vec<(String, String)>) -> Vec<DueWebhook> {
        if under_way.len() >= AT_ONCE {
            return Vec::new();
        }
        let room = WebhookRoom {
            in_all: AT_ONCE,
            of_account: OF_ACCOUNT_AT_ONCE,
            to_host: TO_HOST_AT_ONCE,
            under_way,
        };
        let now = self.now();
        let claimed = self.generator.database.claim_webhooks(now, later(now, CLAIM), room);
        claimed.await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "it could not be seen which webhooks are due");
            Vec::new()
        })
    }

    /// One try, and what follows from it.
    async fn deliver(&self, due: DueWebhook) {
        let database = &self.generator.database;
        let noted = match self.stopped.run_until_cancelled(self.send(&due)).await {
            None => database.give_back_webhook(&due, self.now()).await,
            Some(result) => database.note_webhook(&due, &self.judge(&due, result)).await,
        };
        if let Err(error) = noted {
            // Nobody knows that it was tried: it is tried again when the claim has ended.
            tracing::warn!(error = %error, "the end of a webhook's try could not be noted");
        }
    }

    fn judge(&self, due: &DueWebhook, result: Result<u16, Unsent>) -> TriedWebhook {
        let now = self.now();
        let (status, error) = match result {
            Ok(status) => (Some(status), None),
            Err(unsent) => (None, Some(unsent.to_string())),
        };
        let wait = usize::try_from(due.tries).ok().and_then(|tries| RETRY_AFTER.get(tries));
        let state = match (status, wait) {
            (Some(200..=299), _) => WebhookState::Delivered,
            (_, Some(_)) => WebhookState::Pending,
            (_, None) => WebhookState::Failed,
        };
        if state == WebhookState::Failed {
            tracing::warn!(
                webhook.host = host(&due.url).as_deref(),
                webhook.tries = due.tries + 1,
                http.status = status,
                error = error.as_deref(),
                "a webhook was not taken; it is given up"
            );
        }
        TriedWebhook {
            state,
            status,
            error,
            next_at: wait.map_or(now, |wait| later(now, *wait)),
        }
    }

    /// Sends a webhook. Gives what its receiver answered.
    async fn send(&self, due: &DueWebhook) -> Result<u16, Unsent> {
        let url: Url = due.url.parse().map_err(|_| Unsent::Broken)?;
        let body = self
            .body(due)
            .await
            .map_err(|error| broken(&error))?
            .ok_or(Unsent::Broken)?;
        let secrets = secrets::read(&self.generator.database, Whose::Webhooks(&due.account_id), self.now()).await;
        let secrets = secrets.map_err(|error| broken(&error))?;
        let (id, at_s) = (format!("msg_{}", due.generation_id), self.now().as_second());
        // By the secret in force and by those that count on, so that receivers change to the new one when it suits them.
        let by = std::iter::once(&secrets.current).chain(secrets.former.iter().map(|(secret, _)| secret));
        let headers = signing::headers(by, &id, at_s, &body).ok_or(Unsent::Broken)?;
        let deadline = Instant::now() + TIMEOUT;
        Ok(self.client.post(&url, headers, body.into(), deadline).await?)
    }

    /// What is told of a generation. `None` when it is not on record any more.
    async fn body(&self, due: &DueWebhook) -> Result<Option<String>, DatabaseError> {
        let generator = &self.generator;
        let Some(row) = generator
            .database
            .generation(&due.account_id, &due.generation_id)
            .await?
        else {
            return Ok(None);
        };
        let event = if row.status == Status::Completed {
            COMPLETED
        } else {
            FAILED
        };
        let ended_at = row.finished_at.unwrap_or(row.start.created_at);
        let data = request_view::whole(generator, &row, Reader::Account).await?;
        Ok(Some(
            json!({ "type": event, "timestamp": ended_at.to_string(), "data": data }).to_string(),
        ))
    }
}

fn broken(error: &DatabaseError) -> Unsent {
    tracing::error!(error = %error, "a webhook could not be made");
    Unsent::Broken
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_its_host_is_logged() {
        assert_eq!(
            host("https://hooks.example/T0/secret?token=x").as_deref(),
            Some("hooks.example")
        );
    }
}
