//! `/app/usage`: spending and requests by day, model, provider, key and user, and what budgets leave.

use std::fmt::Write as _;

use jiff::civil::Date;
use planner::money::Micros;
use serde_json::Value;

use super::requests::periods;
use super::{Desk, Named, Place, address, amount, amount_of, bar, empty, table, value};
use crate::charts::days;
use crate::frame::Page;
use crate::html::escape;
use crate::told::{dollars, list, number, text};
use crate::words;

/// What spending is told by, beside days: name in the API, words, and the filter of the log.
pub const GROUPS: [(&str, &str, &str); 4] = [
    ("model", "Model", "model"),
    ("provider", "Provider", "provider"),
    ("key_id", "Key", "key"),
    ("user", "End user", "user"),
];

/// Most lines of a table of spending.
const LINES_MAX: usize = 12;

/// What the page shows.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// The page's query.
    pub query: &'a [(String, String)],
    /// The period in days, or `all`.
    pub period: &'a str,
    /// What was spent, where it was added up at once: else it comes after the page.
    pub spending: Option<&'a Spending<'a>>,
    /// Keys with their budgets, as the API answers them.
    pub keys: &'a Value,
}

/// What was spent in a period.
#[derive(Debug)]
pub struct Spending<'a> {
    /// The period in days, or `all`.
    pub period: &'a str,
    /// The account that was chosen; nothing where none was.
    pub account: &'a str,
    /// Spending by day, as the API answers it.
    pub by_day: Value,
    /// Spending by each of [`GROUPS`].
    pub groups: Vec<Value>,
    /// Names of keys.
    pub names: &'a Named,
    /// The days from the first to the last, so that days without requests show.
    pub calendar: Vec<Date>,
}

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let beside = periods(shown.period, |period| {
        let mut pairs = vec![("days".to_owned(), period.to_owned())];
        if !value(shown.query, "account").is_empty() {
            pairs.push(("account".to_owned(), value(shown.query, "account").to_owned()));
        }
        address("/app/usage", &pairs)
    });
    let mut out = match shown.spending {
        Some(spending) => figures(spending),
        None => {
            let place = |path: &str, more: &[(&str, &str)]| {
                let kept = shown.query.iter().filter(|(name, _)| name != "totals").cloned();
                let more = more
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                escape(&address(path, &kept.chain(more).collect::<Vec<_>>()))
            };
            format!(
                "<div data-load=\"{}\"><p><a class=\"btn sm\" href=\"{}\">Add up what was spent</a></p></div>",
                place("/app/usage/figures", &[]),
                place("/app/usage", &[("totals", "1")])
            )
        }
    };
    budgets(&mut out, shown);
    shown.desk.page(Place::Usage, "Usage and spend", &beside, &out)
}

/// All that was spent in the period, which may take a moment to add up.
#[must_use]
pub fn figures(spending: &Spending<'_>) -> String {
    let mut out = String::from("<div class=\"stack\">");
    if list(&spending.by_day, "data").is_empty() {
        out.push_str(&empty(
            "Nothing was asked for in this period",
            "Spending stands here by day, model, provider, key and end user.",
            "<a class=\"btn\" href=\"/app/usage?days=all\">Show all there is</a>",
        ));
    } else {
        sums(&mut out, spending);
        by_day(&mut out, spending);
        out.push_str("<div class=\"halves\">");
        for ((_, words, filter), usage) in GROUPS.into_iter().zip(&spending.groups) {
            group(&mut out, spending, words, filter, usage);
        }
        out.push_str("</div>");
    }
    out.push_str("</div>");
    out
}

fn sums(out: &mut String, shown: &Spending<'_>) {
    let totals = &shown.by_day["totals"];
    let cost = dollars(&totals["cost"]).unwrap_or(Micros::ZERO);
    let (requests, completed) = (number(totals, "requests"), number(totals, "completed"));
    let _ = write!(
        out,
        "<div class=\"sums\"><section><h2 class=\"hint\">Charged</h2><p class=\"fig\"><span class=\"money paid\">{}</span></p></section><section><h2 class=\"hint\">Requests</h2><p class=\"fig\">{}</p></section><section><h2 class=\"hint\">Completed</h2><p class=\"fig\">{}</p><p class=\"hint\">{}</p></section></div>",
        words::price(cost),
        words::number(requests),
        words::number(completed),
        words::percent(completed, requests)
    );
}

fn by_day(out: &mut String, shown: &Spending<'_>) {
    let of = |day: Date, name: &str| {
        let day = day.to_string();
        let row = list(&shown.by_day, "data").iter().find(|row| text(row, "day") == day);
        row.and_then(|row| row[name].as_f64()).unwrap_or_default()
    };
    let series = |name: &str| -> Vec<(Date, f64)> { shown.calendar.iter().map(|day| (*day, of(*day, name))).collect() };
    let dollars_of = |micros: f64| words::price(Micros(micros as i64));
    let charged = days("ud", "Charged by day", "bdot", &series("cost_micros"), dollars_of);
    let requests = days("ur", "Requests by day", "b2", &series("requests"), |count| {
        format!("{count:.0}")
    });
    for (title, drawn) in [("Charged by day", charged), ("Requests by day", requests)] {
        let _ = write!(
            out,
            "<section class=\"stack\"><h2 class=\"h3\">{title}</h2>{drawn}</section>"
        );
    }
    let rows: String = list(&shown.by_day, "data")
        .iter()
        .map(|row| {
            format!(
                "<tr><th scope=\"row\" class=\"num\">{}</th>{}</tr>\n",
                escape(text(row, "day")),
                figures_of(row)
            )
        })
        .collect();
    let _ = write!(
        out,
        "<details><summary>The same as a table</summary>{}</details>",
        table(
            "Spending by day",
            &[
                ("Day", false),
                ("Requests", true),
                ("Completed", true),
                ("Charged", true)
            ],
            &rows
        )
    );
}

fn figures_of(row: &Value) -> String {
    format!(
        "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
        words::number(number(row, "requests")),
        words::number(number(row, "completed")),
        amount_of(&row["cost"])
    )
}

fn group(out: &mut String, shown: &Spending<'_>, title: &str, filter: &str, usage: &Value) {
    let rows = list(usage, "data");
    let grouped = usage["group_by"][0].as_str().unwrap_or_default();
    let most = rows
        .iter()
        .filter_map(|row| row["cost_micros"].as_f64())
        .fold(0.0_f64, f64::max);
    let line = |row: &Value| {
        let id = text(row, grouped);
        let words = match (grouped, id) {
            (_, "") => "<span class=\"dimmer\">none</span>".to_owned(),
            ("key_id", id) => escape(shown.names.name(id)),
            (_, id) => escape(id),
        };
        let words = if id.is_empty() {
            words
        } else {
            let pairs = [("days", shown.period), (filter, id), ("account", shown.account)];
            let pairs: Vec<(String, String)> = pairs
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            format!("<a href=\"{}\">{words}</a>", escape(&address("/app/requests", &pairs)))
        };
        let share = row["cost_micros"].as_f64().unwrap_or_default() / most.max(1.0) * 100.0;
        format!(
            "<tr><th scope=\"row\">{words}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            words::number(number(row, "requests")),
            amount_of(&row["cost"]),
            bar("bdot", share)
        )
    };
    let lines: String = rows.iter().take(LINES_MAX).map(line).collect();
    let more = if rows.len() > LINES_MAX {
        format!(
            "<p class=\"hint\">and {} more; the API tells all: <code>GET /v1/usage?group_by={grouped}</code></p>",
            rows.len() - LINES_MAX
        )
    } else {
        String::new()
    };
    let _ = write!(
        out,
        "<section class=\"stack\"><h2 class=\"h3\">By {}</h2>{}{more}</section>",
        title.to_lowercase(),
        table(
            &format!("Spending by {}", title.to_lowercase()),
            &[
                (title, false),
                ("Requests", true),
                ("Charged", true),
                ("<span class=\"sr\">Share of the most</span>", false)
            ],
            &lines
        )
    );
}

fn budgets(out: &mut String, shown: &Shown<'_>) {
    let mut rows = String::new();
    for key in list(shown.keys, "data") {
        if text(key, "status") != "active" {
            continue;
        }
        for (name, period) in [
            ("day_usd", "today"),
            ("month_usd", "this month"),
            ("total_usd", "in all"),
        ] {
            let Some(budget) = dollars(&key["budget"][name]) else {
                continue;
            };
            let spent = dollars(&key["spent"][name]).unwrap_or(Micros::ZERO);
            let share = if budget.0 > 0 {
                (spent.0 as f64 / budget.0 as f64).min(1.0)
            } else {
                1.0
            };
            let class = if share >= 0.9 { "bwarn" } else { "b2" };
            let _ = writeln!(
                rows,
                "<tr><th scope=\"row\"><a href=\"/app/keys/{}\">{}</a></th><td>{period}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
                escape(text(key, "id")),
                escape(text(key, "name")),
                amount(spent),
                amount(budget),
                amount(Micros((budget.0 - spent.0).max(0))),
                bar(class, share * 100.0)
            );
        }
    }
    out.push_str("<section class=\"stack\"><h2 class=\"h3\">Budgets</h2>");
    if rows.is_empty() {
        out.push_str("<p class=\"dim\">No working key has a budget.</p>");
    } else {
        out.push_str(&table(
            "Budgets of keys",
            &[
                ("Key", false),
                ("Period", false),
                ("Spent", true),
                ("Budget", true),
                ("Left", true),
                ("<span class=\"sr\">Share that is spent</span>", false),
            ],
            &rows,
        ));
    }
    out.push_str("</section>");
}
