//! Ends of generations that callers want to be told of, until they are.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::generations::{EndOfGeneration, NewGeneration};
use super::link::{self, Link};
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

/// How many webhooks may be under way at one time, and which ones are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRoom {
    /// In all.
    pub in_all: usize,
    /// Of one account.
    pub of_account: usize,
    /// To one host.
    pub to_host: usize,
    /// Account and host of each that is under way.
    pub under_way: Vec<(String, String)>,
}

impl WebhookRoom {
    /// Whether nothing more may begin.
    fn is_full(&self) -> bool {
        self.under_way.len() >= self.in_all
    }

    /// Takes a place, if there is one.
    fn take(&mut self, account_id: String, host: String) -> bool {
        let of_account = self
            .under_way
            .iter()
            .filter(|(account, _)| *account == account_id)
            .count();
        let to_host = self.under_way.iter().filter(|(_, other)| *other == host).count();
        let fits = !self.is_full() && of_account < self.of_account && to_host < self.to_host;
        if fits {
            self.under_way.push((account_id, host));
        }
        fits
    }
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

/// All of a URL that may be logged: its path and query may be secrets.
pub(crate) fn host(url: &str) -> Option<String> {
    Some(url::Url::parse(url).ok()?.host_str()?.to_owned())
}

/// Inserts the webhooks of generations that begin.
pub(super) async fn insert(
    link: &mut Link,
    generations: &[(NewGeneration, Option<EndOfGeneration>)],
) -> Result<(), DatabaseError> {
    // A refusal has been told already.
    let begun = generations.iter().filter(|(_, end)| end.is_none());
    let webhooks: Vec<(&NewGeneration, &str, String)> = begun
        .filter_map(|(start, _)| {
            let url = start.durable.webhook_url.as_deref()?;
            Some((start, url, host(url).unwrap_or_default()))
        })
        .collect();
    rows::insert(
        link,
        "webhooks",
        "generation_id, account_id, url, host, state, tries, next_at, created_at",
        rows::ALL_NEW,
        &webhooks,
        |(start, url, host)| {
            let created_at = start.created_at.as_microsecond();
            [
                (&start.id).into(),
                (&start.account_id).into(),
                (*url).into(),
                host.into(),
                WebhookState::Pending.as_str().into(),
                0.into(),
                created_at.into(),
                created_at.into(),
            ]
        },
    )
    .await
}

/// Takes webhooks that are due and for which there is room, to be sent before `until`. Each goes to one process only. Every
/// account's first is looked at before anybody's second, and of one account every host's.
pub(super) async fn claim(
    link: &mut Link,
    now: Timestamp,
    until: Timestamp,
    mut room: WebhookRoom,
) -> Result<Vec<DueWebhook>, DatabaseError> {
    let mut claimed = Vec::new();
    for candidate in candidates(link, now, room.to_host).await? {
        if room.is_full() {
            break;
        }
        if room.take(candidate.account_id, candidate.host)
            && let Some(due) = claim_one(link, &candidate.generation_id, now, until).await?
        {
            claimed.push(due);
        }
    }
    Ok(claimed)
}

/// A webhook that is due.
struct Candidate {
    generation_id: String,
    account_id: String,
    host: String,
    next_at: i64,
}

impl Candidate {
    fn by_time(&self, other: &Self) -> Ordering {
        (self.next_at, &self.generation_id).cmp(&(other.next_at, &other.generation_id))
    }
}

/// Of each host of each account the first webhooks that are due, in the order in which they are looked at.
async fn candidates(link: &mut Link, now: Timestamp, of_host: usize) -> Result<Vec<Candidate>, DatabaseError> {
    let rows = link
        .rows(&candidates_sql(of_host), &[now.as_microsecond().into()])
        .await?;
    let candidate = |row: &link::Row| {
        Ok(Candidate {
            generation_id: row.text(0)?,
            account_id: row.text(1)?,
            host: row.text(2)?,
            next_at: row.number(3)?,
        })
    };
    let found: Vec<Candidate> = rows.iter().map(candidate).collect::<Result<_, DatabaseError>>()?;
    Ok(in_turn(found))
}

/// From host to host, and to the first ones of each, it goes by index: how many wait behind them does not matter.
fn candidates_sql(of_host: usize) -> String {
    let pending = WebhookState::Pending.as_str();
    // The next host of the same account, else the first of the next account.
    let after = |column: &str| {
        format!(
            "COALESCE((SELECT {column} FROM webhooks AS next WHERE next.state = '{pending}' \
             AND next.account_id = hosts.account_id AND next.host > hosts.host ORDER BY next.host LIMIT 1), \
             (SELECT {column} FROM webhooks AS next WHERE next.state = '{pending}' \
             AND next.account_id > hosts.account_id ORDER BY next.account_id, next.host LIMIT 1))"
        )
    };
    let place = |place: usize| {
        format!(
            "SELECT (SELECT generation_id FROM webhooks AS due JOIN generations ON generations.id = generation_id \
             WHERE due.state = '{pending}' AND due.account_id = hosts.account_id AND due.host = hosts.host \
             AND due.next_at <= $1 AND finished_at IS NOT NULL ORDER BY due.next_at, due.generation_id LIMIT 1 OFFSET {place}) \
             AS id FROM hosts WHERE hosts.account_id IS NOT NULL"
        )
    };
    let places: Vec<String> = (0..of_host).map(place).collect();
    format!(
        "WITH RECURSIVE hosts (account_id, host) AS (SELECT account_id, host FROM (SELECT account_id, host FROM webhooks \
         WHERE state = '{pending}' ORDER BY account_id, host LIMIT 1) AS first UNION ALL \
         SELECT {account}, {host} FROM hosts WHERE hosts.account_id IS NOT NULL) \
         SELECT generation_id, account_id, host, next_at FROM ({places}) AS firsts JOIN webhooks ON generation_id = firsts.id",
        account = after("next.account_id"),
        host = after("next.host"),
        places = places.join(" UNION ALL "),
    )
}

/// Every account's first before anybody's second, and of one account every host's.
fn in_turn(mut found: Vec<Candidate>) -> Vec<Candidate> {
    found.sort_by(Candidate::by_time);
    let mut of_hosts = counted(found, |candidate| {
        (candidate.account_id.clone(), candidate.host.clone())
    });
    // The order of time stays among equals.
    of_hosts.sort_by_key(|(place, _)| *place);
    let placed = of_hosts.into_iter().map(|(_, candidate)| candidate);
    let mut of_accounts = counted(placed, |candidate| candidate.account_id.clone());
    of_accounts.sort_by(|(turn, one), (other_turn, other)| turn.cmp(other_turn).then_with(|| one.by_time(other)));
    of_accounts.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Each candidate with the number of those of its kind that come before it.
fn counted<K: Eq + Hash>(
    candidates: impl IntoIterator<Item = Candidate>,
    kind: impl Fn(&Candidate) -> K,
) -> Vec<(usize, Candidate)> {
    let mut counts: HashMap<K, usize> = HashMap::new();
    let count = |candidate: Candidate| {
        let count = counts.entry(kind(&candidate)).or_default();
        *count += 1;
        (*count - 1, candidate)
    };
    candidates.into_iter().map(count).collect()
}

async fn claim_one(
    link: &mut Link,
    generation_id: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<DueWebhook>, DatabaseError> {
    let sql = "UPDATE webhooks SET next_at = $1 WHERE generation_id = $2 AND state = $3 AND next_at <= $4 \
         RETURNING generation_id, account_id, url, tries, next_at";
    let values = [
        until.as_microsecond().into(),
        generation_id.into(),
        WebhookState::Pending.as_str().into(),
        now.as_microsecond().into(),
    ];
    let rows = link.rows(sql, &values).await?;
    rows.first()
        .map(|row| {
            Ok(DueWebhook {
                generation_id: row.text(0)?,
                account_id: row.text(1)?,
                url: row.text(2)?,
                tries: row.number(3)?,
                claimed_until: time(row.number(4)?, "next_at")?,
            })
        })
        .transpose()
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

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn what_is_due_is_found_by_index_however_much_waits() {
        let database = Connection::open_in_memory().expect("memory");
        let tables = "CREATE TABLE generations (id TEXT PRIMARY KEY, finished_at BIGINT); \
             CREATE TABLE webhooks (generation_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, host TEXT NOT NULL, \
             state TEXT NOT NULL, next_at BIGINT NOT NULL); CREATE INDEX webhooks_by_state ON webhooks (state, next_at);";
        let index = include_str!("../../../../migrations/0023_webhooks_by_host.sql");
        database
            .execute_batch(&format!("{tables}{index}"))
            .expect("tables as they are");
        let plan = format!("EXPLAIN QUERY PLAN {}", candidates_sql(4));
        let mut plan = database.prepare(&plan).expect("a statement");
        let steps = plan.query_map([0], |row| row.get::<_, String>(3)).expect("a plan");
        for step in steps {
            let step = step.expect("a step");
            let is_known = ["webhooks_by_host", "autoindex", "hosts", "first"]
                .iter()
                .any(|way| step.contains(way));
            assert!(
                is_known || !(step.starts_with("SCAN") || step.starts_with("SEARCH")),
                "{step}"
            );
            assert!(!step.contains("TEMP B-TREE"), "{step}");
        }
    }

    #[test]
    fn every_accounts_first_comes_before_anybodys_second() {
        let candidate = |account: &str, host: &str, next_at: i64| Candidate {
            generation_id: format!("{account}{host}{next_at}"),
            account_id: account.to_owned(),
            host: host.to_owned(),
            next_at,
        };
        let found = vec![
            candidate("a", "x", 1),
            candidate("a", "x", 2),
            candidate("a", "y", 3),
            candidate("b", "x", 4),
        ];
        let order: Vec<String> = in_turn(found).into_iter().map(|one| one.generation_id).collect();
        assert_eq!(order, ["ax1", "bx4", "ay3", "ax2"]);
    }
}
