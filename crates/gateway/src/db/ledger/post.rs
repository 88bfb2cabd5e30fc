//! Moving money for the operator: top-ups, adjustments, refunds.

use jiff::Timestamp;

use super::Journaled;
use crate::db::DatabaseError;
use crate::db::link::{Link, Row};
use crate::ledger::{Kind, Posting, by_operator};

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

/// Moves money for the operator, once.
pub(in crate::db) async fn post(
    link: &mut Link,
    journaled: &mut Journaled,
    order: &OperatorPosting,
) -> Result<Posted, DatabaseError> {
    lock_account(link, &order.account_id).await?;
    let before = "SELECT kind, account_id, generation_id, note, (SELECT amount_micros FROM entries \
         WHERE posting_id = postings.id AND book = 'available') FROM postings WHERE id = $1";
    if let Some(before) = link.row(before, &[(&order.id).into()]).await? {
        return Ok(if is_same(&before, order)? {
            Posted::Already
        } else {
            Posted::OtherContent
        });
    }
    let account = "SELECT available_micros, credit_limit_micros FROM accounts WHERE id = $1";
    let Some(account) = link.row(account, &[(&order.account_id).into()]).await? else {
        return Ok(Posted::NoAccount);
    };
    let (available, limit) = (account.number(0)?, account.maybe_number(1)?);
    let spendable = available.saturating_add(limit.unwrap_or(i64::MAX / 2));
    if order.amount_micros < 0 && spendable < -order.amount_micros {
        return Ok(Posted::BelowLimit {
            available_micros: spendable.max(0),
        });
    }
    if order.kind == Kind::Refund {
        let generation = order.generation_id.as_deref().unwrap_or_default();
        let left_micros =
            refundable(link, &order.account_id, generation).await? - journaled.refunded(&order.account_id, generation);
        if left_micros < order.amount_micros {
            return Ok(Posted::PastCharge { left_micros });
        }
    }
    let sql = "UPDATE accounts SET available_micros = available_micros + $2 WHERE id = $1";
    link.execute(sql, &[(&order.account_id).into(), order.amount_micros.into()])
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

/// Locks the account's row until the transaction ends.
async fn lock_account(link: &mut Link, id: &str) -> Result<(), DatabaseError> {
    let sql = "UPDATE accounts SET held_micros = held_micros WHERE id = $1";
    link.execute(sql, &[id.into()]).await?;
    Ok(())
}

/// What of a generation's charge was not refunded yet.
async fn refundable(link: &mut Link, account_id: &str, generation_id: &str) -> Result<i64, DatabaseError> {
    let sql = "SELECT CAST(COALESCE(SUM(amount_micros), 0) AS BIGINT) FROM entries JOIN postings ON postings.id = posting_id \
         WHERE account_id = $1 AND generation_id = $2 AND kind IN ('charge', 'refund') AND book IN ('usage', 'markup', 'written_off')";
    let row = link.row(sql, &[account_id.into(), generation_id.into()]).await?;
    row.map_or(Ok(0), |row| row.number(0))
}

/// Whether a posting that is in the books already is what `order` asks for.
fn is_same(before: &Row, order: &OperatorPosting) -> Result<bool, DatabaseError> {
    Ok(before.text(0)? == order.kind.as_str()
        && before.text(1)? == order.account_id
        && before.maybe_text(2)? == order.generation_id
        && before.maybe_text(3)? == order.note
        && before.maybe_number(4)?.unwrap_or(0) == order.amount_micros)
}
