//! Ending what is held: charged, given back, or expired.

use std::time::Duration;

use jiff::Timestamp;

use super::{End, Journaled, Payer, Settlement, pools};
use crate::db::generations::Status;
use crate::db::link::Link;
use crate::db::{Database, DatabaseError};
use crate::ledger::{Charge, Kind, Period, give_back, settle};

/// Ends what is held for a generation: once, whoever comes first, but for a process `owner` that does not work on it any more:
/// it is heard only with a charge for what has been given back, and only while no other request has the caller's key. Returns
/// whether this was the end.
pub(in crate::db) async fn close(
    link: &mut Link,
    journaled: &mut Journaled,
    generation_id: &str,
    end: End,
    owner: Option<&str>,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    let (kind, charge) = match end {
        End::Settled(Settlement::Charge(charge)) => (Kind::Charge, charge),
        End::Settled(Settlement::Release) => (Kind::Release, Charge::default()),
        End::Expired => (Kind::Expire, Charge::default()),
    };
    let mut open = true;
    let mut closed = change_state(link, generation_id, ("open", kind), owner).await?;
    // A charge that comes after what was held has been given back is charged all the same.
    if closed.is_none() && kind == Kind::Charge {
        open = false;
        for given_back in ["expired", "released"] {
            if closed.is_none() {
                closed = change_state(link, generation_id, (given_back, kind), None).await?;
            }
        }
    }
    let Some(closed) = closed else { return Ok(false) };
    let held = if open { closed.amount_micros } else { 0 };
    let paid = pay(link, &closed.account_id, held, charge.total_micros).await?;
    let change = charge.total_micros - held;
    recount_for_key(link, &closed.key_id, change, i64::from(open), closed.period).await?;
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

/// That a generation is not another process's than `$4`.
const IS_OWN: &str =
    "(CAST($4 AS TEXT) IS NULL OR NOT EXISTS (SELECT 1 FROM generations WHERE id = $1 AND lease_owner <> $4))";
/// That the caller's key of a generation is not another one's by now.
const HAS_ITS_KEY: &str = "NOT EXISTS (SELECT 1 FROM generations JOIN idempotency_keys ON idempotency_keys.key_id = generations.key_id \
     AND idempotency_keys.idempotency_key = generations.idempotency_key \
     WHERE generations.id = $1 AND idempotency_keys.generation_id NOT IN (generations.id, ''))";

/// Takes a reservation out of a state, for an end of this kind; `None` when it is not in it, or may not be closed by `owner`.
async fn change_state(
    link: &mut Link,
    generation_id: &str,
    (from, kind): (&str, Kind),
    owner: Option<&str>,
) -> Result<Option<Closed>, DatabaseError> {
    let state = match kind {
        Kind::Charge => "charged",
        Kind::Expire => "expired",
        _ => "released",
    };
    let condition = if from == "open" { IS_OWN } else { HAS_ITS_KEY };
    let sql = format!(
        "UPDATE reservations SET state = $3 WHERE generation_id = $1 AND state = $2 AND {condition} \
         RETURNING account_id, key_id, amount_micros, day, month"
    );
    let values = [generation_id.into(), from.into(), state.into(), owner.into()];
    let values = if from == "open" { &values[..] } else { &values[..3] };
    let row = link.row(&sql, values).await?;
    row.map(|row| {
        Ok(Closed {
            account_id: row.text(0)?,
            key_id: row.text(1)?,
            amount_micros: row.number(2)?,
            period: Period {
                day: row.number(3)?,
                month: row.number(4)?,
            },
        })
    })
    .transpose()
}

/// Gives back what was held and takes what it cost. Returns how much of that the account could pay: all, unless it cost
/// more than was held and the account has a limit.
async fn pay(link: &mut Link, id: &str, held: i64, cost: i64) -> Result<i64, DatabaseError> {
    let sql = "UPDATE accounts SET held_micros = held_micros - $2, available_micros = available_micros + $2 - $3 WHERE id = $1 \
         RETURNING available_micros, credit_limit_micros";
    let row = link.row(sql, &[id.into(), held.into(), cost.into()]).await?;
    let row = row.ok_or(DatabaseError::Content("an account"))?;
    let (available, limit) = (row.number(0)?, row.maybe_number(1)?);
    let below = limit
        .map_or(0, |limit| (-limit - available).max(0))
        .min((cost - held).max(0));
    if below == 0 {
        return Ok(cost);
    }
    let sql = "UPDATE accounts SET available_micros = available_micros + $2 WHERE id = $1";
    link.execute(sql, &[id.into(), below.into()]).await?;
    Ok(cost - below)
}

/// Takes back what was counted for a key and for no pool yet.
pub(super) async fn uncount_for_key(
    link: &mut Link,
    key_id: &str,
    amount: i64,
    period: Period,
) -> Result<(), DatabaseError> {
    recount(link, key_id, -amount, 1, period).await.map(drop)
}

/// Corrects what was counted for a key and its pools by `change`, in the period for which it was counted.
async fn recount_for_key(
    link: &mut Link,
    key_id: &str,
    change: i64,
    open: i64,
    period: Period,
) -> Result<(), DatabaseError> {
    match recount(link, key_id, change, open, period).await? {
        Some(pool) => pools::recount(link, &pool, change, open, period.day).await,
        None => Ok(()),
    }
}

/// Corrects what was counted for a key itself. Returns the pool of its address, if it has one.
async fn recount(
    link: &mut Link,
    key_id: &str,
    change: i64,
    open: i64,
    period: Period,
) -> Result<Option<String>, DatabaseError> {
    let sql = "UPDATE key_limits SET open_count = open_count - $3, total_used_micros = total_used_micros + $2, \
         day_used_micros = day_used_micros + CASE WHEN day = $4 THEN $2 ELSE 0 END, \
         month_used_micros = month_used_micros + CASE WHEN month = $5 THEN $2 ELSE 0 END WHERE key_id = $1 RETURNING address_pool";
    let values = [
        key_id.into(),
        change.into(),
        open.into(),
        period.day.into(),
        period.month.into(),
    ];
    let row = link.row(sql, &values).await?;
    Ok(row.map(|row| row.maybe_text(0)).transpose()?.flatten())
}

impl Database {
    /// Generations whose reservation has expired, oldest first. Those that a process works on are not among them: they end by
    /// its stopwatch, whatever a clock says, or are taken over, however long nobody was there to do it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn overdue(&self, now: Timestamp, limit: i64) -> Result<Vec<String>, DatabaseError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT generation_id FROM reservations WHERE state = 'open' AND expires_at <= $1 AND NOT EXISTS \
             (SELECT 1 FROM generations WHERE id = generation_id AND status = $3 AND lease_owner IS NOT NULL) \
             ORDER BY expires_at LIMIT $2",
        )
        .bind(now.as_microsecond())
        .bind(limit)
        .bind(Status::Processing.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Generations that a living process works on although their reservation has expired by the clock, and how long they
    /// were to last.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn late_generations(&self, now: Timestamp) -> Result<Vec<(String, Duration)>, DatabaseError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT generation_id, reservations.expires_at - reservations.created_at FROM reservations \
             JOIN generations ON generations.id = generation_id WHERE state = 'open' AND expires_at <= $1 AND status = $2 \
             AND EXISTS (SELECT 1 FROM processes WHERE owner = lease_owner)",
        )
        .bind(now.as_microsecond())
        .bind(Status::Processing.as_str())
        .fetch_all(&self.pool)
        .await?;
        let lasts = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        Ok(rows.into_iter().map(|(id, micros)| (id, lasts(micros))).collect())
    }
}
