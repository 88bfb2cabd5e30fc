//! What a run is asked for on the command line.

use crate::{Outcome, repository};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// What `cargo xtask faults --help` says.
pub(crate) const USAGE: &str = "\
usage: cargo xtask faults [--name value ...]

Generations by the thousand while providers fail, gateways are killed, and what they stand on is taken away.

  --generations N        how many are asked for (2000)
  --kills N              how often a gateway is killed (100)
  --seed N               what is drawn, and in which order (from the clock; it is printed)
  --database NAME        sqlite: one gateway; postgres: two on one database (sqlite)
  --when-maybe-billed W  the gateways' setting: never, once or always (once)
  --faulty SHARE         share of the providers' calls that fail (0.3)
  --at-once N            callers at one time (24)
  --lasts-s N            the least time over which the asks are spread (0; kills spread them too)
  --outage-max-s N       the longest that something is taken away; the shortest is 5 (60)
  --no-outages           nothing is taken away
  --no-disk              the disk is not filled up (it never is without the right to mount)
  --only NAME            only this is taken away: database, frozen-database, disk, media, errors-gone, errors-stuck
                         or frozen-gateway
  --patience N           all that must happen soon may take N times as long: for machines with other work (1)
  --program PATH         the gateway (the debug build)
  --keep                 its folder stays, with logs and database";

/// The databases that a run may stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// A file, and one gateway.
    Sqlite,
    /// A server of the run's own, and two gateways.
    Postgres,
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    pub(super) generations: usize,
    pub(super) kills: usize,
    pub(super) seed: u64,
    pub(super) store: Store,
    pub(super) when_maybe_billed: String,
    /// From 0 to below 1.
    pub(super) faulty: f64,
    pub(super) at_once: usize,
    pub(super) lasts_s: f64,
    pub(super) outage_max_s: f64,
    pub(super) outages: bool,
    pub(super) disk: bool,
    pub(super) only: Option<String>,
    /// How many times as long things may take: 1 or more.
    pub(super) patience: f64,
    pub(super) program: PathBuf,
    pub(super) keep: bool,
}

/// The shortest time for which something is taken away, in seconds.
pub(super) const OUTAGE_MIN_S: f64 = 5.0;
/// Callers at one time: more threads than this only wait for each other.
const AT_ONCE_MAX: usize = 256;
/// A machine that is slower than that shows nothing.
const PATIENCE_MAX: f64 = 20.0;

impl Options {
    fn standard() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            generations: 2_000,
            kills: 100,
            // Short, so that it can be typed again.
            seed: now.as_secs() % 1_000_000,
            store: Store::Sqlite,
            when_maybe_billed: "once".to_owned(),
            faulty: 0.3,
            at_once: 24,
            lasts_s: 0.0,
            outage_max_s: 60.0,
            outages: true,
            disk: true,
            only: None,
            patience: 1.0,
            program: repository::pictor("debug"),
            keep: false,
        }
    }

    /// Reads the command line.
    ///
    /// # Errors
    /// An unknown name, or a value that makes no sense.
    pub(super) fn read(arguments: &[&str]) -> Outcome<Self> {
        let mut options = Self::standard();
        let mut words = arguments.iter();
        while let Some(name) = words.next() {
            match *name {
                "--no-outages" => options.outages = false,
                "--no-disk" => options.disk = false,
                "--keep" => options.keep = true,
                _ => {
                    let value = words
                        .next()
                        .ok_or_else(|| format!("{name}: unknown, or it wants a value\n\n{USAGE}"))?;
                    options.set(name, value)?;
                }
            }
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Outcome {
        match name {
            "--generations" => self.generations = number(name, value)?,
            "--kills" => self.kills = number(name, value)?,
            "--seed" => self.seed = number(name, value)?,
            "--at-once" => self.at_once = number::<usize>(name, value)?.clamp(1, AT_ONCE_MAX),
            "--lasts-s" => self.lasts_s = number::<f64>(name, value)?.max(0.0),
            "--outage-max-s" => self.outage_max_s = number::<f64>(name, value)?.max(OUTAGE_MIN_S),
            "--patience" => self.patience = number::<f64>(name, value)?.clamp(1.0, PATIENCE_MAX),
            "--faulty" => {
                self.faulty = number(name, value)?;
                if !(0.0..1.0).contains(&self.faulty) {
                    return Err(format!("{name} is a share from 0 to below 1, not {value}"));
                }
            }
            "--database" => {
                self.store = match value {
                    "sqlite" => Store::Sqlite,
                    "postgres" => Store::Postgres,
                    _ => return Err(format!("{name} is sqlite or postgres, not {value}")),
                }
            }
            "--when-maybe-billed" => {
                if !["never", "once", "always"].contains(&value) {
                    return Err(format!("{name} is never, once or always, not {value}"));
                }
                value.clone_into(&mut self.when_maybe_billed);
            }
            "--only" => self.only = Some(value.to_owned()),
            "--program" => self.program = PathBuf::from(value),
            _ => return Err(format!("unknown: {name}\n\n{USAGE}")),
        }
        Ok(())
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Outcome<N> {
    value
        .parse()
        .map_err(|_| format!("{name} wants a number, not `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_read() {
        let words = [
            "--generations",
            "50",
            "--database",
            "postgres",
            "--no-disk",
            "--seed",
            "7",
        ];
        let options = Options::read(&words).expect("a legal command line");
        assert_eq!((options.generations, options.kills, options.seed), (50, 100, 7));
        assert_eq!((options.store, options.disk), (Store::Postgres, false));
    }

    #[test]
    fn mistakes_are_named() {
        for (words, told) in [
            (vec!["--kils", "3"], "unknown: --kils"),
            (vec!["--kills", "many"], "--kills wants a number"),
            (vec!["--faulty", "1"], "--faulty is a share"),
            (vec!["--seed"], "--seed: unknown, or it wants a value"),
        ] {
            let why = Options::read(&words).expect_err("a mistake");
            assert!(why.starts_with(told), "{why}");
        }
    }
}
