//! The figures as a picture for README and docs: bars on a logarithmic scale, as gateways differ by hundreds of times.

use std::fmt::Write as _;

/// A gateway's name and its figure.
pub(super) type Bar<'a> = (&'a str, f64);

const WIDTH_PX: u32 = 760;
/// Where bars begin: names stand before it.
const LEFT_PX: u32 = 150;
/// Room for the figure behind the longest bar.
const RIGHT_PX: u32 = 90;
const BAR_PX: u32 = 18;
const STEP_PX: u32 = 24;
const HEADING_PX: u32 = 40;
/// What the shortest bars stand for: less is drawn as this.
const LEAST: f64 = 1.0;

/// One group of bars an answer's size, each with its figure. The colours are read on light and on dark ground.
pub(super) fn svg(title: &str, groups: &[(&str, Vec<Bar<'_>>)]) -> String {
    let most = groups
        .iter()
        .flat_map(|(_, bars)| bars)
        .map(|bar| bar.1)
        .fold(10.0, f64::max);
    let heights: u32 = groups.iter().map(|(_, bars)| HEADING_PX + rows(bars)).sum();
    let height_px = HEADING_PX + heights;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height_px}" role="img" font-family="system-ui, sans-serif" font-size="13" fill="#767676"><title>{title}</title><text x="0" y="20" font-size="15" font-weight="600">{title}</text>"##
    );
    let mut top_px = HEADING_PX;
    for (name, bars) in groups {
        put(
            &mut svg,
            format_args!(r#"<text x="0" y="{}" font-weight="600">{name}</text>"#, top_px + 22),
        );
        top_px += HEADING_PX - 8;
        for (name, figure) in bars {
            let color = if name.starts_with("Pictor") {
                "#c2410c"
            } else {
                "#8a8f98"
            };
            let (end_px, middle_px) = (LEFT_PX + length(*figure, most), top_px + 14);
            put(
                &mut svg,
                format_args!(
                    r#"<text x="0" y="{middle_px}">{name}</text><rect x="{LEFT_PX}" y="{top_px}" width="{}" height="{BAR_PX}" rx="2" fill="{color}"/><text x="{}" y="{middle_px}">{figure:.0}</text>"#,
                    end_px - LEFT_PX,
                    end_px + 6,
                ),
            );
            top_px += STEP_PX;
        }
        top_px += 8;
    }
    svg.push_str("</svg>\n");
    svg
}

fn rows(bars: &[Bar<'_>]) -> u32 {
    u32::try_from(bars.len()).unwrap_or(u32::MAX / STEP_PX) * STEP_PX
}

/// Length of a bar in px.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length below the width"
)]
fn length(figure: f64, most: f64) -> u32 {
    let share = (figure.max(LEAST) / LEAST).ln() / (most / LEAST).ln();
    let longest = f64::from(WIDTH_PX - LEFT_PX - RIGHT_PX);
    (share.clamp(0.0, 1.0) * longest).round() as u32 + 1
}

fn put(svg: &mut String, part: std::fmt::Arguments<'_>) {
    svg.write_fmt(part).expect("a text takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_bars_stand_for_more() {
        assert!(length(10.0, 1000.0) < length(100.0, 1000.0));
        assert_eq!(length(1000.0, 1000.0), WIDTH_PX - LEFT_PX - RIGHT_PX + 1);
        assert_eq!(length(0.0, 1000.0), 1);
        let drawn = svg(
            "Requests a second",
            &[("1 MB", vec![("Pictor", 500.0), ("Envoy", 700.0)])],
        );
        assert!(drawn.contains("Envoy") && drawn.ends_with("</svg>\n") && drawn.matches("<rect").count() == 2);
    }
}
