//! The Rust side: one build of everything, then the tests of that build.

use crate::{Outcome, environment, repository, steps};
use std::process::Command;

/// The variable that leads the gateway's tests to PostgreSQL.
const DATABASE_VARIABLE: &str = "PICTOR_TEST_DATABASE_URL";

/// Builds every target of the workspace once. One set of features and one profile, so that nothing is built twice.
pub(super) fn build() -> Outcome {
    steps::run(cargo().args(["build", "--workspace", "--all-targets"]))
}

/// Runs the Rust tests, with nextest where it is installed.
pub(super) fn test() -> Outcome {
    if has_nextest() {
        steps::run(cargo().args(["nextest", "run", "--workspace", "--no-tests=pass"]))?;
        steps::run(cargo().args(["test", "--workspace", "--doc"]))
    } else {
        steps::run(cargo().args(["test", "--workspace"]))
    }
}

/// Runs the tests over the gateway's front door once more, on the PostgreSQL database at `url`.
///
/// The whole workspace is named in both commands: a choice of one crate could choose other features, and build anew.
pub(super) fn test_on_postgres(url: &str) -> Outcome {
    let mut command = cargo();
    if has_nextest() {
        command.args(["nextest", "run", "--workspace", "-E", "binary_id(=gateway::it)"]);
    } else {
        command.args(["test", "--workspace", "--test", "it"]);
    }
    steps::run(command.env(DATABASE_VARIABLE, url))
}

fn has_nextest() -> bool {
    let nextest = cargo().args(["nextest", "--version"]).output();
    nextest.is_ok_and(|output| output.status.success())
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    environment::clear(&mut command).current_dir(repository::root());
    command
}
