//! The official Python clients, in a virtual environment under the target folder.

use super::{PROGRAM_VARIABLE, stamp};
use crate::{Outcome, environment, repository, steps};
use std::path::PathBuf;
use std::process::Command;

/// Debian packages without which there is no Python, or none with its venv module.
pub(super) fn missing() -> &'static [&'static str] {
    if steps::works("python3", &["-c", "import venv, ensurepip"]) {
        &[]
    } else {
        &["python3", "python3-venv"]
    }
}

/// Installs the pinned clients, unless they are there.
pub(super) fn install() -> Outcome {
    let (folder, list) = (folder(), tests().join("requirements.txt"));
    if stamp::is_current(&folder, &list) {
        return Ok(());
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    steps::run(environment::clear(&mut venv))?;
    let mut pip = python();
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&list);
    steps::run(&mut pip)?;
    stamp::write(&folder, &list)
}

/// Runs the tests.
pub(super) fn test() -> Outcome {
    let mut pytest = python();
    pytest
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=10"])
        .arg(tests())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env(PROGRAM_VARIABLE, repository::pictor("debug"));
    steps::run(&mut pytest)
}

fn python() -> Command {
    let mut command = Command::new(folder().join("bin/python"));
    environment::clear(&mut command).current_dir(tests());
    command
}

fn folder() -> PathBuf {
    repository::target().join("sdk-tests/python")
}

fn tests() -> PathBuf {
    repository::root().join("tests/sdk/python")
}
