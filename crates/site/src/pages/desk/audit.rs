//! `/app/audit`: what was done to sign-ins, keys, accounts and money: by whom, from where.

use serde_json::Value;

use super::{Desk, Named, Place, brief, choice, empty, pages, table, value};
use crate::frame::Page;
use crate::html::escape;
use crate::told::{list, text};

/// The page.
#[must_use]
pub fn page(desk: &Desk, page: &Value, actions: &[&str], keys: &Named, query: &[(String, String)]) -> Page {
    let mut choices = vec![("", "Everything")];
    let told: Vec<(String, String)> = actions
        .iter()
        .map(|action| ((*action).to_owned(), action.replace('_', " ")))
        .collect();
    choices.extend(told.iter().map(|(action, words)| (action.as_str(), words.as_str())));
    let mut out = format!(
        "<form class=\"a-filter\" action=\"/app/audit\" aria-label=\"Filter the audit\">{}<label class=\"sr\" for=\"au-t\">Id of what it was done to</label><input id=\"au-t\" type=\"search\" name=\"target\" value=\"{}\" placeholder=\"Id of a key, account or request\"><label class=\"sr\" for=\"au-a\">Account</label><input id=\"au-a\" type=\"text\" name=\"account\" value=\"{}\" placeholder=\"Account\"><button class=\"btn sm\" type=\"submit\">Apply</button></form>",
        choice("au-k", "action", "Action", &choices, value(query, "action")),
        escape(value(query, "target")),
        escape(value(query, "account"))
    );
    let lines = list(page, "data");
    if lines.is_empty() {
        out.push_str(&empty(
            "Nothing here",
            "Sign-ins, and what is done to keys, accounts, money and kept requests, leave a line each.",
            "<a class=\"btn\" href=\"/app/audit\">Show everything</a>",
        ));
    } else {
        let rows: String = lines.iter().map(|line| row(line, keys)).collect();
        out.push_str(&table(
            "Audit",
            &[
                ("Time", false),
                ("What", false),
                ("By", false),
                ("From", false),
                ("To", false),
                ("Account", false),
                ("Details", false),
            ],
            &rows,
        ));
        out.push_str(&pages(page, "/app/audit", query));
    }
    desk.page(Place::Audit, "Audit", "", &out)
}

fn row(line: &Value, keys: &Named) -> String {
    let actor = &line["actor"];
    let by = match (text(actor, "type"), text(actor, "id")) {
        ("command_line", "") => "the command line".to_owned(),
        ("command_line", user) => format!("{} on the command line", escape(user)),
        (_, "") => "nobody known".to_owned(),
        (_, id) => format!("key “{}”", escape(keys.name(id))),
    };
    let details = match &line["details"] {
        Value::Null => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        details => format!("<code>{}</code>", escape(&details.to_string())),
    };
    format!(
        "<tr><th scope=\"row\" class=\"num\">{}</th><td>{}</td><td>{by}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"wrapped\">{details}</td></tr>\n",
        brief(line, "created_at"),
        escape(&text(line, "action").replace('_', " ")),
        escape(text(line, "address")),
        escape(text(line, "target")),
        escape(text(line, "account_id")),
    )
}
