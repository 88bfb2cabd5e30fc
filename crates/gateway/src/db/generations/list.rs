//! Finding generations again.

use jiff::Timestamp;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::{COLUMNS, GenerationRow, read};
use crate::db::{Database, DatabaseError, time};
use crate::ids::request_time;

/// Which generations are meant; every field that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Columns that must have these values, by [`Filter::COLUMNS`].
    pub equal: Vec<(&'static str, String)>,
    /// Made at or after this time.
    pub created_after: Option<Timestamp>,
    /// Made at or before this time.
    pub created_before: Option<Timestamp>,
    /// Older than this place.
    pub starting_after: Option<Cursor>,
    /// Newer than this place.
    pub ending_before: Option<Cursor>,
}

/// A place in the list: newest first, those of one moment by id. Ids alone would not do, as PostgreSQL puts texts into the
/// order of some language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    created_at: Timestamp,
    id: String,
}

impl Cursor {
    /// The place of a generation.
    #[must_use]
    pub fn at(generation: &GenerationRow) -> Self {
        Self {
            created_at: generation.start.created_at,
            id: generation.start.id.clone(),
        }
    }
}

/// How many generations fit, and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many.
    pub count: i64,
    /// What they cost in all.
    pub cost_micros: i64,
}

/// A statement with values yet to be bound.
type Bound<'q> = Query<'q, Any, AnyArguments>;

/// A value in a condition.
enum Argument<'a> {
    Text(&'a str),
    Number(i64),
}

/// Conditions as SQL, and their values.
struct Conditions<'a> {
    sql: String,
    arguments: Vec<Argument<'a>>,
}

impl Filter {
    /// Names in queries, and their columns.
    pub const COLUMNS: [(&'static str, &'static str); 11] = [
        ("key_id", "key_id"),
        ("status", "status"),
        ("model", "model"),
        ("provider", "provider"),
        ("endpoint", "endpoint"),
        ("error_code", "error_code"),
        ("session_id", "session_id"),
        ("trace_id", "trace_id"),
        ("user", "end_user"),
        ("client_request_id", "client_request_id"),
        ("idempotency_key", "idempotency_key"),
    ];

    /// Those whose field `name` (of [`Self::COLUMNS`]) is `value`.
    #[must_use]
    pub fn of(name: &'static str, value: &str) -> Self {
        Self {
            equal: vec![(name, value.to_owned())],
            ..Self::default()
        }
    }

    fn conditions<'a>(&'a self, account_id: &'a str, cursor: bool) -> Conditions<'a> {
        let mut conditions = Conditions {
            sql: "account_id = $1".to_owned(),
            arguments: vec![Argument::Text(account_id)],
        };
        for (name, value) in &self.equal {
            if let Some((_, column)) = Self::COLUMNS.iter().find(|(known, _)| known == name) {
                conditions.add(column, "=", Argument::Text(value));
            }
        }
        let micros = |time: Timestamp| Argument::Number(time.as_microsecond());
        if let Some(time) = self.created_after {
            conditions.add("created_at", ">=", micros(time));
        }
        if let Some(time) = self.created_before {
            conditions.add("created_at", "<=", micros(time));
        }
        if cursor {
            if let Some(place) = &self.ending_before {
                conditions.beyond(">", place);
            } else if let Some(place) = &self.starting_after {
                conditions.beyond("<", place);
            }
        }
        conditions
    }
}

impl<'a> Conditions<'a> {
    fn add(&mut self, column: &str, comparison: &str, argument: Argument<'a>) {
        self.arguments.push(argument);
        self.sql
            .push_str(&format!(" AND {column} {comparison} ${}", self.arguments.len()));
    }

    fn beyond(&mut self, comparison: &str, place: &'a Cursor) {
        self.arguments.extend([
            Argument::Number(place.created_at.as_microsecond()),
            Argument::Text(&place.id),
        ]);
        let last = self.arguments.len();
        self.sql
            .push_str(&format!(" AND (created_at, id) {comparison} (${}, ${last})", last - 1));
    }

    fn bind<'q>(&'q self, mut query: Bound<'q>) -> Bound<'q> {
        for argument in &self.arguments {
            query = match argument {
                Argument::Text(text) => query.bind(*text),
                Argument::Number(number) => query.bind(*number),
            };
        }
        query
    }
}

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
            sqlx::query_as("SELECT created_at FROM generations WHERE account_id = $1 AND id = $2")
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

    /// Generations of an account that fit, newest first; with `ending_before`, those next to it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn generations(
        &self,
        account_id: &str,
        filter: &Filter,
        limit: i64,
    ) -> Result<Vec<GenerationRow>, DatabaseError> {
        let backwards = filter.ending_before.is_some();
        let direction = if backwards { "ASC" } else { "DESC" };
        let conditions = filter.conditions(account_id, true);
        let sql = format!(
            "SELECT {COLUMNS} FROM generations WHERE {} ORDER BY created_at {direction}, id {direction} LIMIT {limit}",
            conditions.sql
        );
        let rows = conditions
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .fetch_all(&self.pool)
            .await?;
        let mut generations: Vec<GenerationRow> = rows.iter().map(read).collect::<Result<_, _>>()?;
        if backwards {
            generations.reverse();
        }
        Ok(generations)
    }

    /// How many generations of an account fit, whatever the page, and what they cost.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn summary(&self, account_id: &str, filter: &Filter) -> Result<Summary, DatabaseError> {
        use sqlx::Row as _;
        let conditions = filter.conditions(account_id, false);
        let sql = format!(
            "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS cost FROM generations WHERE {}",
            conditions.sql
        );
        let row = conditions
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .fetch_one(&self.pool)
            .await?;
        Ok(Summary {
            count: row.try_get("count")?,
            cost_micros: row.try_get("cost")?,
        })
    }
}
