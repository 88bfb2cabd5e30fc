//! The tables' history, embedded: each file of `migrations/` is applied once, in the order of the numbers.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

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
    Migrator::with_migrations(FILES.iter().map(migration).collect())
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
