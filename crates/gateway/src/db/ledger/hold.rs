//! Holding money for a generation, within what its account and its key may spend.

use jiff::Timestamp;
use sqlx::{AnyConnection, Row};

use super::{Budget, Hold, Journaled, Payer, Reservation, Shortage};
use crate::db::DatabaseError;
use crate::ledger::{Kind, Period, reserve};

/// Holds the dearest of the prices that account and key can pay. Each check is one statement with its own addition.
pub(in crate::db) async fn hold(
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
pub(in crate::db) async fn held_before(
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
