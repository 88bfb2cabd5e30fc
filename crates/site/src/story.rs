//! One request told in words: where it went and why, what providers said, who paid. The desk and the command line use the
//! same ones, over what `GET /v1/requests/{id}` answers.

use serde_json::Value;

use crate::told::{text, typed};
use crate::words;

/// How it stands, after "it".
#[must_use]
pub fn state(status: &str) -> &str {
    match status {
        "pending" | "processing" => "is under way",
        "completed" => "was completed",
        "rejected" => "was refused",
        "upstream_failure" => "failed at the providers",
        "cancelled" => "was cancelled",
        other => other,
    }
}

/// Whether it is not over yet.
#[must_use]
pub fn is_under_way(request: &Value) -> bool {
    matches!(text(request, "status"), "pending" | "processing")
}

/// A time for people.
#[must_use]
pub fn lasted(milliseconds: f64) -> String {
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1_000.0)
    }
}

/// Why a call failed: its code, the provider's status, and whether anything was spent.
#[must_use]
pub fn failure(attempt: &Value) -> String {
    let status = attempt["http_status"]
        .as_u64()
        .map_or_else(String::new, |status| format!(" (HTTP {status})"));
    format!("{}{status}; {}", text(attempt, "code"), spent(attempt))
}

fn spent(attempt: &Value) -> &'static str {
    match text(attempt, "spent") {
        "no" => "nothing was spent",
        "yes" => "it was spent",
        _ => "whether it was spent is not known",
    }
}

/// What is known of a call beside how it ended: what stands before each text, and the text.
#[must_use]
pub fn said(attempt: &Value) -> Vec<(&'static str, &str)> {
    let known = [
        ("message", ""),
        ("excerpt", "it said: "),
        ("upstream_id", "its id of the call: "),
    ];
    let told = known.into_iter().map(|(name, intro)| (intro, text(attempt, name)));
    told.filter(|(_, text)| !text.is_empty()).collect()
}

/// What the operator's policy said of a request that it denied, for admins; `None` where it did not.
#[must_use]
pub fn policy(request: &Value) -> Option<String> {
    let policy = request.get("policy").filter(|policy| policy.is_object())?;
    let when = match text(policy, "moment") {
        "after" => "once the images were made",
        _ => "before anything was spent",
    };
    let why = match (text(policy, "by"), text(policy, "unanswered")) {
        ("terms", _) if text(policy, "term").is_empty() => "the prompt holds a term of the list".to_owned(),
        ("terms", _) => format!("the prompt holds the term “{}”", text(policy, "term")),
        (_, "") => match text(policy, "reason") {
            "" => "the hook said no".to_owned(),
            reason => format!("the hook said no: {reason}"),
        },
        (_, cause) => format!("the hook gave no answer: {cause}"),
    };
    Some(format!("The operator’s policy denied it {when}: {why}"))
}

/// What became of a parameter.
#[must_use]
pub fn used(adjustment: &Value) -> String {
    if adjustment["used"].is_null() {
        "was left out".to_owned()
    } else {
        format!("became {}", typed(&adjustment["used"]))
    }
}

/// Where the figure of a charge is from; follows the amount.
#[must_use]
pub fn basis(request: &Value) -> &'static str {
    match text(request, "cost_basis") {
        "reported" => "as the provider reported",
        "usage" => "by what the provider says it used",
        "table" => "by the price table for what was delivered",
        _ => "",
    }
}

/// What a line of a charge counts and at which price: `1,568 image tokens at $32 a million`.
#[must_use]
pub fn component(line: &Value) -> String {
    let quantity = line["billable_quantity"].as_f64().unwrap_or_default();
    let what = match (text(line, "metric"), text(line, "type")) {
        ("token_text", "input") => "prompt tokens",
        ("token_text", _) => "text tokens",
        ("token_image", "input") => "tokens of input images",
        ("token_image", _) => "image tokens",
        ("image", "input") => "input images",
        ("image", _) => "images",
        ("megapixel", _) => "megapixels",
        ("second", _) => "seconds",
        (other, _) => other,
    };
    let counted = if quantity.fract() == 0.0 && (0.0..1e15).contains(&quantity) {
        words::number(quantity as u64)
    } else {
        quantity.to_string()
    };
    let each = match line["unit_size"].as_f64().unwrap_or(1.0) {
        1.0 => "each".to_owned(),
        1_000.0 => "a thousand".to_owned(),
        1_000_000.0 => "a million".to_owned(),
        other => format!("for {other}"),
    };
    let price = line["unit_price"].as_f64().unwrap_or_default();
    format!("{counted} {what} at ${price} {each}")
}

/// What stands for a request without a charge.
#[must_use]
pub fn uncharged(request: &Value) -> &'static str {
    if is_under_way(request) {
        "what it may cost is held"
    } else {
        "nothing was charged"
    }
}
