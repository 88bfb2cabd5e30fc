//! What several keys may spend together: visitors from one address, and all visitors.

use super::{Budget, Shortage};
use crate::db::DatabaseError;
use crate::db::link::Link;

/// The pool of all visitors.
pub const ALL_VISITORS: &str = "visitors";

/// The pool of an address, named by a hash of it.
#[must_use]
pub fn address_pool(hash: &str) -> String {
    format!("address:{hash}")
}

/// Limits of a pool; `None`: without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolLimits {
    /// Spending of one day in UTC.
    pub day_micros: Option<i64>,
    /// Generations at one time.
    pub concurrent: Option<i64>,
}

/// Counts an amount for a visitor's pools if both allow it.
pub(super) async fn count(link: &mut Link, address: &str, amount: i64, day: i64) -> Result<bool, DatabaseError> {
    if !count_one(link, address, amount, day).await? {
        return Ok(false);
    }
    if count_one(link, ALL_VISITORS, amount, day).await? {
        return Ok(true);
    }
    recount_one(link, address, -amount, 1, day).await?;
    Ok(false)
}

/// Check and count are one statement, so that visitors at once never spend more than there is.
async fn count_one(link: &mut Link, id: &str, amount: i64, day: i64) -> Result<bool, DatabaseError> {
    let sql = "UPDATE pools SET open_count = open_count + 1, \
         day_used_micros = CASE WHEN day >= $3 THEN day_used_micros ELSE 0 END + $2, day = CASE WHEN day >= $3 THEN day ELSE $3 END \
         WHERE id = $1 AND (concurrent_limit IS NULL OR open_count < concurrent_limit) AND ($2 = 0 OR day_limit_micros IS NULL \
         OR CASE WHEN day >= $3 THEN day_used_micros ELSE 0 END + $2 <= day_limit_micros)";
    Ok(link.execute(sql, &[id.into(), amount.into(), day.into()]).await? > 0)
}

/// Corrects what was counted for a visitor's pools by `change`, on the day for which it was counted.
pub(super) async fn recount(
    link: &mut Link,
    address: &str,
    change: i64,
    open: i64,
    day: i64,
) -> Result<(), DatabaseError> {
    recount_one(link, address, change, open, day).await?;
    recount_one(link, ALL_VISITORS, change, open, day).await
}

async fn recount_one(link: &mut Link, id: &str, change: i64, open: i64, day: i64) -> Result<(), DatabaseError> {
    let sql = "UPDATE pools SET open_count = open_count - $3, \
         day_used_micros = day_used_micros + CASE WHEN day = $4 THEN $2 ELSE 0 END WHERE id = $1";
    link.execute(sql, &[id.into(), change.into(), open.into(), day.into()])
        .await?;
    Ok(())
}

/// Which limit of a visitor's pools does not allow an amount.
pub(super) async fn shortage(
    link: &mut Link,
    address: &str,
    required_micros: i64,
    day: i64,
) -> Result<Option<Shortage>, DatabaseError> {
    let sql = "SELECT concurrent_limit, open_count, day_limit_micros, CASE WHEN day >= $2 THEN day_used_micros ELSE 0 END \
         FROM pools WHERE id = $1";
    for (id, budget) in [(address, Budget::Address), (ALL_VISITORS, Budget::Visitors)] {
        let row = link.row(sql, &[id.into(), day.into()]).await?;
        let row = row.ok_or(DatabaseError::Content("pools"))?;
        if let Some(limit) = row.maybe_number(0)?
            && row.number(1)? >= limit
        {
            return Ok(Some(Shortage::ConcurrentVisitors { limit }));
        }
        let used = row.number(3)?;
        let left = row.maybe_number(2)?.map(|limit| limit - used);
        if let Some(left_micros) = left.filter(|left| *left < required_micros) {
            return Ok(Some(Shortage::Budget {
                budget,
                required_micros,
                left_micros: left_micros.max(0),
            }));
        }
    }
    Ok(None)
}
