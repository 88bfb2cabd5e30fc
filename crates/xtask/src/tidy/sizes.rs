//! How long a file and a function may be.

use super::Violation;
use super::source::{Source, block_end, signature_end};
use regex::Regex;
use std::sync::LazyLock;

/// Lines of a file without its tests. Past that there is a second thing in it.
const MAX_FILE_LINES: usize = 450;
/// Lines of a function, signature included. Past that nobody sees it whole.
const MAX_FUNCTION_LINES: usize = 80;

static FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bfn\s+(?:r#)?([A-Za-z_]\w*)").expect("a fixed expression"));

pub(super) fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let lines = source.production_lines();
    if !source.is_test_file() && lines > MAX_FILE_LINES {
        let what = format!("{lines} lines without tests, {MAX_FILE_LINES} are the limit");
        found.push(Violation::new(&source.path, 1, what));
    }
    for function in FUNCTION.captures_iter(&source.code) {
        let whole = function.get(0).expect("the match itself");
        if source.is_test(whole.start()) {
            continue;
        }
        let Some(open) = signature_end(&source.code, whole.end()).filter(|at| source.code.as_bytes()[*at] == b'{')
        else {
            continue;
        };
        let first = source.line(whole.start());
        let lines = source.line(block_end(&source.code, open) - 1) - first + 1;
        if lines > MAX_FUNCTION_LINES {
            let what = format!(
                "function `{}` has {lines} lines, {MAX_FUNCTION_LINES} are the limit",
                &function[1]
            );
            found.push(Violation::new(&source.path, first, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path.to_owned(), text.to_owned());
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn long_functions_are_told_whatever_their_strings_say() {
        let body = "    let brace = \"}\"; // }\n".repeat(79);
        let text =
            format!("//! X.\nfn short() {{}}\nfn long<T>(x: [T; 2]) -> u8\nwhere\n    T: Fn() -> u8,\n{{\n{body}}}\n");
        let told = told("crates/x/src/a.rs", &text);
        assert_eq!(
            told,
            ["crates/x/src/a.rs:3: function `long` has 84 lines, 80 are the limit"]
        );
    }

    #[test]
    fn tests_do_not_count() {
        let body = "    let a = 1;\n".repeat(500);
        let text =
            format!("//! X.\nfn short() {{}}\n#[cfg(test)]\nmod tests {{\n#[test]\nfn long() {{\n{body}}}\n}}\n");
        assert!(told("crates/x/src/a.rs", &text).is_empty());
        assert!(told("crates/x/tests/a.rs", &text).is_empty());
    }

    #[test]
    fn long_files_are_told() {
        let text = "const A: u8 = 1;\n".repeat(451);
        assert_eq!(
            told("crates/x/src/a.rs", &text),
            ["crates/x/src/a.rs:1: 451 lines without tests, 450 are the limit"]
        );
        assert!(told("crates/x/src/a.rs", &"const A: u8 = 1;\n".repeat(450)).is_empty());
    }
}
