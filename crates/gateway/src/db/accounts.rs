//! Accounts: who pays, and how far.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::audit::{self, AuditRow};
use super::{DEFAULT_ACCOUNT, Database, DatabaseError, time};

/// How an account pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Billing {
    /// Before: it spends what was paid in.
    Prepaid,
    /// After: it may owe, up to its credit limit.
    Postpaid,
}

impl Billing {
    /// The name in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepaid => "prepaid",
            Self::Postpaid => "postpaid",
        }
    }
}

/// A stored account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Id.
    pub id: String,
    /// How it pays.
    pub billing: Billing,
    /// How far below zero it may go; `None`: without limit. A prepaid one has 0.
    pub credit_limit_micros: Option<i64>,
    /// What it may spend, without what is held. Below zero it is owed.
    pub available_micros: i64,
    /// What calls under way may cost.
    pub held_micros: i64,
    /// Days that its requests stay in the log; `None`: as set for all.
    pub log_retention_days: Option<i64>,
    /// Seconds that its images are kept; `None`: as set for all.
    pub media_ttl_s: Option<i64>,
    /// Bytes that its stored images may take; `None`: only the limit for all holds.
    pub media_bytes: Option<i64>,
    /// Whether what it asks and gets is kept.
    pub stores_payloads: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What of an account can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountTerms {
    /// How it pays.
    pub billing: Billing,
    /// As in [`AccountRow`].
    pub credit_limit_micros: Option<i64>,
    /// As in [`AccountRow`].
    pub log_retention_days: Option<i64>,
    /// As in [`AccountRow`].
    pub media_ttl_s: Option<i64>,
    /// As in [`AccountRow`].
    pub media_bytes: Option<i64>,
    /// As in [`AccountRow`].
    pub stores_payloads: bool,
}

impl AccountRow {
    /// What of it can be set.
    #[must_use]
    pub fn terms(&self) -> AccountTerms {
        AccountTerms {
            billing: self.billing,
            credit_limit_micros: self.credit_limit_micros,
            log_retention_days: self.log_retention_days,
            media_ttl_s: self.media_ttl_s,
            media_bytes: self.media_bytes,
            stores_payloads: self.stores_payloads,
        }
    }
}

const COLUMNS: &str = "id, billing_type, credit_limit_micros, available_micros, held_micros, log_retention_days, media_ttl_s, media_bytes, stores_payloads, created_at";

fn read(row: &AnyRow) -> Result<AccountRow, DatabaseError> {
    Ok(AccountRow {
        id: row.try_get("id")?,
        billing: match row.try_get::<String, _>("billing_type")?.as_str() {
            "prepaid" => Billing::Prepaid,
            "postpaid" => Billing::Postpaid,
            _ => return Err(DatabaseError::Content("billing_type")),
        },
        credit_limit_micros: row.try_get("credit_limit_micros")?,
        available_micros: row.try_get("available_micros")?,
        held_micros: row.try_get("held_micros")?,
        log_retention_days: row.try_get("log_retention_days")?,
        media_ttl_s: row.try_get("media_ttl_s")?,
        media_bytes: row.try_get("media_bytes")?,
        stores_payloads: row.try_get::<i64, _>("stores_payloads")? != 0,
        created_at: time(row.try_get("created_at")?, "created_at")?,
    })
}

impl Database {
    pub(super) async fn ensure_default_account(&self, now: Timestamp) -> Result<(), DatabaseError> {
        let terms = AccountTerms {
            billing: Billing::Postpaid,
            credit_limit_micros: None,
            log_retention_days: None,
            media_ttl_s: None,
            media_bytes: None,
            stores_payloads: false,
        };
        self.insert_account(DEFAULT_ACCOUNT, &terms, now, None).await?;
        Ok(())
    }

    /// Makes an account, with the line that tells of it. Returns whether there was none of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_account(
        &self,
        id: &str,
        terms: &AccountTerms,
        now: Timestamp,
        told: Option<&AuditRow>,
    ) -> Result<bool, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(
            "INSERT INTO accounts (id, billing_type, credit_limit_micros, log_retention_days, media_ttl_s, media_bytes, stores_payloads, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(terms.billing.as_str())
        .bind(terms.credit_limit_micros)
        .bind(terms.log_retention_days)
        .bind(terms.media_ttl_s)
        .bind(terms.media_bytes)
        .bind(i64::from(terms.stores_payloads))
        .bind(now.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        let is_new = done.rows_affected() > 0;
        if is_new {
            audit::insert(&mut transaction, told).await?;
        }
        transaction.commit().await?;
        Ok(is_new)
    }

    /// Changes the terms of an account, with the line that tells of it: `change` says what they shall be, while nobody else
    /// changes the account or its money. `None` when there is no such account.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn change_account<E>(
        &self,
        id: &str,
        change: impl FnOnce(&AccountRow) -> Result<AccountTerms, E> + Send,
        told: Option<&AuditRow>,
    ) -> Result<Option<Result<AccountRow, E>>, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let lock = format!("UPDATE accounts SET held_micros = held_micros WHERE id = $1 RETURNING {COLUMNS}");
        let row = sqlx::query(sqlx::AssertSqlSafe(lock))
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?;
        let account = row.as_ref().map(read).transpose()?;
        let terms = match account.as_ref().map(change) {
            Some(Ok(terms)) => terms,
            Some(Err(refusal)) => {
                transaction.rollback().await?;
                return Ok(Some(Err(refusal)));
            }
            None => {
                transaction.rollback().await?;
                return Ok(None);
            }
        };
        let set = format!(
            "UPDATE accounts SET billing_type = $2, credit_limit_micros = $3, log_retention_days = $4, media_ttl_s = $5, \
             media_bytes = $6, stores_payloads = $7 WHERE id = $1 RETURNING {COLUMNS}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(set))
            .bind(id)
            .bind(terms.billing.as_str())
            .bind(terms.credit_limit_micros)
            .bind(terms.log_retention_days)
            .bind(terms.media_ttl_s)
            .bind(terms.media_bytes)
            .bind(i64::from(terms.stores_payloads))
            .fetch_one(&mut *transaction)
            .await?;
        let account = read(&row)?;
        audit::insert(&mut transaction, told).await?;
        transaction.commit().await?;
        Ok(Some(Ok(account)))
    }

    /// Sets the terms of an account. Returns whether it was done: not when the account owes more than the new limit.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn update_account(&self, id: &str, terms: &AccountTerms) -> Result<bool, DatabaseError> {
        let set = |account: &AccountRow| {
            let owes_too_much = terms
                .credit_limit_micros
                .is_some_and(|limit| account.available_micros < -limit);
            if owes_too_much { Err(()) } else { Ok(terms.clone()) }
        };
        Ok(self
            .change_account(id, set, None)
            .await?
            .is_some_and(|done| done.is_ok()))
    }

    /// The account of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn account(&self, id: &str) -> Result<Option<AccountRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM accounts WHERE id = $1"));
        let row = self
            .in_time(async { Ok(sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?) })
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Accounts by id, at most `limit`: those after `range.0`, or the last ones before `range.1`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn accounts(
        &self,
        range: (Option<&str>, Option<&str>),
        limit: i64,
    ) -> Result<Vec<AccountRow>, DatabaseError> {
        let (edge, direction) = if range.1.is_some() { ("<", "DESC") } else { (">", "ASC") };
        let sql = format!(
            "SELECT {COLUMNS} FROM accounts WHERE CAST($1 AS TEXT) IS NULL OR id {edge} $1 ORDER BY id {direction} LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(range.1.or(range.0))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut accounts: Vec<AccountRow> = rows.iter().map(read).collect::<Result<_, _>>()?;
        if range.1.is_some() {
            accounts.reverse();
        }
        Ok(accounts)
    }
}
