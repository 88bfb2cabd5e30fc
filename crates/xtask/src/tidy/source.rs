//! A Rust file seen three ways: as it stands, without comments, and as bare code. Offsets are the same in all three.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

static TEST_ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"#\s*\[\s*cfg\s*\(\s*test\s*\)\s*\]").expect("a fixed expression"));
static USE_ITEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(pub\s*(\([^)]*\)\s*)?)?use\b").expect("a fixed expression"));

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path from the root of the repository, with `/`.
    pub(super) path: String,
    pub(crate) text: String,
    /// Comments blanked, literals kept.
    pub(super) uncommented: String,
    /// Comments and the insides of literals blanked.
    pub(super) code: String,
    /// What is compiled for tests only.
    tests: Vec<Range<usize>>,
    starts: Vec<usize>,
}

impl Source {
    pub(super) fn new(path: String, text: String) -> Self {
        let (uncommented, code) = blank(&text);
        let tests = test_items(&code);
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            path,
            text,
            uncommented,
            code,
            tests,
            starts,
        }
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test_file(&self) -> bool {
        let mut parts = self
            .path
            .split('/')
            .skip_while(|part| *part != "src" && *part != "tests" && *part != "benches");
        match parts.next() {
            Some("src") => parts.any(|part| part == "tests" || part == "tests.rs"),
            Some(_) => true,
            None => false,
        }
    }

    /// Whether an offset is compiled for tests only.
    pub(super) fn is_test(&self, at: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|range| range.contains(&at))
    }

    /// Line of an offset, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Lines outside of test items.
    pub(crate) fn production_lines(&self) -> usize {
        let test_lines: usize = self
            .tests
            .iter()
            .map(|range| self.line(range.end - 1) - self.line(range.start) + 1)
            .sum();
        self.text.lines().count().saturating_sub(test_lines)
    }
}

/// The end of the block that opens at `open`, past its closing brace.
pub(super) fn block_end(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Where an item's signature ends: the offset of its `{` or `;` outside of brackets.
pub(super) fn signature_end(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' | b';' if depth <= 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for attribute in TEST_ATTRIBUTE.find_iter(code) {
        if found.last().is_some_and(|last| last.contains(&attribute.start())) {
            continue;
        }
        let item = after_attributes(code, attribute.end());
        let end = if USE_ITEM.is_match(&code[item..]) {
            code[item..].find(';').map_or(code.len(), |at| item + at + 1)
        } else {
            match signature_end(code, item) {
                Some(open) if code.as_bytes()[open] == b'{' => block_end(code, open),
                Some(semicolon) => semicolon + 1,
                None => code.len(),
            }
        };
        found.push(attribute.start()..end);
    }
    found
}

fn after_attributes(code: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if !code[at..].starts_with('#') {
            return at;
        }
        let Some(close) = closing_bracket(code, at) else {
            return at;
        };
        at = close + 1;
    }
}

fn closing_bracket(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 1 => return Some(at),
            b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The text without comments, and without the insides of literals too.
fn blank(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut uncommented = bytes.to_vec();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let comment = if bytes[at..].starts_with(b"//") {
            Some(find(bytes, at, b"\n").unwrap_or(bytes.len()))
        } else if bytes[at..].starts_with(b"/*") {
            Some(comment_end(bytes, at))
        } else {
            None
        };
        if let Some(end) = comment {
            wipe(&mut uncommented[at..end]);
            wipe(&mut code[at..end]);
            at = end;
        } else if let Some(literal) = literal(text, at) {
            at = literal.end;
            wipe(&mut code[literal]);
        } else {
            at += 1;
        }
    }
    (into_text(uncommented), into_text(code))
}

/// Only whole characters are wiped, and by ASCII.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("whole characters were replaced")
}

fn wipe(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    bytes[from..]
        .windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| from + at)
}

fn comment_end(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The extent of a string or character literal that begins here.
fn literal(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'"' => Some(at..string_end(bytes, at + 1)),
        b'\'' => char_end(text, at).map(|end| at..end),
        b'r' if at == 0 || !is_word(bytes[at - 1]) || matches!(bytes[at - 1], b'b' | b'c') => {
            raw_end(bytes, at).map(|end| at..end)
        }
        _ => None,
    }
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A lifetime has no closing quote after one character.
fn char_end(text: &str, at: usize) -> Option<usize> {
    let inside = &text[at + 1..];
    let first = inside.chars().next()?;
    if first == '\\' {
        let escaped = 1 + inside[1..].chars().next()?.len_utf8();
        return inside[escaped..].find('\'').map(|close| at + 1 + escaped + close + 1);
    }
    let close = first.len_utf8();
    inside[close..].starts_with('\'').then_some(at + 1 + close + 1)
}

fn raw_end(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    Some(find(bytes, open + 1, &close).map_or(bytes.len(), |found| found + close.len()))
}

pub(super) fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("crates/x/src/a.rs".to_owned(), text.to_owned())
    }

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let text = "let a = \"{ // no\"; // \"}\n/* { /* } */ */ let b = '{'; let c: &'static str = r#\"}\"}\"#;";
        let source = source(text);
        assert_eq!(source.code.len(), text.len());
        assert!(!source.code.contains(['{', '}']), "{}", source.code);
        assert!(source.code.contains("&'static str"));
        assert!(source.uncommented.contains("\"{ // no\""));
        assert!(!source.uncommented.contains("\"}\n"));
    }

    #[test]
    fn escapes_and_raw_names_do_not_confuse() {
        let source =
            source(r#"let q = '\''; let s = "\"{"; let r#type = b"{"; let u = '\u{7b}'; let e = 'é'; fn f() {}"#);
        assert_eq!(source.code.matches('{').count(), 1, "{}", source.code);
        assert!(source.code.contains("r#type"));
    }

    #[test]
    fn test_items_are_found_wherever_they_stand() {
        let text = "fn a() {}\n#[cfg(test)]\nuse x::{y};\nfn b() {}\n#[cfg(test)]\n#[path = \"t.rs\"]\nmod tests {\n fn c() {}\n}\nfn d() {}\n";
        let source = source(text);
        for (name, is_test) in [
            ("fn a", false),
            ("use x", true),
            ("fn b", false),
            ("fn c", true),
            ("fn d", false),
        ] {
            assert_eq!(source.is_test(text.find(name).expect("it is there")), is_test, "{name}");
        }
        assert_eq!(source.production_lines(), 3);
    }

    #[test]
    fn test_files_are_known_by_their_place() {
        let is_test = |path: &str| Source::new(path.to_owned(), String::new()).is_test_file();
        assert!(is_test("crates/x/tests/it.rs"));
        assert!(is_test("crates/x/src/a/tests.rs"));
        assert!(is_test("crates/x/src/a/tests/b.rs"));
        assert!(!is_test("crates/x/src/testing.rs"));
        assert!(!is_test("crates/x/build.rs"));
    }

    #[test]
    fn lines_count_from_one() {
        let source = source("a\nb\n");
        assert_eq!((source.line(0), source.line(1), source.line(2)), (1, 1, 2));
    }
}
