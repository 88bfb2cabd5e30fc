//! Tests in Python, each folder with a virtual environment of its own under the target folder.

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

/// A folder of tests.
pub(super) struct Tests {
    /// From the root of the repository.
    folder: &'static str,
    /// Its virtual environment, from the target folder.
    environment: &'static str,
}

/// The official clients.
pub(super) const SDKS: Tests = Tests {
    folder: "tests/sdk/python",
    environment: "sdk-tests/python",
};

/// Programs and libraries that people put in front of an OpenAI-compatible server.
pub(super) const CLIENTS: Tests = Tests {
    folder: "tests/clients",
    environment: "client-tests/python",
};

/// What stands in `deploy/`, beside programs of others.
pub(super) const DEPLOY: Tests = Tests {
    folder: "tests/deploy",
    environment: "deploy-tests/python",
};

impl Tests {
    /// Installs the pinned packages, unless they are there.
    pub(super) fn install(&self) -> Outcome {
        let (environment, list) = (self.environment(), self.folder().join("requirements.txt"));
        if stamp::is_current(&environment, &list) {
            return Ok(());
        }
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&environment);
        steps::run(environment::clear(&mut venv))?;
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&list);
        steps::run(&mut pip)?;
        stamp::write(&environment, &list)
    }

    /// Runs the tests.
    pub(super) fn test(&self) -> Outcome {
        let mut pytest = self.python();
        pytest
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=10"])
            .arg(self.folder())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env(PROGRAM_VARIABLE, repository::pictor("debug"));
        steps::run(&mut pytest)
    }

    fn python(&self) -> Command {
        let mut command = Command::new(self.environment().join("bin/python"));
        environment::clear(&mut command).current_dir(self.folder());
        command
    }

    fn environment(&self) -> PathBuf {
        repository::target().join(self.environment)
    }

    fn folder(&self) -> PathBuf {
        repository::root().join(self.folder)
    }
}
