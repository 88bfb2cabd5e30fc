//! What must not stand in any file of the repository: paths of one machine, and the hosts of package registries.

use super::Violation;
use crate::Outcome;
use regex::Regex;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

// Written with classes so that these lines do not match themselves.
static PATHS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(^|[^a-zA-Z0-9._-])(/wor[k]/[a-z.]+|/roo[t]/[a-z.]+|/hom[e]/[a-z][a-z0-9_-]*/|/User[s]/[A-Za-z]|/tm[p]/(bash_jobs|brief))")
        .expect("a fixed expression")
});
static HOSTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(registry\.(npmj[s]|yarnpk[g])\.|\bpyp[i]\.org|pythonhoste[d]\.org|(static|index)\.crate[s]\.io|proxy\.golan[g]\.org)")
        .expect("a fixed expression")
});

/// Checks every file that git knows, or would take in. Without git there is nothing to say.
pub(super) fn check(root: &Path) -> Outcome<Vec<Violation>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output();
    let Ok(listed) = listed else { return Ok(Vec::new()) };
    if !listed.status.success() {
        return Ok(Vec::new());
    }
    let names = String::from_utf8(listed.stdout).map_err(|_| "a file's name is not text".to_owned())?;
    let mut found = Vec::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        // Pictures, and files that were deleted but not committed yet.
        let Ok(text) = std::fs::read_to_string(root.join(name)) else {
            continue;
        };
        found.extend(check_text(name, &text));
    }
    Ok(found)
}

fn check_text(name: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if PATHS.is_match(line) {
            found.push(Violation::new(name, index + 1, "a path of one machine"));
        }
        if HOSTS.is_match(line) {
            found.push(Violation::new(name, index + 1, "the host of a package registry"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_hosts_are_told() {
        let bad = [
            ["see /wor", "k/here"].concat(),
            ["in /hom", "e/jane/pictor"].concat(),
            ["https://registry.npm", "js.org/openai"].concat(),
            ["https://py", "pi.org/simple"].concat(),
        ];
        for line in bad {
            assert_eq!(check_text("a.md", &format!("fine\n{line}\n")).len(), 1, "{line}");
        }
        let route = ["/v1/wor", "k/items"].concat();
        for line in [
            route.as_str(),
            "a/work/b",
            "https://docs.rs",
            "registry+https://github.com/rust-lang/crates.io-index",
        ] {
            assert!(check_text("a.md", line).is_empty(), "{line}");
        }
    }
}
