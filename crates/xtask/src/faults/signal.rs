//! Signals to processes, by the program that every system has for them.

use std::process::{Command, Stdio};

pub(super) const STOP: &str = "-STOP";
pub(super) const CONTINUE: &str = "-CONT";
pub(super) const TERMINATE: &str = "-TERM";

/// Sends one. A process that is gone meanwhile needs none.
pub(super) fn send(pid: u32, signal: &str) {
    let mut command = Command::new("kill");
    let _ = command.args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
}
