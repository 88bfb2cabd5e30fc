//! Moving money for the operator: top-ups, adjustments, refunds.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Journaled, history};
use crate::db::DatabaseError;
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
    connection: &mut AnyConnection,
    journaled: &mut Journaled,
    order: &OperatorPosting,
) -> Result<Posted, DatabaseError> {
    lock_account(connection, &order.account_id).await?;
    if let Some(before) = history::posting(connection, &order.id).await? {
        return Ok(if is_same(&before, order) {
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

/// Locks the account's row until the transaction ends.
async fn lock_account(connection: &mut AnyConnection, id: &str) -> Result<(), DatabaseError> {
    sqlx::query("UPDATE accounts SET held_micros = held_micros WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether a posting that is in the books already is what `order` asks for.
fn is_same(before: &history::PostingRow, order: &OperatorPosting) -> bool {
    before.kind == order.kind.as_str()
        && before.account_id == order.account_id
        && before.generation_id == order.generation_id
        && before.note == order.note
        && before.available_micros() == order.amount_micros
}
