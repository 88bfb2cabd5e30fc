//! Ends of generations that callers want to be told of, until they are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::generations::{EndOfGeneration, NewGeneration};
use super::link::Link;
use super::{Database, DatabaseError, rows, time};

/// Where a webhook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookState {
    /// To be sent, now or once the generation has ended.
    Pending,
    /// Taken by its receiver.
    Delivered,
    /// Given up.
    Failed,
}

impl WebhookState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The name in tables and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// How a webhook stands for those who look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// State.
    pub state: String,
    /// Tries whose end is known.
    pub tries: i64,
    /// What the receiver answered the last one with, if it answered.
    pub last_status: Option<i64>,
    /// Why it did not.
    pub last_error: Option<String>,
}

/// A webhook that one process alone may send now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueWebhook {
    /// The generation that has ended.
    pub generation_id: String,
    /// Its account.
    pub account_id: String,
    /// Where to.
    pub url: String,
    /// Tries before this one.
    pub tries: i64,
    /// Until when it is this process's: who notes its end says so, so that nothing late overwrites another's.
    pub claimed_until: Timestamp,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedWebhook {
    /// State.
    pub state: WebhookState,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// Why it did not.
    pub error: Option<String>,
    /// When it is due again, if it is.
    pub next_at: Timestamp,
}

/// Inserts the webhooks of generations that begin.
pub(super) async fn insert(
    link: &mut Link,
    generations: &[(NewGeneration, Option<EndOfGeneration>)],
) -> Result<(), DatabaseError> {
    // A refusal has been told already.
    let begun = generations.iter().filter(|(_, end)| end.is_none());
    let webhooks: Vec<(&NewGeneration, &str)> = begun
        .filter_map(|(start, _)| Some((start, start.durable.webhook_url.as_deref()?)))
        .collect();
    rows::insert(
        link,
        "webhooks",
        "generation_id, account_id, url, state, tries, next_at, created_at",
        rows::ALL_NEW,
        &webhooks,
        |(start, url)| {
            let created_at = start.created_at.as_microsecond();
            [
                (&start.id).into(),
                (&start.account_id).into(),
                (*url).into(),
                WebhookState::Pending.as_str().into(),
                0.into(),
                created_at.into(),
                created_at.into(),
            ]
        },
    )
    .await
}

/// Takes up to `limit` webhooks that are due, to be sent before `until`. Each goes to one process only.
pub(super) async fn claim(
    link: &mut Link,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<DueWebhook>, DatabaseError> {
    let sql = "UPDATE webhooks SET next_at = $1 WHERE generation_id IN (SELECT generation_id FROM webhooks \
         JOIN generations ON generations.id = generation_id WHERE webhooks.state = $2 AND next_at <= $3 \
         AND finished_at IS NOT NULL ORDER BY next_at LIMIT $4) \
         AND state = $2 AND next_at <= $3 RETURNING generation_id, account_id, url, tries, next_at";
    let values = [
        until.as_microsecond().into(),
        WebhookState::Pending.as_str().into(),
        now.as_microsecond().into(),
        limit.into(),
    ];
    let rows = link.rows(sql, &values).await?;
    rows.iter()
        .map(|row| {
            Ok(DueWebhook {
                generation_id: row.text(0)?,
                account_id: row.text(1)?,
                url: row.text(2)?,
                tries: row.number(3)?,
                claimed_until: time(row.number(4)?, "next_at")?,
            })
        })
        .collect()
}

/// Notes what came of a try, unless another process took it over meanwhile. What was delivered is delivered, whoever says
/// so.
pub(super) async fn note(link: &mut Link, due: &DueWebhook, tried: &TriedWebhook) -> Result<(), DatabaseError> {
    let sql = "UPDATE webhooks SET state = $2, tries = tries + 1, next_at = $3, last_status = $4, last_error = $5 \
         WHERE generation_id = $1 AND state = $6 AND (next_at = $7 OR $2 = $8)";
    let values = [
        (&due.generation_id).into(),
        tried.state.as_str().into(),
        tried.next_at.as_microsecond().into(),
        tried.status.map(i64::from).into(),
        tried.error.as_deref().into(),
        WebhookState::Pending.as_str().into(),
        due.claimed_until.as_microsecond().into(),
        WebhookState::Delivered.as_str().into(),
    ];
    link.execute(sql, &values).await?;
    Ok(())
}

/// Gives back a webhook whose try was broken off: it is due at once, and the try does not count.
pub(super) async fn give_back(link: &mut Link, due: &DueWebhook, now: Timestamp) -> Result<(), DatabaseError> {
    let sql = "UPDATE webhooks SET next_at = $2 WHERE generation_id = $1 AND state = $3 AND next_at = $4";
    let values = [
        (&due.generation_id).into(),
        now.as_microsecond().into(),
        WebhookState::Pending.as_str().into(),
        due.claimed_until.as_microsecond().into(),
    ];
    link.execute(sql, &values).await?;
    Ok(())
}

impl Database {
    /// The webhook of a generation, if its caller wanted one.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn webhook(&self, generation_id: &str) -> Result<Option<WebhookRow>, DatabaseError> {
        let row = sqlx::query("SELECT state, tries, last_status, last_error FROM webhooks WHERE generation_id = $1")
            .bind(generation_id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(WebhookRow {
                state: row.try_get("state")?,
                tries: row.try_get("tries")?,
                last_status: row.try_get("last_status")?,
                last_error: row.try_get("last_error")?,
            })
        })
        .transpose()
    }

    /// Whether some webhook is due. Most of the time none is, and the writer need not be asked.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn has_due_webhook(&self, now: Timestamp) -> Result<bool, DatabaseError> {
        let due = sqlx::query("SELECT generation_id FROM webhooks WHERE state = $1 AND next_at <= $2 LIMIT 1")
            .bind(WebhookState::Pending.as_str())
            .bind(now.as_microsecond())
            .fetch_optional(&self.pool)
            .await?;
        Ok(due.is_some())
    }
}
