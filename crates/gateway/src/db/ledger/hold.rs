//! Holding money for a generation, within what its account and its key may spend.

use jiff::Timestamp;

use super::close::uncount_for_key;
use super::{Budget, Hold, Journaled, Payer, Reservation, Shortage, pools};
use crate::db::DatabaseError;
use crate::db::keys::turns::{self, MINUTE_MICROS};
use crate::db::link::Link;
use crate::ledger::{Kind, Period, reserve};

/// Holds the dearest of the prices that account and key can pay. Each check is one statement with its own addition.
pub(in crate::db) async fn hold(
    link: &mut Link,
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
        if !take_from_account(link, payer.account_id, *price).await? {
            continue;
        }
        let Some((period, pool)) = count_for_key(link, payer.key_id, *price, period, now).await? else {
            give_to_account(link, payer.account_id, *price).await?;
            continue;
        };
        if let Some(pool) = &pool
            && !pools::count(link, pool, *price, period.day).await?
        {
            uncount_for_key(link, payer.key_id, *price, period).await?;
            turns::give_back(link, payer.key_id).await?;
            give_to_account(link, payer.account_id, *price).await?;
            continue;
        }
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
    Ok(Err(shortage(link, payer, least, (period, now)).await?))
}

/// What was held before, when the same generation comes again.
pub(in crate::db) async fn held_before(link: &mut Link, generation_id: &str) -> Result<Option<i64>, DatabaseError> {
    let sql = "SELECT amount_micros FROM reservations WHERE generation_id = $1";
    let row = link.row(sql, &[generation_id.into()]).await?;
    row.map(|row| row.number(0)).transpose()
}

/// Keeps what is held for a generation until `until` at the least.
pub(in crate::db) async fn hold_until(
    link: &mut Link,
    generation_id: &str,
    until: Timestamp,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE reservations SET expires_at = $2 WHERE generation_id = $1 AND state = 'open' AND expires_at < $2";
    link.execute(sql, &[generation_id.into(), until.as_microsecond().into()])
        .await?;
    Ok(())
}

async fn take_from_account(link: &mut Link, id: &str, amount: i64) -> Result<bool, DatabaseError> {
    // What costs nothing is never refused.
    let sql = "UPDATE accounts SET available_micros = available_micros - $2, held_micros = held_micros + $2 \
         WHERE id = $1 AND ($2 = 0 OR credit_limit_micros IS NULL OR available_micros - $2 >= -credit_limit_micros)";
    Ok(link.execute(sql, &[id.into(), amount.into()]).await? > 0)
}

async fn give_to_account(link: &mut Link, id: &str, amount: i64) -> Result<(), DatabaseError> {
    let sql =
        "UPDATE accounts SET available_micros = available_micros + $2, held_micros = held_micros - $2 WHERE id = $1";
    link.execute(sql, &[id.into(), amount.into()]).await?;
    Ok(())
}

/// Counts an amount, and one request of the minute, for a key if its limits allow both. Returns the period that it was
/// counted for, which is a later one than `period` when another replica's clock is ahead around midnight, and the pool that
/// has to allow it as well.
async fn count_for_key(
    link: &mut Link,
    key_id: &str,
    amount: i64,
    period: Period,
    now: Timestamp,
) -> Result<Option<(Period, Option<String>)>, DatabaseError> {
    let sql = "UPDATE key_limits SET open_count = open_count + 1, total_used_micros = total_used_micros + $2, \
         day_used_micros = CASE WHEN day >= $3 THEN day_used_micros ELSE 0 END + $2, day = CASE WHEN day >= $3 THEN day ELSE $3 END, \
         month_used_micros = CASE WHEN month >= $4 THEN month_used_micros ELSE 0 END + $2, month = CASE WHEN month >= $4 THEN month ELSE $4 END, \
         next_request_at = CASE WHEN requests_per_minute IS NULL THEN next_request_at ELSE \
         CASE WHEN next_request_at > $5 THEN next_request_at ELSE $5 END + $6 / requests_per_minute END \
         WHERE key_id = $1 AND (requests_per_minute IS NULL OR next_request_at <= $5 + $6 - $6 / requests_per_minute) \
         AND (concurrent_limit IS NULL OR open_count < concurrent_limit) AND ($2 = 0 OR \
         ((total_limit_micros IS NULL OR total_used_micros + $2 <= total_limit_micros) \
         AND (day_limit_micros IS NULL OR CASE WHEN day >= $3 THEN day_used_micros ELSE 0 END + $2 <= day_limit_micros) \
         AND (month_limit_micros IS NULL OR CASE WHEN month >= $4 THEN month_used_micros ELSE 0 END + $2 <= month_limit_micros))) \
         RETURNING day, month, address_pool";
    let values = [
        key_id.into(),
        amount.into(),
        period.day.into(),
        period.month.into(),
        now.as_microsecond().into(),
        MINUTE_MICROS.into(),
    ];
    let row = link.row(sql, &values).await?;
    row.map(|row| {
        let period = Period {
            day: row.number(0)?,
            month: row.number(1)?,
        };
        Ok((period, row.maybe_text(2)?))
    })
    .transpose()
}

/// Which limit it is that does not allow the least price.
async fn shortage(
    link: &mut Link,
    payer: Payer<'_>,
    required_micros: i64,
    (period, now): (Period, Timestamp),
) -> Result<Shortage, DatabaseError> {
    let sql = "SELECT concurrent_limit, open_count, total_limit_micros, total_used_micros, month_limit_micros, \
         CASE WHEN month >= $3 THEN month_used_micros ELSE 0 END, day_limit_micros, \
         CASE WHEN day >= $2 THEN day_used_micros ELSE 0 END, address_pool, requests_per_minute, next_request_at \
         FROM key_limits WHERE key_id = $1";
    let key = link
        .row(sql, &[payer.key_id.into(), period.day.into(), period.month.into()])
        .await?;
    let key = key.ok_or(DatabaseError::Content("key_limits"))?;
    if let Some(limit) = key.maybe_number(9)?
        && let Some(due_in) = turns::due_in(limit, key.number(10)?, now)
    {
        return Ok(Shortage::Turn { limit, due_in });
    }
    if let Some(limit) = key.maybe_number(0)?
        && key.number(1)? >= limit
    {
        return Ok(Shortage::Concurrent { limit });
    }
    for (budget, column) in [(Budget::Total, 2), (Budget::Month, 4), (Budget::Day, 6)] {
        let used = key.number(column + 1)?;
        let left = key.maybe_number(column)?.map(|limit| limit - used);
        if let Some(left_micros) = left.filter(|left| *left < required_micros) {
            return Ok(Shortage::Budget {
                budget,
                required_micros,
                left_micros: left_micros.max(0),
            });
        }
    }
    if let Some(pool) = key.maybe_text(8)?
        && let Some(shortage) = pools::shortage(link, &pool, required_micros, period.day).await?
    {
        return Ok(shortage);
    }
    let sql = "SELECT available_micros, credit_limit_micros FROM accounts WHERE id = $1";
    let account = link.row(sql, &[payer.account_id.into()]).await?;
    let account = account.ok_or(DatabaseError::Content("an account"))?;
    Ok(Shortage::Balance {
        required_micros,
        available_micros: account
            .number(0)?
            .saturating_add(account.maybe_number(1)?.unwrap_or(0))
            .max(0),
    })
}
