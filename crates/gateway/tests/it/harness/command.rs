//! The program itself, run beside a gateway on the same database and folder.

use std::process::Command;

use super::TestGateway;
use super::clock::AHEAD_VARIABLE;

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    code: Option<i32>,
    out: String,
    errors: String,
}

impl Ran {
    /// What a command that succeeded wrote.
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out.trim_end()
    }

    /// What a command that failed complained of.
    pub(crate) fn failed(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        self.errors
            .strip_prefix("error: ")
            .unwrap_or_else(|| panic!("{self:?}"))
            .trim_end()
    }

    /// All that a command that failed wrote to standard error: warnings, and at the end why.
    pub(crate) fn complaints(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        &self.errors
    }

    /// What a command that failed wrote before.
    pub(crate) fn wrote(&self) -> &str {
        self.out.trim_end()
    }

    /// What was wrong with the arguments themselves.
    pub(crate) fn misused(&self) -> &str {
        assert_eq!(self.code, Some(2), "{self:?}");
        &self.errors
    }
}

impl TestGateway {
    /// Where the database is.
    pub(crate) fn database_url(&self) -> String {
        gateway::database_url(&self.settings)
    }

    /// Runs `pictor` with the gateway's database, folder and address.
    pub(crate) async fn pictor(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pictor"));
        // Nothing of the developer's own settings comes in.
        command.args(arguments).env_clear().current_dir(&self.data_dir);
        command.envs(std::env::var(AHEAD_VARIABLE).map(|days| (AHEAD_VARIABLE, days)));
        command
            .env("PICTOR_DATA_DIR", &self.data_dir)
            .env("PICTOR_DATABASE_URL", self.database_url())
            .env("PICTOR_URL", &self.base);
        ran(command).await
    }
}

/// Runs a command to its end.
pub(super) async fn ran(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("it is waited for").expect("the program runs");
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        errors: String::from_utf8(output.stderr).expect("text"),
    }
}
