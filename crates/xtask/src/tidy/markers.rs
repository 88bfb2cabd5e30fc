//! What is left undone, switched off, or waits instead of looking.

use super::Violation;
use super::source::Source;
use crate::repository;
use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

// Written with classes so that these lines do not match themselves.
static LEFT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(TO[D]O|FIX[M]E|X[X]X)\b").expect("a fixed expression"));
static UNDONE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(todo|unimplemented)\s*!").expect("a fixed expression"));
static IGNORED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"#\s*\[\s*(ignore\b|cfg_attr\s*\([^\]]*\bignore\b)").expect("a fixed expression"));
static SLEEP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(thread|time)::sleep\b").expect("a fixed expression"));
static SCRIPT_SLEEP: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\btime\.sleep\b|\basyncio\.sleep\b|\bsetTimeout\b").expect("a fixed expression"));
static SCRIPT_SKIP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"pytest\.(mark\.)?(skip|xfail)|\b(test|it|describe)\.(skip|todo)\b|\b(skip|todo): *true")
        .expect("a fixed expression")
});

pub(super) fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut tell = |at: usize, what: &str| found.push(Violation::new(&source.path, source.line(at), what));
    for marker in LEFT.find_iter(&source.text) {
        tell(marker.start(), "a left-over marker: finish it, or open an issue");
    }
    for undone in UNDONE.find_iter(&source.code) {
        tell(undone.start(), "code that is left undone");
    }
    for ignored in IGNORED.find_iter(&source.code) {
        tell(ignored.start(), "an ignored test");
    }
    for sleep in SLEEP
        .find_iter(&source.code)
        .filter(|sleep| source.is_test(sleep.start()))
    {
        tell(sleep.start(), "a test that sleeps: wait for the event itself");
    }
    found
}

/// The same in the tests that are written in Python and JavaScript.
pub(super) fn check_scripts(root: &Path) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in repository::files(&root.join("tests"), &["py", "mjs", "js"]) {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        found.extend(check_script(&name, &text));
    }
    found
}

fn check_script(name: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if LEFT.is_match(line) {
            found.push(Violation::new(
                name,
                index + 1,
                "a left-over marker: finish it, or open an issue",
            ));
        }
        if SCRIPT_SLEEP.is_match(line) {
            found.push(Violation::new(
                name,
                index + 1,
                "a test that sleeps: wait for the event itself",
            ));
        }
        if SCRIPT_SKIP.is_match(line) {
            found.push(Violation::new(name, index + 1, "a skipped test"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let source = Source::new(path.to_owned(), text.to_owned());
        check(&source).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn markers_are_told_in_comments_too() {
        let marker = ["TO", "DO"].concat();
        assert_eq!(
            lines("crates/x/src/a.rs", &format!("//! X.\n// {marker}: later\n")),
            [2]
        );
        assert!(lines("crates/x/src/a.rs", "//! X.\nlet mastodon = 1;\n").is_empty());
    }

    #[test]
    fn undone_code_and_ignored_tests_are_told() {
        let text = [
            "//! X.\nfn a() { to",
            "do!() }\n#[ig",
            "nore = \"slow\"]\nfn b() { let s = \"to",
            "do!()\"; }\n",
        ]
        .concat();
        assert_eq!(lines("crates/x/src/a.rs", &text), [2, 3]);
    }

    #[test]
    fn only_tests_must_not_sleep() {
        let text = "//! X.\nfn a() { tokio::time::sleep(d); }\n#[cfg(test)]\nmod tests {\n fn b() { std::thread::sleep(d); }\n}\n";
        assert_eq!(lines("crates/x/src/a.rs", text), [5]);
        assert_eq!(lines("crates/x/tests/a.rs", text), [2, 5]);
    }

    #[test]
    fn scripts_are_read_too() {
        let text = ["import time\ntime.sl", "eep(1)\npytest.mark.sk", "ip\n"].concat();
        let found: Vec<_> = check_script("tests/a.py", &text)
            .iter()
            .map(|violation| violation.line)
            .collect();
        assert_eq!(found, [2, 3]);
    }
}
