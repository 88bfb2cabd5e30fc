//! Proof that the books are right: every rule is one query for what breaks it, all of them at one moment.

use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, Row};

use crate::db::{Database, DatabaseError};

/// A rule of the books that something breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    /// The rule.
    pub rule: &'static str,
    /// What breaks it: a posting, account, key or generation.
    pub id: String,
}

/// What the books hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Postings looked at.
    pub postings: i64,
    /// What is wrong.
    pub discrepancies: Vec<Discrepancy>,
}

/// How long after its end a reservation may still be open: the sweep that closes it looks this often at the least.
pub const OVERDUE_GRACE: SignedDuration = SignedDuration::from_secs(30);

/// Postings with the sum of each book that the rules speak of.
const SUMS: &str = "(SELECT posting_id, CAST(SUM(amount_micros) AS BIGINT) AS amount FROM entries WHERE book IN";

/// The rules and what breaks them. `$1` is the time before which no reservation may have expired.
fn rules() -> Vec<(&'static str, String)> {
    let of_account = |book: &str| {
        format!(
            "COALESCE((SELECT SUM(amount_micros) FROM entries JOIN postings ON postings.id = posting_id \
             WHERE postings.account_id = accounts.id AND book = '{book}'), 0)"
        )
    };
    let cost = format!("{SUMS} ('usage', 'markup') GROUP BY posting_id) AS cost ON cost.posting_id = postings.id");
    vec![
        (
            "the entries of a posting sum to zero",
            "SELECT posting_id AS id FROM entries GROUP BY posting_id HAVING SUM(amount_micros) <> 0".to_owned(),
        ),
        (
            "a posting has entries",
            "SELECT id FROM postings WHERE NOT EXISTS (SELECT 1 FROM entries WHERE posting_id = postings.id)".to_owned(),
        ),
        (
            "an account's available money is the sum of its entries",
            format!("SELECT id FROM accounts WHERE available_micros <> {}", of_account("available")),
        ),
        (
            "an account's held money is the sum of its entries",
            format!("SELECT id FROM accounts WHERE held_micros <> {}", of_account("held")),
        ),
        (
            "an account's held money is what its open reservations hold",
            "SELECT id FROM accounts WHERE held_micros <> COALESCE((SELECT SUM(amount_micros) FROM reservations \
             WHERE account_id = accounts.id AND state = 'open'), 0)"
                .to_owned(),
        ),
        (
            "no account is below its limit",
            "SELECT id FROM accounts WHERE available_micros < -credit_limit_micros".to_owned(),
        ),
        (
            "a completed generation has one charge, of its cost",
            format!(
                "SELECT generations.id FROM generations LEFT JOIN postings ON postings.id = generations.id || '/charge' LEFT JOIN {cost} \
                 WHERE status = 'completed' AND (cost.amount IS NULL OR cost.amount <> cost_micros)"
            ),
        ),
        (
            "what is charged was delivered",
            "SELECT postings.id FROM postings JOIN generations ON generations.id = generation_id \
             WHERE kind = 'charge' AND status NOT IN ('completed', 'processing')"
                .to_owned(),
        ),
        (
            "no more is refunded than was charged",
            "SELECT generation_id AS id FROM entries JOIN postings ON postings.id = posting_id WHERE kind IN ('charge', 'refund') \
             AND book IN ('usage', 'markup', 'written_off') GROUP BY account_id, generation_id HAVING SUM(amount_micros) < 0"
                .to_owned(),
        ),
        (
            "no reservation is open past its end",
            "SELECT generation_id AS id FROM reservations WHERE state = 'open' AND expires_at < $1".to_owned(),
        ),
        (
            "a reservation has the postings of its state",
            "SELECT generation_id AS id FROM reservations WHERE \
             NOT EXISTS (SELECT 1 FROM postings WHERE id = reservations.generation_id || '/reserve') \
             OR CASE state WHEN 'open' THEN 0 ELSE 1 END <> (SELECT COUNT(*) FROM postings WHERE postings.generation_id = reservations.generation_id \
             AND kind = CASE state WHEN 'charged' THEN 'charge' WHEN 'released' THEN 'release' ELSE 'expire' END)"
                .to_owned(),
        ),
        (
            "a key's open count is that of its open reservations",
            "SELECT key_id AS id FROM key_limits WHERE open_count <> (SELECT COUNT(*) FROM reservations \
             WHERE reservations.key_id = key_limits.key_id AND state = 'open')"
                .to_owned(),
        ),
        (
            "a key has used what it was charged and what is held for it",
            "SELECT key_id AS id FROM key_limits WHERE total_used_micros <> COALESCE((SELECT SUM(amount_micros) FROM entries \
             JOIN postings ON postings.id = posting_id WHERE postings.key_id = key_limits.key_id AND kind = 'charge' \
             AND book IN ('usage', 'markup')), 0) + COALESCE((SELECT SUM(amount_micros) FROM reservations \
             WHERE reservations.key_id = key_limits.key_id AND state = 'open'), 0)"
                .to_owned(),
        ),
        (
            "a key has used no less in its month than on its day, and no less in all",
            "SELECT key_id AS id FROM key_limits WHERE month_used_micros > total_used_micros \
             OR day_used_micros < 0 OR month_used_micros < 0"
                .to_owned(),
        ),
    ]
}

impl Database {
    /// Checks every rule of the books.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn verify_ledger(&self, now: Timestamp) -> Result<Verified, DatabaseError> {
        let overdue = now.checked_sub(OVERDUE_GRACE).unwrap_or(Timestamp::MIN);
        let mut snapshot = self.begin_snapshot().await?;
        let (postings,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM postings")
            .fetch_one(&mut *snapshot)
            .await?;
        let mut discrepancies = Vec::new();
        for (rule, sql) in rules() {
            let needs_time = sql.contains("$1");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            if needs_time {
                query = query.bind(overdue.as_microsecond());
            }
            for row in query.fetch_all(&mut *snapshot).await? {
                discrepancies.push(Discrepancy {
                    rule,
                    id: row.try_get("id")?,
                });
            }
        }
        snapshot.rollback().await?;
        Ok(Verified {
            postings,
            discrepancies,
        })
    }
}
