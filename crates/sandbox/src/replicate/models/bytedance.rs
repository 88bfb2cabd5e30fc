//! ByteDance's Seedream models, which make groups of pictures too.

use super::fields::{IMAGE_INPUT, NO_CHECKER, PROMPT, format, ratio};
use super::{Default, Input, Kind, Model, PLAIN, input};
use crate::replicate::prices::Price;
use crate::replicate::sizes::{Scale, Shape, Sizing};

const RATIOS: &[&str] = &[
    "match_input_image",
    "1:1",
    "4:3",
    "3:4",
    "16:9",
    "9:16",
    "3:2",
    "2:3",
    "21:9",
];

/// Sizes at 2K, by the maker's table.
const SHAPES_2K: &[Shape] = &[
    ("1:1", (2048, 2048)),
    ("4:3", (2304, 1728)),
    ("3:4", (1728, 2304)),
    ("16:9", (2560, 1440)),
    ("9:16", (1440, 2560)),
    ("3:2", (2496, 1664)),
    ("2:3", (1664, 2496)),
    ("21:9", (3024, 1296)),
];
/// Sizes at 3K, by the maker's table.
const SHAPES_3K: &[Shape] = &[
    ("1:1", (3072, 3072)),
    ("4:3", (3456, 2592)),
    ("3:4", (2592, 3456)),
    ("16:9", (4096, 2304)),
    ("9:16", (2304, 4096)),
    ("3:2", (3744, 2496)),
    ("2:3", (2496, 3744)),
    ("21:9", (4704, 2016)),
];
/// Sizes at 4K, by the maker's table.
const SHAPES_4K: &[Shape] = &[
    ("1:1", (4096, 4096)),
    ("4:3", (4704, 3520)),
    ("3:4", (3520, 4704)),
    ("16:9", (5504, 3040)),
    ("9:16", (3040, 5504)),
    ("3:2", (4992, 3328)),
    ("2:3", (3328, 4992)),
    ("21:9", (6240, 2656)),
];

const fn scale(tier: &'static str, shapes: &'static [Shape], times: (u32, u32)) -> Scale {
    Scale { tier, shapes, times }
}

const fn shapes(scales: &'static [Scale]) -> Sizing {
    Sizing::Shapes {
        tier: "size",
        scales,
        keeps_image: None,
        step_px: 1,
    }
}

const SCALE_2K: Scale = scale("2K", SHAPES_2K, (1, 1));
const SCALE_4K: Scale = scale("4K", SHAPES_4K, (1, 1));

const SEQUENCE: Input = input(
    "sequential_image_generation",
    Kind::Choice(&["disabled", "auto"]),
    Default::Text("disabled"),
    "Whether the model may make a group of pictures.",
);
const MAX_IMAGES: Input = input(
    "max_images",
    Kind::Integer(1, 15),
    Default::Integer(1),
    "Pictures of a group at most.",
);

const fn size(values: &'static [&'static str]) -> Input {
    input(
        "size",
        Kind::Choice(values),
        Default::Text("2K"),
        "How large the pictures are.",
    )
}

const fn edge(name: &'static str) -> Input {
    input(
        name,
        Kind::Integer(1024, 4096),
        Default::Integer(2048),
        "In pixels, where the size is custom.",
    )
}

const INPUTS_4: &[Input] = &[
    PROMPT,
    IMAGE_INPUT,
    size(&["1K", "2K", "4K", "custom"]),
    ratio(RATIOS, "match_input_image"),
    edge("width"),
    edge("height"),
    SEQUENCE,
    MAX_IMAGES,
    input(
        "enhance_prompt",
        Kind::Boolean,
        Default::Boolean(true),
        "Has the prompt rewritten first.",
    ),
];
const INPUTS_45: &[Input] = &[
    PROMPT,
    IMAGE_INPUT,
    size(&["2K", "4K", "custom"]),
    ratio(RATIOS, "match_input_image"),
    edge("width"),
    edge("height"),
    SEQUENCE,
    MAX_IMAGES,
    NO_CHECKER,
];
const INPUTS_5_LITE: &[Input] = &[
    PROMPT,
    IMAGE_INPUT,
    size(&["2K", "3K"]),
    ratio(RATIOS, "match_input_image"),
    SEQUENCE,
    MAX_IMAGES,
    format(&["png", "jpeg"], "png"),
];

const SEEDREAM: Model = Model {
    owner: "bytedance",
    most_images: 14,
    most_together: 15,
    lists: true,
    ..PLAIN
};

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "seedream-4",
        about: "Text and pictures to pictures of up to 4K.",
        inputs: INPUTS_4,
        // At 1K every edge is half of that at 2K.
        sizing: shapes(&[SCALE_2K, scale("1K", SHAPES_2K, (1, 2)), SCALE_4K]),
        price: Price::Picture(30_000),
        most_images: 10,
        ..SEEDREAM
    },
    Model {
        name: "seedream-4.5",
        about: "The better seedream-4, without 1K.",
        inputs: INPUTS_45,
        sizing: shapes(&[SCALE_2K, SCALE_4K]),
        price: Price::Picture(40_000),
        ..SEEDREAM
    },
    Model {
        name: "seedream-5-lite",
        about: "Text and pictures to pictures of up to 3K.",
        inputs: INPUTS_5_LITE,
        sizing: shapes(&[SCALE_2K, scale("3K", SHAPES_3K, (1, 1))]),
        price: Price::Picture(35_000),
        ..SEEDREAM
    },
];
