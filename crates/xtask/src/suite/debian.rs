//! Debian packages that the SDK tests need, installed only where they are missing.

use crate::{Outcome, console, environment, steps};
use std::process::{Command, Stdio};

/// Least version of Node that the official clients run on.
const NODE_MAJOR: u32 = 20;

/// Makes sure that Python with its venv module, and Node with npm, are there.
pub(super) fn provide(python: bool, node: bool) -> Outcome {
    let mut packages = Vec::new();
    if python && !works("python3", &["-c", "import venv, ensurepip"]) {
        packages.extend(["python3", "python3-venv"]);
    }
    if node {
        packages.extend((!works("node", &["--version"])).then_some("nodejs"));
        packages.extend((!works("npm", &["--version"])).then_some("npm"));
    }
    if !packages.is_empty() {
        install(&packages)?;
    }
    if node { check_node() } else { Ok(()) }
}

fn install(packages: &[&str]) -> Outcome {
    let wanted = packages.join(" ");
    if !works("apt-get", &["--version"]) {
        return Err(format!("please install: {wanted} (there is no apt-get here to do it)"));
    }
    let as_root = works("sh", &["-c", "test \"$(id -u)\" = 0"]);
    if !as_root && !works("sudo", &["-n", "true"]) {
        return Err(format!("please install as root: apt-get install {wanted}"));
    }
    console::line(&format!("    missing Debian packages: {wanted}"));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if as_root { "apt-get" } else { "sudo" });
        if !as_root {
            command.args(["-n", "apt-get"]);
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        steps::run(environment::clear(&mut command))
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
}

fn check_node() -> Outcome {
    let printed = Command::new("node")
        .arg("--version")
        .output()
        .map(|output| output.stdout);
    let printed = String::from_utf8(printed.unwrap_or_default()).unwrap_or_default();
    match major(&printed) {
        Some(major) if major >= NODE_MAJOR => Ok(()),
        _ => Err(format!(
            "Node {NODE_MAJOR} or newer is needed, here is {}",
            printed.trim()
        )),
    }
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major(""), None);
    }

    #[test]
    fn what_is_missing_is_seen() {
        assert!(works("sh", &["-c", "true"]));
        assert!(!works("sh", &["-c", "false"]));
        assert!(!works("no-such-program-here", &[]));
    }
}
