//! The Rust side: one build of everything, then the tests of that build.

use super::previous::PROGRAM_VARIABLE;
use crate::environment::cargo;
use crate::{Outcome, console, steps};
use std::path::Path;
use std::process::Command;

/// The variable that leads the gateway's tests to PostgreSQL.
const DATABASE_VARIABLE: &str = "PICTOR_TEST_DATABASE_URL";

/// The variable by which the machine's clock is put forward.
const AHEAD_VARIABLE: &str = "PICTOR_TEST_DAYS_AHEAD";
/// Days by which they are.
const DAYS_AHEAD: [&str; 2] = ["3", "90"];

/// Modules of the front-door tests that no database could make fail: what they try is decided before or after it. They run
/// once, on SQLite; a module that is not listed runs on both.
const ANY_DATABASE: [&str; 42] = [
    "accepted",
    "any_input",
    "as_people_send",
    "attempt_limits",
    "browsers",
    "buckets",
    "clients",
    "compatible",
    "connections",
    "draws",
    "dry_run",
    "edits",
    "explain",
    "failover",
    "fault_matrix",
    "generations",
    "harness",
    "lifecycle",
    "limits",
    "links",
    "logs",
    "mistakes",
    "models",
    "openapi",
    "own_catalog",
    "pages",
    "parameters",
    "partial_images",
    "protocols",
    "proxies",
    "renewal",
    "router",
    "routing",
    "seed_pages",
    "settings",
    "site",
    "spellings",
    "streams",
    "telemetry",
    "turned",
    "upstreams",
    "weight",
];

/// Tests at one time for each core: with one, half of the processor's time went unused.
const TESTS_PER_CORE: usize = 2;

/// Builds every target of the workspace once. One set of features and one profile, so that nothing is built twice.
pub(super) fn build() -> Outcome {
    steps::run(cargo().args(["build", "--workspace", "--all-targets"]))
}

/// Runs the Rust tests, with nextest where it is installed.
pub(super) fn test() -> Outcome {
    if has_nextest() {
        steps::run(nextest().arg("--no-tests=pass"))?;
        steps::run(cargo().args(["test", "--workspace", "--doc"]))
    } else {
        steps::run(cargo().args(["test", "--workspace"]))
    }
}

/// Runs the tests over the gateway's front door as they would go on days to come: a test that holds only until an offer ends is
/// known before it does. Gateways within the tests stand at a day of their own; processes go by the machine's clock, as do
/// commands.
pub(super) fn test_later() -> Outcome {
    for days in DAYS_AHEAD {
        console::line(&format!("\n{days} days from now"));
        let mut command = nextest();
        command
            .env(AHEAD_VARIABLE, days)
            .args(["-E", "package(gateway) & binary(it)"]);
        steps::run(&mut command)?;
    }
    Ok(())
}

/// Runs the tests that replace replicas of another program by this one, on SQLite or on the PostgreSQL at `url`.
pub(super) fn test_replacement(program: &Path, url: Option<&str>) -> Outcome {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--test", "it", "--", "it::rolling::"])
        .env(PROGRAM_VARIABLE, program)
        .envs(url.map(|url| (DATABASE_VARIABLE, url)));
    steps::run(&mut command)
}

/// Runs the tests over the gateway's front door that concern the database once more, on the PostgreSQL one at `url`.
///
/// The whole workspace is named in both commands: a choice of one crate could choose other features, and build anew.
pub(super) fn test_on_postgres(url: &str) -> Outcome {
    let mut command = if has_nextest() { nextest() } else { cargo() };
    if has_nextest() {
        let others = ANY_DATABASE.join("|");
        let filter = format!("binary_id(=gateway::it) and not test(/^it::({others})::/)");
        command.args(["-E", &filter]);
    } else {
        command.args(["test", "--workspace", "--test", "it", "--"]);
        for module in ANY_DATABASE {
            command.args(["--skip", &format!("it::{module}::")]);
        }
    }
    steps::run(command.env(DATABASE_VARIABLE, url))
}

fn has_nextest() -> bool {
    let nextest = cargo().args(["nextest", "--version"]).output();
    nextest.is_ok_and(|output| output.status.success())
}

/// A run of the workspace's tests. Many wait for clocks more than they work, so there are more of them than cores.
fn nextest() -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (TESTS_PER_CORE * cores).to_string();
    let mut command = cargo();
    command.args([
        "nextest",
        "run",
        "--workspace",
        "--no-fail-fast",
        "--test-threads",
        &threads,
    ]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository;

    #[test]
    fn modules_left_out_on_postgresql_are_there() {
        let folder = repository::root().join("crates/gateway/tests/it");
        for module in ANY_DATABASE {
            assert!(folder.join(format!("{module}.rs")).is_file(), "{module}");
        }
    }
}
