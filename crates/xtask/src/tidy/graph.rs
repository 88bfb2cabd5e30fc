//! No import circle between neighbors, at any level of the tree: neither between files nor between folders.
//!
//! A folder and the file beside it that bears its name are one thing: that file holds what its children share.

use super::Violation;
use super::modules::{Place, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// The crate whose root is wiring: nothing below imports it.
const WIRED: &str = "gateway";
/// What stands above the wiring: the command line starts it.
const ABOVE: &str = "cli";
/// Modules that never import each other.
const STRANGERS: [(&str, &str); 2] = [("api", "web"), ("web", "api")];

/// An import from one module to another.
#[derive(Clone, Debug)]
struct Edge {
    from: Place,
    to: Place,
    file: String,
    line: usize,
}

pub(super) fn check(name: &str, tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut edges = Vec::new();
    for (place, module) in &tree.modules {
        for import in module.imports.iter().filter(|import| !import.is_door) {
            let Some(target) = tree.target(place, import) else {
                continue;
            };
            let is_below = place.first().is_some_and(|first| first != ABOVE);
            if name == WIRED && is_below && target.of_root.is_some() {
                let what = format!(
                    "`{}` comes from the crate root, which is wiring: name its module",
                    import.path.join("::")
                );
                found.push(Violation::new(&module.file, import.line, what));
            }
            if &target.module != place {
                edges.push(Edge {
                    from: place.clone(),
                    to: target.module,
                    file: module.file.clone(),
                    line: import.line,
                });
            }
        }
    }
    for edge in &edges {
        let ends = (edge.from.first(), edge.to.first());
        if let (Some(from), Some(to)) = ends
            && STRANGERS.contains(&(from.as_str(), to.as_str()))
        {
            found.push(Violation::new(
                &edge.file,
                edge.line,
                format!("`{from}` and `{to}` never import each other"),
            ));
        }
    }
    for folder in tree.folders() {
        found.extend(circles(&folder, &edges));
    }
    found
}

/// The circles among what stands directly in a folder.
fn circles(folder: &[String], edges: &[Edge]) -> Vec<Violation> {
    let mut graph: BTreeMap<&str, BTreeMap<&str, &Edge>> = BTreeMap::new();
    for edge in edges {
        let (Some(from), Some(to)) = (inside(folder, &edge.from), inside(folder, &edge.to)) else {
            continue;
        };
        if from != to {
            graph.entry(from).or_default().entry(to).or_insert(edge);
        }
    }
    let mut found = Vec::new();
    let mut told: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    for start in graph.keys() {
        let Some(circle) = shortest_circle(&graph, start) else {
            continue;
        };
        if !told.insert(circle.iter().copied().collect()) {
            continue;
        }
        let mut steps = Vec::new();
        for (index, from) in circle.iter().enumerate() {
            let to = circle[(index + 1) % circle.len()];
            let edge = graph[from][to];
            steps.push(format!("{from} -> {to} ({}:{})", edge.file, edge.line));
        }
        let first = graph[circle[0]][circle[1]];
        let place = if folder.is_empty() {
            "the crate".to_owned()
        } else {
            format!("`{}`", folder.join("::"))
        };
        let what = format!("an import circle in {place}: {}", steps.join(", "));
        found.push(Violation::new(&first.file, first.line, what));
    }
    found
}

/// The name under which a module stands directly in a folder; none for the folder's own file.
fn inside<'a>(folder: &[String], place: &'a [String]) -> Option<&'a str> {
    place.strip_prefix(folder)?.first().map(String::as_str)
}

/// The shortest way from a module back to itself.
fn shortest_circle<'a>(graph: &BTreeMap<&'a str, BTreeMap<&'a str, &Edge>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = std::collections::VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(way.last()?).into_iter().flat_map(BTreeMap::keys) {
            if *next == start {
                return Some(way);
            }
            if seen.insert(*next) {
                ways.push_back([way.as_slice(), &[*next]].concat());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::modules;
    use super::super::source::Source;
    use super::*;

    fn told(name: &str, files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::of(&format!("crates/{name}/src/{path}"), text))
            .collect();
        check(name, &modules::tree(name, &sources))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_circle_is_told_once_with_its_steps() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::X;"),
            ("b.rs", "\nuse crate::c::Y;"),
            ("c.rs", "use crate::a;"),
        ];
        assert_eq!(
            told("x", &files),
            [
                "crates/x/src/a.rs:1: an import circle in the crate: a -> b (crates/x/src/a.rs:1), b -> c (crates/x/src/b.rs:2), c -> a (crates/x/src/c.rs:1)"
            ]
        );
    }

    #[test]
    fn folders_must_not_need_each_other_even_by_different_files() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod one; mod two;"),
            ("a/one.rs", "use crate::b::three::X;"),
            ("a/two.rs", ""),
            ("b.rs", "mod three; mod four;"),
            ("b/three.rs", ""),
            ("b/four.rs", "use crate::a::two::Y;"),
        ];
        assert_eq!(told("x", &files).len(), 1);
    }

    #[test]
    fn a_folder_and_its_own_file_are_one() {
        let files = [
            ("lib.rs", "mod a; pub use a::T;"),
            ("a.rs", "mod b; mod c; pub use b::T; use c::U; pub struct S;"),
            ("a/b.rs", "use super::{S, c::V};"),
            ("a/c.rs", "use super::S;"),
        ];
        assert!(told("x", &files).is_empty());
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; mod c; pub use b::T;"),
            ("a/b.rs", "use super::c::V;"),
            ("a/c.rs", "use super::T;"),
        ];
        assert_eq!(told("x", &files).len(), 1);
    }

    #[test]
    fn tests_may_look_anywhere() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::X;"),
            ("b.rs", "#[cfg(test)]\nmod tests { use crate::a; }"),
        ];
        assert!(told("x", &files).is_empty());
    }

    #[test]
    fn the_wiring_is_not_imported() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use b::T; pub struct State;"),
            ("a.rs", "use crate::State;\nuse crate::T;\nuse crate::b::T as U;"),
            ("b.rs", ""),
        ];
        let told_lines = told("gateway", &files);
        assert_eq!(told_lines.len(), 2, "{told_lines:?}");
        let files = [
            ("lib.rs", "mod cli; pub fn start() {}"),
            ("cli.rs", "use crate::start;"),
        ];
        assert!(told("gateway", &files).is_empty());
    }

    #[test]
    fn pages_and_api_are_strangers() {
        let files = [
            ("lib.rs", "mod api; mod web;"),
            ("api.rs", ""),
            ("web.rs", "use crate::api::X;"),
        ];
        assert_eq!(
            told("gateway", &files),
            ["crates/gateway/src/web.rs:1: `web` and `api` never import each other"]
        );
    }
}
