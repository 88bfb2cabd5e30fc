//! Performance of this installation: times and shares of the log.

use super::Sheet;
use crate::charts::{Lane, times};
use crate::here::Service;
use crate::html::{Html, escape};
use crate::words;

pub(super) fn section(sheet: &Sheet<'_>) -> Html {
    let shown = sheet.shown;
    let model = &shown.view.model.id;
    let lanes: Vec<Lane<'_>> = sheet
        .columns
        .iter()
        .filter_map(|(id, name)| {
            Some(Lane {
                name,
                calls: shown.performance.at(model, id)?,
            })
        })
        .collect();
    let days = shown.performance.days;
    let is_sandbox = sheet
        .columns
        .iter()
        .any(|(id, _)| shown.providers.service(id) == Service::Sandbox);
    let whose = if is_sandbox { ", sandbox calls" } else { "" };
    let mut out = format!(
        "<section id=\"performance\" class=\"sec\" aria-labelledby=\"h-perf\"><header><h2 id=\"h-perf\">Performance</h2><p>Measured by this installation in the last {days} days{whose}. Refreshed each minute.</p></header>\n"
    );
    if lanes.is_empty() {
        out.push_str("<div class=\"state\"><p class=\"h2\">No calls yet</p><p>Times and shares of success by provider appear here with the first call of this model.</p><a class=\"btn\" href=\"#code\">Make one</a></div></section>");
        return Html(out);
    }
    let drawn: Vec<Lane<'_>> = lanes
        .iter()
        .copied()
        .filter(|lane| !lane.calls.times_ms.is_empty())
        .collect();
    if !drawn.is_empty() {
        out.push_str(&format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Performance chart\">{}</div>",
            times("pf", &drawn)
        ));
    }
    out.push_str("<details class=\"more\"><summary>As a table</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Performance by provider\"><table><thead><tr><th scope=\"col\">Provider</th><th scope=\"col\" class=\"n\">Calls</th><th scope=\"col\" class=\"n\">Succeeded</th><th scope=\"col\" class=\"n\">p50</th><th scope=\"col\" class=\"n\">p95</th></tr></thead><tbody>");
    for lane in &lanes {
        let time = |ms: Option<u64>| ms.map_or_else(|| "none".to_owned(), words::duration);
        out.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(lane.name),
            words::number(lane.calls.count),
            words::percent(lane.calls.succeeded, lane.calls.count),
            time(lane.calls.p50_ms()),
            time(lane.calls.p95_ms())
        ));
    }
    out.push_str("</tbody></table></div></details></section>");
    Html(out)
}
