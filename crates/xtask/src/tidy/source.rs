//! A Rust file as the compiler's grammar has it: its tree, its tokens without comments, and what of it is for tests.

use crate::Outcome;
use proc_macro2::{Span, TokenStream, TokenTree};
use std::ops::Range;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// One Rust file.
pub(crate) struct Source {
    /// Path from the root of the repository, with `/`.
    pub(super) path: String,
    pub(crate) text: String,
    pub(super) tree: syn::File,
    pub(super) tokens: Vec<Token>,
    /// What is compiled for tests only.
    tests: Vec<Range<usize>>,
    starts: Vec<usize>,
}

/// One word, sign or literal of the code; those of macros too, which the tree does not look into.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) text: String,
    /// Offset in the file, in bytes.
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// `::`
    Colons,
    Sign,
    Literal,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// It is no Rust; with the line.
    pub(super) fn new(path: String, text: String) -> Outcome<Self> {
        let fault = |line: usize, what: &str| format!("{path}:{line}: this is no Rust: {what}");
        let stream: TokenStream = text
            .parse()
            .map_err(|error: proc_macro2::LexError| fault(error.span().start().line, &error.to_string()))?;
        let mut tokens = Vec::new();
        flatten(&text, stream.clone(), &mut tokens);
        let tree: syn::File = syn::parse2(stream).map_err(|error| {
            // What is missing at the end of a file has no place of its own.
            let is_end = error.span().byte_range().is_empty();
            let line = if is_end {
                text.lines().count()
            } else {
                error.span().start().line
            };
            fault(line, &error.to_string())
        })?;
        let tests = TestParts::of(&tree);
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Ok(Self {
            path,
            text,
            tree,
            tokens,
            tests,
            starts,
        })
    }

    #[cfg(test)]
    pub(super) fn of(path: &str, text: &str) -> Self {
        Self::new(path.to_owned(), text.to_owned()).expect("it is Rust")
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

    /// Where these tokens stand one after the other: the index of the first.
    pub(super) fn places(&self, wanted: &[&str]) -> Vec<usize> {
        let text = |index: usize| self.tokens.get(index).map(|token| token.text.as_str());
        (0..self.tokens.len())
            .filter(|first| self.tokens[*first].text == wanted[0])
            .filter(|first| (0..wanted.len()).all(|step| text(first + step) == Some(wanted[step])))
            .collect()
    }
}

/// All tokens in their order, groups opened. A doc comment is an attribute to the grammar, and a comment here.
fn flatten(text: &str, stream: TokenStream, found: &mut Vec<Token>) {
    let token = |span: Span, kind: Kind| {
        let range = span.byte_range();
        Token {
            at: range.start,
            text: text[range].to_owned(),
            kind,
        }
    };
    let mut trees = stream.into_iter();
    while let Some(tree) = trees.next() {
        let rest = &text[tree.span().byte_range().start..];
        match tree {
            _ if rest.starts_with("//") || rest.starts_with("/*") => {}
            TokenTree::Punct(first) if rest.starts_with("::") => {
                trees.next();
                found.push(Token {
                    text: "::".to_owned(),
                    ..token(first.span(), Kind::Colons)
                });
            }
            TokenTree::Punct(sign) => found.push(token(sign.span(), Kind::Sign)),
            TokenTree::Literal(literal) => found.push(token(literal.span(), Kind::Literal)),
            TokenTree::Ident(word) => found.push(Token {
                text: word.unraw().to_string(),
                ..token(word.span(), Kind::Word)
            }),
            TokenTree::Group(group) => {
                found.push(token(group.span_open(), Kind::Sign));
                flatten(text, group.stream(), found);
                found.push(token(group.span_close(), Kind::Sign));
            }
        }
    }
}

/// Finds what `#[cfg(test)]` stands before.
struct TestParts<'tree> {
    /// The part whose attributes are read: they come before all else in it.
    part: &'tree dyn Spanned,
    found: Vec<Range<usize>>,
}

impl<'tree> TestParts<'tree> {
    fn of(tree: &'tree syn::File) -> Vec<Range<usize>> {
        let mut parts = Self {
            part: tree,
            found: Vec::new(),
        };
        parts.visit_file(tree);
        parts.found
    }
}

/// Remembers each part of these kinds on the way down.
macro_rules! parts {
    ($($visit:ident: $kind:ident),*) => {
        $(fn $visit(&mut self, part: &'tree syn::$kind) {
            self.part = part;
            visit::$visit(self, part);
        })*
    };
}

impl<'tree> Visit<'tree> for TestParts<'tree> {
    parts!(
        visit_item: Item,
        visit_impl_item: ImplItem,
        visit_trait_item: TraitItem,
        visit_stmt: Stmt,
        visit_expr: Expr,
        visit_arm: Arm,
        visit_field: Field,
        visit_field_value: FieldValue,
        visit_variant: Variant
    );

    fn visit_attribute(&mut self, attribute: &'tree syn::Attribute) {
        let is_test = attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|condition| condition == "test");
        if is_test {
            let range = self.part.span().byte_range();
            if !self.found.last().is_some_and(|last| last.contains(&range.start)) {
                self.found.push(range);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of("crates/x/src/a.rs", text)
    }

    /// The tokens, side by side, with the literals and without.
    fn tokens(text: &str) -> (String, String) {
        let mut tokens = Vec::new();
        flatten(text, text.parse().expect("tokens"), &mut tokens);
        let side_by_side = |kept: &dyn Fn(&Token) -> bool| {
            let kept = tokens.iter().filter(|token| kept(token));
            kept.map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
        };
        (
            side_by_side(&|_| true),
            side_by_side(&|token| token.kind != Kind::Literal),
        )
    }

    #[test]
    fn comments_are_no_tokens_and_literals_are_known() {
        let text = "let a = \"{ // no\"; // \"}\n/* { /* } */ */ let b = '{'; let c: &'static str = r#\"}\"}\"#;";
        let (uncommented, code) = tokens(text);
        assert!(!code.contains(['{', '}']), "{code}");
        assert!(code.contains("& ' static str"), "{code}");
        assert!(uncommented.contains("\"{ // no\""));
        assert!(!uncommented.contains("\"}\n"));
        let (uncommented, _) = tokens("/// {\n//! {\n/** { */ fn f() {} /*! { */");
        assert_eq!(uncommented, "fn f ( ) { }");
    }

    #[test]
    fn escapes_and_raw_names_do_not_confuse() {
        let (_, code) =
            tokens(r#"let q = '\''; let s = "\"{"; let r#type = b"{"; let u = '\u{7b}'; let e = 'é'; fn f() {}"#);
        assert_eq!(code.matches('{').count(), 1, "{code}");
        assert!(code.contains("let type"), "{code}");
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
        let is_test = |path: &str| Source::of(path, "").is_test_file();
        assert!(is_test("crates/x/tests/it.rs"));
        assert!(is_test("crates/x/src/a/tests.rs"));
        assert!(is_test("crates/x/src/a/tests/b.rs"));
        assert!(!is_test("crates/x/src/testing.rs"));
        assert!(!is_test("crates/x/build.rs"));
    }

    #[test]
    fn lines_count_from_one() {
        let source = source("//\n//\n");
        assert_eq!((source.line(0), source.line(2), source.line(3)), (1, 1, 2));
    }

    #[test]
    fn what_is_no_rust_is_told_with_its_line() {
        let told = |text: &str| Source::new("crates/x/src/a.rs".to_owned(), text.to_owned()).err();
        for (text, line) in [
            ("fn a() {}\nfn b() {\n", 2),
            ("fn a() {}\nfn 1() {}\nfn c() {}\n", 2),
            ("fn a() {}\nlet b = \"c;\n", 2),
            ("fn a() {}\n\nfn b()\n", 3),
        ] {
            let why = told(text).expect("no Rust");
            assert!(
                why.starts_with(&format!("crates/x/src/a.rs:{line}: this is no Rust: ")),
                "{why}"
            );
        }
        assert_eq!(told("fn a() {}\n"), None);
    }

    #[test]
    fn parts_of_items_can_be_for_tests_too() {
        let text = "struct S {\n    a: u8,\n    #[cfg(test)]\n    b: u8,\n}\nimpl S {\n    #[cfg(test)]\n    fn c() {}\n    fn d() {\n        #[cfg(test)]\n        e();\n        f();\n    }\n}\n";
        let source = source(text);
        for (part, is_test) in [
            ("a: u8", false),
            ("b: u8", true),
            ("fn c", true),
            ("fn d", false),
            ("e()", true),
            ("f()", false),
        ] {
            assert_eq!(source.is_test(text.find(part).expect("it is there")), is_test, "{part}");
        }
    }
}
