//! Bytes of every kind for what reads bytes of strangers, chosen by libFuzzer from what they reach. The targets are those of the
//! crate `fuzz`, each with a folder of its corpus there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, console, environment, repository, steps};

/// How long one target is tried, where nobody says.
const SECONDS: u32 = 60;
/// Longest time of one input, in seconds: the slowest legal one takes some hundredths of that.
const INPUT_SECONDS: u32 = 10;
/// Memory of the whole process, in MiB.
const MEMORY_MIB: u32 = 1_024;
/// Longest input in bytes.
const INPUT_BYTES: u32 = 64 << 10;
/// What has the compiler count which places an input reaches. Stable: the passes are LLVM's own.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
];

/// Tries one target, or all: `[target] [--seconds <n>]`.
///
/// # Errors
/// What was found, and where it lies.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let corpus = repository::root().join("crates/fuzz/corpus");
    let known = targets(&corpus)?;
    let (wanted, seconds) = match arguments {
        [] => (None, SECONDS),
        ["--seconds", seconds] => (None, whole(seconds)?),
        [target] => (Some(*target), SECONDS),
        [target, "--seconds", seconds] => (Some(*target), whole(seconds)?),
        _ => return Err("usage: cargo xtask fuzz [target] [--seconds <n>]".to_owned()),
    };
    if let Some(wanted) = wanted.filter(|wanted| !known.iter().any(|name| name == wanted)) {
        return Err(format!("there is no target `{wanted}`; known are {}", known.join(", ")));
    }
    let program = build()?;
    let mut found = Vec::new();
    for name in known.iter().filter(|name| wanted.is_none_or(|wanted| wanted == *name)) {
        console::heading(&format!("{name}, for {seconds} s"));
        if let Err(why) = attempt(&program, name, &corpus.join(name), seconds) {
            found.push(format!("{name}: {why}"));
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join("\n"))
    }
}

fn whole(text: &str) -> Outcome<u32> {
    text.parse()
        .map_err(|_| format!("--seconds takes a whole number, not `{text}`"))
}

fn targets(corpus: &Path) -> Outcome<Vec<String>> {
    let entries = std::fs::read_dir(corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Builds the program apart from all others: its flags are its own.
fn build() -> Outcome<PathBuf> {
    let (host, folder) = (host()?, folder());
    let mut cargo = environment::cargo();
    // With a target of its own, build scripts and macros are left as they are.
    cargo
        .args([
            "build",
            "-p",
            "fuzz",
            "--features",
            "libfuzzer",
            "--target",
            &host,
            "--target-dir",
        ])
        .arg(&folder);
    cargo
        .env("RUSTFLAGS", COVERAGE.join(" "))
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    steps::run(&mut cargo)?;
    Ok(folder.join(host).join("debug/fuzz"))
}

/// The machine that this is, as the compiler calls it.
fn host() -> Outcome<String> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.map_err(|error| format!("cannot start `rustc`: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout);
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "`rustc -vV` tells no host".to_owned())
}

fn folder() -> PathBuf {
    repository::target().join("fuzz")
}

fn attempt(program: &Path, name: &str, corpus: &Path, seconds: u32) -> Outcome {
    let (grown, found) = (folder().join("corpus").join(name), folder().join("found"));
    for folder in [&grown, &found] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut fuzzer = Command::new(program);
    fuzzer
        .arg(&grown)
        .arg(corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-max_len={INPUT_BYTES}"))
        .arg("-print_final_stats=1")
        .arg("-verbosity=0")
        .arg(format!("-artifact_prefix={}/{name}-", found.display()))
        .env("FUZZ_TARGET", name);
    steps::run(&mut fuzzer).map_err(|why| {
        format!(
            "{why}; what did it lies in {}: mend it, and keep it in {}",
            found.display(),
            corpus.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_target_is_told_with_the_known_ones() {
        let why = run(&["multiparts"]).expect_err("there is none");
        assert!(why.contains("`multiparts`") && why.contains("multipart, size"), "{why}");
        let why = run(&["size", "--seconds", "long"]).expect_err("no number");
        assert!(why.contains("`long`"), "{why}");
    }
}
