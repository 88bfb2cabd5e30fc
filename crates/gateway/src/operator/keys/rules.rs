//! The rules of a key as an operator orders and changes them.

use planner::fault::{echo, listing};
use planner::format::Format;
use planner::region::is_region;
use planner::rules::{Rules, Window};

use crate::operator::fields::{Fields, Given};

/// Longest side that a rule may name, in pixels: far above what any model makes.
pub(crate) const EDGE_PX_MAX: i64 = 100_000;
/// Most pixels that a rule may name.
pub(crate) const PIXELS_MAX: i64 = 1_000_000_000;
/// Longest word for a quality.
pub(crate) const QUALITY_CHARS_MAX: usize = 20;

/// What becomes of a key's rules.
#[derive(Debug)]
pub(super) struct RulesChange {
    max_edge_px: Given<i64>,
    max_pixels: Given<i64>,
    output_formats: Given<Vec<Format>>,
    qualities: Given<Vec<String>>,
    hours: Given<Vec<Window>>,
    regions: Given<Vec<String>>,
}

impl RulesChange {
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            max_edge_px: fields.integer("max_edge_px", 1..=EDGE_PX_MAX),
            max_pixels: fields.integer("max_pixels", 1..=PIXELS_MAX),
            output_formats: fields.list("output_formats", |name| {
                let known = || listing(&Format::ALL.map(Format::as_str));
                Format::parse(name).ok_or_else(|| format!("there is no format {}; known are {}", echo(name), known()))
            }),
            qualities: fields.list("qualities", quality),
            hours: fields.list("hours", |text| {
                text.parse()
                    .map_err(|wanted: String| format!("{} {wanted}", echo(text)))
            }),
            regions: fields.list("regions", |name| {
                let wrong = || format!("{} is no region such as 'eu' or 'us-central1'", echo(name));
                is_region(name).then(|| name.to_owned()).ok_or_else(wrong)
            }),
        }
    }

    /// Does it to the rules. What was left out stays, `null` clears.
    pub(super) fn apply(self, rules: &mut Rules) {
        let edge = self.max_edge_px.map(|px| u32::try_from(px).unwrap_or(u32::MAX));
        edge.over(&mut rules.max_edge_px);
        let pixels = self.max_pixels.map(|pixels| u64::try_from(pixels).unwrap_or(u64::MAX));
        pixels.over(&mut rules.max_pixels);
        over(self.output_formats, &mut rules.output_formats);
        over(self.qualities, &mut rules.qualities);
        over(self.hours, &mut rules.hours);
        over(self.regions, &mut rules.regions);
    }
}

/// Puts a list in the place of what was there: `null` empties it.
pub(super) fn over<T>(given: Given<Vec<T>>, place: &mut Vec<T>) {
    match given {
        Given::Absent | Given::Wrong => {}
        Given::Null => place.clear(),
        Given::Set(list) => *place = list,
    }
}

/// A word for a quality. Models have words of their own, so that only its form can be wrong.
fn quality(name: &str) -> Result<String, String> {
    let is_word = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let fits = (1..=QUALITY_CHARS_MAX).contains(&name.len());
    if is_word && fits && name != "auto" {
        return Ok(name.to_owned());
    }
    Err(format!(
        "{} is no quality such as 'low', 'medium' or 'high'",
        echo(name)
    ))
}
