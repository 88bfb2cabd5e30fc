//! The endpoints of all other makers: Ideogram, Recraft, Reve, Vidu, HiDream, Alibaba and Clarity AI.

use super::styles::{IDEOGRAM_PRESETS, RECRAFT_STYLES};
use super::{
    Answer, Beside, Bounds, Endpoint, Excess, FULL, FileForm, Images, JPEG_FIRST, Kind, LANDSCAPE_4_3, MEGAPIXEL,
    PNG_FIRST, PRESETS, Price, SAFETY_CHECKER, Sizes, UNMEASURED, answer, field,
};
use crate::latency::Pace;

/// No pixels are published for Reve's shapes; these are about a megapixel.
const REVE_SHAPES: &[(&str, (u32, u32))] = &[
    ("16:9", (1360, 768)),
    ("9:16", (768, 1360)),
    ("3:2", (1248, 832)),
    ("2:3", (832, 1248)),
    ("4:3", (1184, 880)),
    ("3:4", (880, 1184)),
    ("1:1", (1024, 1024)),
];
/// The most characters of a prompt for Reve, by its documentation.
const REVE_PROMPT_CHARS: Option<usize> = Some(2_560);
const REVE: Endpoint = Endpoint {
    id: "fal-ai/reve/text-to-image",
    prompt_chars: REVE_PROMPT_CHARS,
    sizes: Sizes::Ratio {
        shapes: REVE_SHAPES,
        auto: false,
        default: Some("3:2"),
        tiers: &[],
    },
    formats: PNG_FIRST,
    has_seed: false,
    answer: FULL,
    price: Price::Picture(40_000),
    ..super::BASE
};

/// 1080p is what Vidu makes where no resolution is asked for.
const VIDU_SHAPES: &[(&str, (u32, u32))] = &[("16:9", (1920, 1080)), ("9:16", (1080, 1920)), ("1:1", (1080, 1080))];
const VIDU: Endpoint = Endpoint {
    id: "fal-ai/vidu/q2/text-to-image",
    prompt_chars: Some(1_500),
    sizes: Sizes::Ratio {
        shapes: VIDU_SHAPES,
        auto: false,
        default: Some("16:9"),
        tiers: &[],
    },
    count: None,
    has_sync_mode: false,
    answer: Answer { single: true, ..FULL },
    price: Price::Picture(100_000),
    ..super::BASE
};

/// No pixels are published for these shapes; they are about a megapixel.
const GROK_SHAPES: &[(&str, (u32, u32))] = &[
    ("1:1", (1024, 1024)),
    ("3:4", (880, 1184)),
    ("4:3", (1184, 880)),
    ("9:16", (768, 1360)),
    ("16:9", (1360, 768)),
    ("2:3", (832, 1248)),
    ("3:2", (1248, 832)),
    ("9:19.5", (704, 1504)),
    ("19.5:9", (1504, 704)),
    ("9:20", (688, 1520)),
    ("20:9", (1520, 688)),
    ("1:2", (720, 1440)),
    ("2:1", (1440, 720)),
];

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        id: "fal-ai/ideogram/v3",
        fields: &[
            field(
                "rendering_speed",
                Kind::Word(&["TURBO", "BALANCED", "QUALITY"], Some("BALANCED")),
            ),
            field("style", Kind::Word(&["AUTO", "GENERAL", "REALISTIC", "DESIGN"], None)),
            field("style_preset", Kind::Word(IDEOGRAM_PRESETS, None)),
            field("style_codes", Kind::Texts),
            // Style references, which leave no trace in the picture here.
            field("image_urls", Kind::Texts),
            field("color_palette", Kind::Object),
            field("expand_prompt", Kind::Flag(true)),
            field("negative_prompt", Kind::Text),
        ],
        count: Some((1, 8)),
        answer: answer(FileForm::Unmeasured, Beside::Seed),
        price: Price::Word {
            field: "rendering_speed",
            micros: &[("TURBO", 30_000), ("BALANCED", 60_000), ("QUALITY", 90_000)],
            extra: None,
        },
        ..super::BASE
    },
    Endpoint {
        id: "fal-ai/recraft/v3/text-to-image",
        fields: &[
            field("style", Kind::Word(RECRAFT_STYLES, Some("realistic_image"))),
            field("style_id", Kind::Text),
            field("colors", Kind::Colors),
            field("enable_safety_checker", Kind::Flag(false)),
        ],
        formats: &["webp"],
        count: None,
        has_sync_mode: false,
        has_seed: false,
        answer: UNMEASURED,
        // Vector images cost twice as much.
        price: Price::Word {
            field: "style",
            micros: &[("vector_illustration", 80_000), ("", 40_000)],
            extra: None,
        },
        ..super::BASE
    },
    REVE,
    Endpoint {
        id: "fal-ai/reve/edit",
        images: Images::One {
            field: "image_url",
            required: true,
        },
        sizes: Sizes::Input,
        ..REVE
    },
    Endpoint {
        id: "xai/grok-imagine-image",
        sizes: Sizes::Ratio {
            shapes: GROK_SHAPES,
            auto: false,
            default: Some("1:1"),
            tiers: &["1k", "2k"],
        },
        formats: &["jpeg", "png", "webp"],
        has_seed: false,
        answer: FULL,
        price: Price::Picture(20_000),
        ..super::BASE
    },
    VIDU,
    Endpoint {
        id: "fal-ai/vidu/q2/reference-to-image",
        // As many as Vidu's own interface takes.
        images: Images::Many {
            field: "reference_image_urls",
            most: 7,
            excess: Excess::Refuse,
        },
        ..VIDU
    },
    Endpoint {
        id: "fal-ai/hidream-i1-full",
        fields: &[
            field("negative_prompt", Kind::Text),
            field("num_inference_steps", Kind::Integer(1, 50)),
            field("guidance_scale", Kind::Number(0.0, 20.0)),
            SAFETY_CHECKER,
            field("loras", Kind::Objects),
        ],
        formats: JPEG_FIRST,
        answer: answer(FileForm::Short, Beside::Run),
        price: Price::Megapixels {
            first: 50_000,
            further: 50_000,
            input: 0,
            extra: None,
        },
        ..super::BASE
    },
    Endpoint {
        id: "fal-ai/z-image/turbo",
        sizes: Sizes::ImageSize {
            words: PRESETS,
            default: LANDSCAPE_4_3.1,
            bounds: Bounds::Edges {
                least: 16,
                most: 4_096,
                most_pixels: 4 * MEGAPIXEL,
            },
        },
        fields: &[
            field("num_inference_steps", Kind::Integer(1, 8)),
            SAFETY_CHECKER,
            field(
                "acceleration",
                Kind::Word(&["none", "regular", "high"], Some("regular")),
            ),
            field("enable_prompt_expansion", Kind::Flag(false)),
        ],
        formats: PNG_FIRST,
        answer: answer(FileForm::Full, Beside::Run),
        price: Price::Megapixels {
            first: 5_000,
            further: 5_000,
            input: 0,
            extra: Some(("enable_prompt_expansion", 2_500)),
        },
        pace: Pace::Fast,
        ..super::BASE
    },
    Endpoint {
        id: "fal-ai/recraft/upscale/crisp",
        prompt_chars: None,
        images: Images::Png { field: "image_url" },
        // No factor is published; four times is a choice of the sandbox. Edges end where those of inputs do.
        sizes: Sizes::Times {
            field: None,
            default: 4.0,
            longest_px: 4_096,
            most_pixels: u64::MAX,
        },
        fields: &[field("enable_safety_checker", Kind::Flag(false))],
        count: None,
        has_seed: false,
        answer: Answer {
            single: true,
            ..UNMEASURED
        },
        price: Price::Picture(4_000),
        ..super::BASE
    },
    Endpoint {
        id: "clarityai/crystal-upscaler",
        prompt_chars: None,
        images: Images::One {
            field: "image_url",
            required: true,
        },
        sizes: Sizes::Times {
            field: Some("scale_factor"),
            default: 2.0,
            longest_px: u32::MAX,
            most_pixels: 100_000_000,
        },
        fields: &[
            field("scale_factor", Kind::Number(1.0, 200.0)),
            field("creativity", Kind::Number(0.0, 10.0)),
        ],
        formats: &["jpg", "png"],
        count: None,
        has_sync_mode: false,
        has_seed: false,
        answer: UNMEASURED,
        price: Price::Megapixels {
            first: 16_000,
            further: 16_000,
            input: 0,
            extra: None,
        },
        ..super::BASE
    },
];
