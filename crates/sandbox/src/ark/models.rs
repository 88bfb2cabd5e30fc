//! The Seedream models: sizes, inputs, what each can do, and the price of a picture.

use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// One model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) id: &'static str,
    /// Sizes by name.
    #[serde(deserialize_with = "tables::list")]
    pub(super) tiers: &'static [&'static str],
    pub(super) least_pixels: u64,
    pub(super) most_pixels: u64,
    /// Most input images.
    pub(super) inputs: usize,
    /// Whether the format of the picture can be chosen: the 5.0 family.
    #[serde(default)]
    pub(super) formats: bool,
    /// Whether groups of pictures and streams are there.
    #[serde(default)]
    pub(super) groups: bool,
    /// Whether edits can have a transparent background.
    #[serde(default)]
    pub(super) transparent: bool,
    /// Whether new pictures can too.
    #[serde(default)]
    pub(super) new_transparent: bool,
    /// USD 1e-6 of a picture.
    pub(super) micros: i64,
    /// USD 1e-6 of a picture of at most so many pixels, where a small one is cheaper.
    pub(super) small: Option<(u64, i64)>,
    /// USD 1e-6 of each input image after those that are free.
    #[serde(default)]
    pub(super) further_input_micros: i64,
    /// Input images that cost nothing.
    #[serde(default = "one")]
    pub(super) free_inputs: usize,
    /// The format where none is asked for.
    #[serde(default)]
    pub(super) png: bool,
}

const fn one() -> usize {
    1
}

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/byteplus.toml")));

/// What the account's own endpoints (`ep-...`) lead to.
const ENDPOINT_MODEL: &str = "seedream-4-5-251128";

/// The longest shape of a picture.
const LONGEST_RATIO: f64 = 16.0;

impl Model {
    /// The model of an id.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        let id = if id.starts_with("ep-") { ENDPOINT_MODEL } else { id };
        MODELS.find(id)
    }

    /// USD 1e-6 of `count` pictures of this size from so many input images.
    pub(super) fn price_micros(&self, (width, height): (u32, u32), count: u32, inputs: usize) -> i64 {
        let pixels = u64::from(width) * u64::from(height);
        let small = self.small.filter(|(most, _)| pixels <= *most);
        let each = small.map_or(self.micros, |(_, micros)| micros);
        let further = i64::try_from(inputs.saturating_sub(self.free_inputs)).unwrap_or(i64::MAX);
        each * i64::from(count) + self.further_input_micros * further
    }

    /// What is wrong with a size.
    pub(super) fn size_fault(&self, (width, height): (u32, u32)) -> Option<String> {
        let pixels = u64::from(width) * u64::from(height);
        let ratio = f64::from(width.max(height)) / f64::from(width.min(height));
        if pixels < self.least_pixels {
            Some(format!("image size must be at least {} pixels", self.least_pixels))
        } else if pixels > self.most_pixels {
            Some(format!("image size must be at most {} pixels", self.most_pixels))
        } else if ratio > LONGEST_RATIO {
            Some("the aspect ratio must be between 1/16 and 16".to_owned())
        } else {
            None
        }
    }
}

/// The edge of a square of this tier, in pixels.
pub(super) fn tier_edge_px(tier: &str) -> u32 {
    match tier {
        "1K" => 1_024,
        "1.5K" => 1_536,
        "3K" => 3_072,
        "4K" => 4_096,
        _ => 2_048,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_bounds_of_their_model() {
        let fault = |id: &str, size_px| Model::find(id).expect("it is in the table").size_fault(size_px);
        assert!(fault("seedream-4-5-251128", (1024, 1024)).is_some_and(|why| why.contains("3686400")));
        assert_eq!(fault("seedream-4-5-251128", (2560, 1440)), None);
        assert_eq!(fault("seedream-4-0-250828", (1280, 720)), None);
        assert!(fault("dola-seedream-5-0-pro-260628", (3072, 3072)).is_some_and(|why| why.contains("at most")));
        assert!(fault("seedream-4-0-250828", (8000, 400)).is_some_and(|why| why.contains("aspect ratio")));
        assert_eq!(Model::find("ep-2026-abc"), Model::find("seedream-4-5-251128"));
        assert_eq!(Model::find("gpt-image-1"), None);
    }
}
