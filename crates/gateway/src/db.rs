//! The database: every statement of Pictor is below here.
//!
//! The same SQL runs on SQLite and PostgreSQL: `$1` parameters, integers for times and money, JSON as text.

pub mod accounts;
pub mod generations;
pub mod idempotency;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod media;
mod migrations;
pub mod performance;
mod rows;
pub mod webhooks;

use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Executor, Transaction};

use journal::Journal;

/// The account that the embedded default works for.
pub const DEFAULT_ACCOUNT: &str = "default";

/// Connections to the database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    journal: Journal,
    dialect: Dialect,
}

/// The two databases where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    PostgreSql,
}

impl Dialect {
    /// Begins a transaction that writes. SQLite takes its one write lock at once: a transaction that reads first and then
    /// wants it may be refused although it waits.
    const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::PostgreSql => "BEGIN",
        }
    }

    /// Begins a transaction all of whose reads see the same moment.
    const fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::PostgreSql => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A statement or the connection failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The tables cannot be brought up to date.
    #[error("database migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row does not hold what this version writes.
    #[error("database: column {0} does not hold what was expected")]
    Content(&'static str),
    /// The database was closed.
    #[error("database: closed")]
    Closed,
}

/// Connections at one time. SQLite has one writer anyway; more readers than this do not help on small machines.
const CONNECTIONS_MAX: u32 = 8;

impl Database {
    /// Connects and brings the tables up to date.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database cannot be opened or migrated.
    pub async fn open(url: &str, now: Timestamp) -> Result<Self, DatabaseError> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url.parse()?;
        let dialect = if url.starts_with("sqlite:") {
            Dialect::Sqlite
        } else {
            Dialect::PostgreSql
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if dialect == Dialect::Sqlite {
                        // WAL survives the death of the process; NORMAL leaves out the sync that only power loss needs.
                        connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON").await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        migrations::all().run(&pool).await?;
        if dialect == Dialect::PostgreSql {
            sort_by_bytes(&pool).await?;
        }
        let database = Self {
            journal: Journal::start(pool.clone(), dialect),
            pool,
            dialect,
        };
        database.ensure_default_account(now).await?;
        Ok(database)
    }

    async fn begin_write(&self) -> Result<Transaction<'static, Any>, DatabaseError> {
        Ok(self.pool.begin_with(self.dialect.begin_write()).await?)
    }

    async fn begin_snapshot(&self) -> Result<Transaction<'static, Any>, DatabaseError> {
        Ok(self.pool.begin_with(self.dialect.begin_snapshot()).await?)
    }

    /// Whether the database answers.
    pub async fn is_reachable(&self) -> bool {
        sqlx::query("SELECT 1").execute(&self.pool).await.is_ok()
    }

    /// The secret of that name; `fresh` becomes it when there is none yet.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn own_secret(&self, name: &str, fresh: &str) -> Result<String, DatabaseError> {
        sqlx::query("INSERT INTO own_secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.pool)
            .await?;
        let (value,): (String,) = sqlx::query_as("SELECT value FROM own_secrets WHERE name = $1")
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        Ok(value)
    }

    /// Finishes what is being written and ends all connections.
    pub async fn close(&self) {
        self.journal.stop().await;
        self.pool.close().await;
    }
}

/// Makes PostgreSQL sort texts by their bytes, as SQLite does: by the rules of a language, ids that begin with a time would
/// not be in the order of time. A new column is found at the next start.
async fn sort_by_bytes(pool: &AnyPool) -> Result<(), DatabaseError> {
    pool.execute(
        "DO $$ DECLARE found RECORD; BEGIN \
         PERFORM pg_advisory_xact_lock(hashtext('pictor/sort_by_bytes/' || current_schema())); \
         FOR found IN SELECT table_name, column_name FROM information_schema.columns \
         WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' \
         AND table_name <> '_sqlx_migrations' LOOP \
         EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE TEXT COLLATE \"C\"', found.table_name, found.column_name); \
         END LOOP; END $$",
    )
    .await?;
    Ok(())
}

/// A time as it stands in a column.
fn time(micros: i64, column: &'static str) -> Result<Timestamp, DatabaseError> {
    Timestamp::from_microsecond(micros).map_err(|_| DatabaseError::Content(column))
}

/// A time that may be absent.
fn maybe_time(micros: Option<i64>, column: &'static str) -> Result<Option<Timestamp>, DatabaseError> {
    micros.map(|micros| time(micros, column)).transpose()
}

/// A list of texts as it stands in a column.
fn texts(json: &str, column: &'static str) -> Result<Vec<String>, DatabaseError> {
    serde_json::from_str(json).map_err(|_| DatabaseError::Content(column))
}
