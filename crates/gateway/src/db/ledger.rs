//! Money in the database: holding, charging, giving back.
//!
//! Accounts are changed before keys, and those of one transaction in the order of their ids, so that replicas hardly ever
//! wait for each other in a circle; where they do, the database ends one of the transactions and it is done again.

pub mod history;
pub mod verify;

use jiff::Timestamp;
use sqlx::{AnyConnection, Row};

use super::{Database, DatabaseError, rows};
use crate::ledger::{Book, Charge, Kind, Period, Posting, by_operator, give_back, posting_id, reserve, settle};

/// What to hold for a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Prices of the candidates in millionths of a dollar. The dearest one that can be paid is held.
    pub prices: Vec<i64>,
    /// When it is given back if nobody ends the generation.
    pub expires_at: Timestamp,
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
    /// The key has as many generations under way as it may.
    Concurrent {
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
}

/// How the money of a generation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What an operator's posting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It is in the books.
    Done,
    /// It was there before.
    Already,
    /// There is no such account.
    NoAccount,
    /// The account would go below its limit.
    BelowLimit {
        /// What it can give.
        available_micros: i64,
    },
    /// There is less left of the charge to give back.
    PastCharge {
        /// What is left of it.
        left_micros: i64,
    },
    /// Another posting has this id.
    OtherContent,
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
    pub(super) async fn insert(&self, connection: &mut AnyConnection) -> Result<(), DatabaseError> {
        rows::insert(
            connection,
            "reservations",
            "generation_id, account_id, key_id, amount_micros, day, month, state, created_at, expires_at",
            rows::ALL_NEW,
            &self.reservations,
            |query, row| {
                let query = query.bind(row.generation_id.as_str()).bind(row.account_id.as_str());
                let query = query.bind(row.key_id.as_str()).bind(row.amount_micros);
                let query = query.bind(row.period.day).bind(row.period.month).bind("open");
                let query = query.bind(row.created_at.as_microsecond());
                query.bind(row.expires_at.as_microsecond())
            },
        )
        .await?;
        rows::insert(
            connection,
            "postings",
            "id, kind, account_id, key_id, generation_id, note, created_at",
            rows::ALL_NEW,
            &self.postings,
            |query, row| {
                let query = query.bind(row.id.as_str()).bind(row.kind.as_str());
                let query = query.bind(row.account_id.as_str()).bind(row.key_id.as_deref());
                let query = query.bind(row.generation_id.as_deref()).bind(row.note.as_deref());
                query.bind(row.created_at.as_microsecond())
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
            connection,
            "entries",
            "posting_id, book, amount_micros",
            rows::ALL_NEW,
            &entries,
            |query, row| query.bind(row.0).bind(row.1).bind(row.2),
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

    fn post(&mut self, payer: Payer<'_>, kind: Kind, at: Timestamp, entries: Vec<crate::ledger::Entry>) {
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
}

/// Holds the dearest of the prices that account and key can pay. Each check is one statement with its own addition.
pub(super) async fn hold(
    connection: &mut AnyConnection,
    journaled: &mut Journaled,
    payer: Payer<'_>,
    hold: &Hold,
    now: Timestamp,
) -> Result<Result<i64, Shortage>, DatabaseError> {
    let period = Period::of(now);
    let mut prices = hold.prices.clone();
    prices.sort_unstable_by(|one, other| other.cmp(one));
    prices.dedup();
    for price in &prices {
        if !take_from_account(connection, payer.account_id, *price).await? {
            continue;
        }
        let Some(period) = count_for_key(connection, payer.key_id, *price, period).await? else {
            give_to_account(connection, payer.account_id, *price).await?;
            continue;
        };
        journaled.post(payer, Kind::Reserve, now, reserve(*price));
        journaled.reservations.push(Reservation {
            generation_id: payer.generation_id.to_owned(),
            account_id: payer.account_id.to_owned(),
            key_id: payer.key_id.to_owned(),
            amount_micros: *price,
            period,
            created_at: now,
            expires_at: hold.expires_at,
        });
        return Ok(Ok(*price));
    }
    let least = prices.last().copied().unwrap_or(0);
    Ok(Err(shortage(connection, payer, least, period).await?))
}

/// What was held before, when the same generation comes again.
pub(super) async fn held_before(
    connection: &mut AnyConnection,
    generation_id: &str,
) -> Result<Option<i64>, DatabaseError> {
    let row: Option<(i64,)> = sqlx::query_as("SELECT amount_micros FROM reservations WHERE generation_id = $1")
        .bind(generation_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(amount,)| amount))
}

async fn take_from_account(connection: &mut AnyConnection, id: &str, amount: i64) -> Result<bool, DatabaseError> {
    // What costs nothing is never refused.
    let done = sqlx::query(
        "UPDATE accounts SET available_micros = available_micros - $2, held_micros = held_micros + $2 \
         WHERE id = $1 AND ($2 = 0 OR credit_limit_micros IS NULL OR available_micros - $2 >= -credit_limit_micros)",
    )
    .bind(id)
    .bind(amount)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn give_to_account(connection: &mut AnyConnection, id: &str, amount: i64) -> Result<(), DatabaseError> {
    sqlx::query(
        "UPDATE accounts SET available_micros = available_micros + $2, held_micros = held_micros - $2 WHERE id = $1",
    )
    .bind(id)
    .bind(amount)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts an amount for a key if its limits allow it. Returns the period that it was counted for, which is a later one than
/// `now` when another replica's clock is ahead around midnight.
async fn count_for_key(
    connection: &mut AnyConnection,
    key_id: &str,
    amount: i64,
    now: Period,
) -> Result<Option<Period>, DatabaseError> {
    let row = sqlx::query(
        "UPDATE key_limits SET open_count = open_count + 1, total_used_micros = total_used_micros + $2, \
         day_used_micros = CASE WHEN day >= $3 THEN day_used_micros ELSE 0 END + $2, day = CASE WHEN day >= $3 THEN day ELSE $3 END, \
         month_used_micros = CASE WHEN month >= $4 THEN month_used_micros ELSE 0 END + $2, month = CASE WHEN month >= $4 THEN month ELSE $4 END \
         WHERE key_id = $1 AND (concurrent_limit IS NULL OR open_count < concurrent_limit) AND ($2 = 0 OR \
         ((total_limit_micros IS NULL OR total_used_micros + $2 <= total_limit_micros) \
         AND (day_limit_micros IS NULL OR CASE WHEN day >= $3 THEN day_used_micros ELSE 0 END + $2 <= day_limit_micros) \
         AND (month_limit_micros IS NULL OR CASE WHEN month >= $4 THEN month_used_micros ELSE 0 END + $2 <= month_limit_micros))) \
         RETURNING day, month",
    )
    .bind(key_id)
    .bind(amount)
    .bind(now.day)
    .bind(now.month)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Period {
            day: row.try_get("day")?,
            month: row.try_get("month")?,
        })
    })
    .transpose()
}

/// Which limit it is that does not allow the least price.
async fn shortage(
    connection: &mut AnyConnection,
    payer: Payer<'_>,
    required_micros: i64,
    now: Period,
) -> Result<Shortage, DatabaseError> {
    let key = sqlx::query(
        "SELECT concurrent_limit, open_count, total_limit_micros, total_used_micros, day_limit_micros, \
         CASE WHEN day >= $2 THEN day_used_micros ELSE 0 END AS day_used, month_limit_micros, \
         CASE WHEN month >= $3 THEN month_used_micros ELSE 0 END AS month_used FROM key_limits WHERE key_id = $1",
    )
    .bind(payer.key_id)
    .bind(now.day)
    .bind(now.month)
    .fetch_one(&mut *connection)
    .await?;
    let open: i64 = key.try_get("open_count")?;
    if let Some(limit) = key.try_get::<Option<i64>, _>("concurrent_limit")?
        && open >= limit
    {
        return Ok(Shortage::Concurrent { limit });
    }
    for (budget, limit, used) in [
        (Budget::Total, "total_limit_micros", "total_used_micros"),
        (Budget::Month, "month_limit_micros", "month_used"),
        (Budget::Day, "day_limit_micros", "day_used"),
    ] {
        let used: i64 = key.try_get(used)?;
        let left = key.try_get::<Option<i64>, _>(limit)?.map(|limit| limit - used);
        if let Some(left_micros) = left.filter(|left| *left < required_micros) {
            return Ok(Shortage::Budget {
                budget,
                required_micros,
                left_micros: left_micros.max(0),
            });
        }
    }
    let (available, limit): (i64, Option<i64>) =
        sqlx::query_as("SELECT available_micros, credit_limit_micros FROM accounts WHERE id = $1")
            .bind(payer.account_id)
            .fetch_one(connection)
            .await?;
    Ok(Shortage::Balance {
        required_micros,
        available_micros: available.saturating_add(limit.unwrap_or(0)).max(0),
    })
}

/// Ends what is held for a generation: once, whoever comes first. Returns whether this was the end.
pub(super) async fn close(
    connection: &mut AnyConnection,
    journaled: &mut Journaled,
    generation_id: &str,
    end: End,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    let (kind, charge) = match end {
        End::Settled(Settlement::Charge(charge)) => (Kind::Charge, charge),
        End::Settled(Settlement::Release) => (Kind::Release, Charge::default()),
        End::Expired => (Kind::Expire, Charge::default()),
    };
    let mut open = true;
    let mut closed = change_state(connection, generation_id, "open", kind).await?;
    if closed.is_none() && kind == Kind::Charge {
        // A charge that comes after the reservation has expired is charged all the same, without anything held.
        open = false;
        closed = change_state(connection, generation_id, "expired", kind).await?;
    }
    let Some(closed) = closed else { return Ok(false) };
    let held = if open { closed.amount_micros } else { 0 };
    let paid = pay(connection, &closed.account_id, held, charge.total_micros).await?;
    let change = charge.total_micros - held;
    recount_for_key(connection, &closed.key_id, change, i64::from(open), closed.period).await?;
    let entries = match kind {
        Kind::Charge => settle(held, charge, paid),
        _ => give_back(held),
    };
    let payer = Payer {
        generation_id,
        account_id: &closed.account_id,
        key_id: &closed.key_id,
    };
    journaled.post(payer, kind, now, entries);
    Ok(true)
}

/// A reservation as it was closed.
struct Closed {
    account_id: String,
    key_id: String,
    amount_micros: i64,
    period: Period,
}

/// Takes a reservation out of the state `from`; `None` when it is not in it.
async fn change_state(
    connection: &mut AnyConnection,
    generation_id: &str,
    from: &str,
    kind: Kind,
) -> Result<Option<Closed>, DatabaseError> {
    let state = match kind {
        Kind::Charge => "charged",
        Kind::Expire => "expired",
        _ => "released",
    };
    let row = sqlx::query(
        "UPDATE reservations SET state = $3 WHERE generation_id = $1 AND state = $2 RETURNING account_id, key_id, amount_micros, day, month",
    )
    .bind(generation_id)
    .bind(from)
    .bind(state)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Closed {
            account_id: row.try_get("account_id")?,
            key_id: row.try_get("key_id")?,
            amount_micros: row.try_get("amount_micros")?,
            period: Period {
                day: row.try_get("day")?,
                month: row.try_get("month")?,
            },
        })
    })
    .transpose()
}

/// Locks the account's row until the transaction ends.
async fn lock_account(connection: &mut AnyConnection, id: &str) -> Result<(), DatabaseError> {
    sqlx::query("UPDATE accounts SET held_micros = held_micros WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives back what was held and takes what it cost. Returns how much of that the account could pay: all, unless it cost
/// more than was held and the account has a limit.
async fn pay(connection: &mut AnyConnection, id: &str, held: i64, cost: i64) -> Result<i64, DatabaseError> {
    let (available, limit): (i64, Option<i64>) = sqlx::query_as(
        "UPDATE accounts SET held_micros = held_micros - $2, available_micros = available_micros + $2 - $3 WHERE id = $1 \
         RETURNING available_micros, credit_limit_micros",
    )
    .bind(id)
    .bind(held)
    .bind(cost)
    .fetch_one(&mut *connection)
    .await?;
    let below = limit
        .map_or(0, |limit| (-limit - available).max(0))
        .min((cost - held).max(0));
    if below == 0 {
        return Ok(cost);
    }
    sqlx::query("UPDATE accounts SET available_micros = available_micros + $2 WHERE id = $1")
        .bind(id)
        .bind(below)
        .execute(connection)
        .await?;
    Ok(cost - below)
}

/// Corrects what was counted for a key by `change`, in the period for which it was counted.
async fn recount_for_key(
    connection: &mut AnyConnection,
    key_id: &str,
    change: i64,
    open: i64,
    period: Period,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "UPDATE key_limits SET open_count = open_count - $3, total_used_micros = total_used_micros + $2, \
         day_used_micros = day_used_micros + CASE WHEN day = $4 THEN $2 ELSE 0 END, \
         month_used_micros = month_used_micros + CASE WHEN month = $5 THEN $2 ELSE 0 END WHERE key_id = $1",
    )
    .bind(key_id)
    .bind(change)
    .bind(open)
    .bind(period.day)
    .bind(period.month)
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves money for the operator, once.
pub(super) async fn post(
    connection: &mut AnyConnection,
    journaled: &mut Journaled,
    order: &OperatorPosting,
) -> Result<Posted, DatabaseError> {
    lock_account(connection, &order.account_id).await?;
    if let Some(before) = history::posting(connection, &order.id).await? {
        return Ok(if before.is_same_as(order) {
            Posted::Already
        } else {
            Posted::OtherContent
        });
    }
    let account: Option<(i64, Option<i64>)> =
        sqlx::query_as("SELECT available_micros, credit_limit_micros FROM accounts WHERE id = $1")
            .bind(order.account_id.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    let Some((available, limit)) = account else {
        return Ok(Posted::NoAccount);
    };
    let spendable = available.saturating_add(limit.unwrap_or(i64::MAX / 2));
    if order.amount_micros < 0 && spendable < -order.amount_micros {
        return Ok(Posted::BelowLimit {
            available_micros: spendable.max(0),
        });
    }
    if order.kind == Kind::Refund {
        let generation = order.generation_id.as_deref().unwrap_or_default();
        let left_micros = history::refundable(connection, &order.account_id, generation).await?
            - journaled.refunded(&order.account_id, generation);
        if left_micros < order.amount_micros {
            return Ok(Posted::PastCharge { left_micros });
        }
    }
    sqlx::query("UPDATE accounts SET available_micros = available_micros + $2 WHERE id = $1")
        .bind(order.account_id.as_str())
        .bind(order.amount_micros)
        .execute(connection)
        .await?;
    journaled.postings.push(Posting {
        id: order.id.clone(),
        kind: order.kind,
        account_id: order.account_id.clone(),
        key_id: None,
        generation_id: order.generation_id.clone(),
        note: order.note.clone(),
        created_at: order.created_at,
        entries: by_operator(order.kind, order.amount_micros),
    });
    Ok(Posted::Done)
}

/// What an operator wants to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorPosting {
    /// Made before the call.
    pub id: String,
    /// [`Kind::TopUp`], [`Kind::Adjustment`] or [`Kind::Refund`].
    pub kind: Kind,
    /// Whose money.
    pub account_id: String,
    /// What the account gets; an adjustment may be negative.
    pub amount_micros: i64,
    /// Of which generation a refund is.
    pub generation_id: Option<String>,
    /// Remark.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl Database {
    /// Generations whose reservation has expired, oldest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn overdue(&self, now: Timestamp, limit: i64) -> Result<Vec<String>, DatabaseError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT generation_id FROM reservations WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
        )
        .bind(now.as_microsecond())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}
