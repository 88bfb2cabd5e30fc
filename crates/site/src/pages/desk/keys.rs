//! `/app/keys`: API keys: who may do what, and for how much.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Desk, Place, amount, amount_of, brief, empty, field, pages, table, told_fault, value};
use crate::frame::Page;
use crate::highlight::Language;
use crate::html::{code, escape, status};
use crate::told::{dollars, list, moment, text, typed};
use crate::words;

/// Limits of a key: name in forms and in the API's object, and words.
const BUDGETS: [(&str, &str); 3] = [
    ("total_usd", "Budget in all, $"),
    ("day_usd", "Budget of a day, $"),
    ("month_usd", "Budget of a month, $"),
];
const RATES: [(&str, &str); 2] = [
    ("requests_per_minute", "Requests a minute"),
    ("concurrent", "Images at one time"),
];
const LISTS: [(&str, &str); 2] = [
    ("models", "Models that it may use, with commas between"),
    ("providers", "Providers that may serve it"),
];

/// Rules beside them: name in forms and in the API's object, words, and what stands there while nothing is set.
const RULES: [(&str, &str, &str); 6] = [
    ("max_edge_px", "Longest side of an image, px", "no limit"),
    ("max_pixels", "Most pixels of an image", "no limit"),
    ("output_formats", "Formats, with commas between", "all"),
    ("qualities", "Qualities", "all"),
    ("hours", "Hours in UTC, such as mon-fri 08:00-18:00", "always"),
    ("regions", "Regions, such as eu", "all"),
];
/// How long what it asks and gets is kept.
const KEEPING: [(&str, &str); 2] = [
    ("log_retention_days", "Days in the log; 0: no texts are kept"),
    ("media_ttl_s", "Seconds that images are kept; 0: not at all"),
];

/// What the page of all keys shows.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// A page of keys as the API answers it.
    pub page: &'a Value,
    /// A key that was just made, with its secret: shown this once.
    pub made: Option<&'a Value>,
    /// Why a form was refused.
    pub fault: Option<&'a str>,
    /// What was filled in, or the page's query.
    pub values: &'a [(String, String)],
}

/// The page of all keys.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let mut out = String::new();
    told_fault(&mut out, shown.fault);
    if let Some(made) = shown.made {
        let _ = write!(
            out,
            "<section class=\"banner ok\" role=\"status\"><div><h2 class=\"h4\">The key “{}” is made</h2><p>It is shown this once and stored as a hash: copy it now.</p>{}</div></section>",
            escape(text(made, "name")),
            code(Language::Plain, "The new key", text(made, "key"))
        );
    }
    let keys = list(shown.page, "data");
    if keys.is_empty() {
        out.push_str(&empty(
            "No keys here",
            "A key lets a program make images for an account.",
            "",
        ));
    } else {
        let rows: String = keys.iter().map(row).collect();
        out.push_str(&table(
            "Keys",
            &[
                ("Name", false),
                ("Key", false),
                ("Account", false),
                ("May", false),
                ("State", false),
                ("Spent", true),
                ("Budget", true),
                ("Made", false),
            ],
            &rows,
        ));
        out.push_str(&pages(shown.page, "/app/keys", &[]));
    }
    if shown.desk.is_admin {
        make(&mut out, shown);
    } else {
        out.push_str("<p class=\"hint\">Keys are made and changed by who signed in with the scope admin.</p>");
    }
    shown.desk.page(Place::Keys, "Keys", "", &out)
}

fn row(key: &Value) -> String {
    let scopes: Vec<String> = list(key, "scopes").iter().map(typed).collect();
    let budget = BUDGETS
        .iter()
        .filter_map(|(name, _)| {
            let what = match *name {
                "day_usd" => " a day",
                "month_usd" => " a month",
                _ => "",
            };
            Some(format!("{}{what}", amount(dollars(&key["budget"][name])?)))
        })
        .collect::<Vec<_>>()
        .join(", ");
    let made = brief(key, "created_at");
    format!(
        "<tr><th scope=\"row\"><a href=\"/app/keys/{id}\">{name}</a></th><td class=\"mono\">{id}…{last}</td><td class=\"mono\">{account}</td><td>{scopes}</td><td>{state}</td><td class=\"n\">{spent}</td><td class=\"n\">{budget}</td><td class=\"num\">{made}</td></tr>\n",
        id = escape(text(key, "id")),
        name = escape(text(key, "name")),
        last = escape(text(key, "last_four")),
        account = escape(text(key, "account_id")),
        scopes = escape(&scopes.join(", ")),
        state = state(key),
        spent = amount_of(&key["spent"]["total_usd"]),
        budget = if budget.is_empty() {
            "<span class=\"dimmer\">none</span>".to_owned()
        } else {
            budget
        },
    )
}

fn state(key: &Value) -> String {
    match text(key, "status") {
        "active" => status("ok", "works"),
        "revoked" => status("off", "revoked"),
        _ => status("off", "expired"),
    }
    .0
}

/// The fields of what can be set of a key.
fn terms(out: &mut String, id: &str, values: &dyn Fn(&str) -> String) {
    out.push_str("<div class=\"d-grid\">");
    for (name, label) in BUDGETS {
        out.push_str(&field(
            &format!("{id}-{name}"),
            name,
            label,
            &values(name),
            "inputmode=\"decimal\" placeholder=\"none\"",
        ));
    }
    for (name, label) in RATES {
        out.push_str(&field(
            &format!("{id}-{name}"),
            name,
            label,
            &values(name),
            "inputmode=\"numeric\" placeholder=\"no limit\"",
        ));
    }
    out.push_str(&field(
        &format!("{id}-expires_at"),
        "expires_at",
        "Works until",
        &values("expires_at"),
        "placeholder=\"2030-01-31T00:00:00Z\"",
    ));
    for (name, label) in LISTS {
        out.push_str(&field(
            &format!("{id}-{name}"),
            name,
            label,
            &values(name),
            "placeholder=\"all\"",
        ));
    }
    for (name, label, unset) in RULES {
        out.push_str(&field(
            &format!("{id}-{name}"),
            name,
            label,
            &values(name),
            &format!("placeholder=\"{unset}\""),
        ));
    }
    for (name, label) in KEEPING {
        out.push_str(&field(
            &format!("{id}-{name}"),
            name,
            label,
            &values(name),
            "inputmode=\"numeric\" placeholder=\"as its account\"",
        ));
    }
    out.push_str("</div>");
}

fn make(out: &mut String, shown: &Shown<'_>) {
    let given = |name: &str| value(shown.values, name).to_owned();
    let mut form = String::from("<div class=\"d-grid\">");
    form.push_str(&field(
        "nk-name",
        "name",
        "Name",
        &given("name"),
        "maxlength=\"100\" required",
    ));
    let account = match value(shown.values, "account_id") {
        "" => shown.desk.account_id.as_str(),
        named => named,
    };
    form.push_str(&field(
        "nk-account",
        "account_id",
        "Account that pays",
        account,
        "required",
    ));
    form.push_str("</div><fieldset class=\"row\"><legend>It may</legend>");
    let is_fresh = shown.values.iter().all(|(name, _)| name != "name");
    for (scope, words, usual) in [
        ("generate", "make images", true),
        ("read", "read requests and spending", true),
        ("admin", "do everything, for all accounts", false),
    ] {
        let is_on = if is_fresh {
            usual
        } else {
            shown
                .values
                .iter()
                .any(|(name, value)| name == "scopes" && value == scope)
        };
        let checked = if is_on { " checked" } else { "" };
        let _ = write!(
            form,
            "<label class=\"check\"><input type=\"checkbox\" name=\"scopes\" value=\"{scope}\"{checked}><span>{words} <span class=\"hint\">{scope}</span></span></label>"
        );
    }
    form.push_str("</fieldset>");
    terms(&mut form, "nk", &given);
    form.push_str("<button class=\"btn main\" type=\"submit\">Make the key</button>");
    let _ = write!(
        out,
        "<section class=\"stack\" aria-labelledby=\"nk-h\"><h2 id=\"nk-h\" class=\"h3\">Make a key</h2>{}</section>",
        shown.desk.form("/app/keys", "d-form", &form)
    );
}

/// The page of one key: what it is, and for admins what becomes of it.
#[must_use]
pub fn one(desk: &Desk, key: &Value, fault: Option<&str>, filled: &[(String, String)]) -> Page {
    let id = text(key, "id");
    let mut out = String::new();
    told_fault(&mut out, fault);
    out.push_str("<dl class=\"facts\">");
    let mut fact = |name: &str, value: &str| {
        let _ = write!(out, "<dt>{name}</dt><dd>{value}</dd>");
    };
    fact("State", &state(key));
    fact(
        "Key",
        &format!("<code>pk_{}.…{}</code>", escape(id), escape(text(key, "last_four"))),
    );
    fact("Account", &format!("<code>{}</code>", escape(text(key, "account_id"))));
    let scopes: Vec<String> = list(key, "scopes").iter().map(typed).collect();
    fact("May", &escape(&scopes.join(", ")));
    for (name, label) in [
        ("total_usd", "Spent in all"),
        ("day_usd", "Spent today"),
        ("month_usd", "Spent this month"),
    ] {
        let spent = amount_of(&key["spent"][name]);
        let of = dollars(&key["budget"][name]).map_or_else(String::new, |budget| format!(" of {}", amount(budget)));
        fact(label, &format!("<span class=\"num\">{spent}{of}</span>"));
    }
    for (name, label) in [
        ("created_at", "Made"),
        ("expires_at", "Works until"),
        ("revoked_at", "Revoked"),
    ] {
        if let Some(time) = moment(key, name) {
            fact(label, &words::moment(time));
        }
    }
    for (name, label, _) in RULES {
        let set = rule(key, name);
        if !set.is_empty() {
            fact(label, &escape(&set));
        }
    }
    for (name, label) in KEEPING {
        if !key[name].is_null() {
            fact(label, &escape(&typed(&key[name])));
        }
    }
    let _ = write!(
        out,
        "</dl><p class=\"row tight\"><a class=\"btn sm\" href=\"/app/requests?days=all&amp;key={0}\">Its requests</a>{1}</p>",
        escape(id),
        if desk.is_admin {
            format!(
                "<a class=\"btn sm\" href=\"/app/audit?target={}\">What was done to it</a>",
                escape(id)
            )
        } else {
            String::new()
        }
    );
    if desk.is_admin && text(key, "status") != "revoked" {
        changes(&mut out, desk, key, filled);
    }
    let mut page = desk.page(Place::Keys, &escape(text(key, "name")), "", &out);
    page.path = format!("/app/keys/{id}");
    page.title = format!("Key {}", text(key, "name"));
    page
}

/// A rule as one types it; empty where it is not set.
fn rule(key: &Value, name: &str) -> String {
    match &key["rules"][name] {
        Value::Null => String::new(),
        Value::Array(all) => all.iter().map(typed).collect::<Vec<_>>().join(", "),
        one => typed(one),
    }
}

fn changes(out: &mut String, desk: &Desk, key: &Value, filled: &[(String, String)]) {
    let id = text(key, "id");
    let now = |name: &str| -> String {
        if let Some((_, value)) = filled.iter().find(|(own, _)| own == name) {
            return value.clone();
        }
        let of = |value: &Value| if value.is_null() { String::new() } else { typed(value) };
        match name {
            "requests_per_minute" | "concurrent" => of(&key["rate_limit"][name]),
            "models" | "providers" => list(key, name).iter().map(typed).collect::<Vec<_>>().join(", "),
            name if RULES.iter().any(|(rule, ..)| *rule == name) => rule(key, name),
            name if name.ends_with("_usd") => of(&key["budget"][name]),
            name => of(&key[name]),
        }
    };
    let mut form = String::from("<div class=\"d-grid\">");
    form.push_str(&field(
        "ck-name",
        "name",
        "Name",
        &now("name"),
        "maxlength=\"100\" required",
    ));
    form.push_str("</div>");
    terms(&mut form, "ck", &now);
    form.push_str(
        "<p class=\"hint\">An empty field is no limit.</p><button class=\"btn main\" type=\"submit\">Change</button>",
    );
    let path = format!("/app/keys/{id}");
    let _ = write!(
        out,
        "<section class=\"stack\"><h2 class=\"h3\">Change it</h2>{}</section>",
        desk.form(&path, "d-form", &form)
    );
    let revoke = "<p class=\"hint\">It works no more at once, and for good. Sessions that signed in with it end.</p><label class=\"check\"><input type=\"checkbox\" name=\"force\" value=\"true\"><span>Even if it is the last key with the scope admin</span></label><button class=\"btn\" type=\"submit\">Revoke</button>";
    let _ = write!(
        out,
        "<section class=\"stack\"><h2 class=\"h3\">Revoke it</h2>{}</section>",
        desk.form(&format!("{path}/revoke"), "d-form", revoke)
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_key_is_shown_once_and_forms_are_for_admins() {
        let key = json!({ "id": "k1", "name": "robot", "key": "pk_k1.secret", "scopes": ["read"], "status": "active", "budget": { "day_usd": 2 }, "spent": { "total_usd": 0.5 }, "last_four": "cret" });
        let page_of = |made, is_admin| {
            let desk = Desk {
                key_name: "k".to_owned(),
                account_id: "a".to_owned(),
                is_admin,
                form_token: "t".to_owned(),
            };
            let listed = json!({ "data": [key] });
            page(&Shown {
                desk: &desk,
                page: &listed,
                made,
                fault: None,
                values: &[],
            })
            .main
            .0
        };
        let html = page_of(Some(&key), true);
        assert!(html.contains("pk_k1.secret") && html.contains("$2.00 a day"), "{html}");
        let html = page_of(None, false);
        assert!(!html.contains("secret") && !html.contains("Make the key"));
    }
}
