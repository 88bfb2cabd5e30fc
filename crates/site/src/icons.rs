//! The sprite: of all icons only those that a page uses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Every icon, one symbol a line.
const ALL: &str = include_str!("../assets/icons.svg");

static BY_NAME: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let named = |line: &'static str| Some((line.strip_prefix("<symbol id=\"")?.split('"').next()?, line));
    ALL.lines().filter_map(named).collect()
});

/// The symbols that `html` refers to.
#[must_use]
pub(crate) fn sprite(html: &str) -> String {
    let mut used = BTreeMap::new();
    for rest in html.split("<use href=\"#").skip(1) {
        let name = rest.split('"').next().unwrap_or_default();
        if let Some((name, symbol)) = BY_NAME.get_key_value(name) {
            used.insert(*name, *symbol);
        }
    }
    used.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_icons_that_it_uses_and_no_others() {
        let page = "<use href=\"#copy\"/> <use href=\"#mark\"/> <use href=\"#copy\"/> <use href=\"#no-such\"/>";
        let found = sprite(page);
        assert_eq!(found.matches("<symbol").count(), 2, "{found}");
    }
}
