//! Places in a file: from a byte to its line and dotted key, and from a key to its line.

use toml::de::{DeTable, DeValue};

/// One step of a key.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::catalog) enum Step {
    /// A key of a table.
    Key(String),
    /// A position in a list, from 0.
    Index(usize),
}

/// A step by name.
pub(in crate::catalog) fn key(name: impl Into<String>) -> Step {
    Step::Key(name.into())
}

/// The steps as they are told: `offers.[0].pricing`.
pub(in crate::catalog) fn dotted(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => format!("[{index}]"),
    };
    path.iter().map(step).collect::<Vec<_>>().join(".")
}

/// The line, from 1, of a byte of `text`.
pub(in crate::catalog) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

/// As much of `text` as can be read.
pub(in crate::catalog) fn readable(text: &str) -> DeValue<'_> {
    DeValue::Table(DeTable::parse_recoverable(text).0.into_inner())
}

/// The deepest key whose name or value holds the byte, its end included: a value that breaks off ends at its mistake.
/// A table's own span is only its head, so every branch is searched.
pub(in crate::catalog) fn path_at(value: &DeValue<'_>, offset: usize) -> Option<Vec<Step>> {
    let holds = |span: std::ops::Range<usize>| span.start <= offset && offset <= span.end;
    let below = |step: Step, spanned: bool, child: &DeValue<'_>| match path_at(child, offset) {
        Some(rest) => Some([vec![step], rest].concat()),
        None => spanned.then(|| vec![step]),
    };
    match value {
        DeValue::Table(table) => table.iter().find_map(|(name, child)| {
            let spanned = holds(name.span()) || holds(child.span());
            below(key(name.get_ref().as_ref()), spanned, child.get_ref())
        }),
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, child)| below(Step::Index(index), holds(child.span()), child.get_ref())),
        _ => None,
    }
}

/// The deepest part of `path` that stands in `root`: where it begins, how many steps it is, and its value.
pub(in crate::catalog) fn deepest<'r, 'v>(root: &'r DeValue<'v>, path: &[Step]) -> (usize, usize, &'r DeValue<'v>) {
    let (mut offset, mut value) = (0, root);
    for (depth, step) in path.iter().enumerate() {
        let next = match (value, step) {
            (DeValue::Table(table), Step::Key(key)) => table.get(key.as_str()),
            (DeValue::Array(items), Step::Index(index)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else {
            return (offset, depth, value);
        };
        offset = next.span().start;
        value = next.get_ref();
    }
    (offset, path.len(), value)
}

/// The line of the deepest part of `path` that stands in `text`.
pub(in crate::catalog) fn locate(text: &str, path: &[Step]) -> usize {
    line_of(text, deepest(&readable(text), path).0)
}

/// Whether the whole of `path` stands in `text`.
pub(in crate::catalog) fn stands(text: &str, path: &[Step]) -> bool {
    deepest(&readable(text), path).1 == path.len()
}
