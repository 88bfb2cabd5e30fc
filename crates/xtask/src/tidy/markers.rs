//! What is left undone, switched off, or waits instead of looking.

use super::Violation;
use super::source::{Source, Token};
use crate::repository;
use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

// Written with classes so that these lines do not match themselves.
static LEFT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(TO[D]O|FIX[M]E|X[X]X)\b").expect("a fixed expression"));
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
    for name in ["todo", "unimplemented"] {
        for undone in source.places(&[name, "!"]) {
            tell(source.tokens[undone].at, "code that is left undone");
        }
    }
    for attribute in source.places(&["#", "["]) {
        if is_ignored(&source.tokens[attribute..]) {
            tell(source.tokens[attribute].at, "an ignored test");
        }
    }
    for name in ["thread", "time"] {
        for sleep in source.places(&[name, "::", "sleep"]) {
            let at = source.tokens[sleep].at;
            if source.is_test(at) {
                tell(at, "a test that sleeps: wait for the event itself");
            }
        }
    }
    found.sort();
    found
}

/// Whether the attribute that begins here is `ignore`, or could be.
fn is_ignored(tokens: &[Token]) -> bool {
    let words = tokens.iter().skip(2).map(|token| token.text.as_str());
    let mut words = words.take_while(|word| *word != "]");
    match words.next() {
        Some("cfg_attr") => words.any(|word| word == "ignore"),
        first => first == Some("ignore"),
    }
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
        let source = Source::of(path, text);
        check(&source).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn markers_are_told_in_comments_too() {
        let marker = ["TO", "DO"].concat();
        assert_eq!(
            lines("crates/x/src/a.rs", &format!("//! X.\n// {marker}: later\n")),
            [2]
        );
        assert!(lines("crates/x/src/a.rs", "//! X.\nstatic mastodon: u8 = 1;\n").is_empty());
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
