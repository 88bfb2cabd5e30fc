//! `/app/settings`: the settings in force, and where each came from; and putting other secrets in the place of those in force.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Desk, Place, choice_field, field, table, told_fault};
use crate::frame::Page;
use crate::html::escape;
use crate::told::{list, moment, text};
use crate::words;

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

/// What the page shows.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// The settings.
    pub settings: &'a [Setting],
    /// The API's answer about the secret of links.
    pub links: &'a Value,
    /// Accounts that can be chosen.
    pub accounts: &'a [String],
    /// The secret of webhooks that was made just now.
    pub made: Option<&'a Value>,
    /// Why a form was refused.
    pub fault: Option<&'a str>,
    /// Whether links have another secret since just now.
    pub done: bool,
}

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let (desk, settings) = (shown.desk, shown.settings);
    let mut out = String::new();
    told_fault(&mut out, shown.fault);
    if let Some(made) = shown.made {
        let _ = write!(
            out,
            "<div class=\"banner ok\" role=\"status\"><p>The new secret of webhooks, for receivers: <code>{}</code></p><p class=\"hint\">{}</p></div>",
            escape(text(made, "key")),
            ends(made, "Messages are signed by former ones too")
        );
    } else if shown.done {
        out.push_str("<p class=\"banner ok\" role=\"status\">Links are signed with another secret from now on.</p>");
    }
    out.push_str(
        "<p class=\"dim\">What is in force in this process. It is changed in the settings file or by variables. What a running gateway can take over is in force <a href=\"/docs/settings#while-it-serves\">when the file changes</a>; the rest waits for the next start. Secrets are not shown.</p>",
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
    out.push_str(&secrets(shown));
    desk.page(
        Place::Settings,
        "Settings in force",
        "<a class=\"btn sm\" href=\"#secrets\">Secrets</a><a class=\"btn sm\" href=\"/docs/settings\">What each means</a>",
        &out,
    )
}

/// Until when former secrets count, as a sentence.
fn ends(answer: &Value, intro: &str) -> String {
    let ends = list(answer, "former")
        .iter()
        .filter_map(|former| moment(former, "ends_at"));
    let ends: Vec<String> = ends.map(words::brief).collect();
    if ends.is_empty() {
        return "No former secret counts.".to_owned();
    }
    format!("{intro} until {}.", words::list(&ends))
}

/// The forms that put other secrets in the place of those in force.
fn secrets(shown: &Shown<'_>) -> String {
    let overlap = |id: &str, hint: &str| {
        field(
            id,
            "overlap_h",
            "The former counts on, hours",
            "",
            &format!("inputmode=\"numeric\" pattern=\"[0-9]*\" placeholder=\"{hint}\""),
        )
    };
    let button = "<button class=\"btn\" type=\"submit\">Rotate</button>";
    let links = shown.desk.form(
        "/app/secrets/links",
        "row tight",
        &format!("{}{button}", overlap("sl-h", "until links end")),
    );
    let accounts: Vec<(&str, &str)> = shown.accounts.iter().map(|id| (id.as_str(), id.as_str())).collect();
    let account = choice_field("sw-a", "account_id", "Account", &accounts, &shown.desk.account_id);
    let webhooks = shown.desk.form(
        "/app/secrets/webhooks",
        "row tight",
        &format!("{account}{}{button}", overlap("sw-h", "24")),
    );
    format!(
        "<section class=\"stack\" id=\"secrets\"><h2 class=\"h3\">Secrets</h2><p class=\"dim\">What links and webhooks are known by. The former counts on after a change: links work until they end, and messages are signed by both. With 0 hours every former one ends at once.</p><h3 class=\"h4\">Links to images</h3><p>{}</p>{links}<h3 class=\"h4\">Webhooks of an account</h3>{webhooks}</section>",
        ends(shown.links, "Former secrets count")
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
