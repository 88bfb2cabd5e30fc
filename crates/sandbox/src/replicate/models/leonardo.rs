//! Leonardo's Lucid Origin.

use super::fields::{PROMPT, ratio};
use super::{Default, Input, Kind, Model, PLAIN, input};
use crate::replicate::prices::Price;
use crate::replicate::sizes::Sizing;

const RATIOS: &[&str] = &[
    "1:1", "16:9", "9:16", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "2:1", "1:2", "3:1", "1:3",
];
const STYLES: &[&str] = &[
    "bokeh",
    "cinematic",
    "cinematic_close_up",
    "creative",
    "dynamic",
    "fashion",
    "film",
    "food",
    "hdr",
    "long_exposure",
    "macro",
    "minimalist",
    "monochrome",
    "moody",
    "neutral",
    "none",
    "portrait",
    "retro",
    "stock_photo",
    "unprocessed",
    "vibrant",
];

const INPUTS: &[Input] = &[
    PROMPT,
    ratio(RATIOS, "16:9"),
    input(
        "generation_mode",
        Kind::Choice(&["standard", "ultra"]),
        Default::Text("standard"),
        "How much work goes into the pictures.",
    ),
    input(
        "contrast",
        Kind::Choice(&["low", "medium", "high"]),
        Default::Text("medium"),
        "How strong light and dark are.",
    ),
    input(
        "style",
        Kind::Choice(STYLES),
        Default::Text("none"),
        "The look of the pictures.",
    ),
    input(
        "num_images",
        Kind::Integer(1, 8),
        Default::Integer(1),
        "How many pictures.",
    ),
    input(
        "prompt_enhance",
        Kind::Boolean,
        Default::Boolean(true),
        "Has the prompt rewritten first.",
    ),
];

pub(super) const MODELS: &[Model] = &[Model {
    owner: "leonardoai",
    name: "lucid-origin",
    about: "Text to pictures in many styles.",
    inputs: INPUTS,
    // Sizes are not published: a megapixel in multiples of 16 is an assumption.
    sizing: Sizing::Area {
        tier: "",
        megapixels: 1.0,
        step_px: 16,
        longest_px: 2_048,
    },
    // The price of the standard mode; no other is published.
    price: Price::Picture(20_000),
    lists: true,
    ..PLAIN
}];
