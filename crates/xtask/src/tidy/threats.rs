//! What `SECURITY.md` names to prove that a threat is met: the files are there, and so are the tests.

use super::Violation;
use crate::Outcome;
use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

const FILE: &str = "SECURITY.md";

/// A path in backticks, and the test in it if one is named.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"`([a-z_./-]+/[a-z_0-9./-]+\.[a-z]+)(?:::([A-Za-z_0-9]+))?`").expect("a fixed expression")
});

pub(super) fn check(root: &Path) -> Outcome<Vec<Violation>> {
    let text = match std::fs::read_to_string(root.join(FILE)) {
        Ok(text) => text,
        Err(error) => return Err(format!("cannot read {FILE}: {error}")),
    };
    Ok(check_text(&text, |path| std::fs::read_to_string(root.join(path)).ok()))
}

/// Checks a text against what `read` finds at a path.
fn check_text(text: &str, read: impl Fn(&str) -> Option<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut told = |what: String| found.push(Violation::new(FILE, index + 1, what));
        let is_threat = line.starts_with("| ") && !line.starts_with("| threat ");
        let mut tests = 0;
        for named in NAMED.captures_iter(line) {
            let path = &named[1];
            match (read(path), named.get(2)) {
                (None, _) => told(format!("there is no {path}")),
                (Some(code), Some(test)) if !code.contains(&format!("fn {}(", test.as_str())) => {
                    told(format!("{path} has no test {}", test.as_str()));
                }
                (Some(_), test) => tests += usize::from(test.is_some()),
            }
        }
        if is_threat && tests == 0 {
            told("a threat without a test".to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_has_to_be_there() {
        let read = |path: &str| (path == "a/b.rs").then(|| "fn it_holds() {}".to_owned());
        let lines = |text: &str| check_text(text, read).len();
        assert_eq!(lines("| threat | guard | test |\n|---|---|---|"), 0);
        assert_eq!(lines("| x | `a/b.rs` | `a/b.rs::it_holds` |"), 0);
        assert_eq!(lines("| x | `a/b.rs` | |"), 1, "no test");
        assert_eq!(
            lines("| x | `a/b.rs` | `a/b.rs::another` |"),
            2,
            "no such test, so none"
        );
        assert_eq!(lines("see `a/c.rs`"), 1);
    }
}
