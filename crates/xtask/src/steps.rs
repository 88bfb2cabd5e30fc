//! Steps with a title and a duration; the first one that fails ends the run.

use crate::{Outcome, console};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The steps done so far.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<(String, Duration)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs one step.
    ///
    /// # Errors
    /// The step's own, with its title in front.
    pub(crate) fn step(&mut self, title: &str, work: impl FnOnce() -> Outcome) -> Outcome {
        console::heading(title);
        let started = Instant::now();
        let outcome = work();
        let spent = started.elapsed();
        let how = if outcome.is_ok() { "done" } else { "failed" };
        console::line(&format!("    {how} in {}", console::duration(spent)));
        self.done.push((title.to_owned(), spent));
        outcome.map_err(|why| format!("{title}: {why}"))
    }

    /// Prints all steps with their durations and their parts of the whole.
    pub(crate) fn summary(&self) {
        console::heading("where the time went");
        let all = self.started.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        for (title, spent) in &self.done {
            let part = 100.0 * spent.as_secs_f64() / all;
            console::line(&format!("    {:>12} {part:>5.1} %  {title}", console::duration(*spent)));
        }
        console::line(&format!(
            "    {:>12}          in all",
            console::duration(self.started.elapsed())
        ));
    }
}

/// Runs a command to its end; what it prints goes to the console.
///
/// # Errors
/// It cannot be started, or it ends with a code other than 0.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = shown(command);
    console::line(&format!("    $ {shown}"));
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` ended with {status}"))
    }
}

/// Runs a command to its end; what it prints is shown only when it fails.
///
/// # Errors
/// It cannot be started, or it ends with a code other than 0; with what it printed.
pub(crate) fn run_quietly(command: &mut Command) -> Outcome {
    let shown = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    Err(format!(
        "`{shown}` ended with {}\n{}",
        output.status,
        printed.trim_end()
    ))
}

/// Whether a command is there and ends well.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether commands run as root.
pub(crate) fn is_root() -> bool {
    works("sh", &["-c", "test \"$(id -u)\" = 0"])
}

fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_names_itself() {
        let mut steps = Steps::new();
        let outcome = steps.step("Rust", || run(&mut Command::new("false")));
        let why = outcome.expect_err("`false` fails");
        assert!(why.starts_with("Rust: `false` ended with"), "{why}");
        steps
            .step("Python", || run(&mut Command::new("true")))
            .expect("`true` succeeds");
        assert_eq!(steps.done.len(), 2);
    }

    #[test]
    fn a_quiet_command_tells_what_it_printed_when_it_fails() {
        let sh = |script: &str| run_quietly(Command::new("sh").args(["-c", script]));
        assert_eq!(sh("echo fine"), Ok(()));
        let why = sh("echo one; echo two >&2; false").expect_err("`false` fails");
        assert!(why.ends_with("one\ntwo"), "{why}");
    }

    #[test]
    fn what_is_missing_is_seen() {
        assert!(works("sh", &["-c", "true"]));
        assert!(!works("sh", &["-c", "false"]));
        assert!(!works("no-such-program-here", &[]));
    }

    #[test]
    fn a_missing_program_is_told() {
        let why = run(&mut Command::new("no-such-program-here")).expect_err("there is none");
        assert!(why.starts_with("cannot start `no-such-program-here`"), "{why}");
    }
}
