//! Stored images.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::generations::id_list;
use super::link::Link;
use super::{Database, DatabaseError, rows, time};

/// One stored image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaRow {
    /// Id in links.
    pub id: String,
    /// The generation that made it.
    pub generation_id: String,
    /// Its place among the generation's images.
    pub position: i64,
    /// Where it lies in the object store.
    pub path: String,
    /// File format.
    pub format: String,
    /// Width.
    pub width_px: i64,
    /// Height.
    pub height_px: i64,
    /// Size of the file.
    pub size_bytes: i64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it is removed.
    pub expires_at: Timestamp,
    /// The call that made it and what its charge is found by, as JSON.
    pub made: Option<String>,
}

const COLUMNS: &str =
    "id, generation_id, position, path, format, width_px, height_px, size_bytes, created_at, expires_at, made";

fn read(row: &AnyRow) -> Result<MediaRow, DatabaseError> {
    Ok(MediaRow {
        id: row.try_get("id")?,
        generation_id: row.try_get("generation_id")?,
        position: row.try_get("position")?,
        path: row.try_get("path")?,
        format: row.try_get("format")?,
        width_px: row.try_get("width_px")?,
        height_px: row.try_get("height_px")?,
        size_bytes: row.try_get("size_bytes")?,
        created_at: time(row.try_get("created_at")?, "created_at")?,
        expires_at: time(row.try_get("expires_at")?, "expires_at")?,
        made: row.try_get("made")?,
    })
}

/// That a generation is not another process's: columns 2 and 12 of what is inserted.
const IS_OWN: &str =
    "EXISTS (SELECT 1 FROM generations WHERE id = column2 AND (lease_owner IS NULL OR lease_owner = column12))";

/// Notes stored images, each once, with the process that stored them. Those of generations that another process has taken
/// over are left out.
pub(super) async fn insert(link: &mut Link, media: &[(MediaRow, String)]) -> Result<(), DatabaseError> {
    rows::insert_where(link, ("media", COLUMNS, IS_OWN), rows::IF_NEW, media, |(row, owner)| {
        [
            (&row.id).into(),
            (&row.generation_id).into(),
            row.position.into(),
            (&row.path).into(),
            (&row.format).into(),
            row.width_px.into(),
            row.height_px.into(),
            row.size_bytes.into(),
            row.created_at.as_microsecond().into(),
            row.expires_at.as_microsecond().into(),
            row.made.as_deref().into(),
            owner.into(),
        ]
    })
    .await
}

/// Forgets images whose files are gone. Returns how many there were.
pub(super) async fn forget(link: &mut Link, ids: &[String]) -> Result<u64, DatabaseError> {
    let (list, values) = id_list(ids);
    link.execute(&format!("DELETE FROM media WHERE id IN ({list})"), &values)
        .await
}

impl Database {
    /// The image of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn media(&self, id: &str) -> Result<Option<MediaRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM media WHERE id = $1"));
        let query = sqlx::query(sql).bind(id);
        let row = self
            .in_time(async { Ok(query.fetch_optional(&self.pool).await?) })
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The images of a generation, in order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn media_of(&self, generation_id: &str) -> Result<Vec<MediaRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM media WHERE generation_id = $1 ORDER BY position"
        ));
        let query = sqlx::query(sql).bind(generation_id);
        let rows = self.in_time(async { Ok(query.fetch_all(&self.pool).await?) }).await?;
        rows.iter().map(read).collect()
    }

    /// The images whose paths begin with a folder.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn media_below(&self, folder: &str) -> Result<Vec<MediaRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM media WHERE path > $1 AND path < $2 ORDER BY path"
        ));
        sqlx::query(sql)
            .bind(format!("{folder}/"))
            // The character after the slash.
            .bind(format!("{folder}0"))
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// Up to `limit` images that were to be removed before `now`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn expired_media(&self, now: Timestamp, limit: i64) -> Result<Vec<MediaRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM media WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
        ));
        sqlx::query(sql)
            .bind(now.as_microsecond())
            .bind(limit)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// Images with their accounts, the next to be removed first: those after the one of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn kept_media(
        &self,
        account_id: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<(MediaRow, String)>, DatabaseError> {
        let columns: Vec<String> = COLUMNS.split(", ").map(|column| format!("media.{column}")).collect();
        let (mut conditions, mut values) = (String::from("1 = 1"), Vec::new());
        if let Some(account_id) = account_id {
            values.push(account_id);
            conditions.push_str(&format!(" AND generations.account_id = ${}", values.len()));
        }
        if let Some(after) = after {
            values.push(after);
            conditions.push_str(&format!(
                " AND (media.expires_at, media.id) > (SELECT expires_at, id FROM media WHERE id = ${})",
                values.len()
            ));
        }
        let sql = format!(
            "SELECT {}, generations.account_id AS account_id FROM media CROSS JOIN generations \
             WHERE generations.id = media.generation_id AND {conditions} ORDER BY media.expires_at, media.id LIMIT {limit}",
            columns.join(", ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| Ok((read(row)?, row.try_get("account_id")?)))
            .collect()
    }

    /// Bytes that stored images take, by account.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn media_bytes_by_account(&self) -> Result<Vec<(String, i64)>, DatabaseError> {
        let query = sqlx::query(
            "SELECT COALESCE(g.account_id, '') AS account_id, CAST(SUM(m.size_bytes) AS BIGINT) AS size_bytes \
             FROM media m LEFT JOIN generations g ON g.id = m.generation_id GROUP BY g.account_id",
        );
        let rows = self.in_time(async { Ok(query.fetch_all(&self.pool).await?) }).await?;
        let pair = |row: &AnyRow| Ok((row.try_get("account_id")?, row.try_get("size_bytes")?));
        rows.iter().map(pair).collect()
    }
}
