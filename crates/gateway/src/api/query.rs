//! Switches in the query of a path.

/// Whether the query has the switch `name`: named at all, and not `false`.
pub(super) fn asks_for(query: Option<&str>, name: &str) -> bool {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(given, value)| given == name && value != "false")
}
