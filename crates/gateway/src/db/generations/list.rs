//! Finding generations again.

use sqlx::AssertSqlSafe;

use super::filter::{BY_TIME, Cursor, Filter};
use super::{COLUMNS, GenerationRow, read, search};
use crate::db::{Database, DatabaseError, time};
use crate::ids::request_time;

impl Database {
    /// The place of a generation in an account's list. An id tells roughly when it was made, so also one that is forgotten
    /// has a place; `None` for what is no id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn cursor(&self, account_id: &str, id: &str) -> Result<Option<Cursor>, DatabaseError> {
        let Some(roughly) = request_time(id) else {
            return Ok(None);
        };
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT created_at FROM generations WHERE id = $2 AND ($1 = '*' OR account_id = $1)")
                .bind(account_id)
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        let known = row.map(|(micros,)| time(micros, "created_at")).transpose()?;
        Ok(Some(Cursor {
            created_at: known.unwrap_or(roughly),
            id: id.to_owned(),
        }))
    }

    /// Generations of an account, or of [`EVERY_ACCOUNT`], that fit, newest first; with `ending_before`, those next to it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn generations(
        &self,
        account_id: &str,
        filter: &Filter,
        limit: i64,
    ) -> Result<Vec<GenerationRow>, DatabaseError> {
        let direction = filter.direction();
        let ways = self.ways(filter).await?;
        let (sql, conditions) = match &ways {
            None => {
                let conditions = filter.conditions(account_id, true, BY_TIME);
                let sql = format!(
                    "SELECT {COLUMNS} FROM generations WHERE {} ORDER BY created_at {direction}, id {direction} LIMIT {limit}",
                    conditions.sql
                );
                (sql, conditions)
            }
            Some(ways) if ways.is_empty() => return Ok(Vec::new()),
            Some(ways) => search::statement(filter, account_id, ways, limit),
        };
        let rows = conditions
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .fetch_all(&self.pool)
            .await?;
        let mut generations: Vec<GenerationRow> = rows.iter().map(read).collect::<Result<_, _>>()?;
        if filter.ending_before.is_some() {
            generations.reverse();
        }
        Ok(generations)
    }
}
