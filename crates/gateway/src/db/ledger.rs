//! Money in the database: holding, charging, giving back.
//!
//! Accounts are changed before keys, and those of one transaction in the order of their ids, so that replicas hardly ever
//! wait for each other in a circle; where they do, the database ends one of the transactions and it is done again.

mod close;
pub mod history;
mod hold;
mod late;
mod pools;
mod post;
pub mod spent;
pub mod verify;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::link::Link;
use super::{DatabaseError, rows};
use crate::ledger::{Book, Charge, Entry, Kind, Period, Posting, borne, posting_id};

pub(super) use close::close;
pub(super) use hold::{held_before, hold, hold_until};
pub(super) use late::{bear, end_late};
pub use pools::{ALL_VISITORS, PoolLimits, address_pool};
pub(super) use post::post;
pub use post::{OperatorPosting, Posted};

/// What to hold for a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Prices of the candidates in millionths of a dollar. The dearest one that can be paid is held.
    pub prices: Vec<i64>,
    /// When it is given back if nobody ends the generation.
    pub expires_at: Timestamp,
}

impl Hold {
    /// Whether what is held pays for every candidate.
    #[must_use]
    pub fn is_dearest(&self, held_micros: i64) -> bool {
        self.prices.iter().all(|price| *price <= held_micros)
    }
}

/// Why nothing was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The account has too little.
    Balance {
        /// The cheapest candidate.
        required_micros: i64,
        /// What could be spent.
        available_micros: i64,
    },
    /// The key has too little left.
    Budget {
        /// Which of its budgets.
        budget: Budget,
        /// The cheapest candidate.
        required_micros: i64,
        /// What is left of it.
        left_micros: i64,
    },
    /// The key has asked as often as it may in a minute.
    Turn {
        /// How often.
        limit: i64,
        /// How long until it may again.
        due_in: Duration,
    },
    /// The key has as many generations under way as it may.
    Concurrent {
        /// How many.
        limit: i64,
    },
    /// The visitors of its address have, or all visitors.
    ConcurrentVisitors {
        /// How many.
        limit: i64,
    },
}

/// One of a key's budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// For ever.
    Total,
    /// Of a day in UTC.
    Day,
    /// Of a month in UTC.
    Month,
    /// What the visitors of one address may spend on a day in UTC.
    Address,
    /// What all visitors may spend on a day in UTC.
    Visitors,
}

/// How the money of a generation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// It delivered.
    Charge(Charge),
    /// It did not.
    Release,
}

/// How a reservation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its generation ended.
    Settled(Settlement),
    /// Its generation never did.
    Expired,
}

/// Whose money.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payer<'a> {
    pub(super) generation_id: &'a str,
    pub(super) account_id: &'a str,
    pub(super) key_id: &'a str,
}

/// Rows to insert at the end of a transaction, those of several generations at once.
#[derive(Debug, Default)]
pub(super) struct Journaled {
    postings: Vec<Posting>,
    reservations: Vec<Reservation>,
}

#[derive(Debug)]
struct Reservation {
    generation_id: String,
    account_id: String,
    key_id: String,
    amount_micros: i64,
    period: Period,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Journaled {
    pub(super) async fn insert(&self, link: &mut Link) -> Result<(), DatabaseError> {
        rows::insert(
            link,
            "reservations",
            "generation_id, account_id, key_id, amount_micros, day, month, state, created_at, expires_at",
            rows::ALL_NEW,
            &self.reservations,
            |row| {
                [
                    (&row.generation_id).into(),
                    (&row.account_id).into(),
                    (&row.key_id).into(),
                    row.amount_micros.into(),
                    row.period.day.into(),
                    row.period.month.into(),
                    "open".into(),
                    row.created_at.as_microsecond().into(),
                    row.expires_at.as_microsecond().into(),
                ]
            },
        )
        .await?;
        rows::insert(
            link,
            "postings",
            "id, kind, account_id, key_id, generation_id, note, created_at",
            rows::ALL_NEW,
            &self.postings,
            |row| {
                [
                    (&row.id).into(),
                    row.kind.as_str().into(),
                    (&row.account_id).into(),
                    row.key_id.as_deref().into(),
                    row.generation_id.as_deref().into(),
                    row.note.as_deref().into(),
                    row.created_at.as_microsecond().into(),
                ]
            },
        )
        .await?;
        let entries: Vec<(&str, &str, i64)> = self
            .postings
            .iter()
            .flat_map(|posting| {
                let amounts = posting.entries.iter();
                amounts.map(|(book, amount)| (posting.id.as_str(), book.as_str(), *amount))
            })
            .collect();
        rows::insert(
            link,
            "entries",
            "posting_id, book, amount_micros",
            rows::ALL_NEW,
            &entries,
            |row| [row.0.into(), row.1.into(), row.2.into()],
        )
        .await
    }

    /// What was refunded of a generation's charge in this transaction, whose rows are not there yet.
    fn refunded(&self, account_id: &str, generation_id: &str) -> i64 {
        let refunds = self.postings.iter().filter(|posting| {
            posting.kind == Kind::Refund
                && posting.account_id == account_id
                && posting.generation_id.as_deref() == Some(generation_id)
        });
        let entries = refunds.flat_map(|posting| &posting.entries);
        let given = entries.filter(|(book, _)| *book == Book::Available);
        given.map(|(_, amount)| amount).sum()
    }

    fn post(&mut self, payer: Payer<'_>, kind: Kind, at: Timestamp, entries: Vec<Entry>) {
        self.postings.push(Posting {
            id: posting_id(payer.generation_id, kind),
            kind,
            account_id: payer.account_id.to_owned(),
            key_id: Some(payer.key_id.to_owned()),
            generation_id: Some(payer.generation_id.to_owned()),
            note: None,
            created_at: at,
            entries,
        });
    }

    /// What a call cost, by its place among the attempts, whose images nobody got.
    pub(super) fn post_undelivered(&mut self, payer: Payer<'_>, position: i64, cost_micros: i64, at: Timestamp) {
        let kind = Kind::Undelivered;
        self.post(payer, kind, at, borne(cost_micros));
        if let Some(posting) = self.postings.last_mut() {
            posting.id = format!("{}/{position}", posting_id(payer.generation_id, kind));
        }
    }
}
