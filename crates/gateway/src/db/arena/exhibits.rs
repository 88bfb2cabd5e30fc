//! Pictures on show.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::flag;
use crate::db::{Database, DatabaseError, rows, time};

/// Whether a picture is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExhibitState {
    /// By everybody.
    Shown,
    /// Once the operator lets it in.
    Waiting,
    /// By nobody.
    Hidden,
    /// By who asked for it, and the operator, until it is published or removed.
    Private,
}

impl ExhibitState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Shown, Self::Waiting, Self::Hidden, Self::Private];

    /// The name in tables and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Waiting => "waiting",
            Self::Hidden => "hidden",
            Self::Private => "private",
        }
    }
}

/// One picture on show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExhibitRow {
    /// Id.
    pub id: String,
    /// The competition that it is an entry of.
    pub competition: Option<String>,
    /// The model that made it.
    pub model: String,
    /// The provider that ran the model.
    pub provider: String,
    /// What was asked.
    pub prompt: String,
    /// What was asked beside the prompt, as JSON.
    pub settings: String,
    /// What it cost.
    pub cost_micros: Option<i64>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// Width as it is shown.
    pub width_px: i64,
    /// Height as it is shown.
    pub height_px: i64,
    /// Size of the file.
    pub size_bytes: i64,
    /// Where it lies in the object store.
    pub path: String,
    /// Whether the sandbox drew it.
    pub sandbox: bool,
    /// Where it stands.
    pub state: ExhibitState,
    /// Whose it is.
    pub account_id: String,
    /// The request that made it.
    pub generation_id: String,
    /// Its place among that request's images.
    pub position: i64,
    /// When it was hung.
    pub created_at: Timestamp,
}

impl ExhibitRow {
    /// Whether it was removed: its file is gone, or is about to be, and its prompt is forgotten.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.prompt.is_empty()
    }

    /// Whether it may be seen by those to whom it was handed in a pair: whatever nobody has hidden or removed.
    #[must_use]
    pub fn may_be_paired(&self) -> bool {
        self.state != ExhibitState::Hidden && !self.is_removed()
    }
}

/// Which pictures are wanted. Absent: any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExhibitFilter {
    /// Of this world.
    pub sandbox: bool,
    /// By this model.
    pub model: Option<String>,
    /// Of this competition.
    pub competition: Option<String>,
    /// In this state; `None`: shown ones.
    pub state: Option<ExhibitState>,
}

const COLUMNS: &str = "id, competition, model, provider, prompt, settings, cost_micros, duration_ms, width_px, height_px, \
     size_bytes, path, sandbox, state, account_id, generation_id, position, created_at";

fn read(row: &AnyRow) -> Result<ExhibitRow, DatabaseError> {
    let sandbox: i64 = row.try_get("sandbox")?;
    Ok(ExhibitRow {
        id: row.try_get("id")?,
        competition: row.try_get("competition")?,
        model: row.try_get("model")?,
        provider: row.try_get("provider")?,
        prompt: row.try_get("prompt")?,
        settings: row.try_get("settings")?,
        cost_micros: row.try_get("cost_micros")?,
        duration_ms: row.try_get("duration_ms")?,
        width_px: row.try_get("width_px")?,
        height_px: row.try_get("height_px")?,
        size_bytes: row.try_get("size_bytes")?,
        path: row.try_get("path")?,
        sandbox: sandbox != 0,
        state: rows::word(row, "state", &ExhibitState::ALL, ExhibitState::as_str)?,
        account_id: row.try_get("account_id")?,
        generation_id: row.try_get("generation_id")?,
        position: row.try_get("position")?,
        created_at: time(row.try_get("created_at")?, "created_at")?,
    })
}

impl Database {
    /// Hangs a picture. Returns whether it is new: a picture is on show once.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn hang(&self, exhibit: &ExhibitRow) -> Result<bool, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "INSERT INTO exhibits ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
             $17, $18) ON CONFLICT DO NOTHING"
        ));
        let done = sqlx::query(sql)
            .bind(&exhibit.id)
            .bind(exhibit.competition.as_deref())
            .bind(&exhibit.model)
            .bind(&exhibit.provider)
            .bind(&exhibit.prompt)
            .bind(&exhibit.settings)
            .bind(exhibit.cost_micros)
            .bind(exhibit.duration_ms)
            .bind(exhibit.width_px)
            .bind(exhibit.height_px)
            .bind(exhibit.size_bytes)
            .bind(&exhibit.path)
            .bind(flag(exhibit.sandbox))
            .bind(exhibit.state.as_str())
            .bind(&exhibit.account_id)
            .bind(&exhibit.generation_id)
            .bind(exhibit.position)
            .bind(exhibit.created_at.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The picture of that id, whatever its state.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn exhibit(&self, id: &str) -> Result<Option<ExhibitRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM exhibits WHERE id = $1"));
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// The picture that was hung of this image of a request.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn exhibit_of(&self, generation_id: &str, position: i64) -> Result<Option<ExhibitRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM exhibits WHERE generation_id = $1 AND position = $2"
        ));
        let row = sqlx::query(sql)
            .bind(generation_id)
            .bind(position)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Up to `limit` pictures, the newest first, past the first `skip`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn exhibits(
        &self,
        filter: &ExhibitFilter,
        skip: i64,
        limit: i64,
    ) -> Result<Vec<ExhibitRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM exhibits WHERE {WHERE} ORDER BY created_at DESC, id LIMIT $5 OFFSET $6"
        ));
        let rows = bound(sqlx::query(sql), filter)
            .bind(limit)
            .bind(skip)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// One shown picture of each model of a world: the newest that was published, else its newest entry.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn exhibits_by_model(&self, sandbox: bool) -> Result<Vec<ExhibitRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM (SELECT {COLUMNS}, ROW_NUMBER() OVER (PARTITION BY model ORDER BY \
             CASE WHEN competition IS NULL THEN 0 ELSE 1 END, created_at DESC, id) AS place \
             FROM exhibits WHERE sandbox = $1 AND state = $2) AS ranked WHERE place = 1"
        ));
        let query = sqlx::query(sql).bind(flag(sandbox)).bind(ExhibitState::Shown.as_str());
        query.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// How many pictures there are.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn count_exhibits(&self, filter: &ExhibitFilter) -> Result<i64, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) AS found FROM exhibits WHERE {WHERE}"));
        let row = bound(sqlx::query(sql), filter).fetch_one(&self.pool).await?;
        Ok(row.try_get("found")?)
    }

    /// Takes down what was hung of a request, for good: its prompt is forgotten. Returns the files that are to be removed.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn take_down_of(&self, generation_id: &str) -> Result<Vec<String>, DatabaseError> {
        let hung: Vec<(String,)> =
            sqlx::query_as("SELECT path FROM exhibits WHERE generation_id = $1 AND (prompt <> '' OR state = $2)")
                .bind(generation_id)
                .bind(ExhibitState::Private.as_str())
                .fetch_all(&self.pool)
                .await?;
        self.forget_said("generation_id", generation_id).await?;
        sqlx::query("UPDATE exhibits SET state = $2, prompt = '', settings = '{}' WHERE generation_id = $1")
            .bind(generation_id)
            .bind(ExhibitState::Hidden.as_str())
            .execute(&self.pool)
            .await?;
        Ok(hung.into_iter().map(|(path,)| path).collect())
    }

    /// Removes what was said of pictures: reports and opinions.
    async fn forget_said(&self, by: &'static str, value: &str) -> Result<(), DatabaseError> {
        for table in ["exhibit_reports", "exhibit_opinions"] {
            let sql = sqlx::AssertSqlSafe(format!(
                "DELETE FROM {table} WHERE exhibit_id IN (SELECT id FROM exhibits WHERE {by} = $1)"
            ));
            sqlx::query(sql).bind(value).execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Takes a picture down for good: its prompt is forgotten, and what was said of it. Its file is to be removed, and is found
    /// by [`Database::end_private`] until [`Database::hide_removed`] says so.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn end_exhibit(&self, id: &str) -> Result<(), DatabaseError> {
        // First: once the picture is gone nobody comes back for what was said of it.
        self.forget_said("id", id).await?;
        sqlx::query("UPDATE exhibits SET state = $2, prompt = '', settings = '{}' WHERE id = $1")
            .bind(id)
            .bind(ExhibitState::Private.as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Shows, hides or takes back a picture. Returns whether there is one of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn set_exhibit_state(&self, id: &str, state: ExhibitState) -> Result<bool, DatabaseError> {
        let done = sqlx::query("UPDATE exhibits SET state = $2 WHERE id = $1")
            .bind(id)
            .bind(state.as_str())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Publishes a private picture. Returns whether it was one.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn publish_private(&self, id: &str, state: ExhibitState) -> Result<bool, DatabaseError> {
        let done = sqlx::query("UPDATE exhibits SET state = $2 WHERE id = $1 AND state = $3 AND prompt <> ''")
            .bind(id)
            .bind(state.as_str())
            .bind(ExhibitState::Private.as_str())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets the prompts of up to `limit` private pictures from before `before`, so that they cannot be published any more.
    /// Returns their ids and files: these are to be removed, and are found again until [`Database::hide_removed`] says so.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn end_private(&self, before: Timestamp, limit: i64) -> Result<Vec<(String, String)>, DatabaseError> {
        let rows = sqlx::query_as(
            "UPDATE exhibits SET prompt = '', settings = '{}' WHERE id IN (SELECT id FROM exhibits WHERE state = $1 \
             AND created_at <= $2 ORDER BY created_at LIMIT $3) AND state = $1 RETURNING id, path",
        )
        .bind(ExhibitState::Private.as_str())
        .bind(before.as_microsecond())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Notes that the files of these pictures are gone.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn hide_removed(&self, ids: &[String]) -> Result<(), DatabaseError> {
        if ids.is_empty() {
            return Ok(());
        }
        let (hidden, list) = (ExhibitState::Hidden.as_str(), rows::places(ids.len(), 1));
        let sql = sqlx::AssertSqlSafe(format!("UPDATE exhibits SET state = '{hidden}' WHERE id IN {list}"));
        let query = ids.iter().fold(sqlx::query(sql), |query, id| query.bind(id));
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// The pictures of these ids, whatever their state, in no order.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn exhibits_of(&self, ids: &[&str]) -> Result<Vec<ExhibitRow>, DatabaseError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = rows::places(ids.len(), 1);
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM exhibits WHERE id IN {list}"));
        let query = ids.iter().fold(sqlx::query(sql), |query, id| query.bind(*id));
        query.fetch_all(&self.pool).await?.iter().map(read).collect()
    }
}

const WHERE: &str = "sandbox = $1 AND state = $2 AND (CAST($3 AS TEXT) IS NULL OR model = $3) \
     AND (CAST($4 AS TEXT) IS NULL OR competition = $4)";

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bound<'q>(query: Query<'q>, filter: &ExhibitFilter) -> Query<'q> {
    query
        .bind(flag(filter.sandbox))
        .bind(filter.state.unwrap_or(ExhibitState::Shown).as_str())
        .bind(filter.model.clone())
        .bind(filter.competition.clone())
}
