//! The connections that read: none of their statements waits for ever for a server that has gone silent.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Either, Error, Execute, Executor, SqlStr, Transaction};
use tokio::time::timeout;

/// How long a statement may take to its first row, and from one row to the next. Reads that requests wait for have less.
const ROW_WITHIN: Duration = Duration::from_secs(20);

/// A pool of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Reads(AnyPool);

impl Reads {
    pub(super) const fn new(pool: AnyPool) -> Self {
        Self(pool)
    }

    pub(super) async fn acquire(&self) -> Result<PoolConnection<Any>, Error> {
        self.0.acquire().await
    }

    pub(super) async fn begin_with(&self, sql: &'static str) -> Result<Transaction<'static, Any>, Error> {
        timeout(ROW_WITHIN, self.0.begin_with(sql))
            .await
            .unwrap_or(Err(Error::PoolTimedOut))
    }

    pub(super) async fn close(&self) {
        // Connections to a silent server are not waited for.
        let _ = timeout(ROW_WITHIN, self.0.close()).await;
    }
}

impl<'p> Executor<'p> for &'_ Reads {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let rows = self.0.fetch_many(query);
        let bounded = stream::unfold(Some(rows), |rows| async {
            let mut rows = rows?;
            match timeout(ROW_WITHIN, rows.next()).await {
                Ok(row) => Some((row?, Some(rows))),
                Err(_) => Some((Err(Error::PoolTimedOut), None)),
            }
        });
        bounded.boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let row = timeout(ROW_WITHIN, self.0.fetch_optional(query));
        row.map(|row| row.unwrap_or(Err(Error::PoolTimedOut))).boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'p: 'e,
    {
        self.0.prepare_with(sql, parameters)
    }
}
