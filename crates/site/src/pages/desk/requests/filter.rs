//! The form by which the log is searched.

use std::fmt::Write as _;

use super::{Shown, query_with};
use crate::html::{escape, icon};
use crate::pages::desk::{address, choice, value};

/// The form, and what only links set as chips that can be taken away.
pub(super) fn form(out: &mut String, shown: &Shown<'_>) {
    let given = |name: &str| value(shown.query, name);
    let _ = write!(
        out,
        "<form class=\"a-filter\" action=\"/app/requests\" aria-label=\"Filter requests\"><div class=\"find\">{}<label class=\"sr\" for=\"rq\">Id, your own id, user, session, key, model, code, or words of the prompt</label><input id=\"rq\" type=\"search\" name=\"q\" value=\"{}\" placeholder=\"Id, your own id, user, code, words of the prompt\" data-find-here></div>",
        icon("search"),
        escape(given("q"))
    );
    let states = [
        ("", "Outcome: any"),
        ("completed", "completed"),
        ("upstream_failure", "failed at the providers"),
        ("rejected", "refused"),
        ("cancelled", "cancelled"),
        ("processing", "under way"),
    ];
    out.push_str(&choice("af-s", "status", "Outcome", &states, given("status")));
    let of = |any: &'static str, all: &[&'_ str]| -> Vec<(String, String)> {
        let any = std::iter::once((String::new(), any.to_owned()));
        any.chain(all.iter().map(|one| ((*one).to_owned(), (*one).to_owned())))
            .collect()
    };
    let keys = std::iter::once((String::new(), "Key: any".to_owned())).chain(shown.keys.0.iter().cloned());
    let mut choices = vec![
        ("af-m", "model", "Model", of("Model: any", &shown.models)),
        ("af-p", "provider", "Provider", of("Provider: any", &shown.providers)),
        ("af-k", "key", "Key", keys.collect()),
    ];
    if !shown.accounts.is_empty() {
        choices.push(("af-a", "account", "Account", of("Account: any", &shown.accounts)));
    }
    for (id, name, label, all) in &choices {
        let all: Vec<(&str, &str)> = all.iter().map(|(id, words)| (id.as_str(), words.as_str())).collect();
        out.push_str(&choice(id, name, label, &all, given(name)));
    }
    for (name, label, more) in [("from", "From", ""), ("to", "To", " the end of")] {
        let _ = write!(
            out,
            "<label class=\"row tight small\"><span class=\"nowrap\">{label}<span class=\"sr\">{more} this day in UTC</span></span><input type=\"date\" name=\"{name}\" value=\"{}\"></label>",
            escape(given(name))
        );
    }
    // What only links set stays set.
    for name in ["code", "user", "session", "days"] {
        if !given(name).is_empty() {
            let _ = write!(
                out,
                "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
                escape(given(name))
            );
        }
    }
    out.push_str("<button class=\"btn sm\" type=\"submit\">Apply</button></form>");
    let set = ["code", "user", "session"]
        .into_iter()
        .filter(|name| !given(name).is_empty());
    let chips: String = set
        .map(|name| {
            let href = address("/app/requests", &query_with(shown, &[(name, "")]));
            format!(
                "<a class=\"tag\" href=\"{}\">{name}: {} {}<span class=\"sr\">, take it away</span></a>",
                escape(&href),
                escape(given(name)),
                icon("x")
            )
        })
        .collect();
    if !chips.is_empty() {
        let _ = write!(out, "<p class=\"row tight\">{chips}</p>");
    }
}
