//! The previous release, built from the history, for what must hold while it is replaced by this one.

use crate::environment::{self, cargo};
use crate::{Outcome, console, repository, steps};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable by which the tests find it.
pub(super) const PROGRAM_VARIABLE: &str = "PICTOR_TEST_PREVIOUS";
/// The variable that names another revision than the one that is found.
const REVISION_VARIABLE: &str = "XTASK_PREVIOUS_REVISION";
/// Where it is checked out and built, from the target folder. It has a target folder of its own, as the program has the same
/// name.
const FOLDER: &str = "previous-release";

/// Builds it, and returns its program: minutes the first time, and nothing when it is there.
///
/// # Errors
/// There is no history, or it does not build.
pub(super) fn build() -> Outcome<PathBuf> {
    let revision = revision()?;
    let (source, built) = (folder().join("source"), folder().join("target"));
    console::line(&format!("the previous release is {revision}"));
    check_out(&source, &revision)?;
    let mut build = cargo();
    build
        .args(["build", "--package", "gateway", "--bin", "pictor"])
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &built);
    steps::run(&mut build)?;
    Ok(built
        .join("debug")
        .join(format!("pictor{}", std::env::consts::EXE_SUFFIX)))
}

fn folder() -> PathBuf {
    repository::target().join(FOLDER)
}

/// The revision that is named, else the newest release below this one, else what stood before the newest step of the tables: a
/// program that does not know them.
fn revision() -> Outcome<String> {
    if let Ok(named) = std::env::var(REVISION_VARIABLE) {
        return told(&["rev-parse", "--verify", &format!("{named}^{{commit}}")]);
    }
    if let Ok(tag) = told(&["describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^"]) {
        return told(&["rev-parse", &format!("{tag}^{{commit}}")]);
    }
    let newest = told(&["log", "-1", "--diff-filter=A", "--format=%H", "--", "migrations"])?;
    if newest.is_empty() {
        return Err("the history has no step of the tables: is this a shallow clone?".to_owned());
    }
    told(&["rev-parse", "--verify", &format!("{newest}^")])
}

/// Puts the files of a revision into a folder of their own.
fn check_out(source: &Path, revision: &str) -> Outcome {
    if source.join(".git").exists() {
        let mut other = git();
        other
            .arg("-C")
            .arg(source)
            .args(["checkout", "--quiet", "--detach", revision]);
        return steps::run(&mut other);
    }
    steps::run(git().args(["worktree", "prune"]))?;
    let mut added = git();
    added
        .args(["worktree", "add", "--quiet", "--detach"])
        .arg(source)
        .arg(revision);
    steps::run(&mut added)
}

fn git() -> Command {
    let mut git = Command::new("git");
    environment::clear(&mut git).current_dir(repository::root());
    git
}

/// The first line that git answers.
fn told(arguments: &[&str]) -> Outcome<String> {
    let answer = git().args(arguments).output();
    let answer = answer.map_err(|error| format!("cannot run git: {error}"))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr);
        return Err(format!("git {}: {}", arguments.join(" "), said.trim()));
    }
    let text = String::from_utf8_lossy(&answer.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
