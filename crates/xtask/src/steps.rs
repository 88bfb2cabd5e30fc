//! Steps with a title and a duration; the first one that fails ends the run.

use crate::{Outcome, console};
use std::process::Command;
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

    /// Prints all steps with their durations.
    pub(crate) fn summary(&self) {
        console::heading("passed");
        for (title, spent) in &self.done {
            console::line(&format!("    {:>12}  {title}", console::duration(*spent)));
        }
        console::line(&format!(
            "    {:>12}  in all",
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
        .stdin(std::process::Stdio::null())
        .status()
        .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` ended with {status}"))
    }
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
    fn a_missing_program_is_told() {
        let why = run(&mut Command::new("no-such-program-here")).expect_err("there is none");
        assert!(why.starts_with("cannot start `no-such-program-here`"), "{why}");
    }
}
