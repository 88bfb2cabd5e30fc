//! The operator's desk: what is around each of its pages, and the parts that they share.

pub mod accounts;
pub mod arena;
pub mod audit;
pub mod books;
pub mod catalog;
pub mod home;
pub mod keys;
pub mod media;
pub mod providers;
pub mod request;
pub mod requests;
pub mod sessions;
pub mod settings;
pub mod usage;

use std::fmt::Write as _;

use planner::money::Micros;
use serde_json::Value;

use crate::frame::{Page, Section};
use crate::html::{Html, escape, icon};
use crate::told::{dollars, moment, text};
use crate::words;

/// Who sits at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// The name of the key that signed in.
    pub key_name: String,
    /// Its account.
    pub account_id: String,
    /// Whether it sees all accounts and may change things.
    pub is_admin: bool,
    /// What its forms carry.
    pub form_token: String,
}

/// The pages of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `/app`.
    Home,
    /// `/app/requests`.
    Requests,
    /// `/app/usage`.
    Usage,
    /// `/app/keys`.
    Keys,
    /// `/app/accounts`.
    Accounts,
    /// `/app/providers`.
    Providers,
    /// `/app/media`.
    Media,
    /// `/app/catalog`.
    Catalog,
    /// `/app/arena`.
    Arena,
    /// `/app/books`.
    Books,
    /// `/app/audit`.
    Audit,
    /// `/app/sessions`.
    Sessions,
    /// `/app/settings`.
    Settings,
}

/// Place, name, path, icon, and whether it is for admins alone.
const PLACES: [(Place, &str, &str, &str, bool); 13] = [
    (Place::Home, "Overview", "/app", "layout-dashboard", false),
    (Place::Requests, "Requests", "/app/requests", "list", false),
    (
        Place::Usage,
        "Usage and spend",
        "/app/usage",
        "chart-no-axes-column",
        false,
    ),
    (Place::Keys, "Keys", "/app/keys", "key-round", false),
    (Place::Accounts, "Accounts", "/app/accounts", "wallet", false),
    (Place::Providers, "Providers", "/app/providers", "plug", false),
    (Place::Media, "Media", "/app/media", "image", false),
    (Place::Catalog, "Catalogue", "/app/catalog", "columns-2", true),
    (Place::Arena, "Arena", "/app/arena", "vote", true),
    (Place::Books, "Books", "/app/books", "check", true),
    (Place::Audit, "Audit", "/app/audit", "flag", true),
    (Place::Sessions, "Sessions", "/app/sessions", "user", true),
    (Place::Settings, "Settings", "/app/settings", "settings", true),
];

impl Desk {
    /// A page of the desk: its head, and what is below.
    #[must_use]
    pub fn page(&self, place: Place, title: &str, beside: &str, main: &str) -> Page {
        let (_, _, path, ..) = PLACES.into_iter().find(|(own, ..)| *own == place).unwrap_or(PLACES[0]);
        let mut out = String::from("<div class=\"app\"><nav class=\"a-nav\" aria-label=\"Desk\"><ul>");
        for (own, name, path, sign, is_for_admins) in PLACES {
            if is_for_admins && !self.is_admin {
                continue;
            }
            let current = if own == place { " aria-current=\"page\"" } else { "" };
            let _ = write!(
                out,
                "<li><a href=\"{path}\"{current}>{}<span>{name}</span></a></li>",
                icon(sign)
            );
        }
        let _ = write!(
            out,
            "</ul></nav>\n<div class=\"a-main\"><header class=\"row between a-head\"><h1 class=\"h2\">{title}</h1><div class=\"row\">{beside}</div></header>\n{main}\n<footer class=\"row between a-foot\"><span class=\"hint\">Signed in with the key “{}” of the account <span class=\"mono\">{}</span>{}.</span>{}</footer></div></div>",
            escape(&self.key_name),
            escape(&self.account_id),
            if self.is_admin { ", which sees all accounts" } else { "" },
            self.form(
                "/app/sign-out",
                "",
                "<button class=\"btn sm\" type=\"submit\">Sign out</button>"
            ),
        );
        Page {
            description: "The operator’s desk of this installation.".to_owned(),
            class: "p-app",
            scripts: &["desk.js"],
            ..Page::new(Section::None, path, title, Html(out))
        }
    }

    /// A form that changes something, with the session's token.
    #[must_use]
    pub(crate) fn form(&self, path: &str, class: &str, inner: &str) -> String {
        let class = if class.is_empty() {
            String::new()
        } else {
            format!(" class=\"{class}\"")
        };
        format!(
            "<form action=\"{}\" method=\"post\"{class}><input type=\"hidden\" name=\"form_token\" value=\"{}\">{inner}</form>",
            escape(path),
            escape(&self.form_token)
        )
    }
}

/// What a form that was refused is answered with, above everything.
pub(crate) fn told_fault(out: &mut String, fault: Option<&str>) {
    if let Some(fault) = fault {
        let _ = writeln!(out, "<p class=\"banner fail\" role=\"alert\">{}</p>", escape(fault));
    }
}

/// What a list is without anything in it, and the one thing that fills it.
pub(crate) fn empty(title: &str, words: &str, action: &str) -> String {
    format!("<div class=\"state\"><p class=\"h2\">{title}</p><p>{words}</p>{action}</div>")
}

/// A charge, with its dot.
pub(crate) fn paid(amount: Micros) -> String {
    if amount == Micros::ZERO {
        return "<span class=\"dimmer\">nothing</span>".to_owned();
    }
    format!(
        "<span class=\"money paid\">{}<span class=\"sr\"> charged</span></span>",
        words::price(amount)
    )
}

/// What may be charged, with its ring.
pub(crate) fn held(amount: Micros) -> String {
    format!(
        "<span class=\"money\">{}<span class=\"sr\"> estimated</span></span>",
        words::price(amount)
    )
}

/// An amount without a sign of what it is; owed ones with a minus.
pub(crate) fn amount(amount: Micros) -> String {
    if amount == Micros::ZERO {
        "$0.00".to_owned()
    } else if amount.0 < 0 {
        format!("−{}", words::price(Micros(-amount.0)))
    } else {
        words::price(amount)
    }
}

/// An amount of the API's in dollars; nothing where there is none.
pub(crate) fn amount_of(value: &Value) -> String {
    dollars(value).map_or_else(String::new, amount)
}

/// The moment of a field, as lists tell it; nothing where there is none.
pub(crate) fn brief(object: &Value, name: &str) -> String {
    moment(object, name).map_or_else(String::new, words::brief)
}

/// A share of a whole as a bar, in a row of a table; `class` is its color.
pub(crate) fn bar(class: &str, percent: f64) -> String {
    format!(
        "<svg class=\"chart share\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"{class}\" width=\"{percent:.1}\" height=\"8\"/></svg>"
    )
}

/// A table that scrolls within itself.
pub(crate) fn table(name: &str, heads: &[(&str, bool)], rows: &str) -> String {
    let heads: String = heads
        .iter()
        .map(|(head, is_figure)| {
            let class = if *is_figure { " class=\"n\"" } else { "" };
            format!("<th scope=\"col\"{class}>{head}</th>")
        })
        .collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"dense\"><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table></div>",
        escape(name)
    )
}

/// Links to the pages beside one of the API's lists: `page` is the list, `path` and `query` of the desk's own address.
pub(crate) fn pages(page: &Value, path: &str, query: &[(String, String)]) -> String {
    let link = |name: &str, words: &str| {
        let url = text(page, name);
        let (cursor, id) = url
            .split(['?', '&'])
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| matches!(*name, "starting_after" | "ending_before"))?;
        let mut pairs: Vec<(String, String)> = query
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "starting_after" | "ending_before"))
            .cloned()
            .collect();
        pairs.push((cursor.to_owned(), id.to_owned()));
        Some(format!(
            "<a class=\"btn sm\" href=\"{}\">{words}</a>",
            escape(&address(path, &pairs))
        ))
    };
    let links: Vec<String> = [("previous_page_url", "Newer"), ("next_page_url", "Older")]
        .into_iter()
        .filter_map(|(name, words)| link(name, words))
        .collect();
    if links.is_empty() {
        return String::new();
    }
    format!(
        "<nav class=\"row tight under\" aria-label=\"Pages\">{}</nav>",
        links.concat()
    )
}

/// A path with a query.
pub(crate) fn address(path: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("{path}?{}", query.finish())
}

/// A field of a form with its label; `attributes` are those of the input beside id, name and value.
pub(crate) fn field(id: &str, name: &str, label: &str, value: &str, attributes: &str) -> String {
    format!(
        "<div class=\"field\"><label for=\"{id}\">{label}</label><input id=\"{id}\" type=\"text\" name=\"{name}\" value=\"{}\" {attributes}></div>",
        escape(value)
    )
}

/// A choice of a filter: value and words of each. The first words say what it is about, so its label is for screen readers.
pub(crate) fn choice(id: &str, name: &str, label: &str, choices: &[(&str, &str)], chosen: &str) -> String {
    let select = select(id, name, choices, chosen);
    format!("<label class=\"sr\" for=\"{id}\">{label}</label>{select}")
}

/// A choice of a form with its label: value and words of each.
pub(crate) fn choice_field(id: &str, name: &str, label: &str, choices: &[(&str, &str)], chosen: &str) -> String {
    let select = select(id, name, choices, chosen);
    format!("<div class=\"field\"><label for=\"{id}\">{label}</label>{select}</div>")
}

fn select(id: &str, name: &str, choices: &[(&str, &str)], chosen: &str) -> String {
    let mut out = format!("<select id=\"{id}\" name=\"{name}\">");
    for (value, words) in choices {
        let selected = if *value == chosen { " selected" } else { "" };
        let _ = write!(
            out,
            "<option value=\"{}\"{selected}>{}</option>",
            escape(value),
            escape(words)
        );
    }
    out.push_str("</select>");
    out
}

/// The value of a query or form; nothing where there is none.
pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs
        .iter()
        .find(|(own, _)| own == name)
        .map_or("", |(_, value)| value.as_str())
}

/// A page of keys or accounts that is short enough to be a choice: id and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named(pub Vec<(String, String)>);

impl Named {
    /// The name of an id, or the id itself.
    #[must_use]
    pub fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.iter().find(|(own, _)| own == id).map_or(id, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_to_other_pages_keep_the_filters() {
        let page =
            json!({ "next_page_url": "/v1/requests?limit=25&model=a&starting_after=req_9", "previous_page_url": null });
        let query = [
            ("model".to_owned(), "a b".to_owned()),
            ("starting_after".to_owned(), "req_1".to_owned()),
        ];
        let html = pages(&page, "/app/requests", &query);
        assert!(
            html.contains("href=\"/app/requests?model=a+b&amp;starting_after=req_9\">Older"),
            "{html}"
        );
        assert!(!html.contains("Newer"));
    }

    #[test]
    fn who_only_reads_is_shown_what_is_for_readers() {
        let desk = Desk {
            key_name: "<b>".to_owned(),
            account_id: "team".to_owned(),
            is_admin: false,
            form_token: "t".to_owned(),
        };
        let page = desk.page(Place::Keys, "Keys", "", "").main.0;
        assert!(page.contains("href=\"/app/keys\" aria-current=\"page\""));
        assert!(!page.contains("/app/settings") && !page.contains("<b>"));
        assert!(page.contains("name=\"form_token\" value=\"t\""));
    }
}
