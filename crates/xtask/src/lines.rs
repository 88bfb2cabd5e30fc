//! `cargo xtask lines`: how much Rust each crate is, code apart from tests.

use crate::{Outcome, console, tidy};
use std::path::Path;

/// Prints a row for each crate, and the sum.
///
/// # Errors
/// A folder or file cannot be read.
pub(crate) fn run(root: &Path) -> Outcome {
    let mut crates: Vec<String> = std::fs::read_dir(root.join("crates"))
        .map_err(|error| format!("cannot read crates: {error}"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    crates.sort();
    let (mut code, mut tests) = (0, 0);
    for name in &crates {
        let sources = tidy::read_sources(root, &format!("crates/{name}"))?;
        let all: usize = sources.iter().map(|source| source.text.lines().count()).sum();
        let own = sources.iter().filter(|source| !source.is_test_file());
        let own: usize = own.map(|source| source.production_lines()).sum();
        print(name, own, all - own);
        code += own;
        tests += all - own;
    }
    print("all", code, tests);
    Ok(())
}

fn print(name: &str, code: usize, tests: usize) {
    console::line(&format!("{name:<12}{code:>8} code{tests:>8} tests"));
}
