//! Shapes of pictures, drawn to scale.

use std::fmt::Write as _;

use planner::size::{Ratio, Size};

use crate::html::Html;

/// Side of a frame's drawing, and of the longest shape in it.
const FRAME_SIDE: f64 = 120.0;
const LONGEST: f64 = 112.0;
/// Side of a small shape's drawing, and of the longest side in it.
const SHAPE_SIDE: f64 = 26.0;
const SHAPE_LONGEST: f64 = 24.0;

/// What a model without a picture hangs: the shapes that it makes, of equal area. `is_free` adds a dashed square for
/// any other shape.
#[must_use]
pub fn frame(ratios: &[Ratio], is_free: bool) -> Html {
    // Of equal area, the side of the square follows from the most stretched shape.
    let stretch = |ratio: &Ratio| ratio.value().max(1.0 / ratio.value()).sqrt();
    let most = ratios.iter().map(stretch).fold(1.0, f64::max);
    let side = LONGEST / most;
    let mut out = String::new();
    for ratio in ratios {
        let (width, height) = (side * ratio.value().sqrt(), side / ratio.value().sqrt());
        rect(&mut out, "o", width, height, FRAME_SIDE);
    }
    if ratios.is_empty() || is_free {
        rect(&mut out, "o dash", LONGEST, LONGEST, FRAME_SIDE);
    }
    Html(format!(
        r#"<div class="frame sq"><svg viewBox="0 0 120 120" role="img" aria-label="No picture yet; its shapes to scale">{out}</svg></div>"#
    ))
}

/// A small shape of a size, dashed where every shape is meant.
#[must_use]
pub fn shape(size: Option<Size>) -> Html {
    let mut out = String::new();
    match size {
        Some(size) => {
            let (width, height) = (f64::from(size.width_px.max(1)), f64::from(size.height_px.max(1)));
            let scale = SHAPE_LONGEST / width.max(height);
            rect(&mut out, "o", width * scale, height * scale, SHAPE_SIDE);
        }
        None => rect(&mut out, "o dash", SHAPE_LONGEST, SHAPE_LONGEST, SHAPE_SIDE),
    }
    Html(format!(r#"<svg viewBox="0 0 26 26" aria-hidden="true">{out}</svg>"#))
}

fn rect(out: &mut String, class: &str, width: f64, height: f64, side: f64) {
    let (x, y) = ((side - width) / 2.0, (side - height) / 2.0);
    let _ = write!(
        out,
        r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_keep_their_ratio_and_stay_inside() {
        let html = shape(Some(Size::new(1536, 1024))).0;
        assert!(html.contains(r#"x="1.0" y="5.0" width="24.0" height="16.0""#), "{html}");
        let ratios: Vec<Ratio> = ["1:1", "21:9"]
            .iter()
            .map(|text| text.parse().expect("a ratio"))
            .collect();
        let html = frame(&ratios, false).0;
        assert_eq!(html.matches("<rect").count(), 2);
        assert!(html.contains(r#"width="112.0" height="48.0""#), "{html}");
    }
}
