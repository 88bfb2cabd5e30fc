//! Benchmarks that print figures and fail past a mark.

mod http;
mod memory;
mod render;
mod server;

use crate::{Outcome, environment, repository, steps};
use std::process::Command;

/// Growth of the gateway's memory while a large answer passes through.
///
/// # Errors
/// Something did not work, or the growth is above the mark.
pub(crate) fn memory() -> Outcome {
    build()?;
    memory::run()
}

/// Time of one picture of the sandbox.
///
/// # Errors
/// Something did not work, or a picture takes longer than the mark.
pub(crate) fn render() -> Outcome {
    build()?;
    render::run()
}

fn build() -> Outcome {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--bin", "pictor"])
        .current_dir(repository::root());
    steps::run(environment::clear(&mut cargo))
}
