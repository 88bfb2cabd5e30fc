//! The endpoints of Qwen, Wan, Hunyuan, Sana and Krea, of the fourth models of Recraft and Ideogram, and of further
//! upscalers. Their fields are those of fal's published input types; where these name no bounds, wide ones stand here.

use super::flux::{links, megapixels};
use super::{
    Answer, Beside, Bounds, DRAWABLE, Endpoint, Excess, FULL, Field, FileForm, Images, JPEG_FIRST, Kind, LANDSCAPE_4_3,
    MEGAPIXEL, PNG_FIRST, PRESETS, Price, SAFETY_CHECKER, SEED_FULL, SQUARE_HD, Sizes, UNMEASURED, Wanted, answer,
    field,
};
use crate::latency::Pace;

const NEGATIVE: Field = field("negative_prompt", Kind::Text);
const GUIDANCE: Field = field("guidance_scale", Kind::Number(0.0, 20.0));
const STEPS: Field = field("num_inference_steps", Kind::Integer(2, 50));
const EXPANSION: Field = field("enable_prompt_expansion", Kind::Flag(true));
const ONE: Images = Images::One {
    field: "image_url",
    required: true,
};
const PNG_OR_JPEG: &[&str] = &["png", "jpeg"];

const fn image_size(default: Wanted, bounds: Bounds) -> Sizes {
    Sizes::ImageSize {
        words: PRESETS,
        default,
        bounds,
    }
}

/// One user measured these edges.
const QWEN_EDGES: Bounds = Bounds::Edges {
    least: 512,
    most: 1_536,
    most_pixels: u64::MAX,
};
const QWEN: Endpoint = Endpoint {
    id: "fal-ai/qwen-image",
    sizes: image_size(LANDSCAPE_4_3.1, QWEN_EDGES),
    fields: &[
        NEGATIVE,
        GUIDANCE,
        STEPS,
        field("acceleration", Kind::Word(&["none", "regular", "high"], Some("none"))),
    ],
    formats: PNG_OR_JPEG,
    answer: answer(FileForm::Full, Beside::Run),
    price: megapixels(20_000, 0),
    ..super::BASE
};

const fn qwen_edit(id: &'static str, images: Images, formats: &'static [&'static str]) -> Endpoint {
    Endpoint {
        id,
        images,
        sizes: image_size(Wanted::Auto(1024), DRAWABLE),
        fields: &[NEGATIVE, GUIDANCE, STEPS],
        formats,
        has_sync_mode: false,
        price: megapixels(30_000, 0),
        ..QWEN
    }
}

const QWEN_2_PRO: Endpoint = Endpoint {
    id: "fal-ai/qwen-image-2/pro/text-to-image",
    sizes: image_size(SQUARE_HD.1, DRAWABLE),
    fields: &[NEGATIVE, EXPANSION],
    has_sync_mode: false,
    price: Price::Picture(75_000),
    ..super::BASE
};

const fn wan(id: &'static str, micros: i64) -> Endpoint {
    Endpoint {
        id,
        sizes: image_size(SQUARE_HD.1, DRAWABLE),
        fields: &[NEGATIVE],
        formats: PNG_FIRST,
        count: Some((1, 5)),
        has_sync_mode: false,
        has_seed: false,
        answer: FULL,
        price: Price::Picture(micros),
        ..super::BASE
    }
}

const fn wan_edit(id: &'static str, micros: i64) -> Endpoint {
    Endpoint {
        images: links(9, Excess::Refuse),
        fields: &[NEGATIVE, EXPANSION],
        ..wan(id, micros)
    }
}

/// No pixels are published for Krea's shapes; these are about a megapixel.
const KREA_SHAPES: &[(&str, (u32, u32))] = &[
    ("1:1", (1024, 1024)),
    ("4:3", (1184, 880)),
    ("3:2", (1248, 832)),
    ("16:9", (1360, 768)),
    ("2.35:1", (1568, 672)),
    ("4:5", (912, 1136)),
    ("2:3", (832, 1248)),
    ("9:16", (768, 1360)),
];

const KREA_FIELDS: &[Field] = &[field("creativity", Kind::Word(&["raw", "low", "medium", "high"], None))];

const fn krea(id: &'static str, micros: i64) -> Endpoint {
    Endpoint {
        id,
        sizes: Sizes::Ratio {
            shapes: KREA_SHAPES,
            auto: false,
            default: Some("1:1"),
            tiers: &[],
        },
        fields: KREA_FIELDS,
        count: None,
        has_sync_mode: false,
        price: Price::Picture(micros),
        ..super::BASE
    }
}

const RECRAFT_FIELDS: &[Field] = &[
    field("colors", Kind::Colors),
    field("background_color", Kind::Object),
    field("enable_safety_checker", Kind::Flag(false)),
];

const fn recraft(id: &'static str, micros: i64) -> Endpoint {
    Endpoint {
        id,
        fields: RECRAFT_FIELDS,
        formats: &["webp"],
        count: None,
        has_sync_mode: false,
        has_seed: false,
        answer: UNMEASURED,
        price: Price::Picture(micros),
        ..super::BASE
    }
}

/// An upscaler of one picture, whose factor may be told.
const fn upscaler(id: &'static str, most_pixels: u64, price: Price) -> Endpoint {
    Endpoint {
        id,
        prompt_chars: None,
        images: ONE,
        sizes: Sizes::Times {
            field: Some("upscale_factor"),
            default: 2.0,
            longest_px: u32::MAX,
            most_pixels,
        },
        count: None,
        has_sync_mode: false,
        answer: Answer {
            single: true,
            ..SEED_FULL
        },
        price,
        ..super::BASE
    }
}

/// By megapixels of a million pixels that come out.
const TOPAZ: Price = Price::Steps(&[
    (24_000_000, 80_000),
    (48_000_000, 160_000),
    (96_000_000, 320_000),
    (u64::MAX, 1_360_000),
]);
/// What the sandbox draws at most.
const DRAWN: u64 = 100_000_000;

pub(super) const ROWS: &[Endpoint] = &[
    QWEN,
    qwen_edit("fal-ai/qwen-image-edit", ONE, PNG_OR_JPEG),
    qwen_edit("fal-ai/qwen-image-edit-2509", links(3, Excess::Refuse), PNG_OR_JPEG),
    qwen_edit("fal-ai/qwen-image-edit-2511", links(3, Excess::Refuse), PNG_FIRST),
    QWEN_2_PRO,
    Endpoint {
        id: "fal-ai/qwen-image-2/pro/edit",
        images: links(3, Excess::Refuse),
        ..QWEN_2_PRO
    },
    wan("fal-ai/wan/v2.7/text-to-image", 30_000),
    wan_edit("fal-ai/wan/v2.7/edit", 30_000),
    wan("fal-ai/wan/v2.7/pro/text-to-image", 75_000),
    wan_edit("fal-ai/wan/v2.7/pro/edit", 75_000),
    Endpoint {
        id: "fal-ai/hunyuan-image/v3/text-to-image",
        fields: &[NEGATIVE, GUIDANCE, STEPS],
        has_sync_mode: false,
        price: megapixels(100_000, 0),
        pace: Pace::Slow,
        ..super::BASE
    },
    Endpoint {
        id: "fal-ai/sana/v1.5/4.8b",
        fields: &[NEGATIVE, GUIDANCE, field("num_inference_steps", Kind::Integer(1, 50))],
        has_sync_mode: false,
        price: megapixels(10_000, 0),
        pace: Pace::Fast,
        ..super::BASE
    },
    krea("krea/v2/large/text-to-image", 60_000),
    krea("krea/v2/medium/text-to-image", 30_000),
    recraft("fal-ai/recraft/v4/text-to-image", 40_000),
    recraft("fal-ai/recraft/v4/pro/text-to-image", 250_000),
    Endpoint {
        id: "ideogram/v4",
        sizes: image_size(
            SQUARE_HD.1,
            Bounds::Edges {
                least: 16,
                most: 4_096,
                most_pixels: 4 * MEGAPIXEL,
            },
        ),
        fields: &[
            field(
                "rendering_speed",
                Kind::Word(&["TURBO", "BALANCED", "QUALITY"], Some("BALANCED")),
            ),
            field("expansion_model", Kind::Text),
        ],
        formats: JPEG_FIRST,
        has_sync_mode: false,
        price: Price::WordMegapixels {
            field: "rendering_speed",
            micros: &[("TURBO", 7_500), ("BALANCED", 15_000), ("QUALITY", 25_000)],
        },
        ..super::BASE
    },
    Endpoint {
        fields: &[
            field("upscale_mode", Kind::Word(&["factor", "target"], Some("factor"))),
            field("upscale_factor", Kind::Number(1.0, 10.0)),
            field("noise_scale", Kind::Number(0.0, 1.0)),
        ],
        formats: &["jpg", "png", "webp"],
        ..upscaler("fal-ai/seedvr/upscale/image", DRAWN, megapixels(1_000, 0))
    },
    Endpoint {
        fields: &[
            field("model", Kind::Text),
            field("upscale_factor", Kind::Number(1.0, 4.0)),
            field("face_enhancement", Kind::Flag(true)),
        ],
        formats: JPEG_FIRST,
        has_seed: false,
        answer: Answer { single: true, ..FULL },
        ..upscaler("fal-ai/topaz/upscale/image", 512_000_000, TOPAZ)
    },
    Endpoint {
        fields: &[
            field("upscale_factor", Kind::Number(1.0, 4.0)),
            field("prompt", Kind::Text),
            NEGATIVE,
            field("creativity", Kind::Number(0.0, 1.0)),
            field("resemblance", Kind::Number(0.0, 1.0)),
            field("num_inference_steps", Kind::Integer(4, 50)),
            GUIDANCE,
            SAFETY_CHECKER,
        ],
        ..upscaler("fal-ai/clarity-upscaler", DRAWN, megapixels(30_000, 0))
    },
];
