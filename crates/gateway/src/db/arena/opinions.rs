//! What a model of the operator's says of pictures on show.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::db::{Database, DatabaseError, rows, texts, time};

/// A machine's opinion of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpinionRow {
    /// The picture.
    pub exhibit_id: String,
    /// The model whose opinion it is.
    pub judge: String,
    /// What speaks for the picture.
    pub plus: Vec<String>,
    /// What speaks against it.
    pub minus: Vec<String>,
    /// When.
    pub created_at: Timestamp,
}

impl Database {
    /// Keeps an opinion in the place of an earlier one.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn put_opinion(&self, row: &OpinionRow) -> Result<(), DatabaseError> {
        let json = |list: &[String]| serde_json::Value::from(list).to_string();
        sqlx::query(
            "INSERT INTO exhibit_opinions (exhibit_id, judge, plus, minus, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (exhibit_id) DO UPDATE SET judge = excluded.judge, plus = excluded.plus, minus = excluded.minus, \
             created_at = excluded.created_at",
        )
        .bind(&row.exhibit_id)
        .bind(&row.judge)
        .bind(json(&row.plus))
        .bind(json(&row.minus))
        .bind(row.created_at.as_microsecond())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What is said of these pictures, by their ids.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn opinions(&self, exhibits: &[&str]) -> Result<HashMap<String, OpinionRow>, DatabaseError> {
        if exhibits.is_empty() {
            return Ok(HashMap::new());
        }
        let list = rows::places(exhibits.len(), 1);
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT exhibit_id, judge, plus, minus, created_at FROM exhibit_opinions WHERE exhibit_id IN {list}"
        ));
        let query = exhibits.iter().fold(sqlx::query(sql), |query, id| query.bind(*id));
        let found = query.fetch_all(&self.pool).await?;
        let read = |row: &AnyRow| {
            let exhibit_id: String = row.try_get("exhibit_id")?;
            let opinion = OpinionRow {
                exhibit_id: exhibit_id.clone(),
                judge: row.try_get("judge")?,
                plus: texts(row.try_get("plus")?, "plus")?,
                minus: texts(row.try_get("minus")?, "minus")?,
                created_at: time(row.try_get("created_at")?, "created_at")?,
            };
            Ok((exhibit_id, opinion))
        };
        found.iter().map(read).collect()
    }

    /// Forgets what was said of a picture. Returns whether something was.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn drop_opinion(&self, exhibit_id: &str) -> Result<bool, DatabaseError> {
        let done = sqlx::query("DELETE FROM exhibit_opinions WHERE exhibit_id = $1")
            .bind(exhibit_id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
