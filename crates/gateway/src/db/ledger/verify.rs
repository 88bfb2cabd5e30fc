//! Proof that the books are right: every rule is one query for what breaks it, all of them at one moment.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

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

/// The rules, and a query for what breaks each. `$1` is the time before which no reservation may have expired, or how many
/// times what was held a provider may report that it charged.
const RULES: [(&str, &str); 20] = [
    (
        "the entries of a posting sum to zero",
        "SELECT posting_id AS id FROM entries GROUP BY posting_id HAVING SUM(amount_micros) <> 0",
    ),
    (
        "a posting has entries",
        "SELECT id FROM postings WHERE NOT EXISTS (SELECT 1 FROM entries WHERE posting_id = postings.id)",
    ),
    (
        "an account's available money is the sum of its entries",
        "SELECT id FROM accounts WHERE available_micros <> COALESCE((SELECT SUM(amount_micros) FROM entries \
         JOIN postings ON postings.id = posting_id WHERE account_id = accounts.id AND book = 'available'), 0)",
    ),
    (
        "an account's held money is the sum of its entries",
        "SELECT id FROM accounts WHERE held_micros <> COALESCE((SELECT SUM(amount_micros) FROM entries \
         JOIN postings ON postings.id = posting_id WHERE account_id = accounts.id AND book = 'held'), 0)",
    ),
    (
        "an account's held money is what its open reservations hold",
        "SELECT id FROM accounts WHERE held_micros <> COALESCE((SELECT SUM(amount_micros) FROM reservations \
         WHERE account_id = accounts.id AND state = 'open'), 0)",
    ),
    (
        "no account is below its limit",
        "SELECT id FROM accounts WHERE available_micros < -credit_limit_micros",
    ),
    (
        "a completed generation has one charge, of its cost",
        "SELECT id FROM generations WHERE status = 'completed' AND cost_micros IS DISTINCT FROM (SELECT CAST(SUM(amount_micros) AS BIGINT) \
         FROM entries WHERE posting_id = generations.id || '/charge' AND book IN ('usage', 'markup'))",
    ),
    (
        // An operator may have what became unknown charged; the request says so.
        "what is charged was delivered, or became unknown at that cost",
        "SELECT postings.id FROM postings JOIN generations ON generations.id = generation_id WHERE kind = 'charge' \
         AND status NOT IN ('completed', 'processing') AND (COALESCE(error_code, '') <> 'OUTCOME_UNKNOWN' \
         OR cost_micros IS DISTINCT FROM (SELECT CAST(SUM(amount_micros) AS BIGINT) FROM entries \
         WHERE posting_id = postings.id AND book IN ('usage', 'markup')))",
    ),
    (
        // What a provider itself reports has a bound of its own: the setting reported_cost_factor. Where nobody noted how a
        // charge was found, an operator's rule for unknown outcomes made it.
        "no more is charged than was held, or a provider reports within its bound",
        "SELECT id FROM generations JOIN reservations ON generation_id = id WHERE state = 'charged' \
         AND cost_micros > amount_micros * CASE WHEN cost_basis = 'reported' THEN CAST($1 AS BIGINT) ELSE 1 END",
    ),
    (
        "no more is refunded than was charged",
        "SELECT generation_id AS id FROM entries JOIN postings ON postings.id = posting_id WHERE kind IN ('charge', 'refund') \
         AND book IN ('usage', 'markup', 'written_off') GROUP BY account_id, generation_id HAVING SUM(amount_micros) < 0",
    ),
    (
        // Where nobody noted how many were asked for, an older version took the request.
        "no more images were made than were asked for",
        "SELECT id FROM generations WHERE images > 0 AND images < (SELECT COUNT(*) FROM media WHERE generation_id = generations.id)",
    ),
    (
        "no reservation is open past its end",
        "SELECT generation_id AS id FROM reservations WHERE state = 'open' AND expires_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM generations JOIN processes ON owner = lease_owner WHERE id = generation_id \
         AND status = 'processing')",
    ),
    (
        "a reservation was posted",
        "SELECT generation_id AS id FROM reservations WHERE NOT EXISTS (SELECT 1 FROM postings WHERE id = reservations.generation_id || '/reserve')",
    ),
    (
        "a reservation that ended was posted so, once",
        "SELECT generation_id AS id FROM reservations WHERE CASE state WHEN 'open' THEN 0 ELSE 1 END <> (SELECT COUNT(*) FROM postings \
         WHERE postings.generation_id = reservations.generation_id \
         AND kind = CASE state WHEN 'charged' THEN 'charge' WHEN 'released' THEN 'release' ELSE 'expire' END)",
    ),
    (
        "a key's open count is that of its open reservations",
        "SELECT key_id AS id FROM key_limits WHERE open_count <> (SELECT COUNT(*) FROM reservations \
         WHERE reservations.key_id = key_limits.key_id AND state = 'open')",
    ),
    (
        "a key has used what it was charged and what is held for it",
        "SELECT key_id AS id FROM key_limits WHERE total_used_micros <> COALESCE((SELECT SUM(amount_micros) FROM entries \
         JOIN postings ON postings.id = posting_id WHERE postings.key_id = key_limits.key_id AND kind = 'charge' \
         AND book IN ('usage', 'markup')), 0) + COALESCE((SELECT SUM(amount_micros) FROM reservations \
         WHERE reservations.key_id = key_limits.key_id AND state = 'open'), 0)",
    ),
    (
        "a key has used no more in its month than in all, and nothing below zero",
        "SELECT key_id AS id FROM key_limits WHERE month_used_micros > total_used_micros OR day_used_micros < 0 OR month_used_micros < 0",
    ),
    (
        "a generation has no more images than were asked for",
        "SELECT generations.id AS id FROM generations JOIN media ON media.generation_id = generations.id WHERE images > 0 \
         GROUP BY generations.id, images HAVING COUNT(*) > images",
    ),
    (
        "a pool's open count is that of its visitors' open reservations",
        "SELECT pools.id AS id FROM pools WHERE open_count <> (SELECT COUNT(*) FROM reservations \
         JOIN key_limits ON key_limits.key_id = reservations.key_id WHERE state = 'open' \
         AND (address_pool = pools.id OR (pools.id = 'visitors' AND address_pool IS NOT NULL)))",
    ),
    (
        "a pool has used nothing below zero",
        "SELECT id FROM pools WHERE day_used_micros < 0",
    ),
];

/// The rules in words, in the order in which they are checked.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(rule, _)| *rule)
}

impl Database {
    /// Checks every rule of the books. `reported_factor` is how many times what was held a provider may report that it charged.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn verify_ledger(&self, now: Timestamp, reported_factor: i64) -> Result<Verified, DatabaseError> {
        let overdue = now.checked_sub(OVERDUE_GRACE).unwrap_or(Timestamp::MIN);
        let mut snapshot = self.begin_snapshot().await?;
        let (postings,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM postings")
            .fetch_one(&mut *snapshot)
            .await?;
        let mut discrepancies = Vec::new();
        for (rule, sql) in RULES {
            let mut query = sqlx::query(sql);
            if sql.contains("$1") {
                let is_factor = sql.contains("cost_basis");
                query = query.bind(if is_factor {
                    reported_factor
                } else {
                    overdue.as_microsecond()
                });
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
