//! Facts about models stand in the catalogue only: their names must not appear in the code that decides and acts.

use super::Violation;
use super::source::{Kind, Source};
use crate::repository;
use std::collections::BTreeSet;
use std::path::Path;

/// The crates that must not know any model by name.
pub(super) const KEPT_FREE: [&str; 3] = ["planner", "providers", "gateway"];

/// Shorter names could be words of another meaning.
const MIN_NAME_BYTES: usize = 6;
/// A name without one of these could be a word, too.
const MARKS: [char; 3] = ['-', '.', '/'];

/// Every name that the catalogue's models go by: ids, aliases, and the providers' own names.
pub(super) fn model_ids(root: &Path) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for file in repository::files(&root.join("catalog/models"), &["toml"]) {
        let stem = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .trim_end_matches(".toml");
        ids.insert(stem.to_owned());
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // A file that cannot be read is the catalogue's own test's business.
        if let Ok(model) = text.parse::<toml::Table>() {
            collect(&toml::Value::Table(model), &mut ids);
        }
    }
    ids.retain(|id| id.len() >= MIN_NAME_BYTES && id.contains(MARKS));
    ids
}

fn collect(value: &toml::Value, ids: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                match (key.as_str(), value) {
                    ("id" | "model", toml::Value::String(id)) => {
                        ids.insert(id.clone());
                    }
                    ("aliases", toml::Value::Array(aliases)) => {
                        ids.extend(aliases.iter().filter_map(toml::Value::as_str).map(str::to_owned));
                    }
                    _ => collect(value, ids),
                }
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| collect(item, ids)),
        _ => {}
    }
}

pub(super) fn check(source: &Source, ids: &BTreeSet<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for literal in source.tokens.iter().filter(|token| token.kind == Kind::Literal) {
        let text = literal.text.as_str();
        if !text.contains(MARKS) {
            continue;
        }
        for (id, (start, _)) in ids
            .iter()
            .flat_map(|id| text.match_indices(id.as_str()).map(move |place| (id, place)))
        {
            let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
            let bytes = text.as_bytes();
            let inside = start.checked_sub(1).map(|before| &bytes[before]).is_some_and(part)
                || bytes.get(start + id.len()).is_some_and(part);
            let at = literal.at + start;
            if !inside && !source.is_test(at) {
                let what = format!("the model `{id}` by name: facts about models stand in the catalogue");
                found.push(Violation::new(&source.path, source.line(at), what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_are_told_outside_of_tests_and_comments() {
        let ids = BTreeSet::from(["draw-1".to_owned(), "owner/draw-1".to_owned()]);
        let text = "//! Like draw-1.\nconst A: &str = \"draw-1\";\nconst B: &str = \"draw-1-mini\";\nconst C: &str = \"owner/draw-1\";\n#[cfg(test)]\nmod tests { const D: &str = \"draw-1\"; }\n";
        let source = Source::of("crates/planner/src/a.rs", text);
        let lines: Vec<_> = check(&source, &ids).iter().map(|violation| violation.line).collect();
        assert_eq!(lines, [2, 4]);
    }

    #[test]
    fn names_are_read_from_the_catalogue() {
        let folder = tempfile::tempdir().expect("a folder");
        let models = folder.path().join("catalog/models/maker");
        std::fs::create_dir_all(&models).expect("made");
        let text = "id = \"draw-1\"\naliases = [\"draw-one\", \"draw\"]\n[[offers]]\nprovider = \"p\"\nmodes.edit.model = \"owner/draw-1/edit\"\n";
        std::fs::write(models.join("draw-1.toml"), text).expect("written");
        let ids: Vec<_> = model_ids(folder.path()).into_iter().collect();
        assert_eq!(ids, ["draw-1", "draw-one", "owner/draw-1/edit"]);
    }
}
