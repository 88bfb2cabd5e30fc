//! A `pictor` process under observation.

use crate::{Outcome, environment, repository};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

/// How a program says that it is ready.
const READY: &str = "listening on ";
/// A build of any kind starts in far less.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Lines of output kept for the case that it does not start.
const KEPT_LINES: usize = 20;

/// A running server, ended when dropped.
pub(super) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub(super) url: String,
}

impl Server {
    /// Starts the release build with these arguments and variables, and waits until it listens.
    pub(super) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Outcome<Self> {
        Self::of("release", arguments, variables)
    }

    /// The same of any build.
    pub(super) fn of(profile: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome<Self> {
        let program = repository::pictor(profile);
        let mut command = Command::new(&program);
        environment::clear(&mut command)
            .args(arguments)
            .envs(variables.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let (sender, lines) = mpsc::channel();
        pass_on(child.stdout.take().expect("piped above"), sender.clone());
        pass_on(child.stderr.take().expect("piped above"), sender);
        let mut server = Self {
            child,
            url: String::new(),
        };
        let mut kept = VecDeque::new();
        while let Ok(line) = lines.recv_timeout(START_TIMEOUT) {
            if let Some((_, address)) = line.split_once(READY) {
                let address = address.split_whitespace().next().unwrap_or_default();
                server.url = address.trim_end_matches('/').to_owned();
                return Ok(server);
            }
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        let kept: Vec<_> = kept.into_iter().collect();
        Err(format!(
            "`pictor {}` did not start:\n{}",
            arguments.join(" "),
            kept.join("\n")
        ))
    }

    /// The process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A figure of `/proc/<pid>/status` in bytes, such as `VmRSS`.
    pub(super) fn memory(&self, field: &str) -> Outcome<u64> {
        let file = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
        kibibytes(&status, field)
            .map(|kib| kib * 1024)
            .ok_or_else(|| format!("{file} has no {field}"))
    }

    /// Makes `VmHWM` begin anew from what is resident now.
    pub(super) fn reset_peak(&self) -> Outcome {
        let file = format!("/proc/{}/clear_refs", self.child.id());
        std::fs::write(&file, "5").map_err(|error| format!("cannot write {file}: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end, also when nobody listens any more: a full pipe would stop the server.
fn pass_on(output: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_by_name() {
        let status = "VmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(kibibytes(status, "VmRSS"), Some(1024));
        assert_eq!(kibibytes(status, "VmSwap"), None);
    }
}
