//! How long a file and a function may be.

use super::Violation;
use super::source::Source;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Block, Signature};

/// Lines of a file without its tests. Past that there is a second thing in it.
const MAX_FILE_LINES: usize = 450;
/// Lines of a function, signature included. Past that nobody sees it whole.
const MAX_FUNCTION_LINES: usize = 80;

pub(super) fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let lines = source.production_lines();
    if !source.is_test_file() && lines > MAX_FILE_LINES {
        let what = format!("{lines} lines without tests, {MAX_FILE_LINES} are the limit");
        found.push(Violation::new(&source.path, 1, what));
    }
    let mut functions = Functions { source, found };
    functions.visit_file(&source.tree);
    functions.found
}

/// The functions that are too long.
struct Functions<'a> {
    source: &'a Source,
    found: Vec<Violation>,
}

impl Functions<'_> {
    fn check(&mut self, signature: &Signature, body: &Block) {
        let (start, end) = (signature.fn_token.span, body.brace_token.span.close());
        let lines = end.end().line - start.start().line + 1;
        if lines > MAX_FUNCTION_LINES && !self.source.is_test(start.byte_range().start) {
            let name = signature.ident.unraw();
            let what = format!("function `{name}` has {lines} lines, {MAX_FUNCTION_LINES} are the limit");
            self.found
                .push(Violation::new(&self.source.path, start.start().line, what));
        }
    }
}

impl<'tree> Visit<'tree> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'tree syn::ItemFn) {
        self.check(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'tree syn::ImplItemFn) {
        self.check(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'tree syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.check(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        let source = Source::of(path, text);
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
