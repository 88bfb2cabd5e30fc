//! Texts: files of the catalogue, and sizes.

use std::sync::LazyLock;

use planner::catalog::load::load;
use planner::size::{parse_aspect_ratio, parse_resolution, parse_size, pattern};
use regex::Regex;

/// Files around the one that is tried.
const AROUND: [(&str, &str); 2] = [
    ("parameters.toml", include_str!("../../../catalog/parameters.toml")),
    (
        "providers/openai.toml",
        include_str!("../../../catalog/providers/openai.toml"),
    ),
];

/// A catalogue with any file in it is read, or its mistakes are told.
pub(crate) fn catalog(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let tried = ("models/tried.toml", text);
    match load(&[AROUND[0], AROUND[1], tried]) {
        Ok(catalog) => assert!(catalog.models().count() <= 1),
        Err(mistakes) => assert!(!mistakes.is_empty(), "refused without a word"),
    }
}

/// What the published patterns match is what the parsers read, and what is written is read again.
pub(crate) fn size(data: &[u8]) {
    static PATTERNS: LazyLock<[Option<Regex>; 3]> = LazyLock::new(|| {
        [pattern::size(), pattern::aspect_ratio(), pattern::resolution()].map(|pattern| Regex::new(&pattern).ok())
    });
    let Ok(text) = std::str::from_utf8(data) else { return };
    let matches = |at: usize| PATTERNS[at].as_ref().is_some_and(|pattern| pattern.is_match(text));
    let size = parse_size(text);
    assert_eq!(size.is_ok(), matches(0), "size {text:?}");
    assert_eq!(parse_aspect_ratio(text).is_ok(), matches(1), "ratio {text:?}");
    assert_eq!(parse_resolution(text).is_ok(), matches(2), "tier {text:?}");
    if let Ok(size) = size {
        assert_eq!(parse_size(&size.to_string()), Ok(size), "{text:?} as it is written");
    }
}
