//! Recraft's upscaler.

use super::fields::IMAGE;
use super::{Model, PLAIN};
use crate::replicate::prices::Price;
use crate::replicate::sizes::Sizing;

pub(super) const MODELS: &[Model] = &[Model {
    owner: "recraft-ai",
    name: "recraft-crisp-upscale",
    about: "Makes a picture larger and sharper.",
    inputs: &[IMAGE],
    // The factor is fixed and not published; four is an assumption. The limit is the sandbox's own, for its memory.
    sizing: Sizing::Upscale {
        factor: "",
        fixed: 4,
        most_pixels: 64_000_000,
        shrinks: true,
    },
    price: Price::Picture(6_000),
    most_images: 1,
    extension: "webp",
    ..PLAIN
}];
