//! A part of a PostgreSQL database for one gateway alone, where the environment asks for that database.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

/// Leads the tests to a PostgreSQL database whose user may make schemas; without it they keep to SQLite.
const VARIABLE: &str = "PICTOR_TEST_DATABASE_URL";

/// Whether the tests run on PostgreSQL.
pub(crate) fn on_postgresql() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// A schema, which ends with [`Self::remove`].
pub(crate) struct Schema {
    base: Url,
    name: String,
}

impl Schema {
    /// A fresh and empty one; none when the tests keep to SQLite.
    pub(crate) async fn create() -> Option<Self> {
        let base = std::env::var(VARIABLE).ok()?;
        let schema = Self {
            base: base.parse().expect("the variable holds a URL"),
            name: format!("t_{:032x}", rand::random::<u128>()),
        };
        schema.execute(format!("CREATE SCHEMA {}", schema.name)).await;
        Some(schema)
    }

    /// The database as if it had this schema only.
    pub(crate) fn url(&self) -> String {
        let mut url = self.base.clone();
        url.query_pairs_mut()
            .append_pair("options", &format!("-csearch_path={}", self.name));
        url.into()
    }

    /// Removes it with all that it holds.
    pub(crate) async fn remove(self) {
        self.execute(format!("DROP SCHEMA {} CASCADE", self.name)).await;
    }

    async fn execute(&self, statement: String) {
        let mut connection = PgConnection::connect(self.base.as_str())
            .await
            .expect("PostgreSQL can be reached");
        connection
            .execute(AssertSqlSafe(statement))
            .await
            .expect("its user may make and remove schemas");
        connection.close().await.expect("a connection can be closed");
    }
}
