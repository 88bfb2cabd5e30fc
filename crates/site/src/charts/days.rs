//! Figures by day: small ones beside a figure, and large ones with axes.

use std::fmt::Write as _;

use jiff::civil::Date;

use crate::html::{Html, escape};
use crate::words;

/// Width of a small drawing, in its own units.
const SPARK: (f64, f64) = (240.0, 44.0);
/// Days that are drawn: more would be thinner than a line.
pub const DAYS_MAX: usize = 92;

/// Bars without axes, of the latest days; the figure beside them tells what they come to.
#[must_use]
pub fn spark(class: &str, values: &[f64]) -> Html {
    let values = &values[values.len().saturating_sub(DAYS_MAX)..];
    let most = values.iter().copied().fold(0.0_f64, f64::max);
    if most <= 0.0 {
        return Html::default();
    }
    // A few days do not fill the width: bars of one width are comparable.
    let step = SPARK.0 / values.len().max(30) as f64;
    let mut out = format!(
        "<svg class=\"spark\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        SPARK.0, SPARK.1
    );
    for (place, value) in values.iter().enumerate() {
        let height = value / most * (SPARK.1 - 2.0);
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
            place as f64 * step + step * 0.06,
            SPARK.1 - height,
            step * 0.88
        );
    }
    out.push_str("</svg>");
    Html(out)
}

/// Bars by day with axes, drawn wide and as narrow as a phone. `label` says a value.
#[must_use]
pub fn days(id: &str, title: &str, class: &str, values: &[(Date, f64)], label: impl Fn(f64) -> String) -> Html {
    let values = &values[values.len().saturating_sub(DAYS_MAX)..];
    let most = values.iter().map(|(_, value)| *value).fold(0.0_f64, f64::max);
    let mut out = String::from("<figure>");
    for (shown, width, height) in [("onwide", 1_040.0, 190.0), ("onphone", 340.0, 170.0)] {
        let _ = write!(
            out,
            "<div class=\"{shown}\"><svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-{shown}\"><title id=\"{id}-{shown}\">{}</title>",
            escape(title)
        );
        let (left, top, bottom) = (64.0, 12.0, height - 26.0);
        for share in [1.0, 0.5, 0.0] {
            let y = bottom - share * (bottom - top);
            let _ = write!(
                out,
                "<path class=\"gr\" d=\"M{left} {y:.1}H{width}\"/><text class=\"t2\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                y + 4.0,
                escape(&label(most * share))
            );
        }
        let step = (width - left) / values.len().max(7) as f64;
        for (place, (_, value)) in values.iter().enumerate() {
            let tall = if most > 0.0 { value / most * (bottom - top) } else { 0.0 };
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"/>",
                left + place as f64 * step + step * 0.1,
                bottom - tall,
                step * 0.8
            );
        }
        // The first and the last day have their names, or the one that there is.
        let last = values.len().saturating_sub(1);
        let named = if last == 0 { vec![0] } else { vec![0, last] };
        for place in named {
            let Some((day, _)) = values.get(place) else { continue };
            let (x, anchor) = if place == 0 {
                (left, "start")
            } else {
                ((left + (place as f64 + 1.0) * step).min(width), "end")
            };
            let _ = write!(
                out,
                "<text class=\"t2\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                bottom + 18.0,
                words::short_date(*day)
            );
        }
        out.push_str("</svg></div>");
    }
    out.push_str("</figure>");
    Html(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_its_bar() {
        let day = |number| Date::constant(2026, 11, number);
        let values = [(day(1), 1.0), (day(2), 4.0), (day(3), 0.0)];
        let html = days("d", "3 days", "b2", &values, |value| format!("{value}")).0;
        assert_eq!(html.matches("class=\"b2\"").count(), 6);
        assert!(html.contains(">1 Nov<") && html.contains(">3 Nov<"));
        assert!(spark("b2", &[0.0]).0.is_empty());
        assert_eq!(spark("b2", &[1.0, 2.0]).0.matches("<rect").count(), 2);
    }
}
