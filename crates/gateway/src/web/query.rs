//! Queries of pages. What they do not know is left out: an old link must still show something.

use url::form_urlencoded;

/// Most pairs of a query that are read.
const PAIRS_MAX: usize = 200;

/// The pairs of a query, in its order.
pub(super) fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .take(PAIRS_MAX)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// The first value of that name that is not blank.
pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut own = pairs
        .iter()
        .filter(|(own, _)| own == name)
        .map(|(_, value)| value.trim());
    own.find(|value| !value.is_empty())
}
