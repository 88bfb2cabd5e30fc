//! Prompts that visitors suggest for competitions.

use jiff::Timestamp;
use sqlx::Row;

use crate::db::{Database, DatabaseError, rows, time};

/// What became of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuggestionState {
    /// The operator has not looked at it.
    Waiting,
    /// A competition is made of it.
    Taken,
    /// It is not.
    Left,
}

impl SuggestionState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Taken, Self::Left];

    /// The name in tables and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Taken => "taken",
            Self::Left => "left",
        }
    }
}

/// A prompt that somebody suggested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestionRow {
    /// Id.
    pub id: String,
    /// The prompt.
    pub prompt: String,
    /// Who.
    pub voter: String,
    /// Where it stands.
    pub state: SuggestionState,
    /// When.
    pub created_at: Timestamp,
}

impl Database {
    /// Notes a suggestion.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_suggestion(&self, row: &SuggestionRow) -> Result<(), DatabaseError> {
        sqlx::query("INSERT INTO arena_suggestions (id, prompt, voter, state, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&row.id)
            .bind(&row.prompt)
            .bind(&row.voter)
            .bind(row.state.as_str())
            .bind(row.created_at.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// How many a voter has made since `since`, and how many wait in all.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn count_suggestions(&self, voter: &str, since: Timestamp) -> Result<(i64, i64), DatabaseError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM arena_suggestions WHERE voter = $1 AND created_at >= $2) AS own, \
             (SELECT COUNT(*) FROM arena_suggestions WHERE state = $3) AS waiting",
        )
        .bind(voter)
        .bind(since.as_microsecond())
        .bind(SuggestionState::Waiting.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok((row.try_get("own")?, row.try_get("waiting")?))
    }

    /// Up to `limit` suggestions in a state, the newest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn suggestions(&self, state: SuggestionState, limit: i64) -> Result<Vec<SuggestionRow>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT id, prompt, voter, state, created_at FROM arena_suggestions WHERE state = $1 \
             ORDER BY created_at DESC, id LIMIT $2",
        )
        .bind(state.as_str())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SuggestionRow {
                    id: row.try_get("id")?,
                    prompt: row.try_get("prompt")?,
                    voter: row.try_get("voter")?,
                    state: rows::word(row, "state", &SuggestionState::ALL, SuggestionState::as_str)?,
                    created_at: time(row.try_get("created_at")?, "created_at")?,
                })
            })
            .collect()
    }

    /// Takes or leaves a suggestion. Returns whether there is one of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn set_suggestion_state(&self, id: &str, state: SuggestionState) -> Result<bool, DatabaseError> {
        let done = sqlx::query("UPDATE arena_suggestions SET state = $2 WHERE id = $1")
            .bind(id)
            .bind(state.as_str())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
