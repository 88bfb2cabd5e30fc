//! One request told in words: where it went and why, what providers said, who paid, where the time went.

use serde_json::Value;
use site::story::{self, lasted};
use site::told::{list, text, typed};

use super::output::dollars;

/// The lines of the story of a request, as `GET /v1/requests/{id}` gives it.
pub(super) fn told(request: &Value) -> Vec<String> {
    let mut lines = vec![head(request)];
    lines.push(format!(
        "  {} for {}, estimated at {} at the most",
        text(request, "endpoint"),
        or(text(request, "model"), "no model"),
        dollars(&request["estimate"])
    ));
    if !text(request, "error_code").is_empty() {
        lines.push(format!(
            "  {}: {}",
            text(request, "error_code"),
            text(request, "error_message")
        ));
    }
    lines.extend(story::policy(request).map(|told| format!("  {told}")));
    let mut chapter = |title: &str, told: Vec<String>| {
        lines.push(String::new());
        lines.push(title.to_owned());
        lines.extend(told.into_iter().map(|line| format!("  {line}")));
    };
    chapter("Where it was to go", plan(request));
    chapter("Where it went, and what was said", attempts(request));
    let changed = adjustments(request);
    if !changed.is_empty() {
        chapter("What was changed", changed);
    }
    chapter("Who paid", payment(request));
    chapter("Where the time went", times(request));
    lines
}

fn head(request: &Value) -> String {
    let took = request["duration_ms"].as_f64();
    let took = took.map_or_else(String::new, |ms| format!(", took {}", lasted(ms)));
    let state = story::state(text(request, "status"));
    format!(
        "{} {state}; it came at {}{took}",
        text(request, "id"),
        text(request, "created_at")
    )
}

fn plan(request: &Value) -> Vec<String> {
    let candidates = list(request, "plan");
    if candidates.is_empty() {
        return vec!["nowhere: no provider was chosen".to_owned()];
    }
    let line = |(index, candidate): (usize, &Value)| {
        format!(
            "{}. {} ({}): {}",
            index + 1,
            text(candidate, "provider"),
            text(candidate, "native_model"),
            text(candidate, "reason")
        )
    };
    candidates.iter().enumerate().map(line).collect()
}

fn attempts(request: &Value) -> Vec<String> {
    let attempts = list(request, "attempts");
    if attempts.is_empty() {
        return vec!["nothing was sent to any provider".to_owned()];
    }
    let mut lines = Vec::new();
    for (index, attempt) in attempts.iter().enumerate() {
        let took = attempt["duration_ms"].as_f64().unwrap_or_default();
        let end = match text(attempt, "outcome") {
            "succeeded" => format!("succeeded after {}, {}", lasted(took), dollars(&attempt["cost"])),
            "running" => "is being asked".to_owned(),
            _ => format!("failed after {}: {}", lasted(took), story::failure(attempt)),
        };
        let place = format!("{}. ", index + 1);
        lines.push(format!("{place}{} {end}", text(attempt, "provider")));
        let indent = " ".repeat(place.len());
        let said = story::said(attempt);
        lines.extend(said.iter().map(|(intro, text)| format!("{indent}{intro}{text}")));
    }
    lines
}

fn adjustments(request: &Value) -> Vec<String> {
    let line = |adjustment: &Value| {
        format!(
            "{} {} {}: {}",
            text(adjustment, "parameter"),
            typed(&adjustment["requested"]),
            story::used(adjustment),
            text(adjustment, "reason")
        )
    };
    list(request, "adjustments").iter().map(line).collect()
}

fn payment(request: &Value) -> Vec<String> {
    let who = format!(
        "account '{}', by its API key {}",
        text(request, "account_id"),
        text(request, "key_id")
    );
    let Some(cost) = request["cost"].as_f64() else {
        return vec![format!("{who}: {}", story::uncharged(request))];
    };
    let basis = match story::basis(request) {
        "" => String::new(),
        basis => format!(", {basis}"),
    };
    let mut lines = vec![format!("{who}: ${cost}{basis}")];
    if let Some(markup) = request["markup"].as_f64() {
        lines.push(format!("of that, ${markup} are the operator's"));
    }
    for line in list(request, "cost_components") {
        lines.push(format!("{}: {}", story::component(line), micros(&line["total_cost"])));
    }
    lines
}

fn times(request: &Value) -> Vec<String> {
    let timings = list(request, "timings");
    if timings.is_empty() {
        return vec!["not known (yet)".to_owned()];
    }
    let providers = list(request, "attempts");
    let row = |timing: &Value| {
        let stage = match (text(timing, "stage"), timing["attempt"].as_u64()) {
            ("attempt", Some(place)) => {
                let made = usize::try_from(place).ok().and_then(|place| providers.get(place));
                format!(
                    "attempt {} {}",
                    place + 1,
                    made.map_or("", |attempt| text(attempt, "provider"))
                )
            }
            (stage, _) => stage.to_owned(),
        };
        let number = |name: &str| timing[name].as_f64().unwrap_or_default();
        format!(
            "{stage:<20} {:>10}   from {}",
            lasted(number("duration_ms")),
            lasted(number("started_ms"))
        )
    };
    timings.iter().map(row).collect()
}

fn micros(amount: &Value) -> String {
    amount
        .as_f64()
        .map_or_else(|| amount.to_string(), |micros| format!("${}", micros / 1_000_000.0))
}

const fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}
