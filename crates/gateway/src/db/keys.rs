//! API keys and their limits.

mod revocation;
pub(crate) mod turns;

use jiff::Timestamp;
use planner::rules::Rules;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::audit::{self, AuditRow};
use super::{Database, DatabaseError, maybe_time, texts, time};
use crate::ledger::Period;

pub use revocation::Revocation;

/// A stored key. The secret itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Public part.
    pub id: String,
    /// Account that it belongs to.
    pub account_id: String,
    /// Name for people.
    pub name: String,
    /// Hash of the secret, as hexadecimal text.
    pub secret_hash: String,
    /// End of the secret, for people to tell keys apart.
    pub last_four: String,
    /// What it may do, separated by commas.
    pub scopes: String,
    /// What its owner set.
    pub terms: KeyTerms,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// It does.
    Active,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}

impl KeyStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Revoked, Self::Expired];

    /// The name in queries and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl KeyRow {
    /// Whether it works at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        if self.revoked_at.is_some() {
            KeyStatus::Revoked
        } else if self.terms.expires_at.is_some_and(|end| end <= now) {
            KeyStatus::Expired
        } else {
            KeyStatus::Active
        }
    }
}

/// What of a key can be set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyTerms {
    /// How it gets images when a request does not say.
    pub response_format: Option<String>,
    /// Ids of the models that it may use; none: all.
    pub models: Vec<String>,
    /// Ids of the providers that may serve it; none: all.
    pub providers: Vec<String>,
    /// How its requests are routed, as JSON.
    pub route: Option<String>,
    /// What else it may ask for.
    pub rules: Rules,
    /// Since when it works no more.
    pub expires_at: Option<Timestamp>,
    /// Days that its requests stay in the log; `None`: as its account says. 0: nothing that is written in them is kept.
    pub log_retention_days: Option<i64>,
    /// Seconds that its images are kept; `None`: as its account says. 0: no longer than until they are delivered.
    pub media_ttl_s: Option<i64>,
    /// What it may spend and how often it may ask.
    pub limits: KeyLimits,
}

impl KeyTerms {
    /// Whether nothing is kept of what is written in its requests and answers.
    #[must_use]
    pub fn keeps_no_texts(&self) -> bool {
        self.log_retention_days == Some(0)
    }
}

/// Limits of a key; `None`: without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyLimits {
    /// Spending in all.
    pub total_micros: Option<i64>,
    /// Spending of one day in UTC.
    pub day_micros: Option<i64>,
    /// Spending of one month in UTC.
    pub month_micros: Option<i64>,
    /// Generations at one time.
    pub concurrent: Option<i64>,
    /// Requests in any minute.
    pub requests_per_minute: Option<i64>,
}

/// A key and how far its limits are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyRow,
    /// Spent in all, with what is held.
    pub total_micros: i64,
    /// The day that `day_micros` is of, counted from 1970.
    pub day: i64,
    /// Spent on that day.
    pub day_micros: i64,
    /// The month that `month_micros` is of.
    pub month: i64,
    /// Spent in that month.
    pub month_micros: i64,
    /// When its turn after all that were taken is due, in microseconds since 1970; see [`turns`].
    pub next_request_at: i64,
}

impl KeyUse {
    /// What its limits leave for it to spend now, by the one that leaves least; `None` where it has none.
    #[must_use]
    pub fn left(&self, now: Period) -> Option<i64> {
        let limits = &self.key.terms.limits;
        let (day, month) = self.spent_in(now);
        let spent = [
            (limits.total_micros, self.total_micros),
            (limits.day_micros, day),
            (limits.month_micros, month),
        ];
        let left = spent.into_iter().filter_map(|(limit, spent)| Some(limit? - spent));
        left.min().map(|left| left.max(0))
    }

    /// Spent on the day and in the month of `now`.
    #[must_use]
    pub fn spent_in(&self, now: Period) -> (i64, i64) {
        // Another replica's clock may be ahead around midnight: what it counts for its day is counted for this one.
        let day = if self.day >= now.day { self.day_micros } else { 0 };
        let month = if self.month >= now.month { self.month_micros } else { 0 };
        (day, month)
    }
}

const COLUMNS: &str = "id, account_id, name, secret_hash, last_four, scopes, response_format, models, providers, route, rules, created_at, \
     revoked_at, expires_at, log_retention_days, media_ttl_s, total_limit_micros, day_limit_micros, month_limit_micros, concurrent_limit, requests_per_minute, \
     total_used_micros, day, day_used_micros, month, month_used_micros, next_request_at";
const FROM: &str = "FROM api_keys JOIN key_limits ON key_id = id";
/// What is stored for the secret of a visitor's key: no secret has this hash, so that only a session acts for it.
pub(super) const NO_SECRET: &str = "-";

fn read(row: &AnyRow) -> Result<KeyUse, DatabaseError> {
    let key = KeyRow {
        id: row.try_get("id")?,
        account_id: row.try_get("account_id")?,
        name: row.try_get("name")?,
        secret_hash: row.try_get("secret_hash")?,
        last_four: row.try_get("last_four")?,
        scopes: row.try_get("scopes")?,
        terms: KeyTerms {
            response_format: row.try_get("response_format")?,
            models: texts(row.try_get("models")?, "models")?,
            providers: texts(row.try_get("providers")?, "providers")?,
            route: row.try_get("route")?,
            rules: rules(row.try_get("rules")?)?,
            expires_at: maybe_time(row.try_get("expires_at")?, "expires_at")?,
            log_retention_days: row.try_get("log_retention_days")?,
            media_ttl_s: row.try_get("media_ttl_s")?,
            limits: KeyLimits {
                total_micros: row.try_get("total_limit_micros")?,
                day_micros: row.try_get("day_limit_micros")?,
                month_micros: row.try_get("month_limit_micros")?,
                concurrent: row.try_get("concurrent_limit")?,
                requests_per_minute: row.try_get("requests_per_minute")?,
            },
        },
        created_at: time(row.try_get("created_at")?, "created_at")?,
        revoked_at: maybe_time(row.try_get("revoked_at")?, "revoked_at")?,
    };
    Ok(KeyUse {
        key,
        total_micros: row.try_get("total_used_micros")?,
        day: row.try_get("day")?,
        day_micros: row.try_get("day_used_micros")?,
        month: row.try_get("month")?,
        month_micros: row.try_get("month_used_micros")?,
        next_request_at: row.try_get("next_request_at")?,
    })
}

/// Rules that cannot be read are no freedom.
fn rules(column: Option<String>) -> Result<Rules, DatabaseError> {
    let Some(text) = column else {
        return Ok(Rules::NONE);
    };
    serde_json::from_str(&text).map_err(|_| DatabaseError::Content("rules"))
}

fn json(list: &[String]) -> String {
    serde_json::Value::from(list).to_string()
}

/// Which keys to list.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    /// Only those of this account.
    pub account_id: Option<String>,
    /// Only those in this state at this time.
    pub status: Option<(KeyStatus, Timestamp)>,
    /// Only those after this one in the list.
    pub starting_after: Option<String>,
    /// Only those before it.
    pub ending_before: Option<String>,
}

impl Database {
    /// Stores a new key, with the line that tells of it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_key(&self, key: &KeyRow, told: Option<&AuditRow>) -> Result<(), DatabaseError> {
        let mut transaction = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO api_keys (id, account_id, name, secret_hash, last_four, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key.id.as_str())
        .bind(key.account_id.as_str())
        .bind(key.name.as_str())
        .bind(key.secret_hash.as_str())
        .bind(key.last_four.as_str())
        .bind(key.scopes.as_str())
        .bind(key.created_at.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO key_limits (key_id) VALUES ($1)")
            .bind(key.id.as_str())
            .execute(&mut *transaction)
            .await?;
        set_terms(&mut transaction, &key.id, &key.name, &key.terms).await?;
        audit::insert(&mut transaction, told).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Changes what of a key can be set: `change` gets its name and its terms, and `tell` its account for the line that tells
    /// of it. `None` when there is no such key.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn change_key(
        &self,
        id: &str,
        change: impl FnOnce(&mut String, &mut KeyTerms) + Send,
        tell: impl FnOnce(&str) -> AuditRow + Send,
    ) -> Result<Option<KeyUse>, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        // Locks the row, so that of two changes at once none undoes the other.
        sqlx::query("UPDATE api_keys SET name = name WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        let Some(mut used) = find(&mut transaction, id).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        change(&mut used.key.name, &mut used.key.terms);
        set_terms(&mut transaction, id, &used.key.name, &used.key.terms).await?;
        audit::insert(&mut transaction, Some(&tell(&used.key.account_id))).await?;
        transaction.commit().await?;
        Ok(Some(used))
    }

    /// The key of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn key(&self, id: &str) -> Result<Option<KeyUse>, DatabaseError> {
        self.in_time(async {
            let mut connection = self.pool.acquire().await?;
            find(&mut connection, id).await
        })
        .await
    }

    /// What a key may spend now: the least that its own limits and its account leave. `None` where nothing bounds it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn left_to_spend(&self, key_id: &str, now: Timestamp) -> Result<Option<i64>, DatabaseError> {
        let used = self.key(key_id).await?.ok_or(DatabaseError::Content("api_keys"))?;
        let account = self.account(&used.key.account_id).await?;
        let account = account.ok_or(DatabaseError::Content("accounts"))?;
        let of_account = account
            .credit_limit_micros
            .map(|limit| (account.available_micros + limit).max(0));
        Ok(used.left(Period::of(now)).into_iter().chain(of_account).min())
    }

    /// Keys that fit, newest first, those of one moment by id. Those of visitors' sessions are none of anybody's.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn keys(&self, filter: &KeyFilter, limit: i64) -> Result<Vec<KeyUse>, DatabaseError> {
        let backwards = filter.ending_before.is_some();
        let (edge, direction) = if backwards { (">", "ASC") } else { ("<", "DESC") };
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE address_pool IS NULL AND (CAST($1 AS TEXT) IS NULL OR account_id = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR CASE WHEN revoked_at IS NOT NULL THEN 'revoked' \
             WHEN expires_at <= CAST($3 AS BIGINT) THEN 'expired' ELSE 'active' END = $2) \
             AND (CAST($4 AS TEXT) IS NULL OR (created_at, id) {edge} (SELECT created_at, id FROM api_keys WHERE id = $4)) \
             ORDER BY created_at {direction}, id {direction} LIMIT $5"
        );
        let cursor = filter.ending_before.as_deref().or(filter.starting_after.as_deref());
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.account_id.as_deref())
            .bind(filter.status.map(|(status, _)| status.as_str()))
            .bind(filter.status.map(|(_, at)| at.as_microsecond()))
            .bind(cursor)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut keys: Vec<KeyUse> = rows.iter().map(read).collect::<Result<_, _>>()?;
        if backwards {
            keys.reverse();
        }
        Ok(keys)
    }
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<KeyUse>, DatabaseError> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} {FROM} WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

async fn set_terms(
    connection: &mut AnyConnection,
    id: &str,
    name: &str,
    terms: &KeyTerms,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "UPDATE api_keys SET name = $2, response_format = $3, models = $4, providers = $5, route = $6, expires_at = $7, rules = $8, \
         log_retention_days = $9, media_ttl_s = $10 WHERE id = $1",
    )
    .bind(id)
    .bind(name)
    .bind(terms.response_format.as_deref())
    .bind(json(&terms.models))
    .bind(json(&terms.providers))
    .bind(terms.route.as_deref())
    .bind(terms.expires_at.map(Timestamp::as_microsecond))
    .bind((!terms.rules.is_empty()).then(|| serde_json::json!(terms.rules).to_string()))
    .bind(terms.log_retention_days)
    .bind(terms.media_ttl_s)
    .execute(&mut *connection)
    .await?;
    let limits = &terms.limits;
    sqlx::query(
        "UPDATE key_limits SET total_limit_micros = $2, day_limit_micros = $3, month_limit_micros = $4, concurrent_limit = $5, \
         requests_per_minute = $6 WHERE key_id = $1",
    )
    .bind(id)
    .bind(limits.total_micros)
    .bind(limits.day_micros)
    .bind(limits.month_micros)
    .bind(limits.concurrent)
    .bind(limits.requests_per_minute)
    .execute(connection)
    .await?;
    Ok(())
}
