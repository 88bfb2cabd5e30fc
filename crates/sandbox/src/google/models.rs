//! The image models of the Gemini family: sizes, tokens and rates.

use crate::tables::{self, Models};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A size class, by its name in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tier {
    pub(crate) name: &'static str,
    /// Its edges are those of 1K times this, in halves.
    halves: u32,
    /// Output tokens of one image.
    pub(crate) tokens: u64,
}

/// USD 1e-9 for each token.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rates {
    /// Text and images alike.
    pub(crate) input: u64,
    /// What it writes and what it thinks.
    pub(crate) text_out: u64,
    pub(crate) image_out: u64,
}

/// One model.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    display_name: &'static str,
    /// Ratios and their sizes at 1K, in pixels.
    #[serde(deserialize_with = "tables::list")]
    pub(crate) shapes: &'static [(&'static str, (u32, u32))],
    /// The first is the default. A single one cannot be asked for.
    #[serde(deserialize_with = "tables::list")]
    pub(crate) tiers: &'static [Tier],
    /// Whether it thinks first, and so can be told how much.
    pub(crate) thinks: bool,
    /// Tokens of one input image.
    pub(crate) input_image_tokens: u64,
    pub(crate) rates: Rates,
}

impl Model {
    /// Width and height of this shape and tier.
    pub(crate) fn size_px(&self, ratio: &str, tier: Tier) -> (u32, u32) {
        let shape = self.shapes.iter().find(|(name, _)| *name == ratio);
        let (width, height) = shape.map_or((1024, 1024), |(_, size)| *size);
        (width * tier.halves / 2, height * tier.halves / 2)
    }

    /// The ratio nearest to a size.
    pub(crate) fn nearest_ratio(&self, size_px: (u32, u32)) -> &'static str {
        let shape = |(width, height): (u32, u32)| (f64::from(width.max(1)) / f64::from(height.max(1))).ln();
        let distance = |size| (shape(size) - shape(size_px)).abs();
        self.shapes
            .iter()
            .min_by(|(_, a), (_, b)| distance(*a).total_cmp(&distance(*b)))
            .map_or("1:1", |(name, _)| name)
    }
}

/// Every model served. Imagen is gone from the Gemini API.
static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/gemini.toml")));

/// The model of this id.
pub(crate) fn find(id: &str) -> Option<&'static Model> {
    MODELS.find(id)
}

/// What `ListModels` tells of each model.
pub(crate) fn listed() -> Vec<Value> {
    let one = |model: &Model| {
        json!({
            "name": format!("models/{}", model.id), "version": "001", "displayName": model.display_name,
            "inputTokenLimit": 65_536, "outputTokenLimit": 32_768, "thinking": model.thinks,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
        })
    };
    MODELS.all.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_shape_and_tier() {
        let model = find("gemini-3.1-flash-image").expect("it is served");
        let size = |ratio, tier: &str| {
            let tier = model.tiers.iter().find(|known| known.name == tier).expect("a tier");
            model.size_px(ratio, *tier)
        };
        assert_eq!(size("1:1", "1K"), (1024, 1024));
        assert_eq!(size("2:3", "512"), (424, 632));
        assert_eq!(size("21:9", "512"), (792, 336));
        assert_eq!(size("16:9", "4K"), (5504, 3072));
        assert_eq!(model.nearest_ratio((1920, 1080)), "16:9");
        assert_eq!(
            find("gemini-2.5-flash-image")
                .expect("it is served")
                .nearest_ratio((100, 900)),
            "9:16"
        );
    }
}
