//! The one connection that writes, with the same few calls on SQLite and on PostgreSQL.
//!
//! SQLite is called directly, without the hop to another thread that each statement of a pooled connection costs: the link
//! lives on the journal's own thread.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, Postgres, Row as _, TypeInfo as _, ValueRef as _,
};

use super::{DatabaseError, Dialect};
use crate::boundary::outside;

/// How long SQLite waits for another process's lock at a time. Short, so that the journal never stops to look around.
const LOCK_WAIT: Duration = Duration::from_millis(250);
/// Statements that are kept prepared.
const STATEMENTS: usize = 128;
/// How long PostgreSQL works on one statement, and keeps a transaction open in which nothing comes: what a dead process
/// locked is free again.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(4);

/// Ends a transaction with all that was done in it.
pub(super) const COMMIT: &str = "COMMIT";

/// A value of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(Option<&'a str>),
    Number(Option<i64>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Number(Some(number)) => ValueRef::Integer(*number),
            Self::Text(None) | Self::Number(None) => ValueRef::Null,
        }))
    }
}

/// A row of an answer.
#[derive(Debug)]
pub(super) struct Row(Vec<Cell>);

#[derive(Debug)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
}

impl Row {
    /// The number in a column, counted from 0.
    pub(super) fn number(&self, column: usize) -> Result<i64, DatabaseError> {
        self.maybe_number(column)?.ok_or(DatabaseError::Content("a number"))
    }

    pub(super) fn maybe_number(&self, column: usize) -> Result<Option<i64>, DatabaseError> {
        match self.0.get(column) {
            Some(Cell::Number(number)) => Ok(Some(*number)),
            Some(Cell::Null) => Ok(None),
            _ => Err(DatabaseError::Content("a number")),
        }
    }

    /// The text in a column, counted from 0.
    pub(super) fn text(&self, column: usize) -> Result<String, DatabaseError> {
        self.maybe_text(column)?.ok_or(DatabaseError::Content("a text"))
    }

    pub(super) fn maybe_text(&self, column: usize) -> Result<Option<String>, DatabaseError> {
        match self.0.get(column) {
            Some(Cell::Text(text)) => Ok(Some(text.clone())),
            Some(Cell::Null) => Ok(None),
            _ => Err(DatabaseError::Content("a text")),
        }
    }
}

/// What was written since the start.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) statements: AtomicU64,
    pub(super) transactions: AtomicU64,
}

/// The connection that writes.
pub(super) struct Link {
    wire: Wire,
    tally: Arc<Tally>,
}

enum Wire {
    Sqlite(Box<rusqlite::Connection>),
    PostgreSql(Box<PgConnection>),
}

impl Link {
    /// Connects. On PostgreSQL the caller limits the time that it takes.
    pub(super) async fn open(url: &str, dialect: Dialect, tally: &Arc<Tally>) -> Result<Self, DatabaseError> {
        let wire = match dialect {
            Dialect::Sqlite => {
                let options = SqliteConnectOptions::from_str(url)?;
                let connection = rusqlite::Connection::open(options.get_filename())?;
                connection.busy_timeout(LOCK_WAIT)?;
                // As for the connections that read: WAL survives the death of the process, NORMAL leaves out the sync that
                // only power loss needs.
                connection.execute_batch(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
                )?;
                connection.set_prepared_statement_cache_capacity(STATEMENTS);
                Wire::Sqlite(Box::new(connection))
            }
            Dialect::PostgreSql => {
                let timeout_ms = STATEMENT_TIMEOUT.as_millis().to_string();
                let options = PgConnectOptions::from_str(url)?
                    .statement_cache_capacity(STATEMENTS)
                    .options([
                        ("statement_timeout", timeout_ms.as_str()),
                        ("idle_in_transaction_session_timeout", timeout_ms.as_str()),
                    ]);
                let connection = PgConnection::connect_with(&options).await?;
                Wire::PostgreSql(Box::new(connection))
            }
        };
        Ok(Self {
            wire,
            tally: Arc::clone(tally),
        })
    }

    /// Does a statement without values, such as the beginning or end of a transaction.
    pub(super) async fn order(&mut self, sql: &'static str) -> Result<(), DatabaseError> {
        struck()?;
        match &mut self.wire {
            Wire::Sqlite(connection) => connection.execute_batch(sql)?,
            Wire::PostgreSql(connection) => {
                connection.execute(sql).await?;
            }
        }
        if sql == COMMIT {
            self.tally.transactions.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Does a statement. Returns how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, DatabaseError> {
        struck()?;
        self.tally.statements.fetch_add(1, Ordering::Relaxed);
        match &mut self.wire {
            Wire::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(&by_place(sql))?;
                bind(&mut statement, values)?;
                Ok(statement.raw_execute()? as u64)
            }
            Wire::PostgreSql(connection) => Ok(query(sql, values).execute(&mut **connection).await?.rows_affected()),
        }
    }

    /// The rows that a statement gives.
    pub(super) async fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        struck()?;
        self.tally.statements.fetch_add(1, Ordering::Relaxed);
        match &mut self.wire {
            Wire::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(&by_place(sql))?;
                bind(&mut statement, values)?;
                let width = statement.column_count();
                let mut found = statement.raw_query();
                let mut rows = Vec::new();
                while let Some(row) = found.next()? {
                    rows.push(of_sqlite(row, width)?);
                }
                Ok(rows)
            }
            Wire::PostgreSql(connection) => {
                let rows = query(sql, values).fetch_all(&mut **connection).await?;
                rows.iter().map(of_postgresql).collect()
            }
        }
    }

    /// The first row that a statement gives.
    pub(super) async fn row(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, DatabaseError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Says goodbye, where that is more than to let go.
    pub(super) async fn close(self) {
        match self.wire {
            // An error leaves nothing to be done: the file is closed in any case.
            Wire::Sqlite(connection) => drop(connection.close()),
            Wire::PostgreSql(connection) => drop(connection.close().await),
        }
    }
}

/// A test may let the next statement fail, as it does when the database goes away.
fn struck() -> Result<(), DatabaseError> {
    outside("statement").map_err(|_| DatabaseError::Unavailable)
}

/// `$3` is the third value. To SQLite that is a name, to be looked up at each use; `?3` is a place.
fn by_place(sql: &str) -> String {
    sql.replace('$', "?")
}

fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value<'_>]) -> Result<(), DatabaseError> {
    for place in 1..=statement.parameter_count() {
        let value = values.get(place - 1);
        statement.raw_bind_parameter(place, value.ok_or(DatabaseError::Content("a value of a statement"))?)?;
    }
    Ok(())
}

fn of_sqlite(row: &rusqlite::Row<'_>, width: usize) -> Result<Row, DatabaseError> {
    let cell = |column| {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Number(number),
            ValueRef::Text(text) => {
                Cell::Text(String::from_utf8(text.to_vec()).map_err(|_| DatabaseError::Content("a text"))?)
            }
            ValueRef::Real(_) | ValueRef::Blob(_) => return Err(DatabaseError::Content("a number or a text")),
        })
    };
    (0..width).map(cell).collect::<Result<_, _>>().map(Row)
}

fn query<'q>(sql: &str, values: &[Value<'_>]) -> Query<'q, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    values.iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text.map(ToOwned::to_owned)),
        Value::Number(number) => query.bind(*number),
    })
}

fn of_postgresql(row: &PgRow) -> Result<Row, DatabaseError> {
    let cell = |column: usize| {
        let raw = row.try_get_raw(column)?;
        if raw.is_null() {
            return Ok(Cell::Null);
        }
        Ok(match row.column(column).type_info().name() {
            "INT8" => Cell::Number(row.try_get(column)?),
            "INT4" => Cell::Number(i64::from(row.try_get::<i32, _>(column)?)),
            _ => Cell::Text(row.try_get(column)?),
        })
    };
    (0..row.len()).map(cell).collect::<Result<_, _>>().map(Row)
}
