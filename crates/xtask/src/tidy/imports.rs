//! What a module names of other modules: `use` trees and paths in its code, as written.

use super::source::{Source, is_word};
use regex::Regex;
use std::sync::LazyLock;

/// A path named in a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// Segments as written, `*` for a glob at the end.
    pub(super) path: Vec<String>,
    /// The name by which it is known here; `_`, or the last segment.
    pub(super) name: String,
    pub(super) line: usize,
    /// Passed on to others (`pub use`): a door, not a use.
    pub(super) is_door: bool,
    /// A `use`, and not a path in the code.
    pub(super) is_use: bool,
}

static USE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(pub(?:\s*\([^)]*\))?\s+)?use\s+([^;]+);").expect("a fixed expression"));
static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:r#)?[A-Za-z_]\w*(?:\s*::\s*(?:r#)?[A-Za-z_]\w*)+").expect("a fixed expression"));

/// All imports and paths of a file, without its tests.
pub(super) fn read(source: &Source) -> Vec<Import> {
    let mut code = source.code.clone();
    let mut found = Vec::new();
    for item in USE.captures_iter(&source.code) {
        let whole = item.get(0).expect("the match itself");
        code.replace_range(whole.range(), &" ".repeat(whole.len()));
        if source.is_test(whole.start()) {
            continue;
        }
        let tree = item.get(2).expect("not optional");
        for (path, name, at) in expand(tree.as_str()) {
            found.push(Import {
                path,
                name,
                line: source.line(tree.start() + at),
                is_door: item.get(1).is_some(),
                is_use: true,
            });
        }
    }
    for path in PATH.find_iter(&code) {
        let before = path.start().checked_sub(1).map(|at| code.as_bytes()[at]);
        if source.is_test(path.start()) || before.is_some_and(|byte| is_word(byte) || byte == b':') {
            continue;
        }
        let path_text: Vec<String> = path.as_str().split("::").map(segment).collect();
        found.push(Import {
            name: path_text.last().cloned().unwrap_or_default(),
            path: path_text,
            line: source.line(path.start()),
            is_door: false,
            is_use: false,
        });
    }
    found
}

fn segment(text: &str) -> String {
    text.trim().trim_start_matches("r#").to_owned()
}

/// The single paths of a `use` tree, with the name that each one gets and its offset.
fn expand(tree: &str) -> Vec<(Vec<String>, String, usize)> {
    let mut found = Vec::new();
    walk(tree, 0, &[], &mut found);
    found
}

fn walk(tree: &str, offset: usize, prefix: &[String], found: &mut Vec<(Vec<String>, String, usize)>) {
    let offset = offset + tree.len() - tree.trim_start().len();
    let tree = tree.trim();
    if tree.is_empty() {
        // What follows the last comma.
        return;
    }
    if let Some(open) = tree.find('{') {
        let mut path = prefix.to_vec();
        path.extend(
            tree[..open]
                .split("::")
                .map(segment)
                .filter(|segment| !segment.is_empty()),
        );
        let inside = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
        for (at, branch) in branches(inside) {
            walk(branch, offset + open + 1 + at, &path, found);
        }
        return;
    }
    let (written, alias) = match tree.split_once(" as ") {
        Some((written, alias)) => (written, Some(segment(alias))),
        None => (tree, None),
    };
    let mut path = prefix.to_vec();
    path.extend(written.split("::").map(segment).filter(|segment| !segment.is_empty()));
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    if let Some(last) = path.last().cloned() {
        found.push((path, alias.unwrap_or(last), offset));
    }
}

/// Parts between commas outside of braces.
fn branches(inside: &str) -> Vec<(usize, &str)> {
    let (mut found, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push((from, &inside[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push((from, &inside[from..]));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let source = Source::new("crates/x/src/a.rs".to_owned(), text.to_owned());
        read(&source)
            .iter()
            .map(|import| format!("{}:{}={}", import.line, import.name, import.path.join("::")))
            .collect()
    }

    #[test]
    fn trees_are_expanded() {
        assert_eq!(
            paths("use crate::{\n    a::{self, B, c::*},\n    d as e,\n};\n"),
            ["2:a=crate::a", "2:B=crate::a::B", "2:*=crate::a::c::*", "3:e=crate::d"]
        );
    }

    #[test]
    fn paths_in_code_are_read() {
        assert_eq!(
            paths("fn f(x: crate::a::B) -> super::C { child::run::<crate::d::E>(x) }\n"),
            ["1:B=crate::a::B", "1:C=super::C", "1:run=child::run", "1:E=crate::d::E"]
        );
    }

    #[test]
    fn strings_comments_and_tests_are_not_read() {
        assert!(
            paths("// use crate::a;\nconst A: &str = \"crate::a\";\n#[cfg(test)]\nmod tests { use crate::a; }\n")
                .is_empty()
        );
    }

    #[test]
    fn doors_are_told_from_uses() {
        let source = Source::new(
            "crates/x/src/a.rs".to_owned(),
            "pub(crate) use b::C;\nuse d::E;\n".to_owned(),
        );
        let doors: Vec<_> = read(&source).iter().map(|import| import.is_door).collect();
        assert_eq!(doors, [true, false]);
    }
}
