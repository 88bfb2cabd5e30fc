//! The tables' history, embedded: each file of `migrations/` is applied once, in the order of the numbers.

use std::collections::BTreeSet;

use sqlx::any::{AnyConnectOptions, install_default_drivers};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, SqlSafeStr as _};

use super::DatabaseError;

/// Number, name and text of each file. A list by hand, since the macro that reads the folder compiles both drivers twice.
const FILES: &[(i64, &str, &str)] = &[
    (
        1,
        "generations",
        include_str!("../../../../migrations/0001_generations.sql"),
    ),
    (2, "ledger", include_str!("../../../../migrations/0002_ledger.sql")),
    (3, "durable", include_str!("../../../../migrations/0003_durable.sql")),
    (4, "webhooks", include_str!("../../../../migrations/0004_webhooks.sql")),
    (
        5,
        "processes",
        include_str!("../../../../migrations/0005_processes.sql"),
    ),
    (6, "keep", include_str!("../../../../migrations/0006_keep.sql")),
    (
        8,
        "media_bytes",
        include_str!("../../../../migrations/0008_media_bytes.sql"),
    ),
    (
        9,
        "performance",
        include_str!("../../../../migrations/0009_performance.sql"),
    ),
    (10, "plan", include_str!("../../../../migrations/0010_plan.sql")),
    (14, "sessions", include_str!("../../../../migrations/0014_sessions.sql")),
    (16, "arena", include_str!("../../../../migrations/0016_arena.sql")),
    (
        17,
        "arena_suggestions",
        include_str!("../../../../migrations/0017_arena_suggestions.sql"),
    ),
    (18, "told", include_str!("../../../../migrations/0018_told.sql")),
    (19, "audit", include_str!("../../../../migrations/0019_audit.sql")),
    (20, "search", include_str!("../../../../migrations/0020_search.sql")),
    (
        21,
        "webhook_hosts",
        include_str!("../../../../migrations/0021_webhook_hosts.sql"),
    ),
    (
        22,
        "former_secrets",
        include_str!("../../../../migrations/0022_former_secrets.sql"),
    ),
    (
        23,
        "webhooks_by_host",
        include_str!("../../../../migrations/0023_webhooks_by_host.sql"),
    ),
    (
        24,
        "arena_more",
        include_str!("../../../../migrations/0024_arena_more.sql"),
    ),
    (
        25,
        "private_exhibits",
        include_str!("../../../../migrations/0025_private_exhibits.sql"),
    ),
    (
        26,
        "key_rules",
        include_str!("../../../../migrations/0026_key_rules.sql"),
    ),
    (27, "services", include_str!("../../../../migrations/0027_services.sql")),
    (
        28,
        "credentials",
        include_str!("../../../../migrations/0028_credentials.sql"),
    ),
];

/// All of them, ready to be run.
pub(super) fn all() -> Migrator {
    let migration = |(number, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(
            *number,
            (*name).into(),
            MigrationType::Simple,
            text.into_sql_str(),
            false,
        )
    };
    let mut all = Migrator::with_migrations(FILES.iter().map(migration).collect());
    // While replicas are upgraded one by one, the older ones start on tables that a newer one has extended.
    all.set_ignore_missing(true);
    all
}

/// How the tables of a database differ from what this program knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Steps that a start of this program would take, by number and name.
    pub pending: Vec<String>,
    /// Numbers of steps that a newer program has taken.
    pub unknown: Vec<i64>,
}

/// Looks at a database without changing it.
///
/// # Errors
/// [`DatabaseError`]: it cannot be reached, or there is none yet.
pub async fn difference(url: &str) -> Result<Difference, DatabaseError> {
    install_default_drivers();
    // A look makes no file.
    let url = url.replace("mode=rwc", "mode=rw");
    let options: AnyConnectOptions = url.parse()?;
    let mut connection = options.connect().await?;
    let taken = taken(&mut connection).await;
    connection.close().await?;
    let taken = taken?;
    let known: BTreeSet<i64> = FILES.iter().map(|(number, ..)| *number).collect();
    let pending = FILES.iter().filter(|(number, ..)| !taken.contains(number));
    Ok(Difference {
        pending: pending.map(|(number, name, _)| format!("{number:04}_{name}")).collect(),
        unknown: taken.difference(&known).copied().collect(),
    })
}

/// Numbers of the steps that a database has taken.
async fn taken(connection: &mut AnyConnection) -> Result<BTreeSet<i64>, DatabaseError> {
    let rows: Result<Vec<(i64,)>, _> = sqlx::query_as("SELECT version FROM _sqlx_migrations")
        .fetch_all(connection)
        .await;
    match rows {
        Ok(rows) => Ok(rows.into_iter().map(|(number,)| number).collect()),
        // No table of steps: none was taken.
        Err(sqlx::Error::Database(_)) => Ok(BTreeSet::new()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let listed: Vec<String> = FILES
            .iter()
            .map(|(number, name, _)| format!("{number:04}_{name}.sql"))
            .collect();
        assert_eq!(listed, files);
    }
}
