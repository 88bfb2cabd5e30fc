//! Steps with a title and a duration. One that fails does not keep the next from running: a run tells all that fails.

use crate::{Outcome, console};
use std::io::Read as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The steps done so far.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<(String, Duration)>,
    failures: Vec<String>,
}

/// Steps that run one after the other, with their titles.
pub(crate) type Line<'a> = Vec<(&'static str, Box<dyn FnOnce() -> Outcome + Send + 'a>)>;

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Runs one step. Its failure is told at the end; false says that there is one.
    pub(crate) fn step(&mut self, title: &str, work: impl FnOnce() -> Outcome) -> bool {
        let (spent, outcome) = timed(title, work);
        self.take(title, spent, outcome)
    }

    /// Runs lines of steps beside each other. Each line is printed whole once it has ended.
    pub(crate) fn beside(&mut self, lines: Vec<Line<'_>>) {
        let ended = std::thread::scope(|scope| {
            let run = |line: Line<'_>| {
                let (done, printed) = console::kept(|| {
                    let steps = line.into_iter().map(|(title, work)| (title, timed(title, work)));
                    steps.collect::<Vec<_>>()
                });
                console::write(&printed);
                done
            };
            let running: Vec<_> = lines.into_iter().map(|line| scope.spawn(move || run(line))).collect();
            let joined = running.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.collect::<Vec<_>>()
        });
        for line in ended {
            match line {
                Ok(done) => {
                    for (title, (spent, outcome)) in done {
                        self.take(title, spent, outcome);
                    }
                }
                Err(_) => self.failures.push("a step panicked".to_owned()),
            }
        }
    }

    /// What failed.
    ///
    /// # Errors
    /// Each failed step with its reason.
    pub(crate) fn outcome(self) -> Outcome {
        if self.failures.is_empty() {
            Ok(())
        } else {
            Err(self.failures.join("\n"))
        }
    }

    fn take(&mut self, title: &str, spent: Duration, outcome: Outcome) -> bool {
        self.done.push((title.to_owned(), spent));
        self.failures
            .extend(outcome.as_ref().err().map(|why| format!("{title}: {why}")));
        outcome.is_ok()
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

fn timed(title: &str, work: impl FnOnce() -> Outcome) -> (Duration, Outcome) {
    console::heading(title);
    let started = Instant::now();
    let outcome = work();
    let spent = started.elapsed();
    let how = if outcome.is_ok() { "done" } else { "failed" };
    console::line(&format!("    {how} in {}", console::duration(spent)));
    (spent, outcome)
}

/// Runs a command to its end; what it prints goes to the console.
///
/// # Errors
/// It cannot be started, or it ends with a code other than 0.
pub(crate) fn run(command: &mut Command) -> Outcome {
    run_to(command, &[0])
}

/// Runs a command to its end, whose good ends are told by more codes than one.
///
/// # Errors
/// It cannot be started, or it ends with a code that is not among `good`.
pub(crate) fn run_to(command: &mut Command, good: &[i32]) -> Outcome {
    let shown = shown(command);
    console::line(&format!("    $ {shown}"));
    command.stdin(Stdio::null());
    let ended = if console::is_kept() {
        status_of_kept(command)
    } else {
        command.status()
    };
    let status = ended.map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if status.code().is_some_and(|code| good.contains(&code)) {
        Ok(())
    } else {
        Err(format!("`{shown}` ended with {status}"))
    }
}

/// Runs a command whose words are kept, in the order in which it printed them.
fn status_of_kept(command: &mut Command) -> std::io::Result<ExitStatus> {
    let (mut reader, writer) = std::io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // They hold the pipe's other end, and the reading ends when nobody does.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut printed = Vec::new();
    reader.read_to_end(&mut printed)?;
    console::write(&printed);
    child.wait()
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
        assert!(!steps.step("Rust", || run(&mut Command::new("false"))));
        assert!(steps.step("Python", || run(&mut Command::new("true"))));
        assert_eq!(steps.done.len(), 2);
        let why = steps.outcome().expect_err("`false` fails");
        assert!(why.starts_with("Rust: `false` ended with"), "{why}");
        assert!(!why.contains("Python"), "{why}");
    }

    #[test]
    fn lines_beside_each_other_tell_their_failures() {
        let mut steps = Steps::new();
        let one: Line<'_> = vec![
            ("one", Box::new(|| run(&mut Command::new("true")))),
            ("two", Box::new(|| run(&mut Command::new("false")))),
            ("three", Box::new(|| run(&mut Command::new("true")))),
        ];
        let other: Line<'_> = vec![("four", Box::new(|| Err("no".to_owned())))];
        steps.beside(vec![one, other]);
        assert_eq!(steps.done.len(), 4);
        let why = steps.outcome().expect_err("two of them fail");
        let told: Vec<&str> = why.lines().collect();
        assert_eq!(told.len(), 2, "{why}");
        assert!(told[0].starts_with("two: ") && told[1] == "four: no", "{why}");
    }

    #[test]
    fn what_a_kept_command_prints_is_kept_in_its_order() {
        let (outcome, printed) = console::kept(|| run(Command::new("sh").args(["-c", "echo one; echo two >&2"])));
        assert_eq!(outcome, Ok(()));
        let printed = String::from_utf8(printed).expect("text");
        assert!(printed.ends_with("\none\ntwo\n"), "{printed}");
        assert!(!console::is_kept());
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
    fn good_ends_are_those_that_are_named() {
        let sh = |script: &str| run_to(Command::new("sh").args(["-c", script]), &[0, 2]);
        assert_eq!((sh("exit 0"), sh("exit 2")), (Ok(()), Ok(())));
        assert!(sh("exit 1").is_err_and(|why| why.contains("`sh -c exit 1` ended with")));
    }

    #[test]
    fn a_missing_program_is_told() {
        let why = run(&mut Command::new("no-such-program-here")).expect_err("there is none");
        assert!(why.starts_with("cannot start `no-such-program-here`"), "{why}");
    }
}
