//! Inputs that several models share.

use super::{Default, Input, Kind, input};

/// Ratios of the open FLUX.1 models, and of klein in another order.
pub(super) const WIDE_RATIOS: &[&str] = &[
    "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21",
];

pub(super) const PROMPT: Input = input("prompt", Kind::Text, Default::Required, "What to draw.");

pub(super) const SEED: Input = input(
    "seed",
    Kind::AnyInteger,
    Default::Nothing,
    "The same seed gives the same pictures.",
);

pub(super) const IMAGE: Input = input("image", Kind::Image, Default::Required, "The picture to work on.");

pub(super) const IMAGE_INPUT: Input = input("image_input", Kind::Images, Default::Empty, "Pictures to work from.");

pub(super) const NUM_OUTPUTS: Input = input(
    "num_outputs",
    Kind::Integer(1, 4),
    Default::Integer(1),
    "How many pictures.",
);

pub(super) const OUTPUT_QUALITY: Input = output_quality(80);

pub(super) const NO_CHECKER: Input = input(
    "disable_safety_checker",
    Kind::Boolean,
    Default::Boolean(false),
    "Turns the content filter off.",
);

pub(super) const WIDTH_ABOUT: &str = "Width in pixels, where the ratio is custom.";
pub(super) const HEIGHT_ABOUT: &str = "Height in pixels, where the ratio is custom.";

/// The shape of the pictures.
pub(super) const fn ratio(values: &'static [&'static str], default: &'static str) -> Input {
    input(
        "aspect_ratio",
        Kind::Choice(values),
        Default::Text(default),
        "The shape of the pictures.",
    )
}

/// The file format.
pub(super) const fn format(values: &'static [&'static str], default: &'static str) -> Input {
    input(
        "output_format",
        Kind::Choice(values),
        Default::Text(default),
        "The file format.",
    )
}

/// Quality of lossy files.
pub(super) const fn output_quality(default: i64) -> Input {
    input(
        "output_quality",
        Kind::Integer(0, 100),
        Default::Integer(default),
        "Quality of JPEG and WebP files.",
    )
}

/// Whether a quicker version runs.
pub(super) const fn go_fast(default: bool) -> Input {
    input(
        "go_fast",
        Kind::Boolean,
        Default::Boolean(default),
        "Runs a version that is tuned for speed.",
    )
}

/// How much the content filter lets through.
pub(super) const fn tolerance(least: i64, most: i64) -> Input {
    input(
        "safety_tolerance",
        Kind::Integer(least, most),
        Default::Integer(2),
        "How much the content filter lets through; more with a larger number.",
    )
}

/// Whether the prompt is rewritten first.
pub(super) const fn upsampling(default: bool) -> Input {
    input(
        "prompt_upsampling",
        Kind::Boolean,
        Default::Boolean(default),
        "Has the prompt rewritten first.",
    )
}
