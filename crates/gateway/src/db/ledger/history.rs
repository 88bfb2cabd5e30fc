//! Reading postings back.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::db::{Database, DatabaseError, time};

/// A posting as it is in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingRow {
    /// Id.
    pub id: String,
    /// Why.
    pub kind: String,
    /// Whose.
    pub account_id: String,
    /// By which API key.
    pub key_id: Option<String>,
    /// For which generation.
    pub generation_id: Option<String>,
    /// Remark.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// Book and amount.
    pub entries: Vec<(String, i64)>,
}

impl PostingRow {
    /// What it added to the account's available money.
    #[must_use]
    pub fn available_micros(&self) -> i64 {
        let mut amounts = self.entries.iter();
        amounts
            .find(|(book, _)| book == "available")
            .map_or(0, |(_, amount)| *amount)
    }
}

/// Which postings to list.
#[derive(Debug, Clone, Default)]
pub struct PostingFilter {
    /// Of this account.
    pub account_id: String,
    /// Only those after this one in the list.
    pub starting_after: Option<String>,
    /// Only those before it.
    pub ending_before: Option<String>,
}

const COLUMNS: &str = "id, kind, account_id, key_id, generation_id, note, created_at";

fn read(row: &AnyRow) -> Result<PostingRow, DatabaseError> {
    Ok(PostingRow {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        account_id: row.try_get("account_id")?,
        key_id: row.try_get("key_id")?,
        generation_id: row.try_get("generation_id")?,
        note: row.try_get("note")?,
        created_at: time(row.try_get("created_at")?, "created_at")?,
        entries: Vec::new(),
    })
}

async fn entries(connection: &mut AnyConnection, posting_id: &str) -> Result<Vec<(String, i64)>, DatabaseError> {
    let rows = sqlx::query_as("SELECT book, amount_micros FROM entries WHERE posting_id = $1 ORDER BY book")
        .bind(posting_id)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// The posting of that id.
async fn posting(connection: &mut AnyConnection, id: &str) -> Result<Option<PostingRow>, DatabaseError> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM postings WHERE id = $1"));
    let Some(row) = sqlx::query(sql).bind(id).fetch_optional(&mut *connection).await? else {
        return Ok(None);
    };
    let mut posting = read(&row)?;
    posting.entries = entries(connection, id).await?;
    Ok(Some(posting))
}

impl Database {
    /// The posting of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn posting(&self, id: &str) -> Result<Option<PostingRow>, DatabaseError> {
        // A posting and its entries are written in one transaction and never changed.
        let mut connection = self.pool.acquire().await?;
        posting(&mut connection, id).await
    }

    /// The account that was charged for a generation.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn charged_account(&self, generation_id: &str) -> Result<Option<String>, DatabaseError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT account_id FROM postings WHERE generation_id = $1 AND kind = 'charge'")
                .bind(generation_id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(account_id,)| account_id))
    }

    /// Postings of an account, newest first: those older than `before`, which is the id of one of them.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn postings(
        &self,
        account_id: &str,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<PostingRow>, DatabaseError> {
        let filter = PostingFilter {
            account_id: account_id.to_owned(),
            starting_after: before.map(ToOwned::to_owned),
            ending_before: None,
        };
        self.postings_of(&filter, limit).await
    }

    /// Postings that fit, newest first, those of one moment by id; at most `limit`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn postings_of(&self, filter: &PostingFilter, limit: i64) -> Result<Vec<PostingRow>, DatabaseError> {
        let backwards = filter.ending_before.is_some();
        let (edge, direction) = if backwards { (">", "ASC") } else { ("<", "DESC") };
        let sql = format!(
            "SELECT found.id, kind, account_id, key_id, generation_id, note, created_at, book, amount_micros FROM \
             (SELECT {COLUMNS} FROM postings WHERE account_id = $1 \
             AND (CAST($2 AS TEXT) IS NULL OR (created_at, id) {edge} (SELECT created_at, id FROM postings WHERE id = $2)) \
             ORDER BY created_at {direction}, id {direction} LIMIT $3) AS found JOIN entries ON posting_id = found.id \
             ORDER BY created_at DESC, found.id DESC, book"
        );
        let cursor = filter.ending_before.as_deref().or(filter.starting_after.as_deref());
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.account_id.as_str())
            .bind(cursor)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut postings: Vec<PostingRow> = Vec::new();
        for row in &rows {
            let mut next = read(row)?;
            let entry = (row.try_get("book")?, row.try_get("amount_micros")?);
            match postings.last_mut().filter(|last| last.id == next.id) {
                Some(last) => last.entries.push(entry),
                None => {
                    next.entries.push(entry);
                    postings.push(next);
                }
            }
        }
        Ok(postings)
    }
}
