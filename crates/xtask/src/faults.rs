//! The fault runner: the real program under failing providers, kills and outages, and its books afterwards.

mod asks;
mod audit;
mod caller;
mod gateway;
mod http;
mod numbers;
mod options;
mod outages;
mod pace;
mod pictures;
mod records;
mod report;
mod scene;
mod signal;
mod site;
mod weather;

use crate::{Outcome, console, steps};
use options::{Options, USAGE};
use site::{ALONE, Site};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// A short run. Of its asks none meets a provider that hangs until a deadline; and as other work may go
/// on beside it, what must happen soon has some more time.
pub(crate) const SHORT: [&str; 10] = [
    "--generations",
    "120",
    "--kills",
    "8",
    "--outage-max-s",
    "5",
    "--seed",
    "277",
    "--patience",
    "4",
];

/// Runs what the command line asks for.
///
/// # Errors
/// It could not be run, or something was lost, doubled or left open.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    if let ["help" | "--help" | "-h"] = arguments {
        console::line(USAGE);
        return Ok(());
    }
    let options = Options::read(arguments)?;
    if std::env::var_os(ALONE).is_none() && steps::is_root() {
        // The seed may have been drawn: it goes along, so that there is one.
        let seed = options.seed.to_string();
        if let Some(status) = alone(arguments, &seed) {
            return if status.success() {
                Ok(())
            } else {
                Err("see above".to_owned())
            };
        }
    }
    if !options.program.is_file() {
        return Err(format!("{} is not there: build it first", options.program.display()));
    }
    let site = Site::prepare(&options)?;
    let told = scene::play(&site)?;
    report::print(&site, &told);
    if told.wrongs.is_empty() {
        Ok(())
    } else {
        Err(format!("not everything held (seed {})", options.seed))
    }
}

/// This program. A build that it began itself may have put another one in its place, of which Linux says so in the name.
fn own_program() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?;
    let replaced = path.to_str().and_then(|text| text.strip_suffix(" (deleted)"));
    Some(replaced.map_or_else(|| path.clone(), PathBuf::from))
}

/// Runs this program once more where mounts and processes are its own, so that nothing is left when it ends in whatever
/// way. Nothing where that is not allowed.
fn alone(arguments: &[&str], seed: &str) -> Option<ExitStatus> {
    const NAMESPACES: [&str; 5] = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    if !steps::works("unshare", &[&NAMESPACES[..], &["true"]].concat()) {
        return None;
    }
    let program = own_program()?;
    // The first process of such a place has to see to orphans, as the shell does while it waits.
    let mut command = Command::new("unshare");
    command
        .args(NAMESPACES)
        .args(["sh", "-c", r#""$@" & wait $!"#, "sh"])
        .arg(program)
        .arg("faults")
        .args(arguments)
        .args(["--seed", seed])
        .env(ALONE, "1");
    command.status().ok()
}
