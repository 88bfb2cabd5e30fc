//! The FLUX.2 models of Black Forest Labs, which are priced by the megapixel.

use super::fields::{
    HEIGHT_ABOUT, NO_CHECKER, OUTPUT_QUALITY, PROMPT, SEED, WIDTH_ABOUT, format, go_fast, output_quality, ratio,
    tolerance, upsampling,
};
use super::{Default, Input, Kind, Model, PLAIN, input};
use crate::latency::Pace;
use crate::replicate::prices::Price;
use crate::replicate::sizes::Sizing;

const FORMATS: &[&str] = &["webp", "jpg", "png"];
const RATIOS: &[&str] = &[
    "match_input_image",
    "custom",
    "1:1",
    "16:9",
    "3:2",
    "2:3",
    "4:5",
    "5:4",
    "9:16",
    "3:4",
    "4:3",
];
const KLEIN_RATIOS: &[&str] = &[
    "1:1",
    "16:9",
    "9:16",
    "3:2",
    "2:3",
    "4:3",
    "3:4",
    "5:4",
    "4:5",
    "21:9",
    "9:21",
    "match_input_image",
];
const RESOLUTIONS: &[&str] = &["match_input_image", "0.5 MP", "1 MP", "2 MP", "4 MP"];

const INPUT_IMAGES: Input = input("input_images", Kind::Images, Default::Empty, "Pictures to work from.");

const DEV_INPUTS: &[Input] = &[
    PROMPT,
    INPUT_IMAGES,
    go_fast(true),
    ratio(RATIOS, "1:1"),
    input("width", Kind::Integer(256, 1440), Default::Nothing, WIDTH_ABOUT),
    input("height", Kind::Integer(256, 1440), Default::Nothing, HEIGHT_ABOUT),
    SEED,
    format(FORMATS, "webp"),
    OUTPUT_QUALITY,
    NO_CHECKER,
];
const FLEX_INPUTS: &[Input] = &[
    PROMPT,
    INPUT_IMAGES,
    ratio(RATIOS, "1:1"),
    input(
        "resolution",
        Kind::Choice(RESOLUTIONS),
        Default::Text("1 MP"),
        "How many megapixels.",
    ),
    input("width", Kind::Integer(256, 2048), Default::Nothing, WIDTH_ABOUT),
    input("height", Kind::Integer(256, 2048), Default::Nothing, HEIGHT_ABOUT),
    tolerance(1, 5),
    SEED,
    upsampling(true),
    input("steps", Kind::Integer(1, 50), Default::Integer(30), "Denoising steps."),
    input(
        "guidance",
        Kind::Number(1.5, 10.0),
        Default::Number(4.5),
        "How closely to keep to the prompt.",
    ),
    format(FORMATS, "webp"),
    OUTPUT_QUALITY,
];
const PRO_INPUTS: &[Input] = &[
    PROMPT,
    INPUT_IMAGES,
    ratio(RATIOS, "1:1"),
    input(
        "resolution",
        Kind::Choice(RESOLUTIONS),
        Default::Text("1 MP"),
        "How many megapixels.",
    ),
    input("width", Kind::Integer(256, 2048), Default::Nothing, WIDTH_ABOUT),
    input("height", Kind::Integer(256, 2048), Default::Nothing, HEIGHT_ABOUT),
    tolerance(1, 5),
    SEED,
    format(FORMATS, "webp"),
    OUTPUT_QUALITY,
];
const KLEIN_INPUTS: &[Input] = &[
    PROMPT,
    input("images", Kind::Images, Default::Empty, "Pictures to work from."),
    ratio(KLEIN_RATIOS, "1:1"),
    input(
        "output_megapixels",
        Kind::Choice(&["0.25", "0.5", "1", "2", "4"]),
        Default::Text("1"),
        "How many megapixels.",
    ),
    SEED,
    go_fast(false),
    format(FORMATS, "jpg"),
    output_quality(95),
    NO_CHECKER,
];

/// No picture is larger than 2048x2048: of four megapixels only a square comes out whole.
const LONGEST_PX: u32 = 2_048;

const FLUX: Model = Model {
    owner: "black-forest-labs",
    ..PLAIN
};
const KLEIN: Model = Model {
    owner: "black-forest-labs",
    inputs: KLEIN_INPUTS,
    sizing: Sizing::Area {
        tier: "output_megapixels",
        megapixels: 1.0,
        step_px: 16,
        longest_px: LONGEST_PX,
    },
    pace: Pace::Fast,
    most_images: 5,
    lists: true,
    ..PLAIN
};

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "flux-2-dev",
        about: "Text and pictures to a picture.",
        inputs: DEV_INPUTS,
        sizing: Sizing::Area {
            tier: "",
            megapixels: 1.0,
            step_px: 32,
            longest_px: LONGEST_PX,
        },
        price: Price::GoFast {
            fast: 12_000,
            slow: 14_000,
        },
        most_images: 4,
        ..FLUX
    },
    Model {
        name: "flux-2-flex",
        about: "Text and pictures to a picture, with a say in the steps.",
        inputs: FLEX_INPUTS,
        sizing: Sizing::Area {
            tier: "resolution",
            megapixels: 1.0,
            step_px: 16,
            longest_px: LONGEST_PX,
        },
        price: Price::Megapixels {
            input: 60_000,
            output: 60_000,
        },
        most_images: 10,
        ..FLUX
    },
    Model {
        name: "flux-2-pro",
        about: "Text and pictures to a picture, for production.",
        inputs: PRO_INPUTS,
        sizing: Sizing::Area {
            tier: "resolution",
            megapixels: 1.0,
            step_px: 16,
            longest_px: LONGEST_PX,
        },
        price: Price::RunAndMegapixels {
            run: 15_000,
            input: 15_000,
            output: 15_000,
        },
        most_images: 8,
        ..FLUX
    },
    Model {
        name: "flux-2-klein-4b",
        about: "Text and pictures to a picture, within a second.",
        price: Price::Megapixels {
            input: 1_000,
            output: 1_000,
        },
        ..KLEIN
    },
    // No schema of this one was found; it is taken to have the smaller one's.
    Model {
        name: "flux-2-klein-9b",
        about: "The larger flux-2-klein.",
        price: Price::Megapixels {
            input: 2_000,
            output: 15_000,
        },
        ..KLEIN
    },
];
