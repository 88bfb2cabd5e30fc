//! The site, walked through in Debian's Chromium.

use super::{PROGRAM_VARIABLE, node};
use crate::{Outcome, environment, repository, steps};
use std::path::PathBuf;
use std::process::Command;

/// Debian packages without which there is no Node or no browser.
pub(super) fn missing() -> impl Iterator<Item = &'static str> {
    let browser = (!steps::works("chromium", &["--version"])).then_some("chromium");
    node::missing().chain(browser)
}

/// Installs the locked tools, unless they are there.
pub(super) fn install() -> Outcome {
    node::install_locked(&tests())
}

/// Runs the walks and the checks of every template.
pub(super) fn test() -> Outcome {
    run(&[])
}

/// The same for the page of every model, and every sample on it.
pub(super) fn test_all() -> Outcome {
    run(&["--all"])
}

fn run(options: &[&str]) -> Outcome {
    let mut node = Command::new("node");
    node.args(["--test-reporter=spec", "run.mjs"])
        .args(options)
        .current_dir(tests())
        .env(PROGRAM_VARIABLE, repository::pictor("debug"));
    steps::run(environment::clear(&mut node))
}

fn tests() -> PathBuf {
    repository::root().join("tests/site")
}
