//! The databases that benchmarks run on.

use std::path::Path;

/// Where PostgreSQL is, if it is to be measured.
const POSTGRES: &str = "PICTOR_BENCH_POSTGRES_URL";

/// Their names and addresses: SQLite in a folder, and PostgreSQL where there is one.
pub(crate) fn databases(folder: &Path) -> Vec<(&'static str, String)> {
    let mut databases = vec![(
        "SQLite",
        format!("sqlite://{}?mode=rwc", folder.join("bench.db").display()),
    )];
    match std::env::var(POSTGRES) {
        Ok(url) => databases.push(("PostgreSQL", url)),
        Err(_) => say(&format!("{POSTGRES} is not set: PostgreSQL is left out")),
    }
    databases
}

/// Prints a line.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
