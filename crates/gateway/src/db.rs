//! The database: every statement of Pictor is below here.
//!
//! The same SQL runs on SQLite and PostgreSQL: `$1` parameters, integers for times and money, JSON as text.

pub mod accounts;
pub mod arena;
pub mod audit;
pub mod generations;
pub mod idempotency;
pub mod journal;
pub mod keys;
pub mod ledger;
mod leisure;
mod link;
pub mod media;
pub mod migrations;
pub mod performance;
pub(crate) mod processes;
mod reads;
mod rows;
pub mod secrets;
mod services;
pub mod sessions;
pub mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Connection, Executor, Transaction};
use tokio::time::timeout;

use crate::ids::random_text;
use journal::{Ask, Journal, Place};
use reads::Reads;

/// The account that the embedded default works for.
pub const DEFAULT_ACCOUNT: &str = "default";
/// The account that visitors of the site spend from.
pub const VISITORS_ACCOUNT: &str = "playground";

/// Connections to the database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    /// For what is read, and for what operators change.
    pool: Reads,
    /// For all else that is written.
    journal: Journal,
    dialect: Dialect,
    owner: Arc<str>,
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
    /// The same on the connection that writes to SQLite.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The waiting file, or a thread.
    #[error("journal: {0}")]
    Io(#[from] std::io::Error),
    /// Nothing can be written at this time.
    #[error("database: nothing can be written at this time")]
    Unavailable,
    /// The database takes other writes and not this one.
    #[error("database: {0}")]
    Refused(String),
    /// The tables cannot be brought up to date.
    #[error("database migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Another process has taken the generation over, as this one seemed to be dead.
    #[error("database: another process has taken this generation over")]
    TakenOver,
    /// A row does not hold what this version writes.
    #[error("database: column {0} does not hold what was expected")]
    Content(&'static str),
    /// The database was closed.
    #[error("database: closed")]
    Closed,
}

impl DatabaseError {
    /// Whether the database is away, so that the same may succeed soon.
    #[must_use]
    pub fn is_away(&self) -> bool {
        use sqlx::Error::{AnyDriverError, Database, Io, PoolTimedOut, Protocol, Tls};
        match self {
            Self::Unavailable | Self::Sql(PoolTimedOut | Io(_) | Tls(_) | Protocol(_) | AnyDriverError(_)) => true,
            Self::Sql(Database(error)) => {
                // Broken connections, no room, a server that stops or starts.
                let code = error.code().unwrap_or_default();
                ["08", "53", "57"].iter().any(|class| code.starts_with(class))
            }
            _ => false,
        }
    }

    /// Whether the write itself is at fault, so that it would fail again however often it is tried. Else the database is:
    /// away, full, locked.
    fn is_of_the_write(&self) -> bool {
        use rusqlite::ErrorCode::{ConstraintViolation, ParameterOutOfRange, TooBig, TypeMismatch, Unknown};
        match self {
            Self::Sql(sqlx::Error::Database(error)) => {
                // Data, constraints, and statements that cannot be understood.
                let code = error.code().unwrap_or_default();
                ["22", "23", "42"].iter().any(|class| code.starts_with(class))
            }
            Self::Sql(error) => matches!(
                error,
                sqlx::Error::ColumnDecode { .. }
                    | sqlx::Error::Decode(_)
                    | sqlx::Error::Encode(_)
                    | sqlx::Error::ColumnIndexOutOfBounds { .. }
            ),
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(code) => matches!(
                    code,
                    ConstraintViolation | ParameterOutOfRange | TooBig | TypeMismatch | Unknown
                ),
                // What the library itself refuses, such as a value of another type.
                None => true,
            },
            Self::Content(_) | Self::Refused(_) => true,
            Self::Migration(_) | Self::Io(_) | Self::Unavailable | Self::TakenOver | Self::Closed => false,
        }
    }
}

/// Letters of the name by which processes tell each other apart.
const OWNER_CHARS: usize = 16;
/// How long who reads waits for a connection, and who answers a request for what he reads.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// How long a read takes before it is found out whether the server is slow or has gone silent.
const READ_SOON: Duration = Duration::from_millis(300);
/// How long that may take: callers are told within two seconds that the database is away.
const PROBED_WITHIN: Duration = Duration::from_millis(1200);

/// Connections that read, at one time, where nobody says. SQLite has one writer anyway; more readers than this do not help on
/// small machines.
pub const CONNECTIONS: u32 = 8;

impl Database {
    /// Connects and brings the tables up to date. What is accepted is kept in the database only.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database cannot be opened or migrated.
    pub async fn open(url: &str, now: Timestamp) -> Result<Self, DatabaseError> {
        Self::open_in(url, now, None, CONNECTIONS).await
    }

    /// Connects to serve, with so many connections that read: what the database does not take in time waits in a file in `folder`. What dead processes left
    /// there is written first, and what they worked on is free to be taken over.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database cannot be opened or migrated, or the folder cannot be used.
    pub async fn open_to_serve(
        url: &str,
        now: Timestamp,
        folder: &Path,
        connections: u32,
    ) -> Result<Self, DatabaseError> {
        let database = Self::open_in(url, now, Some(folder), connections).await?;
        for owner in database.journal.replay(folder).await? {
            database.bury(&owner, None).await?;
        }
        database.beat().await?;
        Ok(database)
    }

    async fn open_in(
        url: &str,
        now: Timestamp,
        folder: Option<&Path>,
        connections: u32,
    ) -> Result<Self, DatabaseError> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url.parse()?;
        let dialect = if url.starts_with("sqlite:") {
            Dialect::Sqlite
        } else {
            Dialect::PostgreSql
        };
        let pool = AnyPoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(READ_WITHIN)
            // One that was left in the middle of a transaction would fail for ever.
            .after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
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
        let owner = random_text(OWNER_CHARS);
        let place = Place {
            url: url.to_owned(),
            dialect,
            kept: folder.map(|folder| (folder.to_owned(), owner.clone())),
        };
        let database = Self {
            journal: Journal::start(&place)?,
            pool: Reads::new(pool),
            dialect,
            owner: owner.into(),
        };
        database.ensure_default_account(now).await?;
        Ok(database)
    }

    /// Reads for a request, and gives up what takes too long: soon when nothing can be written either, as the server has gone
    /// silent, and else, as it is slow, later.
    async fn in_time<T>(&self, read: impl Future<Output = Result<T, DatabaseError>>) -> Result<T, DatabaseError> {
        let mut read = std::pin::pin!(read);
        if let Ok(done) = timeout(READ_SOON, &mut read).await {
            return done;
        }
        let answers = tokio::select! {
            done = &mut read => return done,
            probed = timeout(PROBED_WITHIN, self.probe()) => matches!(probed, Ok(Ok(()))),
        };
        // SQLite's readers do not wait for whoever holds the lock for writing.
        if !answers && self.dialect == Dialect::PostgreSql {
            return Err(DatabaseError::Unavailable);
        }
        timeout(READ_WITHIN, read)
            .await
            .unwrap_or(Err(DatabaseError::Unavailable))
    }

    async fn begin_write(&self) -> Result<Transaction<'static, Any>, DatabaseError> {
        Ok(self.pool.begin_with(self.dialect.begin_write()).await?)
    }

    async fn begin_snapshot(&self) -> Result<Transaction<'static, Any>, DatabaseError> {
        Ok(self.pool.begin_with(self.dialect.begin_snapshot()).await?)
    }

    /// This process, among all that work on the database.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Whether something can be written, as it turns out within two seconds; why not, for the log.
    ///
    /// # Errors
    /// [`DatabaseError`]: nothing can.
    pub async fn probe(&self) -> Result<(), DatabaseError> {
        self.journal.ask(Ask::Probe).await.map(drop)
    }

    /// What has been written for requests since the start.
    #[must_use]
    pub fn written(&self) -> journal::Done {
        self.journal.done()
    }

    /// Why nothing can be written at this time, as far as it is known.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.journal.trouble()
    }

    /// Writes nothing more, as if the process had died: for tests of what is left then.
    pub fn die(&self) {
        self.journal.die();
    }

    /// Sees to it that what was removed stands in no file any more. SQLite has overwritten it where it stood (`secure_delete`);
    /// the log of its writes is brought in and cut, as far as readers allow. PostgreSQL does so by its own rules (vacuum).
    ///
    /// # Errors
    /// [`DatabaseError`].
    async fn leave_no_trace(&self) -> Result<(), DatabaseError> {
        if self.dialect == Dialect::Sqlite {
            self.pool.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(())
    }

    /// Copies the database of one moment into a file, while others write. SQLite only.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn copy_into(&self, file: &Path) -> Result<(), DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        sqlx::query("VACUUM INTO $1")
            .bind(file.to_string_lossy().into_owned())
            .execute(&mut *connection)
            .await?;
        Ok(())
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
