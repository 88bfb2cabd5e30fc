//! `/app/accounts`: who pays, what is there, and what moved.

use std::fmt::Write as _;

use planner::money::Micros;
use serde_json::Value;

use super::{Desk, Place, amount, amount_of, brief, choice_field, field, pages, table, told_fault, value};
use crate::frame::Page;
use crate::html::escape;
use crate::told::{dollars, list, text, typed};

/// The page of all accounts, for admins.
#[must_use]
pub fn page(desk: &Desk, page: &Value, fault: Option<&str>, values: &[(String, String)]) -> Page {
    let mut out = String::new();
    told_fault(&mut out, fault);
    let rows: String = list(page, "data").iter().map(row).collect();
    out.push_str(&table(
        "Accounts",
        &[
            ("Account", false),
            ("Billing", false),
            ("Available", true),
            ("Held", true),
            ("May owe", true),
            ("Keeps texts", false),
            ("Made", false),
        ],
        &rows,
    ));
    out.push_str(&pages(page, "/app/accounts", &[]));
    let mut form = String::from("<div class=\"d-grid\">");
    form.push_str(&field(
        "na-id",
        "id",
        "Id",
        value(values, "id"),
        "maxlength=\"64\" placeholder=\"made up\"",
    ));
    form.push_str("</div>");
    terms(&mut form, "na", &|name| value(values, name).to_owned());
    form.push_str("<button class=\"btn main\" type=\"submit\">Make the account</button>");
    let _ = write!(
        out,
        "<section class=\"stack\" aria-labelledby=\"na-h\"><h2 id=\"na-h\" class=\"h3\">Make an account</h2>{}</section>",
        desk.form("/app/accounts", "d-form", &form)
    );
    desk.page(Place::Accounts, "Accounts", "", &out)
}

/// What a reader sees: its own balance.
#[must_use]
pub fn own(desk: &Desk, balance: &Value) -> Page {
    let money = |name: &str| match dollars(&balance[name]["amount"]) {
        Some(money) => amount(money),
        None => "without limit".to_owned(),
    };
    let main = format!(
        "<dl class=\"facts\"><dt>Billing</dt><dd>{}</dd><dt>Available</dt><dd class=\"num\">{}</dd><dt>Held for what is under way</dt><dd class=\"num\">{}</dd></dl><p class=\"hint\">Statements and changes are for who signed in with the scope admin.</p>",
        escape(text(balance, "billing_type")),
        money("available"),
        money("held")
    );
    desk.page(Place::Accounts, "Account", "", &main)
}

fn row(account: &Value) -> String {
    let limit = match (text(account, "billing_type"), dollars(&account["credit_limit_usd"])) {
        ("prepaid", _) => "nothing".to_owned(),
        (_, Some(limit)) => amount(limit),
        (_, None) => "without limit".to_owned(),
    };
    let money = |name: &str| amount_of(&account["balance"][name]);
    let made = brief(account, "created_at");
    format!(
        "<tr><th scope=\"row\"><a class=\"mono\" href=\"/app/accounts/{id}\">{id}</a></th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{limit}</td><td>{}</td><td class=\"num\">{made}</td></tr>\n",
        escape(text(account, "billing_type")),
        money("available_usd"),
        money("held_usd"),
        if account["stores_payloads"] == true {
            "yes"
        } else {
            "no"
        },
        id = escape(text(account, "id")),
    )
}

/// The fields of what can be set of an account.
fn terms(out: &mut String, id: &str, values: &dyn Fn(&str) -> String) {
    out.push_str("<div class=\"d-grid\">");
    let kinds = [
        ("prepaid", "prepaid: spends what was paid in"),
        ("postpaid", "postpaid: may owe"),
    ];
    let billing = values("billing_type");
    out.push_str(&choice_field(
        &format!("{id}-billing"),
        "billing_type",
        "Billing",
        &kinds,
        &billing,
    ));
    for (name, label, attributes) in [
        (
            "credit_limit_usd",
            "May owe, $ (postpaid)",
            "inputmode=\"decimal\" placeholder=\"without limit\"",
        ),
        (
            "log_retention_days",
            "Days in the log",
            "inputmode=\"numeric\" placeholder=\"as the gateway\"",
        ),
        (
            "media_ttl_s",
            "Seconds that pictures are kept",
            "inputmode=\"numeric\" placeholder=\"as the gateway\"",
        ),
        (
            "media_bytes",
            "Bytes that pictures may take",
            "inputmode=\"numeric\" placeholder=\"no limit of its own\"",
        ),
    ] {
        out.push_str(&field(&format!("{id}-{name}"), name, label, &values(name), attributes));
    }
    let checked = if values("stores_payloads") == "true" {
        " checked"
    } else {
        ""
    };
    let _ = write!(
        out,
        "</div><label class=\"check\"><input type=\"checkbox\" name=\"stores_payloads\" value=\"true\"{checked}><span>Keep prompts, answers and pictures of its requests</span></label>"
    );
}

/// What the page of one account shows.
#[derive(Debug)]
pub struct One<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// The account as the API answers it.
    pub account: &'a Value,
    /// A page of its statement.
    pub postings: &'a Value,
    /// Why a form was refused.
    pub fault: Option<&'a str>,
    /// What was done, to be confirmed.
    pub done: Option<&'a str>,
    /// What was filled in, or the page's query.
    pub values: &'a [(String, String)],
    /// An id for the next movement, so that a form that is sent twice moves money once.
    pub posting_id: &'a str,
}

/// The page of one account: its terms, its money, its statement.
#[must_use]
pub fn one(shown: &One<'_>) -> Page {
    let (desk, account) = (shown.desk, shown.account);
    let id = text(account, "id");
    let path = format!("/app/accounts/{id}");
    let mut out = String::new();
    told_fault(&mut out, shown.fault);
    if let Some(done) = shown.done {
        let _ = write!(out, "<p class=\"banner ok\" role=\"status\">{}</p>", escape(done));
    }
    let money = |name: &str| amount_of(&account["balance"][name]);
    let _ = write!(
        out,
        "<div class=\"sums\"><section><h2 class=\"hint\">Available</h2><p class=\"fig\">{}</p><p class=\"hint\">{}</p></section><section><h2 class=\"hint\">Held</h2><p class=\"fig\">{}</p><p class=\"hint\">for what is under way</p></section></div>",
        money("available_usd"),
        escape(text(account, "billing_type")),
        money("held_usd")
    );
    statement(&mut out, shown, &path);
    let mut form = String::from("<div class=\"d-grid\">");
    let kinds = [
        ("top_up", "top-up: paid in"),
        ("adjustment", "adjustment: a correction, may be negative"),
        ("refund", "refund: gives a charge back"),
    ];
    let kind = value(shown.values, "kind");
    form.push_str(&choice_field("po-kind", "kind", "What it is", &kinds, kind));
    for (name, label, attributes) in [
        ("amount_usd", "Amount, $", "inputmode=\"decimal\" required"),
        ("request_id", "Request (refunds)", "placeholder=\"req_…\""),
        ("note", "Note", "maxlength=\"500\""),
    ] {
        form.push_str(&field(
            &format!("po-{name}"),
            name,
            label,
            value(shown.values, name),
            attributes,
        ));
    }
    let _ = write!(
        form,
        "</div><input type=\"hidden\" name=\"id\" value=\"{}\"><button class=\"btn main\" type=\"submit\">Move the money</button>",
        escape(shown.posting_id)
    );
    let now = |name: &str| -> String {
        match shown.values.iter().find(|(own, _)| own == name) {
            Some((_, value)) => value.clone(),
            None if account[name].is_null() => String::new(),
            None => typed(&account[name]),
        }
    };
    let mut change = String::new();
    terms(&mut change, "ca", &now);
    change.push_str("<button class=\"btn\" type=\"submit\">Change</button>");
    let _ = write!(
        out,
        "<section class=\"stack\"><h2 class=\"h3\">Top up, correct, give back</h2>{}</section><section class=\"stack\"><h2 class=\"h3\">Terms</h2>{}</section>",
        desk.form(&format!("{path}/postings"), "d-form", &form),
        desk.form(&path, "d-form", &change)
    );
    let encoded = escape(id);
    let beside = format!(
        "<a class=\"btn sm\" href=\"/app/requests?days=all&amp;account={encoded}\">Requests</a><a class=\"btn sm\" href=\"/app/usage?account={encoded}\">Spending</a><a class=\"btn sm\" href=\"/app/audit?account={encoded}\">Audit</a>"
    );
    let mut page = desk.page(Place::Accounts, &encoded, &beside, &out);
    page.title = format!("Account {id}");
    page.path = path;
    page
}

fn statement(out: &mut String, shown: &One<'_>, path: &str) {
    let postings = list(shown.postings, "data");
    out.push_str("<section class=\"stack\"><h2 class=\"h3\">Statement</h2>");
    if postings.is_empty() {
        out.push_str("<p class=\"dim\">Nothing has moved yet.</p></section>");
        return;
    }
    let row = |posting: &Value| {
        let request = text(posting, "request_id");
        let about = if request.is_empty() {
            String::new()
        } else {
            format!("<a class=\"mono\" href=\"/app/requests/{0}\">{0}</a>", escape(request))
        };
        let entries: Vec<String> = list(posting, "entries")
            .iter()
            .map(|entry| {
                let money = dollars(&entry["amount_usd"]).unwrap_or(Micros::ZERO);
                format!("{} {}", text(entry, "book"), amount(money))
            })
            .collect();
        format!(
            "<tr><th scope=\"row\" class=\"num\">{}</th><td>{}</td><td>{about}</td><td>{}</td><td class=\"dim\">{}</td><td class=\"n\">{}</td></tr>\n",
            brief(posting, "created_at"),
            escape(&text(posting, "kind").replace('_', " ")),
            escape(text(posting, "note")),
            escape(&entries.join(", ")),
            amount_of(&posting["amount_usd"])
        )
    };
    let rows: String = postings.iter().map(row).collect();
    out.push_str(&table(
        "Statement",
        &[
            ("Time", false),
            ("What", false),
            ("Request", false),
            ("Note", false),
            ("Books", false),
            ("Available", true),
        ],
        &rows,
    ));
    out.push_str(&pages(shown.postings, path, &[]));
    out.push_str("</section>");
}
