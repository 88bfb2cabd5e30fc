//! The modules of one crate, and which module each import leads to.

use super::imports::{self, Import};
use super::source::Source;
use std::collections::{BTreeMap, BTreeSet};

/// Names followed from one door to the next; more is a circle of re-exports.
const MAX_DOORS: usize = 16;

/// Place of a module below the crate root; empty for the root itself.
pub(super) type Place = Vec<String>;

/// One module.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) file: String,
    pub(super) imports: Vec<Import>,
}

/// The modules of a crate by place. The library's root and the program's are one: both are wiring.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) modules: BTreeMap<Place, Module>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) module: Place,
    /// What is asked of the crate root, when the path as written goes there.
    pub(super) of_root: Option<String>,
}

/// The tree of a crate's production modules.
pub(super) fn tree(name: &str, sources: &[Source]) -> Tree {
    let mut tree = Tree::default();
    let prefix = format!("crates/{name}/src/");
    for source in sources.iter().filter(|source| !source.is_test_file()) {
        let Some(inside) = source.path.strip_prefix(&prefix) else {
            continue;
        };
        let mut place: Place = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if place == ["lib"] || place == ["main"] {
            place.clear();
        }
        let module = tree.modules.entry(place).or_insert_with(|| Module {
            file: source.path.clone(),
            imports: Vec::new(),
        });
        module.imports.extend(imports::read(source));
    }
    tree
}

impl Tree {
    /// Where an import of the module at `here` leads, when it stays in the crate.
    pub(super) fn target(&self, here: &Place, import: &Import) -> Option<Target> {
        let path = self.absolute(here, &import.path, import.is_use)?;
        let of_root = path
            .first()
            .filter(|first| !self.modules.contains_key(&vec![(*first).clone()]))
            .cloned();
        Some(Target {
            module: self.follow(path),
            of_root,
        })
    }

    /// A path from the crate root; none when it leads out of the crate.
    fn absolute(&self, here: &Place, path: &[String], is_use: bool) -> Option<Place> {
        let (first, rest) = path.split_first()?;
        let mut place = match first.as_str() {
            "crate" => Vec::new(),
            "self" => here.clone(),
            "super" => {
                let mut parent = here.clone();
                parent.pop()?;
                let mut rest = rest;
                while let Some(("super", further)) =
                    rest.split_first().map(|(first, further)| (first.as_str(), further))
                {
                    parent.pop()?;
                    rest = further;
                }
                parent.extend(rest.iter().cloned());
                return Some(parent);
            }
            name => {
                let child = [here.as_slice(), std::slice::from_ref(first)].concat();
                if self.modules.contains_key(&child) {
                    child
                } else {
                    // A path in the code may begin with a name that a `use` of this file brought in; an edge from that
                    // `use` exists already.
                    debug_assert!(is_use || name != "crate");
                    return None;
                }
            }
        };
        place.extend(rest.iter().cloned());
        Some(place)
    }

    /// The module that a path ends in, through the doors on its way.
    fn follow(&self, path: Place) -> Place {
        let mut path = path;
        for _ in 0..MAX_DOORS {
            let module = self.longest_module(&path);
            let Some(name) = path.get(module.len()) else {
                return module;
            };
            let door = self.modules.get(&module).and_then(|found| {
                let named = found
                    .imports
                    .iter()
                    .filter(|import| import.is_use && &import.name == name);
                named
                    .filter_map(|import| self.absolute(&module, &import.path, true))
                    .next()
            });
            let Some(mut further) = door.filter(|further| further != &path) else {
                return module;
            };
            further.extend(path[module.len() + 1..].iter().cloned());
            path = further;
        }
        self.longest_module(&path)
    }

    fn longest_module(&self, path: &[String]) -> Place {
        (0..=path.len())
            .rev()
            .map(|length| path[..length].to_vec())
            .find(|place| self.modules.contains_key(place))
            .unwrap_or_default()
    }

    /// The folders of the tree: every module that others stand below.
    pub(super) fn folders(&self) -> BTreeSet<Place> {
        let parents = |place: &Place| {
            (0..place.len())
                .map(|length| place[..length].to_vec())
                .collect::<Vec<_>>()
        };
        self.modules.keys().flat_map(parents).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str) -> Place {
        text.split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn lead(here: &str, files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::of(&format!("crates/x/src/{path}"), text))
            .collect();
        let tree = tree("x", &sources);
        let here = module(here);
        let imports = tree.modules[&here].imports.clone();
        imports
            .iter()
            .filter_map(|import| tree.target(&here, import))
            .map(|target| target.module.join("::"))
            .collect()
    }

    #[test]
    fn paths_lead_to_modules() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "mod c; use c::X; use crate::b::{Y, d::Z}; use std::fs; use self::c::W;",
            ),
            (
                "a/c.rs",
                "use super::V; use super::super::b; fn f() { super::super::b::d::g() }",
            ),
            ("b.rs", "mod d;"),
            ("b/d.rs", ""),
        ];
        assert_eq!(lead("a", &files), ["a::c", "b", "b::d", "a::c"]);
        assert_eq!(lead("a::c", &files), ["a", "b", "b::d"]);
    }

    #[test]
    fn doors_are_gone_through() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use b::Thing;"),
            ("a.rs", "use crate::Thing; use crate::b::Inner;"),
            (
                "b.rs",
                "mod c; pub use c::Inner as Renamed; pub use c::Inner; pub struct Thing;",
            ),
            ("b/c.rs", "pub struct Inner;"),
        ];
        assert_eq!(lead("a", &files), ["b", "b::c"]);
    }

    #[test]
    fn a_circle_of_doors_ends() {
        let files = [
            ("lib.rs", "pub use a::T; mod a; mod b;"),
            ("a.rs", "pub use crate::b::T;"),
            ("b.rs", "pub use crate::a::T; use crate::T as U;"),
        ];
        assert!(!lead("b", &files).is_empty());
    }
}
