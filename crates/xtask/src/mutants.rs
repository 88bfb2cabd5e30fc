//! Faults put into the planner one at a time, to see whether its tests notice: cargo-mutants over the modules that decide.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{Outcome, console, environment, repository, steps};

/// The modules whose every fault costs money, time or an image.
const MODULES: [&str; 6] = ["failure", "health", "plan", "price", "route", "strategy"];
/// Least share of the viable faults that the tests notice, in percent.
const LEAST_CAUGHT: f64 = 97.0;
/// What cargo-mutants ends with where it has seen the tests through: all was noticed, something was not, or ran out of time.
const SEEN_THROUGH: [i32; 3] = [0, 2, 3];

const USAGE: &str = "usage: cargo xtask mutants [module] [--shard <k>/<n>]";

/// Tries one module, or all: `[module] [--shard <k>/<n>]`.
///
/// # Errors
/// cargo-mutants cannot be had, the tests fail by themselves, or they notice too few faults.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let (module, shard) = match arguments {
        [] => (None, None),
        ["--shard", shard] => (None, Some(*shard)),
        [module] => (Some(*module), None),
        [module, "--shard", shard] => (Some(*module), Some(*shard)),
        _ => return Err(USAGE.to_owned()),
    };
    if let Some(module) = module.filter(|module| !MODULES.contains(module)) {
        return Err(format!(
            "there is no module `{module}`; known are {}",
            MODULES.join(", ")
        ));
    }
    if let Some(shard) = shard.filter(|shard| !is_shard(shard)) {
        return Err(format!(
            "--shard takes a part of all, `0/8` to `7/8` of eight, not `{shard}`"
        ));
    }
    let program = program()?;
    let output = folder().join(module.unwrap_or("all"));
    std::fs::create_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    attempt(&program, module, shard, &output)?;
    let report = output.join("mutants.out/outcomes.json");
    let text = std::fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    let counts = Counts::read(&text).map_err(|why| format!("{}: {why}", report.display()))?;
    console::line(&format!("    {}", counts.told()));
    if counts.share() < LEAST_CAUGHT {
        return Err(format!(
            "{:.1} % of the viable faults were noticed, {LEAST_CAUGHT} % are the least; the others stand in {}",
            counts.share(),
            output.join("mutants.out/missed.txt").display()
        ));
    }
    Ok(())
}

fn folder() -> PathBuf {
    repository::target().join("mutants")
}

/// Counts from 0, as cargo-mutants does.
fn is_shard(text: &str) -> bool {
    let numbers = text.split_once('/');
    let numbers = numbers.and_then(|(k, n)| Some((k.parse::<u32>().ok()?, n.parse::<u32>().ok()?)));
    numbers.is_some_and(|(k, n)| k < n)
}

/// cargo-mutants: the developer's, or one of our own.
fn program() -> Outcome<PathBuf> {
    let name = format!("cargo-mutants{}", std::env::consts::EXE_SUFFIX);
    let own = folder().join("bin").join(&name);
    if steps::works(&name, &["--version"]) {
        return Ok(name.into());
    }
    if !own.is_file() {
        let mut install = environment::cargo();
        install.args(["install", "cargo-mutants", "--locked", "--root"]);
        // Its lints are its authors' business.
        install.arg(folder()).env_remove("RUSTC_WORKSPACE_WRAPPER");
        steps::run(&mut install)?;
    }
    Ok(own)
}

/// Runs the planner's tests against each fault, in a copy of the repository.
fn attempt(program: &Path, module: Option<&str>, shard: Option<&str>, output: &Path) -> Outcome {
    let mut mutants = Command::new(program);
    environment::clear(&mut mutants).current_dir(repository::root());
    mutants.args(["mutants", "--package", "planner", "--colors", "never", "--output"]);
    mutants.arg(output);
    for name in MODULES
        .iter()
        .filter(|name| module.is_none_or(|module| module == **name))
    {
        mutants.args(["--file", &format!("crates/planner/src/{name}.rs")]);
        mutants.args(["--file", &format!("crates/planner/src/{name}/**")]);
    }
    if steps::works("cargo", &["nextest", "--version"]) {
        mutants.args(["--test-tool", "nextest"]);
    }
    if let Some(shard) = shard {
        mutants.args(["--shard", shard]);
    }
    // A fault is often an unused variable as well: lints that are errors would make it one that does not compile.
    mutants.env_remove("RUSTC_WORKSPACE_WRAPPER");
    steps::run_to(&mut mutants, &SEEN_THROUGH)
}

/// What became of the faults.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    caught: u64,
    /// Noticed, too: with the fault the tests came to no end.
    timeout: u64,
    missed: u64,
    unviable: u64,
}

impl Counts {
    fn read(report: &str) -> Outcome<Self> {
        let report: Value = serde_json::from_str(report).map_err(|error| error.to_string())?;
        let count = |name: &str| report[name].as_u64().ok_or_else(|| format!("it has no `{name}`"));
        Ok(Self {
            caught: count("caught")?,
            timeout: count("timeout")?,
            missed: count("missed")?,
            unviable: count("unviable")?,
        })
    }

    fn viable(&self) -> u64 {
        self.caught + self.timeout + self.missed
    }

    /// Percent of the viable ones that were noticed; all of none.
    #[expect(clippy::cast_precision_loss, reason = "there are some hundreds")]
    fn share(&self) -> f64 {
        match self.viable() {
            0 => 100.0,
            viable => 100.0 * (self.caught + self.timeout) as f64 / viable as f64,
        }
    }

    fn told(&self) -> String {
        let Self {
            caught,
            timeout,
            missed,
            unviable,
        } = self;
        format!(
            "{:.1} % of {} viable faults noticed: {caught} by a failing test, {timeout} by the clock; {missed} missed; {unviable} did not compile",
            self.share(),
            self.viable()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_viable_ones() {
        let counts = |caught, missed| {
            let report = format!(
                "{{\"total_mutants\":0,\"caught\":{caught},\"timeout\":1,\"missed\":{missed},\"unviable\":9,\"success\":0}}"
            );
            Counts::read(&report).expect("a report")
        };
        assert!(counts(96, 3).share() >= LEAST_CAUGHT);
        assert!(counts(95, 4).share() < LEAST_CAUGHT);
        assert_eq!(
            counts(95, 4).told(),
            "96.0 % of 100 viable faults noticed: 95 by a failing test, 1 by the clock; 4 missed; 9 did not compile"
        );
        assert!(Counts::read("{}").is_err_and(|why| why.contains("`caught`")));
    }

    #[test]
    fn what_is_asked_for_has_to_be_there() {
        let why = run(&["prices"]).expect_err("there is none");
        assert!(
            why.contains("`prices`") && why.contains("health, plan, price, route"),
            "{why}"
        );
        for shard in ["8/8", "1", "a/b", "0/0"] {
            let why = run(&["price", "--shard", shard]).expect_err("no shard");
            assert!(why.contains(&format!("`{shard}`")), "{why}");
        }
        assert!(is_shard("0/8") && is_shard("7/8"));
    }

    #[test]
    fn the_modules_are_there() {
        let folder = repository::root().join("crates/planner/src");
        for module in MODULES {
            assert!(folder.join(format!("{module}.rs")).is_file(), "{module}");
        }
    }
}
