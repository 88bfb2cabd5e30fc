//! What a module names of other modules: `use` trees and paths in its code, as written.

use super::source::{Kind, Source};
use proc_macro2::Ident;
use std::ops::Range;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{UseTree, Visibility};

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

/// All imports and paths of a file, without its tests.
pub(super) fn read(source: &Source) -> Vec<Import> {
    let mut uses = Uses::default();
    uses.visit_file(&source.tree);
    let Uses { mut found, ranges } = uses;
    // The paths in the code by tokens: the tree does not look into macros.
    let paths = source.tokens.chunk_by(|one, next| {
        matches!(
            (one.kind, next.kind),
            (Kind::Word, Kind::Colons) | (Kind::Colons, Kind::Word)
        )
    });
    for tokens in paths.filter(|tokens| tokens[0].kind == Kind::Word) {
        let words = tokens.iter().filter(|token| token.kind == Kind::Word);
        let path: Vec<String> = words.map(|word| word.text.clone()).collect();
        let at = tokens[0].at;
        if path.len() > 1 && !ranges.iter().any(|range| range.contains(&at)) {
            found.push((
                at,
                Import {
                    name: path.last().cloned().unwrap_or_default(),
                    path,
                    line: source.line(at),
                    is_door: false,
                    is_use: false,
                },
            ));
        }
    }
    found.retain(|(at, _)| !source.is_test(*at));
    found.into_iter().map(|(_, import)| import).collect()
}

/// The `use` items of a file, and where they stand.
#[derive(Default)]
struct Uses {
    found: Vec<(usize, Import)>,
    ranges: Vec<Range<usize>>,
}

impl Visit<'_> for Uses {
    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.ranges.push(item.span().byte_range());
        let is_door = !matches!(item.vis, Visibility::Inherited);
        self.expand(&item.tree, &[], is_door);
    }
}

impl Uses {
    /// The single paths of a tree, with the name that each one gets.
    fn expand(&mut self, tree: &UseTree, prefix: &[String], is_door: bool) {
        let word = |ident: &Ident| ident.unraw().to_string();
        let (last, name) = match tree {
            UseTree::Path(path) => {
                return self.expand(&path.tree, &[prefix, &[word(&path.ident)]].concat(), is_door);
            }
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.expand(tree, prefix, is_door)),
            UseTree::Name(name) => (word(&name.ident), None),
            UseTree::Rename(renamed) => (word(&renamed.ident), Some(word(&renamed.rename))),
            UseTree::Glob(_) => ("*".to_owned(), None),
        };
        let path = match prefix.last() {
            Some(_) if last == "self" => prefix.to_vec(),
            _ => [prefix, &[last]].concat(),
        };
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        let span = tree.span();
        self.found.push((
            span.byte_range().start,
            Import {
                path,
                name,
                line: span.start().line,
                is_door,
                is_use: true,
            },
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let source = Source::of("crates/x/src/a.rs", text);
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
        let source = Source::of("crates/x/src/a.rs", "pub(crate) use b::C;\nuse d::E;\n");
        let doors: Vec<_> = read(&source).iter().map(|import| import.is_door).collect();
        assert_eq!(doors, [true, false]);
    }
}
