//! `/app/settings`: the settings in force, and where each came from. Never a secret.

use std::fmt::Write as _;

use super::{Desk, Place, table};
use crate::frame::Page;
use crate::html::escape;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the file, such as `limits.deadline_s`.
    pub name: String,
    /// Its value as one would type it; empty where it is not set.
    pub value: String,
    /// Where it came from; nothing for a default.
    pub origin: Option<String>,
}

/// The page.
#[must_use]
pub fn page(desk: &Desk, settings: &[Setting]) -> Page {
    let mut out = String::from(
        "<p class=\"dim\">What is in force in this process. It is changed in the settings file or by variables, and takes effect with the next start. Secrets are not shown.</p>",
    );
    let given = settings.iter().filter(|setting| setting.origin.is_some());
    let rows: String = given.map(row).collect();
    out.push_str("<section class=\"stack\"><h2 class=\"h3\">Set by you</h2>");
    if rows.is_empty() {
        out.push_str("<p class=\"dim\">Nothing: every setting is the default.</p>");
    } else {
        out.push_str(&rows_as_table("Set by you", &rows));
    }
    out.push_str("</section>");
    for (title, of) in [("The gateway", ""), ("Visitors", "visitors"), ("Limits", "limits")] {
        let rows: String = settings
            .iter()
            .filter(|setting| setting.name.split_once('.').map_or("", |(table, _)| table) == of)
            .map(row)
            .collect();
        let _ = write!(
            out,
            "<section class=\"stack\"><h2 class=\"h3\">{title}</h2>{}</section>",
            rows_as_table(title, &rows)
        );
    }
    desk.page(
        Place::Settings,
        "Settings in force",
        "<a class=\"btn sm\" href=\"/docs/settings\">What each means</a>",
        &out,
    )
}

fn rows_as_table(name: &str, rows: &str) -> String {
    table(name, &[("Setting", false), ("Value", false), ("From", false)], rows)
}

fn row(setting: &Setting) -> String {
    let value = if setting.value.is_empty() {
        "<span class=\"dimmer\">none</span>".to_owned()
    } else {
        format!("<code>{}</code>", escape(&setting.value))
    };
    let origin = setting
        .origin
        .as_deref()
        .map_or_else(|| "<span class=\"dimmer\">default</span>".to_owned(), escape);
    format!(
        "<tr><th scope=\"row\" class=\"mono\">{}</th><td class=\"wrapped\">{value}</td><td>{origin}</td></tr>\n",
        escape(&setting.name)
    )
}
