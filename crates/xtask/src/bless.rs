//! `cargo xtask bless`: tables that tests hold the catalogue against, written anew from it, to be read in the difference.

use crate::Outcome;
use std::process::Command;

/// The variable by which a test writes its table in place of checking it.
const BLESS: &str = "PICTOR_BLESS";

/// Writes the requests that each offer is sent.
///
/// # Errors
/// The tests do not build, or the catalogue has mistakes.
pub(crate) fn run() -> Outcome {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "-q", "-p", "planner", "--test", "catalog", "typical_requests"]);
    match cargo.env(BLESS, "1").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the tests of the planner: {status}")),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}
