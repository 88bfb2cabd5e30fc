//! `/app/requests/{id}`: one request beside the list: where its time went, what was tried and why, and who paid.

mod again;
mod times;

use std::fmt::Write as _;

use planner::explain::Explanation;
use planner::money::Micros;
use serde_json::Value;

use super::requests::outcome;
use super::{Desk, Named, amount, held, paid, table};
use crate::highlight::Language;
use crate::html::{Html, code, escape, icon};
use crate::story;
use crate::told::{dollars, list, moment, text, typed};
use crate::words;

/// What is shown of it.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// The request as the API answers it.
    pub request: &'a Value,
    /// Names of keys.
    pub keys: &'a Named,
    /// Names of providers.
    pub providers: &'a Named,
    /// Where the list is that it was opened from.
    pub back: &'a str,
    /// The installation's address, for code.
    pub address: &'a str,
    /// Where the same page tells where the request would go now, for who may see that.
    pub explained_at: Option<&'a str>,
    /// Where it would go now, once that is asked.
    pub explanation: Option<&'a Explanation>,
}

/// The part of the page that tells it.
#[must_use]
pub fn drawer(shown: &Shown<'_>) -> Html {
    let request = shown.request;
    let id = text(request, "id");
    let mut out = format!(
        "<article class=\"drawer\" aria-labelledby=\"dr-h\"{}><header class=\"row between\"><h2 id=\"dr-h\" class=\"mono dr-id\">{}</h2><a class=\"btn sm icon bare\" href=\"{}\" aria-label=\"Close\">{}</a></header>\n",
        if story::is_under_way(request) {
            " data-under-way"
        } else {
            ""
        },
        escape(id),
        escape(shown.back),
        icon("x")
    );
    let time = moment(request, "created_at").map_or_else(String::new, words::moment);
    let _ = write!(
        out,
        "<div class=\"row tight\">{}<span class=\"hint num\">{time}</span><span class=\"hint\">key “{}”</span></div>",
        outcome(request),
        escape(shown.keys.name(text(request, "key_id")))
    );
    if !text(request, "error_message").is_empty() {
        let _ = write!(
            out,
            "<p class=\"banner fail\">{}</p>",
            escape(text(request, "error_message"))
        );
    }
    if let Some(policy) = story::policy(request) {
        let _ = write!(out, "<p class=\"hint\">{}</p>", escape(&policy));
    }
    top(&mut out, request);
    for section in [
        times::section(shown),
        plan(shown),
        money(request),
        adjustments(request),
        texts(request),
        again::section(shown),
    ] {
        out.push_str(&section);
    }
    actions(&mut out, shown);
    out.push_str("</article>");
    Html(out)
}

fn top(out: &mut String, request: &Value) {
    let images = list(&request["result"], "data");
    let facts = list(&request["result"]["metadata"], "images");
    out.push_str("<div class=\"dr-top\">");
    if images.is_empty() {
        let why = if text(request, "status") != "completed" {
            "No picture."
        } else if text(request, "payloads_purged_at").is_empty() {
            "Its pictures are kept no longer, or were never: an answer with the bytes leaves nothing behind."
        } else {
            "Its pictures and texts were forgotten on request."
        };
        let _ = write!(out, "<p class=\"hint\">{why}</p>");
    } else {
        out.push_str("<div class=\"stack\">");
        for (place, (image, facts)) in images.iter().zip(facts).enumerate() {
            let size = text(facts, "size");
            let (width, height) = size.split_once('x').unwrap_or(("1", "1"));
            let _ = write!(
                out,
                "<figure class=\"plate\"><img src=\"{}\" alt=\"Delivered picture {}\" width=\"{}\" height=\"{}\" loading=\"lazy\" decoding=\"async\"><figcaption><span class=\"num\">{}, {}, {}</span></figcaption></figure>",
                escape(&own_path(text(image, "url"))),
                place + 1,
                escape(width),
                escape(height),
                escape(&size.replace('x', " × ")),
                escape(text(facts, "output_format")),
                words::bytes(facts["bytes"].as_u64().unwrap_or_default())
            );
        }
        out.push_str("</div>");
    }
    out.push_str("<dl class=\"facts\">");
    let took = request["duration_ms"]
        .as_u64()
        .map_or_else(|| "not over yet".to_owned(), words::duration);
    let cost = dollars(&request["cost"]).map_or_else(|| story::uncharged(request).to_owned(), paid);
    let mut fact = |name: &str, value: &str| {
        let _ = write!(out, "<dt>{name}</dt><dd>{value}</dd>");
    };
    fact("Model", &escape(text(request, "model")));
    fact("Path", &format!("<code>{}</code>", escape(text(request, "endpoint"))));
    fact("Took", &format!("<span class=\"num\">{took}</span>"));
    fact("Charged", &cost);
    fact(
        "Account",
        &format!("<code>{}</code>", escape(text(request, "account_id"))),
    );
    for (name, label) in [
        ("client_request_id", "Your id"),
        ("idempotency_key", "Idempotency key"),
        ("session_id", "Session"),
        ("user", "User"),
        ("trace_id", "Trace"),
    ] {
        if !text(request, name).is_empty() {
            fact(label, &format!("<code>{}</code>", escape(text(request, name))));
        }
    }
    out.push_str("</dl></div>\n");
}

/// Links to pictures are the installation's own: only their path is of use to who came by another name.
fn own_path(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| url.to_owned(),
        |url| format!("{}?{}", url.path(), url.query().unwrap_or_default()),
    )
}

fn lane(shown: &Shown<'_>, attempt: &Value) -> String {
    lane_name(shown, text(attempt, "provider")).to_owned()
}

fn lane_name<'a>(shown: &'a Shown<'_>, provider: &'a str) -> &'a str {
    shown.providers.name(provider)
}

const fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn plan(shown: &Shown<'_>) -> String {
    let candidates = list(shown.request, "plan");
    if candidates.is_empty() {
        return "<section><h3>Why in this order</h3><p class=\"dim\">No provider was chosen.</p></section>\n"
            .to_owned();
    }
    let mut rows = String::new();
    for candidate in candidates {
        let departures: Vec<String> = list(&candidate["fit"], "departures").iter().map(typed).collect();
        let fit = if departures.is_empty() {
            "as asked".to_owned()
        } else {
            format!("changes {}", words::list(&departures))
        };
        let estimate = candidate["estimate_micros"]
            .as_i64()
            .map_or_else(String::new, |micros| held(Micros(micros)));
        let chance = candidate["chance"]
            .as_f64()
            .map_or_else(String::new, |chance| format!("{:.0} %", chance * 100.0));
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{estimate}</td><td class=\"n\">{chance}</td></tr>",
            escape(&lane(shown, candidate)),
            escape(&fit)
        );
    }
    let why: String = candidates
        .iter()
        .map(|candidate| {
            format!(
                "<li><b>{}</b> <span class=\"dim\">({})</span>: {}</li>",
                escape(&lane(shown, candidate)),
                escape(text(candidate, "native_model")),
                escape(or_dash(text(candidate, "reason")))
            )
        })
        .collect();
    format!(
        "<section><h3>Why in this order</h3>{}<ol class=\"why\">{why}</ol></section>\n",
        table(
            "Candidates in their order",
            &[("Offer", false), ("Fit", false), ("Estimate", true), ("Chance", true)],
            &rows
        )
    )
}

fn money(request: &Value) -> String {
    let mut rows = String::new();
    let mut row = |name: &str, hint: &str, value: &str| {
        let hint = if hint.is_empty() {
            String::new()
        } else {
            format!(" <span class=\"hint\">{}</span>", escape(hint))
        };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{name}{hint}</th><td class=\"n\">{value}</td></tr>"
        );
    };
    let estimate = dollars(&request["estimate"]).unwrap_or(Micros::ZERO);
    row("Held before", "the dearest that could be paid", &held(estimate));
    for line in list(request, "cost_components") {
        let cost = line["total_cost"]
            .as_i64()
            .map_or_else(String::new, |micros| amount(Micros(micros)));
        row(&escape(&story::component(line)), "", &cost);
    }
    let charged = dollars(&request["cost"]);
    match charged {
        Some(cost) => {
            if let Some(markup) = dollars(&request["markup"]) {
                row("Of it the operator’s", "mark-up", &amount(markup));
            }
            row("Charged", story::basis(request), &paid(cost));
            if estimate.0 > cost.0 {
                row("Given back", "", &amount(Micros(estimate.0 - cost.0)));
            }
        }
        None if story::is_under_way(request) => row("Charged", "not over yet", "–"),
        None => row("Given back", story::uncharged(request), &amount(estimate)),
    }
    format!(
        "<section><h3>Money</h3><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Money\"><table><tbody>\n{rows}</tbody></table></div></section>\n"
    )
}

fn adjustments(request: &Value) -> String {
    let changed = list(request, "adjustments");
    if changed.is_empty() {
        return "<section><h3>Adjustments</h3><p class=\"dim\">None: everything went out as it was asked.</p></section>\n"
            .to_owned();
    }
    let mut rows = String::new();
    for one in changed {
        let used = if one["used"].is_null() {
            "<td class=\"dimmer\">left out</td>".to_owned()
        } else {
            format!("<td class=\"num\">{}</td>", escape(&typed(&one["used"])))
        };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"num\">{}</td>{used}<td>{}</td></tr>",
            escape(text(one, "parameter")),
            escape(&typed(&one["requested"])),
            escape(text(one, "reason"))
        );
    }
    format!(
        "<section><h3>Adjustments</h3>{}</section>\n",
        table(
            "Adjustments",
            &[("Parameter", false), ("Asked", false), ("Used", false), ("Why", false)],
            &rows
        )
    )
}

/// What was asked, where the account keeps it.
fn texts(request: &Value) -> String {
    let asked = &request["payloads"]["request"];
    if asked.is_null() {
        return String::new();
    }
    let pretty = serde_json::to_string_pretty(asked).unwrap_or_default();
    format!(
        "<section><h3>What was asked</h3>{}</section>\n",
        code(Language::Json, "What was asked", &pretty)
    )
}

fn actions(out: &mut String, shown: &Shown<'_>) {
    let request = shown.request;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("models", text(request, "model"));
    if let Some(fields) = request["payloads"]["request"].as_object() {
        let plain = fields
            .iter()
            .filter(|(name, value)| *name != "model" && !value.is_object() && !value.is_array());
        query.extend_pairs(plain.map(|(name, value)| (name.as_str(), typed(value))));
    }
    let _ = write!(
        out,
        "<footer class=\"row tight\"><a class=\"btn sm\" href=\"/playground?{}\">{}Again in the playground</a>",
        escape(&query.finish()),
        icon("rotate-ccw")
    );
    if !text(request, "user").is_empty() {
        let user: String = url::form_urlencoded::byte_serialize(text(request, "user").as_bytes()).collect();
        let _ = write!(
            out,
            "<a class=\"btn sm bare\" href=\"/app/requests?days=all&amp;user={user}\">All of this user</a>"
        );
    }
    if text(request, "payloads_purged_at").is_empty() && !story::is_under_way(request) {
        let button = format!(
            "<button class=\"btn sm bare\" type=\"submit\">{}Forget pictures and texts</button>",
            icon("trash-2")
        );
        let path = format!("/app/requests/{}/purge", text(request, "id"));
        out.push_str(&shown.desk.form(&path, "", &button));
    }
    out.push_str("</footer>");
    again::publish(out, shown);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_told_with_its_way_its_money_and_no_secret() {
        let request = json!({
            "id": "req_1", "created_at": "2026-11-30T09:19:25Z", "status": "completed", "model": "gpt-image-1.5", "endpoint": "/openai/v1/images/generations",
            "cost": 0.050306, "estimate": 0.051006, "cost_basis": "usage", "duration_ms": 3780, "key_id": "k1", "account_id": "default",
            "cost_components": [{ "metric": "token_image", "billable_quantity": 1568.0, "unit_price": 32.0, "unit_size": 1_000_000, "total_cost": 50_176 }],
            "attempts": [
                { "provider": "fal", "outcome": "failed", "code": "rate_limited", "http_status": 429, "spent": "no", "duration_ms": 1, "excerpt": "slow <down>" },
                { "provider": "openai", "outcome": "succeeded", "duration_ms": 332, "cost": 0.050306 } ],
            "timings": [ { "stage": "attempt", "attempt": 0, "started_ms": 1.0, "duration_ms": 1.0 }, { "stage": "attempt", "attempt": 1, "started_ms": 3.0, "duration_ms": 332.0 }, { "stage": "convert", "started_ms": 335.0, "duration_ms": 2590.0 } ],
            "plan": [ { "provider": "fal", "native_model": "fal-ai/x", "estimate_micros": 50_360, "fit": { "departures": ["seed"] }, "chance": 0.08, "reason": "drawn first" } ],
            "adjustments": [ { "parameter": "seed", "requested": 7, "used": null, "reason": "unsupported" } ],
        });
        let desk = Desk {
            key_name: "k".to_owned(),
            account_id: "default".to_owned(),
            is_admin: true,
            form_token: "t".to_owned(),
        };
        let keys = Named(vec![("k1".to_owned(), "first key".to_owned())]);
        let providers = Named(vec![("fal".to_owned(), "fal.ai".to_owned())]);
        let html = drawer(&Shown {
            desk: &desk,
            request: &request,
            keys: &keys,
            providers: &providers,
            back: "/app/requests",
            address: "http://h",
            explained_at: None,
            explanation: None,
        })
        .0;
        for told in [
            "first key",
            "fal.ai",
            "slow &lt;down&gt;",
            "nothing was spent",
            "changes seed",
            "$0.050306",
            "by what the provider says it used",
            "$0.0007",
            "left out",
            "PICTOR_API_KEY",
            "/app/requests/req_1/purge",
        ] {
            assert!(html.contains(told), "{told}: {html}");
        }
    }
}
