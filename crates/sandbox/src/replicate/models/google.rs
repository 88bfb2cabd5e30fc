//! Google's models: the Nano Bananas, Imagen 4 and the upscaler.

use super::fields::{IMAGE, IMAGE_INPUT, PROMPT, format, ratio};
use super::{Default, Input, Kind, Model, PLAIN, input};
use crate::latency::Pace;
use crate::replicate::prices::Price;
use crate::replicate::sizes::{Scale, Shape, Sizing};

const FORMATS: &[&str] = &["jpg", "png"];
const RATIOS: &[&str] = &[
    "match_input_image",
    "1:1",
    "2:3",
    "3:2",
    "3:4",
    "4:3",
    "4:5",
    "5:4",
    "9:16",
    "16:9",
    "21:9",
];
const MORE_RATIOS: &[&str] = &[
    "match_input_image",
    "1:1",
    "1:4",
    "1:8",
    "2:3",
    "3:2",
    "3:4",
    "4:1",
    "4:3",
    "4:5",
    "5:4",
    "8:1",
    "9:16",
    "16:9",
    "21:9",
];
const IMAGEN_RATIOS: &[&str] = &["1:1", "9:16", "16:9", "3:4", "4:3"];

/// Sizes of Gemini 2.5.
const OLD_SHAPES: &[Shape] = &[
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
/// Sizes of Gemini 3 and later at 1K, by Google's table.
const SHAPES: &[Shape] = &[
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
/// Sizes of Imagen at 1K.
const IMAGEN_SHAPES: &[Shape] = &[
    ("1:1", (1024, 1024)),
    ("9:16", (768, 1408)),
    ("16:9", (1408, 768)),
    ("3:4", (896, 1280)),
    ("4:3", (1280, 896)),
];

const fn scale(tier: &'static str, shapes: &'static [Shape], times: u32) -> Scale {
    Scale {
        tier,
        shapes,
        times: (times, 1),
    }
}

const fn shapes(tier: &'static str, scales: &'static [Scale]) -> Sizing {
    Sizing::Shapes {
        tier,
        scales,
        keeps_image: None,
        step_px: 16,
    }
}

const TIERS: &[Scale] = &[scale("1K", SHAPES, 1), scale("2K", SHAPES, 2), scale("4K", SHAPES, 4)];
const OLD: Sizing = shapes("", &[scale("1K", OLD_SHAPES, 1)]);
const LITE: Sizing = shapes("", &[scale("1K", SHAPES, 1)]);
const IMAGEN: Sizing = shapes(
    "image_size",
    &[scale("1K", IMAGEN_SHAPES, 1), scale("2K", IMAGEN_SHAPES, 2)],
);

const FORMAT: Input = format(FORMATS, "jpg");
const FILTER: Input = input(
    "safety_filter_level",
    Kind::Choice(&["block_low_and_above", "block_medium_and_above", "block_only_high"]),
    Default::Text("block_only_high"),
    "How strict the content filter is.",
);

const fn resolution(default: &'static str) -> Input {
    input(
        "resolution",
        Kind::Choice(&["1K", "2K", "4K"]),
        Default::Text(default),
        "How large the picture is.",
    )
}

const fn search(name: &'static str, about: &'static str) -> Input {
    input(name, Kind::Boolean, Default::Boolean(false), about)
}

const OLD_INPUTS: &[Input] = &[PROMPT, IMAGE_INPUT, ratio(RATIOS, "match_input_image"), FORMAT];
const PRO_INPUTS: &[Input] = &[
    PROMPT,
    IMAGE_INPUT,
    ratio(RATIOS, "match_input_image"),
    resolution("2K"),
    FORMAT,
    FILTER,
    search(
        "allow_fallback_model",
        "Has another model draw where this one is too busy.",
    ),
];
const SECOND_INPUTS: &[Input] = &[
    PROMPT,
    IMAGE_INPUT,
    ratio(MORE_RATIOS, "match_input_image"),
    resolution("1K"),
    search("google_search", "Looks things up on the web first."),
    search("image_search", "Looks pictures up on the web first."),
    FORMAT,
];
const LITE_INPUTS: &[Input] = &[PROMPT, IMAGE_INPUT, ratio(MORE_RATIOS, "match_input_image"), FORMAT];
const IMAGEN_INPUTS: &[Input] = &[
    PROMPT,
    ratio(IMAGEN_RATIOS, "1:1"),
    input(
        "image_size",
        Kind::Choice(&["1K", "2K"]),
        Default::Text("1K"),
        "How large the picture is.",
    ),
    FILTER,
    FORMAT,
];
const PLAIN_IMAGEN_INPUTS: &[Input] = &[PROMPT, ratio(IMAGEN_RATIOS, "1:1"), FILTER, FORMAT];
const UPSCALER_INPUTS: &[Input] = &[
    IMAGE,
    input(
        "upscale_factor",
        Kind::Choice(&["x2", "x4"]),
        Default::Text("x2"),
        "How many times as wide and as high.",
    ),
    input(
        "compression_quality",
        Kind::Integer(1, 100),
        Default::Nothing,
        "Quality of the JPEG file.",
    ),
];

const GOOGLE: Model = Model {
    owner: "google",
    ..PLAIN
};

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "nano-banana",
        about: "Text and pictures to a picture.",
        inputs: OLD_INPUTS,
        sizing: OLD,
        price: Price::Picture(39_000),
        most_images: 3,
        ..GOOGLE
    },
    Model {
        name: "nano-banana-pro",
        about: "Text and pictures to a picture, after some thinking.",
        inputs: PRO_INPUTS,
        sizing: shapes("resolution", TIERS),
        price: Price::By("resolution", &[("1K", 150_000), ("2K", 150_000), ("4K", 300_000)]),
        most_images: 14,
        ..GOOGLE
    },
    Model {
        name: "nano-banana-2",
        about: "Text and pictures to a picture, quickly.",
        inputs: SECOND_INPUTS,
        sizing: shapes("resolution", TIERS),
        price: Price::By("resolution", &[("1K", 67_000), ("2K", 101_000), ("4K", 151_000)]),
        most_images: 14,
        ..GOOGLE
    },
    // No schema of this one was found; it is taken to have the second's, without what it cannot do.
    Model {
        name: "nano-banana-2-lite",
        about: "The cheapest of the family.",
        inputs: LITE_INPUTS,
        sizing: LITE,
        price: Price::Picture(34_000),
        pace: Pace::Fast,
        most_images: 14,
        ..GOOGLE
    },
    Model {
        name: "imagen-4",
        about: "Text to a picture.",
        inputs: IMAGEN_INPUTS,
        sizing: IMAGEN,
        price: Price::Picture(40_000),
        ..GOOGLE
    },
    Model {
        name: "imagen-4-fast",
        about: "Text to a picture, quickly.",
        inputs: PLAIN_IMAGEN_INPUTS,
        sizing: IMAGEN,
        price: Price::Picture(20_000),
        pace: Pace::Fast,
        ..GOOGLE
    },
    Model {
        name: "imagen-4-ultra",
        about: "Text to a picture, with the most care.",
        inputs: PLAIN_IMAGEN_INPUTS,
        sizing: IMAGEN,
        price: Price::Picture(60_000),
        ..GOOGLE
    },
    Model {
        name: "upscaler",
        about: "Makes a picture two or four times as wide and as high.",
        inputs: UPSCALER_INPUTS,
        // Google makes nothing larger than 17 megapixels.
        sizing: Sizing::Upscale {
            factor: "upscale_factor",
            fixed: 2,
            most_pixels: 17_000_000,
            shrinks: false,
        },
        price: Price::Picture(5_000),
        most_images: 1,
        ..GOOGLE
    },
];
