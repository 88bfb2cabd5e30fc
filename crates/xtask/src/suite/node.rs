//! The official Node clients, installed beside their tests.

use super::{PROGRAM_VARIABLE, stamp};
use crate::{Outcome, environment, repository, steps};
use std::path::PathBuf;
use std::process::Command;

/// Installs the locked clients, unless they are there.
pub(super) fn install() -> Outcome {
    let (folder, list) = (tests().join("node_modules"), tests().join("package-lock.json"));
    if stamp::is_current(&folder, &list) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(tests());
    steps::run(environment::clear(&mut npm))?;
    stamp::write(&folder, &list)
}

/// Runs the tests. The files are named one by one: Node's own search differs between its versions.
pub(super) fn test() -> Outcome {
    let files = repository::files(&tests(), &["mjs"]);
    let files = files
        .iter()
        .filter(|file| file.to_string_lossy().ends_with(".test.mjs"));
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"])
        .args(files)
        .current_dir(tests())
        .env(PROGRAM_VARIABLE, repository::pictor("debug"));
    steps::run(environment::clear(&mut node))
}

fn tests() -> PathBuf {
    repository::root().join("tests/sdk/node")
}
