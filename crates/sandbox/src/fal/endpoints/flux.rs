//! The endpoints of Black Forest Labs' models, fal's own variants of FLUX.2 among them.

use super::{
    Answer, Beside, Bounds, DRAWABLE, Endpoint, Excess, Field, FileForm, Images, JPEG_FIRST, Kind, LANDSCAPE_4_3,
    MEGAPIXEL, PNG_FIRST, PRESETS, PRESETS_AND_AUTO, Price, SAFETY_CHECKER, SEED_FULL, Sizes, Wanted, answer, field,
};
use crate::latency::Pace;

const RUN_SHORT: Answer = answer(FileForm::Short, Beside::Run);
const RUN_FULL: Answer = answer(FileForm::Full, Beside::Run);

const LEVELS: &[&str] = &["none", "regular", "high"];
const TOLERANCE_5: &[&str] = &["1", "2", "3", "4", "5"];
const TOLERANCE_6: &[&str] = &["1", "2", "3", "4", "5", "6"];

const fn presets(bounds: Bounds) -> Sizes {
    Sizes::ImageSize {
        words: PRESETS,
        default: LANDSCAPE_4_3.1,
        bounds,
    }
}

const fn presets_as_input(bounds: Bounds) -> Sizes {
    Sizes::ImageSize {
        words: PRESETS,
        default: Wanted::Auto(1024),
        bounds,
    }
}

/// FLUX.2 [dev] and its variants.
const EDGES_2: Bounds = Bounds::Edges {
    least: 512,
    most: 2_048,
    most_pixels: u64::MAX,
};
/// FLUX.2 [pro] and [flex]: fal states nothing, their maker four megapixels.
const FOUR_MEGAPIXELS: Bounds = Bounds::Edges {
    least: 64,
    most: 4_096,
    most_pixels: 4 * MEGAPIXEL,
};
/// The sizes that Kontext was trained at, by its maker's published code.
const KONTEXT_SHAPES: &[(&str, (u32, u32))] = &[
    ("21:9", (1568, 672)),
    ("16:9", (1392, 752)),
    ("4:3", (1184, 880)),
    ("3:2", (1248, 832)),
    ("1:1", (1024, 1024)),
    ("2:3", (832, 1248)),
    ("3:4", (880, 1184)),
    ("9:16", (752, 1392)),
    ("9:21", (672, 1568)),
];

pub(super) const fn links(most: usize, excess: Excess) -> Images {
    Images::Many {
        field: "image_urls",
        most,
        excess,
    }
}

pub(super) const fn megapixels(each: i64, input: i64) -> Price {
    Price::Megapixels {
        first: each,
        further: each,
        input,
        extra: None,
    }
}

/// What the endpoints have in common; the table changes what differs.
const FLUX: Endpoint = Endpoint {
    id: "",
    prompt_chars: super::ANY_LENGTH,
    images: Images::None,
    mask_field: None,
    sizes: presets(DRAWABLE),
    fields: &[],
    formats: JPEG_FIRST,
    count: Some((1, 4)),
    has_sync_mode: true,
    has_seed: true,
    answer: RUN_SHORT,
    price: megapixels(3_000, 0),
    pace: Pace::Fast,
};

const DEV: Endpoint = Endpoint {
    fields: &[
        field("num_inference_steps", Kind::Integer(1, 50)),
        field("guidance_scale", Kind::Number(1.0, 20.0)),
        SAFETY_CHECKER,
        field("acceleration", Kind::Word(LEVELS, Some("none"))),
    ],
    price: megapixels(25_000, 0),
    pace: Pace::Medium,
    ..FLUX
};

const PRO: Endpoint = Endpoint {
    fields: &[
        field("enhance_prompt", Kind::Flag(false)),
        field("safety_tolerance", Kind::Word(TOLERANCE_6, Some("2"))),
        SAFETY_CHECKER,
    ],
    pace: Pace::Medium,
    ..FLUX
};

const KONTEXT_FIELDS: &[Field] = &[
    field("enhance_prompt", Kind::Flag(false)),
    field("safety_tolerance", Kind::Word(TOLERANCE_6, Some("2"))),
    field("guidance_scale", Kind::Number(1.0, 20.0)),
];

const fn kontext(id: &'static str, price_micros: i64) -> Endpoint {
    Endpoint {
        id,
        sizes: Sizes::Ratio {
            shapes: KONTEXT_SHAPES,
            auto: false,
            default: Some("1:1"),
            tiers: &[],
        },
        fields: KONTEXT_FIELDS,
        price: Price::Picture(price_micros),
        ..PRO
    }
}

const fn kontext_edit(id: &'static str, price_micros: i64) -> Endpoint {
    Endpoint {
        images: Images::One {
            field: "image_url",
            required: true,
        },
        sizes: Sizes::Ratio {
            shapes: KONTEXT_SHAPES,
            auto: false,
            default: None,
            tiers: &[],
        },
        ..kontext(id, price_micros)
    }
}

const DEV_2: Endpoint = Endpoint {
    id: "fal-ai/flux-2",
    sizes: presets(EDGES_2),
    fields: &[
        field("num_inference_steps", Kind::Integer(4, 50)),
        field("guidance_scale", Kind::Number(0.0, 20.0)),
        SAFETY_CHECKER,
        field("acceleration", Kind::Word(LEVELS, Some("regular"))),
        field("enable_prompt_expansion", Kind::Flag(false)),
    ],
    formats: PNG_FIRST,
    answer: RUN_FULL,
    price: megapixels(12_000, 12_000),
    pace: Pace::Medium,
    ..FLUX
};

const QUICK_FIELDS: &[Field] = &[
    field("guidance_scale", Kind::Number(0.0, 20.0)),
    SAFETY_CHECKER,
    field("enable_prompt_expansion", Kind::Flag(false)),
];

/// Flash and turbo: fewer steps, which cannot be asked for.
const fn quick(id: &'static str, price_micros: i64) -> Endpoint {
    Endpoint {
        id,
        fields: QUICK_FIELDS,
        price: megapixels(price_micros, 0),
        pace: Pace::Fast,
        ..DEV_2
    }
}

const KLEIN_FIELDS: &[Field] = &[field("num_inference_steps", Kind::Integer(4, 8)), SAFETY_CHECKER];

const fn klein(id: &'static str, price_micros: i64) -> Endpoint {
    Endpoint {
        id,
        sizes: presets(DRAWABLE),
        fields: KLEIN_FIELDS,
        price: megapixels(price_micros, 0),
        pace: Pace::Fast,
        ..DEV_2
    }
}

const fn klein_edit(id: &'static str, price_micros: i64) -> Endpoint {
    Endpoint {
        images: links(4, Excess::Refuse),
        sizes: presets_as_input(DRAWABLE),
        price: megapixels(price_micros, price_micros),
        ..klein(id, price_micros)
    }
}

const PRO_2: Endpoint = Endpoint {
    id: "fal-ai/flux-2-pro",
    sizes: presets(FOUR_MEGAPIXELS),
    fields: &[
        field("safety_tolerance", Kind::Word(TOLERANCE_5, Some("2"))),
        SAFETY_CHECKER,
    ],
    count: None,
    answer: SEED_FULL,
    price: Price::Megapixels {
        first: 30_000,
        further: 15_000,
        input: 15_000,
        extra: None,
    },
    pace: Pace::Medium,
    ..FLUX
};

const MAX_2: Endpoint = Endpoint {
    id: "fal-ai/flux-2-max",
    fields: &[field("safety_tolerance", Kind::Word(TOLERANCE_5, Some("2")))],
    has_sync_mode: false,
    price: Price::Megapixels {
        first: 70_000,
        further: 30_000,
        input: 30_000,
        extra: None,
    },
    ..PRO_2
};

const FLEX_2: Endpoint = Endpoint {
    id: "fal-ai/flux-2-flex",
    fields: &[
        field("safety_tolerance", Kind::Word(TOLERANCE_5, Some("2"))),
        SAFETY_CHECKER,
        field("guidance_scale", Kind::Number(1.5, 10.0)),
        field("num_inference_steps", Kind::Integer(2, 50)),
    ],
    price: megapixels(50_000, 50_000),
    ..PRO_2
};

const PRO_2_EDIT_SIZES: Sizes = Sizes::ImageSize {
    words: PRESETS_AND_AUTO,
    default: Wanted::Auto(1024),
    bounds: FOUR_MEGAPIXELS,
};

pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        id: "fal-ai/flux/schnell",
        fields: &[
            field("num_inference_steps", Kind::Integer(1, 12)),
            field("guidance_scale", Kind::Number(1.0, 20.0)),
            SAFETY_CHECKER,
            field("acceleration", Kind::Word(LEVELS, Some("none"))),
        ],
        ..FLUX
    },
    Endpoint {
        id: "fal-ai/flux/dev",
        ..DEV
    },
    Endpoint {
        id: "fal-ai/flux/krea",
        ..DEV
    },
    Endpoint {
        id: "fal-ai/flux-pro/v1.1",
        price: megapixels(40_000, 0),
        ..PRO
    },
    Endpoint {
        id: "fal-ai/flux-pro/v1.1-ultra",
        images: Images::One {
            field: "image_url",
            required: false,
        },
        sizes: Sizes::AnyRatio {
            default: "16:9",
            pixels: 4 * MEGAPIXEL,
        },
        fields: &[
            field("enhance_prompt", Kind::Flag(false)),
            field("safety_tolerance", Kind::Word(TOLERANCE_6, Some("2"))),
            field("image_prompt_strength", Kind::Number(0.0, 1.0)),
            field("raw", Kind::Flag(false)),
            SAFETY_CHECKER,
        ],
        price: Price::Picture(60_000),
        ..PRO
    },
    kontext("fal-ai/flux-pro/kontext/text-to-image", 40_000),
    kontext_edit("fal-ai/flux-pro/kontext", 40_000),
    kontext("fal-ai/flux-pro/kontext/max/text-to-image", 80_000),
    kontext_edit("fal-ai/flux-pro/kontext/max", 80_000),
    DEV_2,
    Endpoint {
        id: "fal-ai/flux-2/edit",
        images: links(4, Excess::UseFirst),
        sizes: presets_as_input(EDGES_2),
        ..DEV_2
    },
    quick("fal-ai/flux-2/flash", 5_000),
    quick("fal-ai/flux-2/turbo", 8_000),
    klein("fal-ai/flux-2/klein/4b", 5_000),
    klein_edit("fal-ai/flux-2/klein/4b/edit", 10_000),
    klein("fal-ai/flux-2/klein/9b", 6_000),
    klein_edit("fal-ai/flux-2/klein/9b/edit", 11_000),
    PRO_2,
    Endpoint {
        id: "fal-ai/flux-2-pro/edit",
        images: links(9, Excess::Refuse),
        sizes: PRO_2_EDIT_SIZES,
        ..PRO_2
    },
    MAX_2,
    Endpoint {
        id: "fal-ai/flux-2-max/edit",
        images: links(8, Excess::Refuse),
        sizes: PRO_2_EDIT_SIZES,
        ..MAX_2
    },
    Endpoint {
        id: "fal-ai/flux-kontext/dev",
        images: Images::One {
            field: "image_url",
            required: true,
        },
        // `resolution_mode` matches the input by itself.
        sizes: Sizes::Input,
        fields: &[
            field("resolution_mode", Kind::Text),
            field("num_inference_steps", Kind::Integer(10, 50)),
            field("guidance_scale", Kind::Number(0.0, 20.0)),
        ],
        has_sync_mode: false,
        price: megapixels(25_000, 0),
        pace: Pace::Medium,
        ..FLUX
    },
    FLEX_2,
    Endpoint {
        id: "fal-ai/flux-2-flex/edit",
        images: links(10, Excess::Refuse),
        sizes: PRO_2_EDIT_SIZES,
        ..FLEX_2
    },
];
