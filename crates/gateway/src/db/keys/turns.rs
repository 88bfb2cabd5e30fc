//! Requests of a key in a minute: a minute's worth may come at once, and the rest as evenly as the limit says.
//!
//! What begins a generation is counted by the statement that counts its money (`db/ledger/hold.rs`); here is what comes alone.

use std::time::Duration;

use jiff::Timestamp;

use crate::db::DatabaseError;
use crate::db::link::Link;

/// A minute in microseconds.
pub(in crate::db) const MINUTE_MICROS: i64 = 60_000_000;

/// How long until a key with this limit may ask again; nothing when it may now. `next_request_at` is its row's, in
/// microseconds: when the turn after all that were taken is due.
pub(crate) fn due_in(per_minute: i64, next_request_at: i64, now: Timestamp) -> Option<Duration> {
    let ahead = MINUTE_MICROS - MINUTE_MICROS / per_minute.max(1);
    let due_micros = next_request_at - ahead - now.as_microsecond();
    u64::try_from(due_micros)
        .ok()
        .filter(|due| *due > 0)
        .map(Duration::from_micros)
}

/// Counts a request of a key, if it has a limit and that allows one now. Returns whether it did.
pub(in crate::db) async fn count(link: &mut Link, key_id: &str, now: Timestamp) -> Result<bool, DatabaseError> {
    // Check and count are one statement, so that replicas cannot both take the last turn.
    let sql = "UPDATE key_limits SET next_request_at = CASE WHEN next_request_at > $2 THEN next_request_at ELSE $2 END + $3 / requests_per_minute \
         WHERE key_id = $1 AND next_request_at <= $2 + $3 - $3 / requests_per_minute";
    let values = [key_id.into(), now.as_microsecond().into(), MINUTE_MICROS.into()];
    Ok(link.execute(sql, &values).await? > 0)
}

/// Counts a request of a key, if its limit allows one now. Else returns how long until it does.
pub(in crate::db) async fn take(
    link: &mut Link,
    key_id: &str,
    now: Timestamp,
) -> Result<Result<(), Duration>, DatabaseError> {
    if count(link, key_id, now).await? {
        return Ok(Ok(()));
    }
    let sql = "SELECT requests_per_minute, next_request_at FROM key_limits WHERE key_id = $1";
    let row = link.row(sql, &[key_id.into()]).await?;
    let row = row.ok_or(DatabaseError::Content("key_limits"))?;
    let next = row.number(1)?;
    let due_in = row.maybe_number(0)?.and_then(|limit| due_in(limit, next, now));
    Ok(due_in.map_or(Ok(()), Err))
}

/// Gives back the turn of a request that did not begin after all.
pub(in crate::db) async fn give_back(link: &mut Link, key_id: &str) -> Result<(), DatabaseError> {
    let sql = "UPDATE key_limits SET next_request_at = next_request_at - $2 / requests_per_minute \
         WHERE key_id = $1 AND requests_per_minute IS NOT NULL";
    link.execute(sql, &[key_id.into(), MINUTE_MICROS.into()]).await?;
    Ok(())
}
