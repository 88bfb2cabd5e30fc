//! The official Node clients, installed beside their tests.

use super::{PROGRAM_VARIABLE, stamp};
use crate::{Outcome, environment, repository, steps};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Least version of Node that the official clients run on.
const MAJOR_MIN: u32 = 20;

/// Debian packages without which there is no Node, or none with npm.
pub(super) fn missing() -> impl Iterator<Item = &'static str> {
    let programs = [("node", "nodejs"), ("npm", "npm")];
    programs
        .into_iter()
        .filter(|(program, _)| !steps::works(program, &["--version"]))
        .map(|(_, package)| package)
}

/// Installs the locked clients, unless they are there.
pub(super) fn install() -> Outcome {
    install_locked(&tests())
}

/// Installs what the lock file of `tests` names, unless it is there.
pub(super) fn install_locked(tests: &Path) -> Outcome {
    check_version()?;
    let (folder, list) = (tests.join("node_modules"), tests.join("package-lock.json"));
    if stamp::is_current(&folder, &list) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(tests);
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

fn check_version() -> Outcome {
    let printed = Command::new("node")
        .arg("--version")
        .output()
        .map(|output| output.stdout);
    let printed = String::from_utf8(printed.unwrap_or_default()).unwrap_or_default();
    match major(&printed) {
        Some(major) if major >= MAJOR_MIN => Ok(()),
        _ => Err(format!(
            "Node {MAJOR_MIN} or newer is needed, here is {}",
            printed.trim()
        )),
    }
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn tests() -> PathBuf {
    repository::root().join("tests/sdk/node")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major(""), None);
    }
}
