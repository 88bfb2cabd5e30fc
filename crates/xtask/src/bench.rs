//! Benchmarks that print figures and fail past a mark.

mod attack;
mod convert;
mod http;
mod ledger;
mod memory;
mod path;
mod render;
mod replicas;
mod server;

use crate::environment::cargo;
use crate::{Outcome, console, steps};

/// A benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bench {
    /// Growth of the gateway's memory while a large answer passes through.
    Memory,
    /// Time of one picture of the sandbox.
    Render,
    /// Speed of the books on each database.
    Ledger,
    /// Every list of the desk with a million requests, on each database.
    Log,
    /// Time and size of the heaviest pages.
    Pages,
    /// Ratings of a million votes.
    Ratings,
    /// A normal caller while others attack.
    Attack,
    /// What a request costs PostgreSQL with one replica and with two.
    Replicas,
    /// What a gateway costs on the way of a picture, beside others.
    Path,
    /// Each format made of each other, beside others.
    Convert,
}

impl Bench {
    const ALL: [Self; 10] = [
        Self::Memory,
        Self::Render,
        Self::Ledger,
        Self::Log,
        Self::Pages,
        Self::Ratings,
        Self::Attack,
        Self::Replicas,
        Self::Path,
        Self::Convert,
    ];

    /// The benchmark of this name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn named(name: &str) -> Outcome<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no benchmark is called `{name}`; there are {names}")
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Render => "render",
            Self::Ledger => "ledger",
            Self::Log => "log",
            Self::Pages => "pages",
            Self::Ratings => "ratings",
            Self::Attack => "attack",
            Self::Replicas => "replicas",
            Self::Path => "path",
            Self::Convert => "convert",
        }
    }
}

/// Runs one benchmark.
///
/// # Errors
/// Something did not work, or a figure is past its mark.
pub(crate) fn run(bench: Bench) -> Outcome {
    match bench {
        Bench::Memory => build().and_then(|()| memory::run()),
        Bench::Render => build().and_then(|()| render::run()),
        Bench::Ledger => ledger::run("ledger"),
        Bench::Log => ledger::run("log"),
        Bench::Pages => steps::run(cargo().args(["bench", "-p", "gateway", "--bench", "pages"])),
        Bench::Ratings => {
            steps::run(cargo().args(["bench", "-p", "ratings", "--bench", "million"]))?;
            ledger::run("arena")
        }
        Bench::Attack => build().and_then(|()| attack::run("release")),
        Bench::Replicas => build().and_then(|()| replicas::run()),
        Bench::Path => path(&[]),
        Bench::Convert => convert::run(),
    }
}

/// Attacks the debug build, as `cargo build` left it: figures that a release build betters.
///
/// # Errors
/// As for [`run`].
pub(crate) fn attack_debug() -> Outcome {
    attack::run("debug")
}

/// Measures the way of a picture through these gateways alone.
///
/// # Errors
/// As for [`run`], or there is none of such a name.
pub(crate) fn path(gateways: &[&str]) -> Outcome {
    build().and_then(|()| path::run(gateways))
}

/// Runs all benchmarks one after the other, also when some fail.
///
/// # Errors
/// Which ones failed, and how.
pub(crate) fn run_all() -> Outcome {
    all_of(&Bench::ALL, run)
}

fn all_of(benches: &[Bench], run: impl Fn(Bench) -> Outcome) -> Outcome {
    let mut failures = Vec::new();
    for bench in benches {
        let name = bench.name();
        console::heading(name);
        failures.extend(run(*bench).err().map(|why| format!("{name}: {why}")));
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

fn build() -> Outcome {
    steps::run(cargo().args(["build", "--release", "--bin", "pictor"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn benchmarks_are_named() {
        for bench in Bench::ALL {
            assert_eq!(Bench::named(bench.name()), Ok(bench));
        }
        assert!(Bench::named("speed").is_err_and(|why| why.contains("`speed`") && why.contains("ledger")));
    }

    #[test]
    fn a_failing_benchmark_does_not_keep_the_others_from_running() {
        let ran = RefCell::new(Vec::new());
        let outcome = all_of(&Bench::ALL, |bench| {
            ran.borrow_mut().push(bench);
            if bench == Bench::Render {
                Ok(())
            } else {
                Err("too slow".to_owned())
            }
        });
        assert_eq!(*ran.borrow(), Bench::ALL);
        let slow = Bench::ALL.into_iter().filter(|bench| *bench != Bench::Render);
        let told: Vec<String> = slow.map(|bench| format!("{}: too slow", bench.name())).collect();
        assert_eq!(
            outcome,
            Err(told.join(
                "
"
            ))
        );
    }
}
