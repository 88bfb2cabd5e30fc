//! The endpoints of ByteDance's Seedream.

use super::{
    Bounds, Endpoint, Excess, Field, Images, Kind, LANDSCAPE_4_3, LANDSCAPE_16_9, PORTRAIT_4_3, PORTRAIT_16_9, PRESETS,
    Price, SAFETY_CHECKER, SQUARE, SQUARE_HD, Sizes, Wanted, field,
};

const AUTO_2K: Wanted = Wanted::Square(2048);
const SEEDREAM_4_WORDS: &[(&str, Wanted)] = &[
    SQUARE_HD,
    SQUARE,
    PORTRAIT_4_3,
    PORTRAIT_16_9,
    LANDSCAPE_4_3,
    LANDSCAPE_16_9,
    ("auto", Wanted::Auto(2048)),
    ("auto_2K", AUTO_2K),
    ("auto_4K", Wanted::Square(4096)),
];
const SEEDREAM_45_WORDS: &[(&str, Wanted)] = &[
    SQUARE_HD,
    SQUARE,
    PORTRAIT_4_3,
    PORTRAIT_16_9,
    LANDSCAPE_4_3,
    LANDSCAPE_16_9,
    ("auto_2K", AUTO_2K),
    ("auto_4K", Wanted::Square(4096)),
];
const SEEDREAM_5_WORDS: &[(&str, Wanted)] = &[
    SQUARE_HD,
    SQUARE,
    PORTRAIT_4_3,
    PORTRAIT_16_9,
    LANDSCAPE_4_3,
    LANDSCAPE_16_9,
    ("auto_2K", AUTO_2K),
    ("auto_3K", Wanted::Square(3072)),
];
/// Of several pictures that one generation may make, the sandbox always makes one.
const MAX_IMAGES: Field = field("max_images", Kind::Integer(1, 6));
const ENHANCE_MODE: Field = field(
    "enhance_prompt_mode",
    Kind::Word(&["standard", "fast"], Some("standard")),
);

const SEEDREAM: Endpoint = Endpoint {
    count: Some((1, 6)),
    ..super::BASE
};

/// The sizes of 4: text alone refuses what is too small, an edit enlarges it.
const fn seedream_4_sizes(scale_up: bool) -> Sizes {
    Sizes::ImageSize {
        words: SEEDREAM_4_WORDS,
        default: Wanted::Pixels(2048, 2048),
        bounds: Bounds::Area {
            least: 960 * 960,
            most: 4096 * 4096,
            edges: None,
            scale_up,
            scale_down: false,
        },
    }
}

const SEEDREAM_4: Endpoint = Endpoint {
    id: "fal-ai/bytedance/seedream/v4/text-to-image",
    sizes: seedream_4_sizes(false),
    fields: &[MAX_IMAGES, SAFETY_CHECKER, ENHANCE_MODE],
    price: Price::Picture(30_000),
    ..SEEDREAM
};

const SEEDREAM_45: Endpoint = Endpoint {
    id: "fal-ai/bytedance/seedream/v4.5/text-to-image",
    sizes: Sizes::ImageSize {
        words: SEEDREAM_45_WORDS,
        default: Wanted::Pixels(2048, 2048),
        bounds: Bounds::Area {
            least: 2560 * 1440,
            most: 4096 * 4096,
            edges: Some((1920, 4096)),
            scale_up: false,
            scale_down: false,
        },
    },
    fields: &[MAX_IMAGES, SAFETY_CHECKER],
    price: Price::Picture(40_000),
    ..SEEDREAM
};

const SEEDREAM_5_LITE: Endpoint = Endpoint {
    id: "fal-ai/bytedance/seedream/v5/lite/text-to-image",
    sizes: Sizes::ImageSize {
        words: SEEDREAM_5_WORDS,
        default: AUTO_2K,
        bounds: Bounds::Area {
            least: 2560 * 1440,
            most: 3072 * 3072,
            edges: None,
            scale_up: true,
            scale_down: true,
        },
    },
    fields: &[MAX_IMAGES, SAFETY_CHECKER],
    has_seed: false,
    price: Price::Picture(35_000),
    ..SEEDREAM
};

const fn seedream_edit(endpoint: Endpoint, id: &'static str) -> Endpoint {
    Endpoint {
        id,
        images: Images::Many {
            field: "image_urls",
            most: 10,
            excess: Excess::UseLast,
        },
        ..endpoint
    }
}

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        id: "fal-ai/bytedance/seedream/v3/text-to-image",
        sizes: Sizes::ImageSize {
            words: PRESETS,
            default: SQUARE_HD.1,
            bounds: Bounds::Edges {
                least: 512,
                most: 2_048,
                most_pixels: u64::MAX,
            },
        },
        fields: &[field("guidance_scale", Kind::Number(1.0, 10.0)), SAFETY_CHECKER],
        price: Price::Picture(30_000),
        ..super::BASE
    },
    Endpoint {
        id: "fal-ai/bytedance/dreamina/v3.1/text-to-image",
        fields: &[field("enhance_prompt", Kind::Flag(false))],
        count: None,
        has_sync_mode: false,
        price: Price::Picture(30_000),
        ..super::BASE
    },
    SEEDREAM_4,
    Endpoint {
        sizes: seedream_4_sizes(true),
        ..seedream_edit(SEEDREAM_4, "fal-ai/bytedance/seedream/v4/edit")
    },
    SEEDREAM_45,
    Endpoint {
        answer: super::FULL,
        ..seedream_edit(SEEDREAM_45, "fal-ai/bytedance/seedream/v4.5/edit")
    },
    SEEDREAM_5_LITE,
    seedream_edit(SEEDREAM_5_LITE, "fal-ai/bytedance/seedream/v5/lite/edit"),
];
