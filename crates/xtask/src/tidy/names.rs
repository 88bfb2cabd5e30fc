//! Names of modules, and the sentence that each one opens with.

use super::Violation;
use super::source::Source;

/// Names that say nothing about what stands inside.
const EMPTY_WORDS: [&str; 10] = [
    "common",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "util",
    "utilities",
    "utility",
    "utils",
];

pub(super) fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut tell = |line, what: String| found.push(Violation::new(&source.path, line, what));
    let mut parts = source.path.trim_end_matches(".rs").rsplit('/');
    if source.path.ends_with("/mod.rs") {
        tell(
            1,
            "a module stands in `name.rs` beside `name/`, not in `mod.rs`".to_owned(),
        );
    }
    if let Some(word) = parts.find(|part| EMPTY_WORDS.contains(part)) {
        tell(1, format!("`{word}` says nothing: name the thing"));
    }
    for module in source.places(&["mod"]) {
        // One in a file of its own is told by the name of that.
        if let [at, name, open, ..] = &source.tokens[module..]
            && open.text == "{"
            && EMPTY_WORDS.contains(&name.text.as_str())
        {
            tell(
                source.line(at.at),
                format!("`{}` says nothing: name the thing", name.text),
            );
        }
    }
    let opening = source.text.trim_start();
    let is_unit_test = source.is_test_file() && source.path.contains("/src/");
    if !is_unit_test && !opening.starts_with("//!") && !opening.starts_with("#![doc = include_str!") {
        tell(1, "a module opens with a `//!` sentence".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        let source = Source::of(path, text);
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn empty_names_are_told() {
        assert_eq!(told("crates/x/src/utils.rs", "//! X.\n").len(), 1);
        assert_eq!(told("crates/x/src/helpers/a.rs", "//! X.\n").len(), 1);
        assert_eq!(
            told("crates/x/src/a.rs", "//! X.\nmod common {\n}\n"),
            ["crates/x/src/a.rs:2: `common` says nothing: name the thing"]
        );
        assert!(told("crates/x/src/utilization.rs", "//! X.\n").is_empty());
    }

    #[test]
    fn old_module_files_are_told() {
        assert_eq!(told("crates/x/src/a/mod.rs", "//! X.\n").len(), 1);
    }

    #[test]
    fn modules_open_with_a_sentence() {
        assert_eq!(told("crates/x/src/a.rs", "use std::fs;\n").len(), 1);
        assert!(told("crates/x/src/a.rs", "#![doc = include_str!(\"a.md\")]\n").is_empty());
        assert!(told("crates/x/src/a/tests.rs", "use super::*;\n").is_empty());
        assert_eq!(told("crates/x/tests/it.rs", "use x::a;\n").len(), 1);
    }
}
