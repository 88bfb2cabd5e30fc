//! The image models of the Gemini family: sizes, tokens and rates.

use crate::strangers::Strangers;
use serde_json::{Value, json};

/// A size class, by its name in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tier {
    pub(crate) name: &'static str,
    /// Its edges are those of 1K times this, in halves.
    halves: u32,
    /// Output tokens of one image.
    pub(crate) tokens: u64,
}

const fn tier(name: &'static str, halves: u32, tokens: u64) -> Tier {
    Tier { name, halves, tokens }
}

/// USD 1e-9 for each token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// Text and images alike.
    pub(crate) input: u64,
    /// What it writes and what it thinks.
    pub(crate) text_out: u64,
    pub(crate) image_out: u64,
}

/// One model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    display_name: &'static str,
    /// Ratios and their sizes at 1K, in pixels.
    pub(crate) shapes: &'static [(&'static str, (u32, u32))],
    /// The first is the default. A single one cannot be asked for.
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

/// The shapes of the models from 3 on.
const SHAPES: &[(&str, (u32, u32))] = &[
    ("1:1", (1024, 1024)),
    ("1:4", (512, 2048)),
    ("1:8", (384, 3072)),
    ("2:3", (848, 1264)),
    ("3:2", (1264, 848)),
    ("3:4", (896, 1200)),
    ("4:1", (2048, 512)),
    ("4:3", (1200, 896)),
    ("4:5", (928, 1152)),
    ("5:4", (1152, 928)),
    ("8:1", (3072, 384)),
    ("9:16", (768, 1376)),
    ("16:9", (1376, 768)),
    ("21:9", (1584, 672)),
];
/// The shapes of 2.5.
const OLD_SHAPES: &[(&str, (u32, u32))] = &[
    ("1:1", (1024, 1024)),
    ("2:3", (832, 1248)),
    ("3:2", (1248, 832)),
    ("3:4", (864, 1184)),
    ("4:3", (1184, 864)),
    ("4:5", (896, 1152)),
    ("5:4", (1152, 896)),
    ("9:16", (768, 1344)),
    ("16:9", (1344, 768)),
    ("21:9", (1536, 672)),
];

const FLASH_2_5: Model = Model {
    id: "gemini-2.5-flash-image",
    display_name: "Nano Banana",
    shapes: OLD_SHAPES,
    tiers: &[tier("1K", 2, 1290)],
    thinks: false,
    // One tile.
    input_image_tokens: 258,
    rates: rates(300, 2_500, 30_000),
};
const PRO_3: Model = Model {
    id: "gemini-3-pro-image",
    display_name: "Nano Banana Pro",
    shapes: SHAPES,
    tiers: &[tier("1K", 2, 1120), tier("2K", 4, 1120), tier("4K", 8, 2000)],
    thinks: true,
    input_image_tokens: 560,
    rates: rates(2_000, 12_000, 120_000),
};
const FLASH_3_1: Model = Model {
    id: "gemini-3.1-flash-image",
    display_name: "Nano Banana 2",
    shapes: SHAPES,
    tiers: &[
        tier("1K", 2, 1120),
        tier("512", 1, 747),
        tier("2K", 4, 1680),
        tier("4K", 8, 2520),
    ],
    thinks: true,
    input_image_tokens: 1120,
    rates: rates(500, 3_000, 60_000),
};
const LITE_3_1: Model = Model {
    id: "gemini-3.1-flash-lite-image",
    display_name: "Nano Banana 2 Lite",
    shapes: SHAPES,
    tiers: &[tier("1K", 2, 1120)],
    thinks: true,
    input_image_tokens: 1120,
    rates: rates(250, 1_500, 30_000),
};
const NANO_2_1: Model = Model {
    id: "gemini-nano-banana-2.1",
    display_name: "Nano Banana 2.1",
    shapes: SHAPES,
    tiers: &[tier("1K", 2, 1120), tier("2K", 4, 1680), tier("4K", 8, 3780)],
    thinks: true,
    input_image_tokens: 1120,
    rates: rates(1_500, 7_500, 30_000),
};

const fn rates(input: u64, text_out: u64, image_out: u64) -> Rates {
    Rates {
        input,
        text_out,
        image_out,
    }
}

/// Every model served. Imagen is gone from the Gemini API.
static MODELS: &[Model] = &[
    FLASH_2_5,
    PRO_3,
    Model {
        id: "gemini-3-pro-image-preview",
        ..PRO_3
    },
    FLASH_3_1,
    Model {
        id: "gemini-3.1-flash-image-preview",
        ..FLASH_3_1
    },
    LITE_3_1,
    NANO_2_1,
];

static STRANGERS: Strangers<Model> = Strangers::new();

/// The model of this id.
pub(crate) fn find(id: &str) -> Option<&'static Model> {
    let known = MODELS.iter().find(|model| model.id == id);
    known.or_else(|| STRANGERS.serve(id, |id| Model { id, ..FLASH_3_1 }))
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
    MODELS.iter().map(one).collect()
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
