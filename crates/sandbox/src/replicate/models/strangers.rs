//! What stands in for models that are not here: it takes every input by which a model is told what to make.

use super::{Default, Input, Kind, Model};
use crate::latency::Pace;
use crate::replicate::prices::Price;
use crate::replicate::sizes::Sizing;
use crate::strangers::Strangers;

const fn optional(name: &'static str, kind: Kind) -> Input {
    with_default(name, kind, Default::Nothing)
}

const fn with_default(name: &'static str, kind: Kind, default: Default) -> Input {
    Input {
        name,
        kind,
        default,
        about: "",
    }
}

const INPUTS: &[Input] = &[
    optional("prompt", Kind::Text),
    optional("image", Kind::Image),
    optional("input_image", Kind::Image),
    optional("image_prompt", Kind::Image),
    optional("images", Kind::Images),
    optional("image_input", Kind::Images),
    optional("input_images", Kind::Images),
    optional("reference_images", Kind::Images),
    optional("aspect_ratio", Kind::Text),
    optional("resolution", Kind::Text),
    optional("width", Kind::Integer(16, 4096)),
    optional("height", Kind::Integer(16, 4096)),
    optional("quality", Kind::Text),
    optional("background", Kind::Text),
    optional("num_outputs", Kind::Integer(1, 10)),
    optional("num_images", Kind::Integer(1, 10)),
    optional("number_of_images", Kind::Integer(1, 10)),
    with_default(
        "output_format",
        Kind::Choice(&["png", "jpg", "jpeg", "webp"]),
        Default::Text("png"),
    ),
    with_default("output_quality", Kind::Integer(0, 100), Default::Integer(80)),
    optional("seed", Kind::AnyInteger),
];

static STRANGERS: Strangers<Model> = Strangers::new();

/// The model that stands in for `owner/name`, where such are served.
pub(super) fn stand_in(owner: &str, name: &str) -> Option<&'static Model> {
    STRANGERS.serve(&format!("{owner}/{name}"), |slug| {
        let (owner, name) = slug.split_once('/').unwrap_or((slug, slug));
        Model {
            owner,
            name,
            about: "",
            inputs: INPUTS,
            sizing: Sizing::Any,
            price: Price::Picture(30_000),
            pace: Pace::Medium,
            most_images: 16,
            most_together: usize::MAX,
            lists: true,
            extension: "png",
            gpt: None,
        }
    })
}
