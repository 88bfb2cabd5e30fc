//! Where a request's time went: calls by provider, and Pictor's own stages.

use serde_json::Value;

use super::super::paid;
use super::{Shown, lane};
use crate::charts::{PICTOR, Span, gantt};
use crate::html::{escape, status};
use crate::story;
use crate::told::{dollars, list, moment, text};

/// The stretches of the time line: calls by provider, then Pictor's own stages.
fn spans(shown: &Shown<'_>) -> Vec<Span> {
    let calls = list(shown.request, "attempts");
    let (mut of_calls, mut own) = (Vec::new(), Vec::new());
    for timing in list(shown.request, "timings") {
        let figure = |name: &str| timing[name].as_f64().unwrap_or_default();
        let stage = text(timing, "stage");
        let call = timing["attempt"]
            .as_u64()
            .and_then(|place| calls.get(usize::try_from(place).ok()?));
        let (lane, class) = match call {
            Some(call) if text(call, "outcome") == "succeeded" => (lane(shown, call), "bok"),
            Some(call) => (lane(shown, call), "bfail"),
            None if stage == "convert" => (PICTOR.to_owned(), "b3"),
            None => (PICTOR.to_owned(), "b2"),
        };
        let is_call = call.is_some();
        let span = Span {
            lane,
            class,
            label: if is_call { String::new() } else { stage.to_owned() },
            from_ms: figure("started_ms"),
            for_ms: figure("duration_ms"),
        };
        if is_call { of_calls.push(span) } else { own.push(span) }
    }
    of_calls.append(&mut own);
    of_calls
}

/// Time line and the same as a list.
pub(super) fn section(shown: &Shown<'_>) -> String {
    let calls = list(shown.request, "attempts");
    let spans = spans(shown);
    let mut out = String::from("<section><h3>Time line</h3>");
    if spans.is_empty() {
        out.push_str("<p class=\"dim\">Where the time went is told once the request has ended.</p>");
    } else {
        out.push_str(&gantt("gt", &finding(shown, &spans), &spans).0);
    }
    out.push_str("<ol class=\"tl\" role=\"list\">");
    let timings = list(shown.request, "timings");
    let began = |place: usize| {
        timings
            .iter()
            .find(|timing| timing["attempt"].as_u64() == u64::try_from(place).ok())
            .and_then(|timing| timing["started_ms"].as_f64())
    };
    let mut lines: Vec<(f64, String)> = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        let again = calls[..place]
            .iter()
            .any(|other| text(other, "provider") == text(call, "provider"));
        // Of a request that is under way there are no times yet, but its calls say when they began.
        let at = began(place).or_else(|| since_beginning(shown.request, call));
        lines.push((at.unwrap_or(f64::INFINITY), call_line(shown, call, at, again)));
    }
    for timing in timings.iter().filter(|timing| timing["attempt"].is_null()) {
        let figure = |name: &str| timing[name].as_f64().unwrap_or_default();
        let line = format!(
            "<li><span class=\"num at\">{}</span><span>{} <span class=\"dim\">{}</span></span><span class=\"num end dim\">{}</span></li>",
            story::lasted(figure("started_ms")),
            status("info", PICTOR),
            stage_words(text(timing, "stage")),
            story::lasted(figure("duration_ms"))
        );
        lines.push((figure("started_ms"), line));
    }
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    if lines.is_empty() {
        out.push_str("<li><span></span><span class=\"dim\">Nothing was sent to any provider.</span><span></span></li>");
    }
    out.extend(lines.into_iter().map(|(_, line)| line));
    out.push_str("</ol></section>\n");
    out
}

fn finding(shown: &Shown<'_>, spans: &[Span]) -> String {
    let calls = list(shown.request, "attempts");
    let told = calls.iter().map(|call| {
        let how = if text(call, "outcome") == "succeeded" {
            "succeeds"
        } else {
            "fails"
        };
        let took = call["duration_ms"].as_f64().unwrap_or_default();
        format!("{} {how} after {}", lane(shown, call), story::lasted(took))
    });
    let own: f64 = spans
        .iter()
        .filter(|span| span.lane == PICTOR)
        .map(|span| span.for_ms)
        .sum();
    format!(
        "Time line: {}; Pictor takes {} itself",
        told.collect::<Vec<_>>().join(", "),
        story::lasted(own)
    )
}

/// When a call began, in milliseconds from the beginning of its request.
fn since_beginning(request: &Value, call: &Value) -> Option<f64> {
    let since = moment(call, "started_at")?.duration_since(moment(request, "created_at")?);
    Some(since.as_secs_f64().max(0.0) * 1e3)
}

fn call_line(shown: &Shown<'_>, call: &Value, at: Option<f64>, again: bool) -> String {
    let took = call["duration_ms"].as_f64().unwrap_or_default();
    let (kind, how) = match text(call, "outcome") {
        "succeeded" => (
            "ok",
            format!(
                "succeeded, {}",
                dollars(&call["cost"]).map_or_else(|| "no charge of its own".to_owned(), paid)
            ),
        ),
        "running" => ("info", "is being asked".to_owned()),
        _ => ("fail", escape(&story::failure(call))),
    };
    let name = format!("{}{}", lane(shown, call), if again { ", again" } else { "" });
    let said: String = story::said(call)
        .iter()
        .map(|(intro, words)| format!("<br><span class=\"said\">{intro}{}</span>", escape(words)))
        .collect();
    format!(
        "<li class=\"{kind}\"><span class=\"num at\">{}</span><span>{} <span class=\"dim\">{how}{said}</span></span><span class=\"num end dim\">{}</span></li>",
        at.map_or_else(String::new, story::lasted),
        status(kind, &name),
        story::lasted(took)
    )
}

fn stage_words(stage: &str) -> &str {
    match stage {
        "receive" => "took the request in",
        "parse" => "understood it",
        "fetch" => "fetched input images",
        "plan" => "put the offers in order",
        "policy" => "asked the operator’s policy",
        "hold" => "put it on record, and held the money",
        "convert" => "converted the images",
        "store" => "stored the images",
        "settle" => "put the end on record, and settled",
        other => other,
    }
}
