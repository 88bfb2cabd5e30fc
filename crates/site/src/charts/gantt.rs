//! One request's time: a lane for each provider and one for Pictor.

use std::fmt::Write as _;

use crate::html::{Html, escape};
use crate::words;

/// A stretch of time on a lane.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The lane.
    pub lane: String,
    /// Its color, by the name of its class.
    pub class: &'static str,
    /// What it is, where there is room for it.
    pub label: String,
    /// When it began, in milliseconds since the request came in.
    pub from_ms: f64,
    /// How long it took.
    pub for_ms: f64,
}

/// Where lanes begin, and how high one is.
const LEFT: f64 = 86.0;
const LANE: f64 = 26.0;
/// Least width of a stretch: what took no time is there all the same.
const LEAST: f64 = 3.5;

/// The drawing, wide and for phones. `title` says the finding.
#[must_use]
pub fn gantt(id: &str, title: &str, spans: &[Span]) -> Html {
    let mut lanes: Vec<&str> = Vec::new();
    for span in spans {
        if !lanes.contains(&span.lane.as_str()) {
            lanes.push(&span.lane);
        }
    }
    let end = spans.iter().map(|span| span.from_ms + span.for_ms).fold(1.0, f64::max);
    let mut out = String::new();
    for (class, width, suffix) in [("onwide", 520.0, "w"), ("onphone", 340.0, "p")] {
        let bottom = LANE * lanes.len() as f64 + 4.0;
        let x = |ms: f64| LEFT + ms / end * (width - LEFT - LEAST);
        let _ = write!(
            out,
            "<div class=\"{class}\"><svg class=\"chart gantt\" viewBox=\"0 0 {width} {}\" role=\"img\" aria-labelledby=\"{id}-{suffix}\"><title id=\"{id}-{suffix}\">{}</title>",
            bottom + 24.0,
            escape(title)
        );
        for tick in ticks(end) {
            let anchor = if tick == 0.0 { "start" } else { "middle" };
            let _ = write!(
                out,
                "<path class=\"gr\" d=\"M{0:.1} 4V{bottom}\"/><text class=\"t2\" x=\"{0:.1}\" y=\"{1}\" text-anchor=\"{anchor}\">{2}</text>",
                x(tick),
                bottom + 18.0,
                axis(tick)
            );
        }
        for (place, lane) in lanes.iter().enumerate() {
            let top = LANE * place as f64 + 9.0;
            let name: String = lane.chars().take(12).collect();
            let _ = write!(out, "<text x=\"0\" y=\"{}\">{}</text>", top + 11.0, escape(&name));
            let mut free: Option<f64> = None;
            for span in spans.iter().filter(|span| span.lane == *lane) {
                let (from, to) = (
                    x(span.from_ms),
                    x(span.from_ms + span.for_ms).max(x(span.from_ms) + LEAST),
                );
                // Between two calls to one provider it is waited.
                if let Some(free) = free.filter(|free| *lane != PICTOR && from > free + 2.0) {
                    let y = top + 7.5;
                    let _ = write!(out, "<path class=\"wait\" d=\"M{free:.1} {y}H{from:.1}\"/>");
                }
                free = Some(to);
                let _ = write!(
                    out,
                    "<rect class=\"{}\" x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"15\"/>",
                    span.class,
                    to - from
                );
                if to - from > 9.0 * span.label.len() as f64 && !span.label.is_empty() {
                    let _ = write!(
                        out,
                        "<text class=\"t3\" x=\"{:.1}\" y=\"{}\">{}</text>",
                        from + 6.0,
                        top + 11.5,
                        escape(&span.label)
                    );
                }
            }
        }
        out.push_str("</svg></div>");
    }
    Html(out)
}

/// The lane of Pictor's own stages.
pub const PICTOR: &str = "Pictor";

/// Three to five round times from 0.
fn ticks(end: f64) -> Vec<f64> {
    let mut step = 1.0;
    for next in (0..7).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power))) {
        step = next;
        if end / step <= 4.0 {
            break;
        }
    }
    let count = (end / step).floor();
    (0..)
        .map(|place| f64::from(place) * step)
        .take_while(|tick| *tick <= count * step && *tick <= end * 0.96)
        .collect()
}

fn axis(ms: f64) -> String {
    if ms >= 1_000.0 && ms % 1_000.0 == 0.0 {
        format!("{:.0} s", ms / 1_000.0)
    } else if ms == 0.0 {
        "0".to_owned()
    } else {
        words::duration(ms as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_has_a_lane_and_waits_are_drawn() {
        let span = |lane: &str, from_ms, for_ms| Span {
            lane: lane.to_owned(),
            class: "bfail",
            label: String::new(),
            from_ms,
            for_ms,
        };
        let spans = [
            span("fal", 0.0, 1.0),
            span("fal", 900.0, 1.0),
            span(PICTOR, 910.0, 2_600.0),
        ];
        let html = gantt("g", "fal fails, <Pictor> converts", &spans).0;
        assert_eq!(html.matches(">fal</text>").count(), 2);
        assert_eq!(html.matches("class=\"wait\"").count(), 2);
        assert!(html.contains("&lt;Pictor&gt;") && html.contains(">1 s<"), "{html}");
    }
}
