//! `/app/requests`: the log, searched on the server; its state is its address.

mod filter;

use std::fmt::Write as _;

use planner::money::Micros;
use serde_json::Value;

use super::{Desk, Named, Place, address, brief, empty, held, pages, paid, value};
use crate::charts::spark;
use crate::frame::Page;
use crate::html::{Html, escape, icon, status};
use crate::story;
use crate::told::{dollars, list, number, text};
use crate::words;

/// Periods: days, words. No days: as far back as the log reaches.
const PERIODS: [(&str, &str); 4] = [("1", "24 h"), ("7", "7 d"), ("30", "30 d"), ("all", "all")];
/// The period where none is named.
pub const PERIOD_DEFAULT: &str = "30";
/// What the filters are called in the page's address, and by the API.
pub const FILTERS: [(&str, &str); 7] = [
    ("status", "status"),
    ("model", "model"),
    ("provider", "provider"),
    ("key", "key_id"),
    ("code", "error_code"),
    ("user", "user"),
    ("session", "session_id"),
];

/// Days that are named instead of a period, in the page's address and by the API.
pub const TIMES: [(&str, &str); 2] = [("from", "created_after"), ("to", "created_before")];

/// What the page shows.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// What the page was asked with.
    pub query: &'a [(String, String)],
    /// A page of the log as the API answers it, or why there is none.
    pub page: Result<&'a Value, &'a str>,
    /// What all that fit come to, where it was asked for at once.
    pub summary: Option<&'a Value>,
    /// Models that can be chosen.
    pub models: Vec<&'a str>,
    /// Providers that can be chosen.
    pub providers: Vec<&'a str>,
    /// Keys that can be chosen.
    pub keys: &'a Named,
    /// Accounts that can be chosen; none where there is one alone.
    pub accounts: Vec<&'a str>,
    /// The request that is open beside the list.
    pub open: Option<Html>,
    /// Its id.
    pub open_id: &'a str,
}

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let mut out = String::new();
    summary_place(&mut out, shown);
    filter::form(&mut out, shown);
    let class = if shown.open.is_some() { " open" } else { "" };
    let _ = write!(out, "<div class=\"a-split{class}\">");
    match shown.page {
        Ok(page) => listed(&mut out, shown, page),
        Err(why) => {
            let _ = write!(out, "<p class=\"banner fail\" role=\"alert\">{}</p>", escape(why));
        }
    }
    if let Some(open) = &shown.open {
        out.push_str(&open.0);
    }
    out.push_str("</div>");
    erasure(&mut out, shown);
    let mut page = shown.desk.page(Place::Requests, "Requests", &beside(shown), &out);
    if !shown.open_id.is_empty() {
        page.path = format!("/app/requests/{}", shown.open_id);
        page.title = format!("Request {}", shown.open_id);
    }
    page
}

/// Below the requests of one end user: forgetting them all.
fn erasure(out: &mut String, shown: &Shown<'_>) {
    let user = value(shown.query, "user");
    if user.is_empty() || !shown.desk.is_admin {
        return;
    }
    let account = match value(shown.query, "account") {
        "" => "*",
        named => named,
    };
    let inner = format!(
        "<input type=\"hidden\" name=\"user\" value=\"{}\"><input type=\"hidden\" name=\"account_id\" value=\"{}\"><p class=\"dim\">Prompts, answers, stored pictures, pictures on show and votes of this user are gone for good. What the requests cost and how they went stays, without the user.</p><label class=\"check\"><input type=\"checkbox\" name=\"sure\" value=\"1\" required><span>I know that this cannot be undone</span></label><button class=\"btn\" type=\"submit\">{}Forget this user</button>",
        escape(user),
        escape(account),
        icon("trash-2")
    );
    let _ = write!(
        out,
        "<section class=\"stack\" aria-labelledby=\"er-h\"><h2 id=\"er-h\" class=\"h3\">Forget the user {}</h2>{}</section>",
        escape(user),
        shown.desk.form("/app/erasures", "d-form", &inner)
    );
}

/// The query without the place in the list, and with `changed` in it.
fn query_with(shown: &Shown<'_>, changed: &[(&str, &str)]) -> Vec<(String, String)> {
    const OWN: [&str; 3] = ["starting_after", "ending_before", "totals"];
    let is_kept = |name: &str| !OWN.contains(&name) && !changed.iter().any(|(own, _)| *own == name);
    let mut pairs: Vec<(String, String)> = shown
        .query
        .iter()
        .filter(|(name, value)| is_kept(name) && !value.is_empty())
        .cloned()
        .collect();
    let set = changed.iter().filter(|(_, value)| !value.is_empty());
    pairs.extend(set.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    pairs
}

/// Whether days are named.
fn has_times(shown: &Shown<'_>) -> bool {
    TIMES.iter().any(|(name, _)| !value(shown.query, name).is_empty())
}

/// The period; none where days are named.
fn period<'a>(shown: &'a Shown<'_>) -> &'a str {
    if has_times(shown) {
        return "";
    }
    match value(shown.query, "days") {
        "" => PERIOD_DEFAULT,
        days => days,
    }
}

/// Links to the same page over each period; `current` is the one that it shows.
pub(super) fn periods(current: &str, href: impl Fn(&str) -> String) -> String {
    let mut out = String::from("<div class=\"seg sm fit\" role=\"group\" aria-label=\"Period\">");
    for (period, words) in PERIODS {
        let current = if period == current {
            " aria-current=\"true\""
        } else {
            ""
        };
        let _ = write!(out, "<a href=\"{}\"{current}>{words}</a>", escape(&href(period)));
    }
    out.push_str("</div>");
    out
}

fn beside(shown: &Shown<'_>) -> String {
    let mut out = periods(period(shown), |days| {
        address(
            "/app/requests",
            &query_with(shown, &[("days", days), ("from", ""), ("to", "")]),
        )
    });
    for (format, words) in [("csv", "CSV"), ("ndjson", "JSON")] {
        let href = address("/app/requests/export", &query_with(shown, &[("format", format)]));
        let _ = write!(
            out,
            "<a class=\"btn sm\" href=\"{}\" download>{}{words}</a>",
            escape(&href),
            icon("download")
        );
    }
    out
}

/// Totals come by a request of their own, so that the list waits for nothing.
fn summary_place(out: &mut String, shown: &Shown<'_>) {
    if let Some(summary) = shown.summary {
        out.push_str(&totals(summary).0);
        return;
    }
    let fragment = address("/app/requests/totals", &query_with(shown, &[]));
    let whole = address("/app/requests", &query_with(shown, &[("totals", "1")]));
    let _ = write!(
        out,
        "<div class=\"sums\" data-load=\"{}\"><p><a class=\"btn sm\" href=\"{}\">Add up all that fit</a></p></div>",
        escape(&fragment),
        escape(&whole)
    );
}

/// What all requests that fit come to.
#[must_use]
pub fn totals(summary: &Value) -> Html {
    let days = list(summary, "days");
    let of_days = |name: &str| -> Vec<f64> { days.iter().map(|day| number(day, name) as f64).collect() };
    let (count, completed, failed) = (
        number(summary, "count"),
        number(summary, "completed"),
        number(summary, "failed"),
    );
    let cost = dollars(&summary["total_cost"]).unwrap_or(Micros::ZERO);
    let each = match i64::try_from(completed) {
        Ok(completed) if completed > 0 => {
            format!("{} a completed request", words::price(Micros(cost.0 / completed)))
        }
        _ => "nothing was completed".to_owned(),
    };
    let share = words::percent(completed, completed + failed);
    let took = &summary["took"];
    let (median, slow) = match took["of"].as_u64() {
        Some(of) => (
            words::duration(number(took, "p50_ms")),
            format!(
                "the median of {}; one in twenty longer than {}",
                if of < completed {
                    format!("the latest {}", words::number(of))
                } else {
                    words::number(of)
                },
                words::duration(number(took, "p95_ms"))
            ),
        ),
        None => ("none".to_owned(), "nothing was completed".to_owned()),
    };
    let sections = [
        (
            "Requests",
            words::number(count),
            format!(
                "{} completed, {} failed or refused",
                words::number(completed),
                words::number(failed)
            ),
            spark("b2", &of_days("requests")),
        ),
        (
            "Charged",
            format!("<span class=\"money paid\">{}</span>", words::price(cost)),
            each,
            spark("bdot", &of_days("cost_micros")),
        ),
        (
            "Completed",
            share,
            "of those that have ended".to_owned(),
            spark("bok", &of_days("completed")),
        ),
        ("Took", median, slow, Html(String::new())),
    ];
    let mut out = String::from("<div class=\"sums\">");
    for (title, figure, hint, drawn) in sections {
        let _ = write!(
            out,
            "<section><h2 class=\"hint\">{title}</h2><p class=\"fig\">{figure}</p><p class=\"hint\">{hint}</p>{drawn}</section>"
        );
    }
    out.push_str("</div>");
    Html(out)
}

fn is_filtered(shown: &Shown<'_>) -> bool {
    let names = FILTERS
        .iter()
        .map(|(name, _)| *name)
        .chain(["q", "account", "from", "to"]);
    names.into_iter().any(|name| !value(shown.query, name).is_empty())
}

/// Where a script tells of requests that began since, also of the first one.
const LIVE: &str = "<p class=\"live\" data-live-log=\"/app/requests/events\" role=\"status\" hidden><a class=\"btn sm main\" href=\"\"><span></span></a></p>";

fn listed(out: &mut String, shown: &Shown<'_>, page: &Value) {
    let rows = list(page, "data");
    if rows.is_empty() {
        out.push_str("<div>");
        out.push_str(LIVE);
        let cleared = "<a class=\"btn\" href=\"/app/requests?days=all\">Show all requests</a>";
        out.push_str(&if is_filtered(shown) || period(shown) != "all" {
            empty(
                "No request fits",
                "Nothing in this period has all that the filters ask for. Words are looked for in prompts only where an account keeps them.",
                cleared,
            )
        } else {
            empty(
                "No requests yet",
                "Every request stands here with its attempts, its money and its pictures.",
                "<a class=\"btn\" href=\"/playground\">Make the first one</a>",
            )
        });
        out.push_str("</div>");
        return;
    }
    out.push_str("<div>");
    out.push_str(LIVE);
    out.push_str("<div class=\"scroll a-list\" tabindex=\"0\" role=\"region\" aria-label=\"Requests\"><table class=\"tint dense\"><thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Model</th><th scope=\"col\">Outcome</th><th scope=\"col\">Route</th><th scope=\"col\" class=\"n\">Took</th><th scope=\"col\" class=\"n\">Charged</th></tr></thead><tbody>\n");
    for request in rows {
        out.push_str(&row(&query_with(shown, &[]), request, shown.open_id));
    }
    let _ = write!(
        out,
        "</tbody></table></div>{}</div>",
        pages(page, "/app/requests", &query_with(shown, &[]))
    );
}

/// One row of the list; `query` is what its link keeps.
#[must_use]
pub fn row(query: &[(String, String)], request: &Value, open_id: &str) -> String {
    let id = text(request, "id");
    let current = if id == open_id {
        " class=\"hit\" aria-current=\"true\""
    } else {
        ""
    };
    let href = address(&format!("/app/requests/{id}"), query);
    let time = brief(request, "created_at");
    let cost = match dollars(&request["cost"]) {
        Some(cost) => paid(cost),
        None if story::is_under_way(request) => {
            let estimate = dollars(&request["estimate"]);
            estimate.map_or_else(String::new, held)
        }
        None => "<span class=\"dimmer\">nothing</span>".to_owned(),
    };
    let took = request["duration_ms"]
        .as_u64()
        .map_or_else(String::new, words::duration);
    format!(
        "<tr data-request=\"{}\"{current}><th scope=\"row\" class=\"num\"><a href=\"{}\">{time}</a></th><td>{}</td><td>{}</td><td class=\"route\">{}</td><td class=\"n\">{took}</td><td class=\"n\">{cost}</td></tr>\n",
        escape(id),
        escape(&href),
        escape(text(request, "model")),
        outcome(request),
        route(request)
    )
}

/// How a request stands, as glyph and word.
#[must_use]
pub fn outcome(request: &Value) -> Html {
    let code = text(request, "error_code");
    match text(request, "status") {
        "completed" => status("ok", "completed"),
        "pending" | "processing" => status("info", "under way"),
        "cancelled" => status("warn", "cancelled"),
        "rejected" => status("warn", &in_words(code, "refused")),
        _ => status("fail", &in_words(code, "failed")),
    }
}

fn in_words(code: &str, otherwise: &str) -> String {
    match code {
        "" => otherwise.to_owned(),
        "CONTENT_POLICY_VIOLATION" => "refused by safety".to_owned(),
        "ALL_PROVIDERS_EXHAUSTED" => "all providers failed".to_owned(),
        code => code.to_lowercase().replace('_', " "),
    }
}

/// The providers that were asked, those that failed struck out.
fn route(request: &Value) -> String {
    let mut told: Vec<(&str, bool)> = Vec::new();
    for attempt in list(request, "attempts") {
        let (provider, failed) = (text(attempt, "provider"), text(attempt, "outcome") == "failed");
        if told.last() != Some(&(provider, failed)) {
            told.push((provider, failed));
        }
    }
    let span = |(provider, failed): &(&str, bool)| {
        let (class, word) = if *failed {
            (" class=\"x\"", "<span class=\"sr\"> failed</span>")
        } else {
            ("", "")
        };
        format!("<span{class}>{}{word}</span>", escape(provider))
    };
    told.iter().map(span).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_tells_the_way_and_what_it_cost() {
        let request = json!({ "id": "req_1", "status": "completed", "attempts": [
            { "provider": "fal", "outcome": "failed" }, { "provider": "fal", "outcome": "failed" }, { "provider": "openai", "outcome": "succeeded" } ] });
        let html = route(&request);
        assert_eq!(html.matches("class=\"x\"").count(), 1, "{html}");
        assert!(html.ends_with("<span>openai</span>"));
        assert!(
            outcome(&json!({ "status": "rejected", "error_code": "CONTENT_POLICY_VIOLATION" }))
                .0
                .contains("refused by safety")
        );
    }

    #[test]
    fn totals_say_each_figure_in_words() {
        let summary = json!({ "count": 3, "completed": 2, "failed": 1, "total_cost": 0.06, "days": [
            { "requests": 3, "completed": 2, "failed": 1, "cost_micros": 60_000 } ] });
        let html = totals(&summary).0;
        assert!(
            html.contains("$0.030 a completed request") && html.contains("66.7 %"),
            "{html}"
        );
    }
}
