//! What was spent, by whom and on what.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::EVERY_ACCOUNT;
use crate::db::{Database, DatabaseError};
use crate::ledger::DAY_MICROS;

/// By what spending is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Day in UTC.
    Day,
    /// Model.
    Model,
    /// Provider that was paid. Requests that none served are counted under none.
    Provider,
    /// API key.
    Key,
    /// End user of the caller.
    User,
}

impl Grouping {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Day, Self::Model, Self::Provider, Self::Key, Self::User];

    /// The name in queries and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Key => "key_id",
            Self::User => "user",
        }
    }

    fn sql(self) -> String {
        match self {
            Self::Day => format!("CAST(generations.created_at / {DAY_MICROS} AS TEXT)"),
            Self::Model => "generations.model".to_owned(),
            Self::Provider => "attempts.provider".to_owned(),
            Self::Key => "generations.key_id".to_owned(),
            Self::User => "generations.end_user".to_owned(),
        }
    }
}

/// Which spending is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpendingFilter {
    /// At or after this time.
    pub created_after: Option<Timestamp>,
    /// At or before this time.
    pub created_before: Option<Timestamp>,
    /// By this API key.
    pub key_id: Option<String>,
}

/// The spending of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// What the group has in common, in the order of the groupings; a day is counted from 1970.
    pub group: Vec<Option<String>>,
    /// Requests.
    pub requests: i64,
    /// Those that delivered.
    pub completed: i64,
    /// What they cost.
    pub cost_micros: i64,
}

/// What matters most stands first, so that a limit cuts off what matters least: the latest day, in it the highest cost.
fn order(groupings: &[Grouping], list: &str) -> String {
    let day = groupings.iter().find(|grouping| **grouping == Grouping::Day);
    let day = day.map_or_else(String::new, |day| format!("{} DESC, ", day.sql()));
    format!("{day}cost DESC, {list}")
}

impl Database {
    /// What an account, or `*` for every one, spent, by groups, at most `limit` of them: the latest day first, in it the highest cost.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn spending(
        &self,
        account_id: &str,
        groupings: &[Grouping],
        filter: &SpendingFilter,
        limit: i64,
    ) -> Result<Vec<Spending>, DatabaseError> {
        let by_provider = groupings.contains(&Grouping::Provider);
        // Several providers may have made the images of one request: each has its own part of the charge.
        let (join, cost) = if by_provider {
            (
                "LEFT JOIN attempts ON generation_id = generations.id AND outcome = 'succeeded'",
                "attempts.cost_micros",
            )
        } else {
            ("", "generations.cost_micros")
        };
        let names: Vec<String> = (0..groupings.len()).map(|place| format!("group_{place}")).collect();
        let groups: String = groupings
            .iter()
            .zip(&names)
            .map(|(grouping, name)| format!("{} AS {name}, ", grouping.sql()))
            .collect();
        let by = if names.is_empty() {
            String::new()
        } else {
            let list = groupings
                .iter()
                .map(|grouping| grouping.sql())
                .collect::<Vec<_>>()
                .join(", ");
            format!("GROUP BY {list} ORDER BY {}", order(groupings, &list))
        };
        let of_account = if account_id == EVERY_ACCOUNT {
            "$1 = '*'"
        } else {
            "account_id = $1"
        };
        let sql = format!(
            "SELECT {groups} COUNT(DISTINCT generations.id) AS requests, \
             COUNT(DISTINCT CASE WHEN status = 'completed' THEN generations.id END) AS completed, \
             CAST(COALESCE(SUM({cost}), 0) AS BIGINT) AS cost FROM generations {join} WHERE {of_account} \
             AND (CAST($2 AS BIGINT) IS NULL OR generations.created_at >= $2) AND (CAST($3 AS BIGINT) IS NULL OR generations.created_at <= $3) \
             AND (CAST($4 AS TEXT) IS NULL OR key_id = $4) {by} LIMIT {limit}"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(account_id)
            .bind(filter.created_after.map(Timestamp::as_microsecond))
            .bind(filter.created_before.map(Timestamp::as_microsecond))
            .bind(filter.key_id.as_deref())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let group = names.iter().map(|name| row.try_get(name.as_str()));
                Ok(Spending {
                    group: group.collect::<Result<_, sqlx::Error>>()?,
                    requests: row.try_get("requests")?,
                    completed: row.try_get("completed")?,
                    cost_micros: row.try_get("cost")?,
                })
            })
            .collect()
    }
}
