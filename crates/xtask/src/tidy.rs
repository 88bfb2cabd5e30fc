//! The rules of structure and style that a compiler does not keep: read from the sources, told with file and line.

mod crates;
mod facts;
mod graph;
mod imports;
mod markers;
mod modules;
mod names;
mod sizes;
pub(crate) mod source;
mod threats;
mod tracked;

use crate::{Outcome, console, repository};
use source::Source;
use std::fmt;
use std::path::Path;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    file: String,
    line: usize,
    what: String,
}

impl Violation {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Prints every broken rule.
///
/// # Errors
/// Some are broken; how many.
pub(crate) fn run(root: &Path) -> Outcome {
    let violations = check(root)?;
    for violation in &violations {
        console::line(&format!("    {violation}"));
    }
    match violations.len() {
        0 => Ok(()),
        1 => Err("1 rule is broken".to_owned()),
        count => Err(format!("{count} rules are broken")),
    }
}

/// Every broken rule of the working copy, in order of file and line.
fn check(root: &Path) -> Outcome<Vec<Violation>> {
    let mut violations = Vec::new();
    let crates = crates::read(root)?;
    violations.extend(crates::check(&crates));
    let ids = facts::model_ids(root);
    for member in &crates {
        let sources = read_sources(root, &format!("crates/{}", member.name))?;
        for source in &sources {
            violations.extend(sizes::check(source));
            violations.extend(names::check(source));
            violations.extend(markers::check(source));
        }
        if facts::KEPT_FREE.contains(&member.name.as_str()) {
            violations.extend(sources.iter().flat_map(|source| facts::check(source, &ids)));
        }
        if member.name == crates::PURE {
            violations.extend(sources.iter().flat_map(crates::check_purity));
        }
        violations.extend(graph::check(&member.name, &modules::tree(&member.name, &sources)));
    }
    violations.extend(markers::check_scripts(root));
    violations.extend(tracked::check(root)?);
    violations.extend(threats::check(root)?);
    violations.sort();
    violations.dedup();
    Ok(violations)
}

pub(crate) fn read_sources(root: &Path, folder: &str) -> Outcome<Vec<Source>> {
    let mut sources = Vec::new();
    for file in repository::files(&root.join(folder), &["rs"]) {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).map_err(|error| format!("cannot read {name}: {error}"))?;
        sources.push(Source::new(name, text)?);
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_copy_keeps_every_rule() {
        let violations = check(&repository::root()).expect("the sources can be read");
        let told: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "\n{}\n", told.join("\n"));
    }
}
