//! Ratings over time.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::Scale;
use crate::arena::Rated;
use crate::html::{Html, escape};
use crate::words;

/// Room above the drawing.
const TOP: f64 = 26.0;

/// One model's ratings by day; none where it had too few votes.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// In the order of the days.
    pub ratings: Vec<Option<f64>>,
}

/// Lines that have a color.
const LINES_MAX: usize = 5;
/// Days that the table holds; the chart shows them all.
const ROWS_MAX: usize = 31;

/// Ratings over time, of at most five models.
#[must_use]
pub fn history(id: &str, days: &[Date], lines: &[Line]) -> Html {
    let lines = &lines[..lines.len().min(LINES_MAX)];
    let mut out = String::from("<figure>");
    for (place, (class, size, right)) in [("onwide", (620.0, 400.0), 150.0), ("onphone", (380.0, 330.0), 132.0)]
        .into_iter()
        .enumerate()
    {
        let _ = write!(out, "<div class=\"{class}\">");
        draw_history(&mut out, &format!("{id}-{place}"), size, right, days, lines);
        out.push_str("</div>");
    }
    write_table(&mut out, days, lines);
    out.push_str("</figure>");
    Html(out)
}

/// The figures behind the lines, the latest day first.
fn write_table(out: &mut String, days: &[Date], lines: &[Line]) {
    out.push_str(
        "<details class=\"more\"><summary>As a table</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Ratings over time\"><table><thead><tr><th scope=\"col\">Day</th>",
    );
    for line in lines {
        let _ = write!(out, "<th scope=\"col\" class=\"n\">{}</th>", escape(&line.name));
    }
    out.push_str("</tr></thead><tbody>");
    for (place, day) in days.iter().enumerate().rev().take(ROWS_MAX) {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", words::short_date(*day));
        for line in lines {
            match line.ratings.get(place).copied().flatten() {
                Some(rating) => {
                    let _ = write!(out, "<td class=\"n\">{rating:.0}</td>");
                }
                None => out.push_str("<td class=\"n dim\">too few votes</td>"),
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div></details>");
}

fn draw_history(out: &mut String, id: &str, size: (f64, f64), right: f64, days: &[Date], lines: &[Line]) {
    let flat = |rating: f64| Rated {
        rating,
        low: rating,
        high: rating,
    };
    let scale = Scale::holding(
        lines
            .iter()
            .flat_map(|line| line.ratings.iter().flatten().copied().map(flat)),
    );
    let (left, right, bottom) = (46.0, size.0 - right, size.1 - 40.0);
    let y = |rating: f64| bottom - scale.at(rating, bottom - TOP);
    let last = days.len().saturating_sub(1).max(1) as f64;
    let x = |place: usize| left + (right - left) * place as f64 / last;
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}\"><title id=\"{id}\">Ratings of {} models over {} days with votes</title>",
        size.0,
        size.1,
        lines.len(),
        days.len()
    );
    for tick in scale.ticks(8) {
        let _ = write!(
            out,
            "<path class=\"gr\" d=\"M{left} {:.1}H{right:.1}\"/><text class=\"t2\" x=\"38\" y=\"{:.1}\" text-anchor=\"end\">{tick:.0}</text>",
            y(tick),
            y(tick) + 4.0
        );
    }
    for (place, anchor) in [(0, "start"), (days.len().saturating_sub(1), "end")] {
        if let Some(day) = days.get(place) {
            let _ = write!(
                out,
                "<text class=\"t2\" x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                x(place),
                bottom + 20.0,
                words::short_date(*day)
            );
        }
    }
    let mut ends: Vec<(f64, &str)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let mut path = String::new();
        for (place, rating) in line.ratings.iter().enumerate() {
            if let Some(rating) = rating {
                let sign = if path.is_empty() { 'M' } else { 'L' };
                let _ = write!(path, "{sign}{:.1} {:.1}", x(place), y(*rating));
            }
        }
        if let Some(end) = line.ratings.iter().rev().flatten().next() {
            ends.push((y(*end) + 4.0, &line.name));
            let _ = write!(out, "<path class=\"ln s{}\" d=\"{path}\"/>", number + 1);
        }
    }
    // Names stand beside the ends, moved down until none lies on another.
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 0.0_f64;
    for (wanted, name) in ends {
        let at = wanted.max(free);
        free = at + 16.0;
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{at:.1}\">{}</text>",
            right + 8.0,
            escape(name)
        );
    }
    out.push_str("</svg>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_holds_what_the_lines_show() {
        let days = [Date::constant(2026, 8, 14), Date::constant(2026, 8, 15)];
        let line = |name: &str, ratings: [Option<f64>; 2]| Line {
            name: name.to_owned(),
            ratings: ratings.to_vec(),
        };
        let lines = [
            line("A <1>", [None, Some(1_104.6)]),
            line("B", [Some(1_090.2), Some(1_095.4)]),
        ];
        let Html(told) = history("h", &days, &lines);
        let rows: Vec<&str> = told.split("<tr>").skip(1).collect();
        assert_eq!(rows.len(), 3);
        assert!(rows[0].contains("A &lt;1&gt;"), "{}", rows[0]);
        assert!(
            rows[1].contains(">1105<") && rows[1].contains(">1095<"),
            "the latest first: {}",
            rows[1]
        );
        assert!(
            rows[2].contains("too few votes") && rows[2].contains(">1090<"),
            "{}",
            rows[2]
        );
    }
}
