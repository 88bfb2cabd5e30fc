//! Times of calls by provider: each call a line, median and p95 marked.

use std::fmt::Write as _;

use super::LogAxis;
use crate::html::{Html, escape};
use crate::performance::Calls;
use crate::words::{duration, percent};

/// One provider's calls.
#[derive(Debug, Clone, Copy)]
pub struct Lane<'a> {
    /// The provider's name.
    pub name: &'a str,
    /// Its calls.
    pub calls: &'a Calls,
}

/// Calls of a lane that are drawn: more lines would be a bar.
const LINES_MAX: usize = 120;

/// Where things stand in one drawing, in its own units.
struct Layout {
    class: &'static str,
    width: f64,
    /// Where the axis begins and ends.
    axis: (f64, f64),
    lane_height: f64,
    top: f64,
    ticks: usize,
    /// Ends of the columns of figures beside the lanes; none where they stand below the name.
    columns: Option<[f64; 3]>,
}

const WIDE: Layout = Layout {
    class: "chart wide onwide",
    width: 1_130.0,
    axis: (150.0, 840.0),
    lane_height: 46.0,
    top: 22.0,
    ticks: 6,
    columns: Some([940.0, 1_040.0, 1_130.0]),
};

const PHONE: Layout = Layout {
    class: "chart onphone",
    width: 280.0,
    axis: (0.0, 280.0),
    lane_height: 66.0,
    top: 8.0,
    ticks: 3,
    columns: None,
};

/// The chart, drawn twice: wide, and as narrow as a phone. `id` must be unique on the page.
#[must_use]
pub fn times(id: &str, lanes: &[Lane<'_>]) -> Html {
    let facts: Vec<String> = lanes
        .iter()
        .filter_map(|lane| {
            let (p50, p95) = (lane.calls.p50_ms()?, lane.calls.p95_ms()?);
            Some(format!("{} p50 {}, p95 {}", lane.name, duration(p50), duration(p95)))
        })
        .collect();
    let title = format!("Time of calls by provider, logarithmic: {}", facts.join("; "));
    let mut out = String::new();
    for (layout, suffix) in [(&WIDE, "w"), (&PHONE, "p")] {
        draw(&mut out, layout, &format!("{id}-{suffix}"), &title, lanes);
    }
    Html(out)
}

fn draw(out: &mut String, layout: &Layout, id: &str, title: &str, lanes: &[Lane<'_>]) {
    let values = lanes
        .iter()
        .flat_map(|lane| lane.calls.times_ms.iter().map(|ms| *ms as f64));
    let axis = LogAxis::holding(values, layout.axis.0, layout.axis.1);
    let bottom = layout.top + layout.lane_height * lanes.len() as f64;
    let height = bottom + 32.0;
    let _ = write!(
        out,
        r#"<svg class="{}" viewBox="0 0 {} {height}" role="img" aria-labelledby="{id}"><title id="{id}">{}</title>"#,
        layout.class,
        layout.width,
        escape(title)
    );
    for tick in axis.ticks(layout.ticks) {
        let x = axis.at(tick);
        // Labels of the outermost lines must not leave the drawing.
        let anchor = if x < 16.0 {
            "start"
        } else if x > layout.width - 16.0 {
            "end"
        } else {
            "middle"
        };
        let _ = write!(
            out,
            r#"<path class="gr" d="M{x:.1} {}V{bottom}"/><text class="t2" x="{x:.1}" y="{}" text-anchor="{anchor}">{}</text>"#,
            layout.top,
            bottom + 20.0,
            round_time(tick)
        );
    }
    for (place, lane) in lanes.iter().enumerate() {
        draw_lane(out, layout, &axis, layout.top + layout.lane_height * place as f64, lane);
    }
    if let Some([p50, p95, share]) = layout.columns {
        let _ = write!(
            out,
            r#"<text class="t2" x="{p50}" y="14" text-anchor="end">p50</text><text class="t2" x="{p95}" y="14" text-anchor="end">p95</text><text class="t2" x="{share}" y="14" text-anchor="end">succeeded</text><text class="t2" x="150" y="14">each line is a call; bold is the median, the tall thin one p95</text>"#
        );
    }
    out.push_str("</svg>");
}

fn draw_lane(out: &mut String, layout: &Layout, axis: &LogAxis, top: f64, lane: &Lane<'_>) {
    let calls = lane.calls;
    let name = escape(lane.name);
    let shown = |ms: Option<u64>| ms.map_or_else(|| "none".to_owned(), duration);
    let share = percent(calls.succeeded, calls.count);
    // Where the figures have columns the lines stand beside the name, else below it.
    let line_top = match layout.columns {
        Some([p50, p95, share_at]) => {
            let y = top + 28.0;
            let _ = write!(
                out,
                r#"<text class="t1" x="0" y="{y}">{name}</text><text x="{p50}" y="{y}" text-anchor="end">{}</text><text x="{p95}" y="{y}" text-anchor="end">{}</text><text class="t1" x="{share_at}" y="{y}" text-anchor="end">{share}</text>"#,
                shown(calls.p50_ms()),
                shown(calls.p95_ms())
            );
            top + 16.0
        }
        None => {
            let y = top + 14.0;
            let _ = write!(
                out,
                r#"<text class="t1" x="0" y="{y}">{name}</text><text x="{}" y="{y}" text-anchor="end">p50 {}, p95 {}, {share}</text>"#,
                layout.width,
                shown(calls.p50_ms()),
                shown(calls.p95_ms())
            );
            top + 28.0
        }
    };
    let every = calls.times_ms.len().div_ceil(LINES_MAX).max(1);
    for ms in calls.times_ms.iter().step_by(every) {
        let _ = write!(
            out,
            r#"<path class="tick" d="M{:.0} {line_top}v16"/>"#,
            axis.at(*ms as f64)
        );
    }
    if let (Some(p50), Some(p95)) = (calls.p50_ms(), calls.p95_ms()) {
        let _ = write!(
            out,
            r#"<path class="p50" d="M{:.1} {}v26"/><path class="p95" d="M{:.1} {}v20"/>"#,
            axis.at(p50 as f64),
            line_top - 5.0,
            axis.at(p95 as f64),
            line_top - 2.0
        );
    }
}

/// A round time without a fraction: `500 ms`, `20 s`.
fn round_time(ms: f64) -> String {
    if ms < 1_000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.0} s", ms / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_its_finding_in_words_and_draws_each_call() {
        let calls = Calls {
            count: 4,
            succeeded: 3,
            times_ms: vec![5_000, 9_000, 40_000],
        };
        let lanes = [Lane {
            name: "fal <x>",
            calls: &calls,
        }];
        let html = times("pf", &lanes).0;
        assert_eq!(html.matches("<svg").count(), 2);
        assert_eq!(html.matches("class=\"tick\"").count(), 6);
        assert!(html.contains("fal &lt;x&gt; p50 9.0 s, p95 40.0 s"), "{html}");
        assert!(html.contains("75.0 %") && html.contains(">10 s<"), "{html}");
        assert!(!html.contains("style="));
    }
}
