//! The program `pictor`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::cli::run()
}
