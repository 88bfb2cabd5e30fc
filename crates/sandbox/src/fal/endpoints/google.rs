//! The endpoints of Google's models: Nano Banana and Imagen.

use super::{Beside, Endpoint, Excess, Field, FileForm, Images, Kind, PNG_FIRST, Price, Sizes, answer, field};
use crate::latency::Pace;

/// Sizes at 1K of Gemini 2.5, by Google's documentation.
const SHAPES_25: &[(&str, (u32, u32))] = &[
    ("21:9", (1536, 672)),
    ("16:9", (1344, 768)),
    ("3:2", (1248, 832)),
    ("4:3", (1184, 864)),
    ("5:4", (1152, 896)),
    ("1:1", (1024, 1024)),
    ("4:5", (896, 1152)),
    ("3:4", (864, 1184)),
    ("2:3", (832, 1248)),
    ("9:16", (768, 1344)),
];
/// Sizes at 1K of Gemini 3, by Google's documentation.
const SHAPES_3: &[(&str, (u32, u32))] = &[
    ("21:9", (1584, 672)),
    ("16:9", (1376, 768)),
    ("3:2", (1264, 848)),
    ("4:3", (1200, 896)),
    ("5:4", (1152, 928)),
    ("1:1", (1024, 1024)),
    ("4:5", (928, 1152)),
    ("3:4", (896, 1200)),
    ("2:3", (848, 1264)),
    ("9:16", (768, 1376)),
];
/// Those, and the extreme ones of Gemini 3.1.
pub(super) const SHAPES_31: &[(&str, (u32, u32))] = &[
    ("21:9", (1584, 672)),
    ("16:9", (1376, 768)),
    ("3:2", (1264, 848)),
    ("4:3", (1200, 896)),
    ("5:4", (1152, 928)),
    ("1:1", (1024, 1024)),
    ("4:5", (928, 1152)),
    ("3:4", (896, 1200)),
    ("2:3", (848, 1264)),
    ("9:16", (768, 1376)),
    ("4:1", (2048, 512)),
    ("1:4", (512, 2048)),
    ("8:1", (3072, 384)),
    ("1:8", (384, 3072)),
];
/// Sizes at 1K of Imagen 4, by Google's documentation.
const SHAPES_IMAGEN: &[(&str, (u32, u32))] = &[
    ("1:1", (1024, 1024)),
    ("16:9", (1408, 768)),
    ("9:16", (768, 1408)),
    ("4:3", (1280, 896)),
    ("3:4", (896, 1280)),
];

const TOLERANCE: Field = field(
    "safety_tolerance",
    Kind::Word(&["1", "2", "3", "4", "5", "6"], Some("4")),
);
const ONE_EACH: Field = field("limit_generations", Kind::Flag(false));
const SYSTEM_PROMPT: Field = field("system_prompt", Kind::Text);
const WEB_SEARCH: Field = field("enable_web_search", Kind::Flag(false));
const THINKING: Field = field("thinking_level", Kind::Word(&["minimal", "high"], None));

const PRICES_PRO: Price = Price::Word {
    field: "resolution",
    micros: &[("4K", 300_000), ("", 150_000)],
    extra: None,
};
const PRICES_2: Price = Price::Word {
    field: "resolution",
    micros: &[("0.5K", 60_000), ("1K", 80_000), ("2K", 120_000), ("4K", 160_000)],
    extra: Some(("enable_web_search", 15_000)),
};

const fn ratio(
    shapes: &'static [(&'static str, (u32, u32))],
    default: Option<&'static str>,
    tiers: &'static [&'static str],
) -> Sizes {
    Sizes::Ratio {
        shapes,
        auto: default.is_none(),
        default,
        tiers,
    }
}

/// As many as the underlying model takes.
const fn edit(endpoint: Endpoint, id: &'static str, most: usize, sizes: Sizes) -> Endpoint {
    Endpoint {
        id,
        images: Images::Many {
            field: "image_urls",
            most,
            excess: Excess::Refuse,
        },
        sizes,
        ..endpoint
    }
}

const NANO_BANANA: Endpoint = Endpoint {
    id: "fal-ai/gemini-25-flash-image",
    prompt_chars: super::ANY_LENGTH,
    images: Images::None,
    mask_field: None,
    sizes: ratio(SHAPES_25, Some("1:1"), &[]),
    fields: &[TOLERANCE, ONE_EACH, SYSTEM_PROMPT],
    formats: PNG_FIRST,
    count: Some((1, 4)),
    has_sync_mode: true,
    has_seed: true,
    answer: answer(FileForm::Full, Beside::Description),
    price: Price::Picture(39_000),
    pace: Pace::Medium,
};

const PRO_TIERS: &[&str] = &["1K", "2K", "4K"];
const PRO: Endpoint = Endpoint {
    id: "fal-ai/nano-banana-pro",
    // The words of `aspect_ratio` have `auto` in both endpoints; only the default differs.
    sizes: Sizes::Ratio {
        shapes: SHAPES_3,
        auto: true,
        default: Some("1:1"),
        tiers: PRO_TIERS,
    },
    fields: &[TOLERANCE, ONE_EACH, SYSTEM_PROMPT, WEB_SEARCH],
    price: PRICES_PRO,
    pace: Pace::Slow,
    ..NANO_BANANA
};

const TWO: Endpoint = Endpoint {
    id: "fal-ai/nano-banana-2",
    sizes: ratio(SHAPES_31, None, &["0.5K", "1K", "2K", "4K"]),
    fields: &[
        TOLERANCE,
        field("limit_generations", Kind::Flag(true)),
        SYSTEM_PROMPT,
        WEB_SEARCH,
        THINKING,
    ],
    price: PRICES_2,
    ..NANO_BANANA
};

const LITE: Endpoint = Endpoint {
    id: "google/nano-banana-2-lite",
    sizes: ratio(SHAPES_3, None, &[]),
    fields: &[TOLERANCE, ONE_EACH, SYSTEM_PROMPT, THINKING],
    price: Price::Picture(42_000),
    ..NANO_BANANA
};

const IMAGEN: Endpoint = Endpoint {
    id: "fal-ai/imagen4/preview",
    sizes: ratio(SHAPES_IMAGEN, Some("1:1"), &["1K", "2K"]),
    fields: &[TOLERANCE],
    price: Price::Picture(40_000),
    ..NANO_BANANA
};

/// The first name of it at fal.
const NANO_BANANA_ALIAS: Endpoint = Endpoint {
    id: "fal-ai/nano-banana",
    ..NANO_BANANA
};

pub(super) const ROWS: &[Endpoint] = &[
    NANO_BANANA,
    NANO_BANANA_ALIAS,
    edit(NANO_BANANA, "fal-ai/nano-banana/edit", 3, ratio(SHAPES_25, None, &[])),
    edit(
        NANO_BANANA,
        "fal-ai/gemini-25-flash-image/edit",
        3,
        ratio(SHAPES_25, None, &[]),
    ),
    PRO,
    edit(PRO, "fal-ai/nano-banana-pro/edit", 14, ratio(SHAPES_3, None, PRO_TIERS)),
    TWO,
    edit(TWO, "fal-ai/nano-banana-2/edit", 14, TWO.sizes),
    LITE,
    edit(LITE, "google/nano-banana-lite/edit", 14, LITE.sizes),
    IMAGEN,
    Endpoint {
        id: "fal-ai/imagen4/preview/ultra",
        price: Price::Picture(60_000),
        pace: Pace::Slow,
        ..IMAGEN
    },
    Endpoint {
        id: "fal-ai/imagen4/preview/fast",
        sizes: ratio(SHAPES_IMAGEN, Some("1:1"), &[]),
        price: Price::Picture(20_000),
        pace: Pace::Fast,
        ..IMAGEN
    },
];
