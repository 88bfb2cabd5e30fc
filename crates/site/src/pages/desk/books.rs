//! `/app/books`: the rules that the books keep, and whether they do.

use std::fmt::Write as _;

use super::{Desk, Place, table};
use crate::frame::Page;
use crate::html::{escape, status};
use crate::words;

/// What checking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Movements of money that were looked at.
    pub postings: u64,
    /// What breaks a rule: the rule, and the id of what breaks it.
    pub broken: Vec<(&'static str, String)>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The page; `checked` where it was asked to check.
#[must_use]
pub fn page(desk: &Desk, rules: &[&'static str], checked: Option<&Checked>) -> Page {
    let mut out = String::from(
        "<p class=\"dim\">Every movement of money is at least two entries that sum to zero, and rows are only ever added. Each rule below is one query for what breaks it, all of them at one moment.</p>\n<form action=\"/app/books\"><input type=\"hidden\" name=\"check\" value=\"1\"><button class=\"btn main\" type=\"submit\">Check the books now</button></form>\n",
    );
    if let Some(checked) = checked {
        let _ = write!(
            out,
            "<p class=\"banner {}\" role=\"status\">{}, looked at in {}: {}.</p>",
            if checked.broken.is_empty() { "ok" } else { "fail" },
            words::count(usize::try_from(checked.postings).unwrap_or(usize::MAX), "posting"),
            words::duration(checked.took_ms),
            if checked.broken.is_empty() {
                "every rule holds".to_owned()
            } else {
                format!("{} that break a rule", checked.broken.len())
            }
        );
    }
    let mut rows = String::new();
    for (place, rule) in rules.iter().enumerate() {
        let told = match checked {
            None => "<span class=\"dimmer\">not checked now</span>".to_owned(),
            Some(checked) => {
                let ids: Vec<&str> = checked
                    .broken
                    .iter()
                    .filter(|(broken, _)| broken == rule)
                    .map(|(_, id)| id.as_str())
                    .collect();
                if ids.is_empty() {
                    status("ok", "holds").0
                } else {
                    format!(
                        "{} <code>{}</code>",
                        status("fail", "broken by"),
                        escape(&ids.join(", "))
                    )
                }
            }
        };
        let _ = writeln!(
            rows,
            "<tr><td class=\"n\">{}</td><th scope=\"row\">{}</th><td>{told}</td></tr>",
            place + 1,
            escape(&words::capital(rule))
        );
    }
    out.push_str(&table(
        "Rules of the books",
        &[("No.", true), ("Rule", false), ("State", false)],
        &rows,
    ));
    desk.page(Place::Books, "Books", "", &out)
}
