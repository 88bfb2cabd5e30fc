//! Calls whose images nobody got: that end after their generation, as another was faster, or whose images were withheld.

use jiff::Timestamp;

use super::{Journaled, Payer};
use crate::db::DatabaseError;
use crate::db::generations::AttemptRow;
use crate::db::link::{Link, Value};

/// Notes how such a call ended, once, and what its images cost the operator: `cost_micros` of the row. To the generation it
/// is a failure, as it gave nothing that anybody got.
pub(in crate::db) async fn end_late(
    link: &mut Link,
    journaled: &mut Journaled,
    generation_id: &str,
    attempt: &AttemptRow,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE attempts SET outcome = 'failed', code = $3, spent = $4, http_status = $5, upstream_id = $6, duration_ms = $7, \
         facts = NULL WHERE generation_id = $1 AND position = $2 AND facts IS NOT NULL RETURNING \
         (SELECT account_id FROM generations WHERE id = $1), (SELECT key_id FROM generations WHERE id = $1)";
    let values: [Value<'_>; 7] = [
        generation_id.into(),
        attempt.position.into(),
        attempt.code.as_deref().unwrap_or("undelivered").into(),
        attempt.spent.as_str().into(),
        attempt.http_status.into(),
        attempt.upstream_id.as_deref().into(),
        attempt.duration_ms.into(),
    ];
    let ended = link.row(sql, &values).await?;
    if let (Some(row), Some(cost_micros)) = (ended, attempt.cost_micros) {
        let (account_id, key_id) = (row.text(0)?, row.text(1)?);
        let payer = Payer {
            generation_id,
            account_id: &account_id,
            key_id: &key_id,
        };
        journaled.post_undelivered(payer, attempt.position, cost_micros, now);
    }
    Ok(())
}

/// Puts on the operator's books what calls cost whose images were withheld.
pub(in crate::db) async fn bear(
    link: &mut Link,
    journaled: &mut Journaled,
    generation_id: &str,
    attempts: &[AttemptRow],
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let sql = "SELECT account_id, key_id FROM generations WHERE id = $1";
    let Some(row) = link.row(sql, &[generation_id.into()]).await? else {
        return Ok(());
    };
    let (account_id, key_id) = (row.text(0)?, row.text(1)?);
    let payer = Payer {
        generation_id,
        account_id: &account_id,
        key_id: &key_id,
    };
    for attempt in attempts {
        if let Some(cost_micros) = attempt.cost_micros {
            journaled.post_undelivered(payer, attempt.position, cost_micros, now);
        }
    }
    Ok(())
}
