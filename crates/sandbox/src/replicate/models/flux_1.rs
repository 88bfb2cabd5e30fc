//! The FLUX.1 models of Black Forest Labs: the open ones that Replicate runs itself, and those that it passes on.

use super::fields::{
    HEIGHT_ABOUT, NO_CHECKER, NUM_OUTPUTS, OUTPUT_QUALITY, PROMPT, SEED, WIDE_RATIOS, WIDTH_ABOUT, format, go_fast,
    ratio, tolerance, upsampling,
};
use super::{Default, Input, Kind, Model, PLAIN, input};
use crate::latency::Pace;
use crate::replicate::prices::Price;
use crate::replicate::sizes::{Scale, Shape, Sizing};

const FORMATS: &[&str] = &["webp", "jpg", "png"];
const FEW_FORMATS: &[&str] = &["jpg", "png"];
const PRO_RATIOS: &[&str] = &[
    "custom", "1:1", "16:9", "3:2", "2:3", "4:5", "5:4", "9:16", "3:4", "4:3",
];
const ULTRA_RATIOS: &[&str] = &[
    "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "9:21",
];
const KONTEXT_RATIOS: &[&str] = &[
    "match_input_image",
    "1:1",
    "16:9",
    "9:16",
    "4:3",
    "3:4",
    "3:2",
    "2:3",
    "4:5",
    "5:4",
    "21:9",
    "9:21",
    "2:1",
    "1:2",
];

const SHAPES: &[Shape] = &[
    ("1:1", (1024, 1024)),
    ("16:9", (1344, 768)),
    ("21:9", (1536, 640)),
    ("3:2", (1216, 832)),
    ("2:3", (832, 1216)),
    ("4:5", (896, 1088)),
    ("5:4", (1088, 896)),
    ("3:4", (896, 1152)),
    ("4:3", (1152, 896)),
    ("9:16", (768, 1344)),
    ("9:21", (640, 1536)),
];
/// A quarter of the megapixels halves both edges.
const SCALES: &[Scale] = &[
    Scale {
        tier: "1",
        shapes: SHAPES,
        times: (1, 1),
    },
    Scale {
        tier: "0.25",
        shapes: SHAPES,
        times: (1, 2),
    },
];
/// With a picture to start from, its shape is kept, within these edges.
const OPEN: Sizing = Sizing::Shapes {
    tier: "megapixels",
    scales: SCALES,
    keeps_image: Some(1_440),
    step_px: 16,
};
/// The ratios are taken to have the sizes of the open models.
const PRO: Sizing = Sizing::Shapes {
    tier: "",
    scales: SCALES,
    keeps_image: None,
    step_px: 32,
};
/// About four megapixels: 2752x1536 at 16:9 is the size that is told of it.
const ULTRA: Sizing = Sizing::Area {
    tier: "",
    megapixels: 4.0,
    step_px: 64,
    longest_px: 4_096,
};
/// One megapixel, in multiples of 32, whatever the ratio.
const KONTEXT: Sizing = Sizing::Area {
    tier: "",
    megapixels: 1.0,
    step_px: 32,
    longest_px: 2_048,
};

const MEGAPIXELS: Input = input(
    "megapixels",
    Kind::Choice(&["1", "0.25"]),
    Default::Text("1"),
    "About how many megapixels.",
);
const START_IMAGE: Input = input(
    "image",
    Kind::Image,
    Default::Nothing,
    "A picture to start from; its shape is kept.",
);
const STRENGTH: Input = input(
    "prompt_strength",
    Kind::Number(0.0, 1.0),
    Default::Number(0.8),
    "How little is left of the picture to start from.",
);
const IMAGE_PROMPT: Input = input(
    "image_prompt",
    Kind::Image,
    Default::Nothing,
    "A picture whose composition is taken.",
);

const fn steps(most: i64, default: i64) -> Input {
    input(
        "num_inference_steps",
        Kind::Integer(1, most),
        Default::Integer(default),
        "Denoising steps.",
    )
}

const fn guidance(default: f64) -> Input {
    input(
        "guidance",
        Kind::Number(0.0, 10.0),
        Default::Number(default),
        "How closely to keep to the prompt.",
    )
}

const SCHNELL_INPUTS: &[Input] = &[
    PROMPT,
    ratio(WIDE_RATIOS, "1:1"),
    NUM_OUTPUTS,
    steps(4, 4),
    SEED,
    format(FORMATS, "webp"),
    OUTPUT_QUALITY,
    NO_CHECKER,
    go_fast(true),
    MEGAPIXELS,
];
const DEV_INPUTS: &[Input] = &dev_inputs(3.5);
const KREA_INPUTS: &[Input] = &dev_inputs(4.5);
const PRO_INPUTS: &[Input] = &[
    PROMPT,
    IMAGE_PROMPT,
    ratio(PRO_RATIOS, "1:1"),
    input("width", Kind::Integer(256, 1440), Default::Nothing, WIDTH_ABOUT),
    input("height", Kind::Integer(256, 1440), Default::Nothing, HEIGHT_ABOUT),
    tolerance(1, 6),
    SEED,
    upsampling(false),
    format(FORMATS, "webp"),
    OUTPUT_QUALITY,
];
const ULTRA_INPUTS: &[Input] = &[
    PROMPT,
    IMAGE_PROMPT,
    input(
        "image_prompt_strength",
        Kind::Number(0.0, 1.0),
        Default::Number(0.1),
        "How much of that picture is taken.",
    ),
    ratio(ULTRA_RATIOS, "1:1"),
    tolerance(1, 6),
    SEED,
    input(
        "raw",
        Kind::Boolean,
        Default::Boolean(false),
        "Pictures that look less finished.",
    ),
    format(FEW_FORMATS, "jpg"),
];
const KONTEXT_INPUTS: &[Input] = &[
    PROMPT,
    input("input_image", Kind::Image, Default::Nothing, "The picture to edit."),
    ratio(KONTEXT_RATIOS, "match_input_image"),
    SEED,
    format(FEW_FORMATS, "png"),
    tolerance(0, 6),
    upsampling(false),
];

const fn dev_inputs(default_guidance: f64) -> [Input; 13] {
    [
        PROMPT,
        ratio(WIDE_RATIOS, "1:1"),
        START_IMAGE,
        STRENGTH,
        NUM_OUTPUTS,
        steps(50, 28),
        guidance(default_guidance),
        SEED,
        format(FORMATS, "webp"),
        OUTPUT_QUALITY,
        NO_CHECKER,
        go_fast(true),
        MEGAPIXELS,
    ]
}

const FLUX: Model = Model {
    owner: "black-forest-labs",
    ..PLAIN
};
const OPEN_FLUX: Model = Model {
    owner: "black-forest-labs",
    sizing: OPEN,
    pace: Pace::Fast,
    lists: true,
    ..PLAIN
};

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "flux-schnell",
        about: "Fast text to pictures.",
        inputs: SCHNELL_INPUTS,
        price: Price::Picture(3_000),
        ..OPEN_FLUX
    },
    Model {
        name: "flux-dev",
        about: "Text to pictures, or a picture to start from.",
        inputs: DEV_INPUTS,
        price: Price::Picture(25_000),
        most_images: 1,
        ..OPEN_FLUX
    },
    Model {
        name: "flux-krea-dev",
        about: "flux-dev with the look of photographs.",
        inputs: KREA_INPUTS,
        price: Price::Picture(25_000),
        most_images: 1,
        ..OPEN_FLUX
    },
    Model {
        name: "flux-1.1-pro",
        about: "Text to a picture.",
        inputs: PRO_INPUTS,
        sizing: PRO,
        price: Price::Picture(40_000),
        most_images: 1,
        ..FLUX
    },
    Model {
        name: "flux-1.1-pro-ultra",
        about: "Text to a picture of four megapixels.",
        inputs: ULTRA_INPUTS,
        sizing: ULTRA,
        price: Price::Picture(60_000),
        most_images: 1,
        ..FLUX
    },
    Model {
        name: "flux-kontext-pro",
        about: "Edits a picture by an instruction.",
        inputs: KONTEXT_INPUTS,
        sizing: KONTEXT,
        price: Price::Picture(40_000),
        most_images: 1,
        ..FLUX
    },
    Model {
        name: "flux-kontext-max",
        about: "Edits a picture by an instruction, with better lettering.",
        inputs: KONTEXT_INPUTS,
        sizing: KONTEXT,
        price: Price::Picture(80_000),
        most_images: 1,
        ..FLUX
    },
];
