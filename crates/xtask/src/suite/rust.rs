//! The Rust side: one build of everything, then the tests of that build.

use crate::{Outcome, environment, repository, steps};
use std::process::Command;

/// Builds every target of the workspace once. One set of features and one profile, so that nothing is built twice.
pub(super) fn build() -> Outcome {
    steps::run(cargo().args(["build", "--workspace", "--all-targets"]))
}

/// Runs the Rust tests, with nextest where it is installed.
pub(super) fn test() -> Outcome {
    let nextest = cargo().args(["nextest", "--version"]).output();
    if nextest.is_ok_and(|output| output.status.success()) {
        steps::run(cargo().args(["nextest", "run", "--workspace", "--no-tests=pass"]))?;
        steps::run(cargo().args(["test", "--workspace", "--doc"]))
    } else {
        steps::run(cargo().args(["test", "--workspace"]))
    }
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    environment::clear(&mut command).current_dir(repository::root());
    command
}
