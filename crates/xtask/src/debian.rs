//! Debian packages that tests need, installed only where they are missing.

use crate::{Outcome, console, environment, steps};
use std::process::Command;

/// Installs these packages; nothing is done for none.
///
/// # Errors
/// They cannot be installed here; the text says what the developer has to install.
pub(crate) fn install(packages: &[&str]) -> Outcome {
    if packages.is_empty() {
        return Ok(());
    }
    let wanted = packages.join(" ");
    if !steps::works("apt-get", &["--version"]) {
        return Err(format!("please install: {wanted} (there is no apt-get here to do it)"));
    }
    let as_root = steps::is_root();
    if !as_root && !steps::works("sudo", &["-n", "true"]) {
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
