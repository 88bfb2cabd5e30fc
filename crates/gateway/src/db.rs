//! The database: every statement of Pictor is below here.
//!
//! The same SQL runs on SQLite and PostgreSQL: `$1` parameters, integers for times and money, JSON as text.

pub mod generations;
pub mod keys;
pub mod media;

use jiff::Timestamp;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Executor};

/// The account that the embedded default works for.
pub const DEFAULT_ACCOUNT: &str = "default";

/// Connections to the database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
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
        let sqlite = url.starts_with("sqlite:");
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        // WAL survives the death of the process; NORMAL leaves out the sync that only power loss needs.
                        connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON").await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        sqlx::migrate!("../../migrations").run(&pool).await?;
        let database = Self { pool };
        database.ensure_account(now).await?;
        Ok(database)
    }

    async fn ensure_account(&self, now: Timestamp) -> Result<(), DatabaseError> {
        sqlx::query("INSERT INTO accounts (id, billing_type, created_at) VALUES ($1, 'postpaid', $2) ON CONFLICT (id) DO NOTHING")
            .bind(DEFAULT_ACCOUNT)
            .bind(now.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
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

    /// Ends all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A time as it stands in a column.
fn time(micros: i64, column: &'static str) -> Result<Timestamp, DatabaseError> {
    Timestamp::from_microsecond(micros).map_err(|_| DatabaseError::Content(column))
}
