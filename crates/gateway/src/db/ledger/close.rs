//! Ending what is held: charged, given back, or expired.

use jiff::Timestamp;
use sqlx::{AnyConnection, Row};

use super::{End, Journaled, Payer, Settlement};
use crate::db::generations::Status;
use crate::db::{Database, DatabaseError};
use crate::ledger::{Charge, Kind, Period, give_back, settle};

/// Ends what is held for a generation: once, whoever comes first. Returns whether this was the end.
pub(in crate::db) async fn close(
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

impl Database {
    /// Generations whose reservation has expired, oldest first. Those of dead processes are not among them: they are taken
    /// over, however long nobody was there to do it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn overdue(&self, now: Timestamp, limit: i64) -> Result<Vec<String>, DatabaseError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT generation_id FROM reservations WHERE state = 'open' AND expires_at <= $1 AND NOT EXISTS \
             (SELECT 1 FROM generations WHERE id = generation_id AND status = $3 AND lease_owner IS NOT NULL AND lease_until <= $1) \
             ORDER BY expires_at LIMIT $2",
        )
        .bind(now.as_microsecond())
        .bind(limit)
        .bind(Status::Processing.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}
