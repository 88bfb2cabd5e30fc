//! Pages of a list: which part of it is wanted, and links to the parts beside that.

use serde_json::{Value, json};

use super::query::Parameters;

/// Elements of a page when the caller names no number.
const LIMIT_DEFAULT: i64 = 20;
/// Most elements of a page.
const LIMIT_MAX: i64 = 100;
const AFTER: &str = "starting_after";
const BEFORE: &str = "ending_before";

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paging {
    limit: Option<i64>,
    /// The id before the page's first element.
    pub(super) starting_after: Option<String>,
    /// The id after the page's last element.
    pub(super) ending_before: Option<String>,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page<T> {
    rows: Vec<T>,
    next_url: Option<String>,
    previous_url: Option<String>,
}

impl Paging {
    /// Reads the parameters of a query that are about pages.
    pub(super) fn read(query: &mut Parameters) -> Self {
        Self::read_up_to(query, LIMIT_MAX)
    }

    /// The same for a list that is handed out piece by piece, so that its length does not matter.
    pub(super) fn read_unbounded(query: &mut Parameters) -> Self {
        Self::read_up_to(query, i64::MAX)
    }

    fn read_up_to(query: &mut Parameters, most: i64) -> Self {
        let paging = Self {
            limit: query.number("limit", 1, most),
            starting_after: query.text(AFTER),
            ending_before: query.text(BEFORE),
        };
        if paging.starting_after.is_some() && paging.ending_before.is_some() {
            query.fault(BEFORE, format!("'{AFTER}' and '{BEFORE}' exclude each other"));
        }
        paging
    }

    /// The number that the caller named.
    pub(super) const fn limit_given(&self) -> Option<i64> {
        self.limit
    }

    /// Elements of a page.
    fn limit(&self) -> i64 {
        self.limit.unwrap_or(LIMIT_DEFAULT)
    }

    /// How many elements to look for: the one more tells whether there is another page.
    pub(super) fn wanted(&self) -> i64 {
        self.limit() + 1
    }

    /// The page made of up to [`Self::wanted`] elements in the order of the list, of which `id` is the cursor. `path` and
    /// `query` are those of the request: links keep all of its parameters.
    pub(super) fn page<T>(
        &self,
        path: &str,
        query: Option<&str>,
        mut rows: Vec<T>,
        id: impl Fn(&T) -> &str,
    ) -> Page<T> {
        let more = i64::try_from(rows.len()).is_ok_and(|count| count > self.limit());
        let backwards = self.ending_before.is_some();
        match (more, backwards) {
            (true, true) => drop(rows.remove(0)),
            (true, false) => drop(rows.pop()),
            (false, _) => {}
        }
        // Where the caller came from there is always something.
        let has_next = more || backwards;
        let has_previous = if backwards { more } else { self.starting_after.is_some() };
        let url = |cursor: &str, row: Option<&T>| row.map(|row| beside(path, query, cursor, id(row)));
        Page {
            next_url: url(AFTER, rows.last().filter(|_| has_next)),
            previous_url: url(BEFORE, rows.first().filter(|_| has_previous)),
            rows,
        }
    }
}

impl<T> Page<T> {
    /// The answer to a request for the page.
    pub(super) fn json(&self, element: impl Fn(&T) -> Value) -> Value {
        json!({
            "object": "list",
            "data": self.rows.iter().map(element).collect::<Vec<_>>(),
            "next_page_url": self.next_url,
            "previous_page_url": self.previous_url,
        })
    }
}

fn beside(path: &str, query: Option<&str>, cursor: &str, id: &str) -> String {
    let given = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut next = url::form_urlencoded::Serializer::new(String::new());
    next.extend_pairs(given.filter(|(name, _)| name != AFTER && name != BEFORE));
    next.append_pair(cursor, id);
    format!("{path}?{}", next.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(query: &str, ids: &[&str]) -> (Vec<String>, Value, Value) {
        let paging = Paging::read(&mut Parameters::of(Some(query)));
        let rows = ids.iter().map(|id| (*id).to_owned()).collect();
        let page = paging.page("/v1/things", Some(query), rows, |id: &String| id);
        let told = page.json(|id| json!(id));
        (
            page.rows,
            told["next_page_url"].clone(),
            told["previous_page_url"].clone(),
        )
    }

    #[test]
    fn links_lead_to_where_there_is_more() {
        let (rows, next, previous) = urls("limit=2&kind=a%20b", &["9", "8", "7"]);
        assert_eq!(rows, ["9", "8"]);
        assert_eq!(next, "/v1/things?limit=2&kind=a+b&starting_after=8");
        assert_eq!(previous, Value::Null);
        let (rows, next, previous) = urls("limit=2&starting_after=8", &["7"]);
        assert_eq!(rows, ["7"]);
        assert_eq!(
            (next, previous),
            (Value::Null, json!("/v1/things?limit=2&ending_before=7"))
        );
        let (rows, next, previous) = urls("limit=2&ending_before=6", &["9", "8", "7"]);
        assert_eq!(rows, ["8", "7"]);
        assert_eq!(next, "/v1/things?limit=2&starting_after=7");
        assert_eq!(previous, "/v1/things?limit=2&ending_before=8");
    }
}
