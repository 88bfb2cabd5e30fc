//! The image models of Fireworks: fields, steps and prices.

use crate::bill::micros_from_nanos;
use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// How a model is called, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// A workflow that answers with an image: shapes, no sizes.
    Workflow,
    /// A workflow that is a job, with one input image at most.
    Job,
    /// An older model: sizes, no shapes.
    Generation,
}

/// What is paid for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Price {
    /// USD 1e-9 a step.
    Step(i128),
    /// USD 1e-6 an image.
    Image(i64),
}

/// One model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) id: &'static str,
    pub(super) way: Way,
    /// Its fields beside the prompt.
    #[serde(deserialize_with = "tables::list")]
    pub(super) fields: &'static [&'static str],
    pub(super) default_steps: u32,
    pub(super) price: Price,
}

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/fireworks.toml")));

/// Shapes of the workflows and their sizes, about a megapixel each.
const SHAPES: [(&str, (u32, u32)); 11] = [
    ("1:1", (1024, 1024)),
    ("21:9", (1536, 640)),
    ("16:9", (1344, 768)),
    ("3:2", (1216, 832)),
    ("5:4", (1088, 896)),
    ("4:5", (896, 1088)),
    ("2:3", (832, 1216)),
    ("9:16", (768, 1344)),
    ("9:21", (640, 1536)),
    ("4:3", (1152, 896)),
    ("3:4", (896, 1152)),
];

impl Model {
    /// The model of this id that is called this way.
    pub(super) fn find(id: &str, way: Way) -> Option<&'static Self> {
        let known = MODELS.known(id).filter(|model| model.way == way);
        known.or_else(|| MODELS.stranger(id, |stand_in| stand_in.way == way))
    }

    /// What one image costs, in USD 1e-6.
    pub(super) fn image_micros(&self, steps: u32) -> i64 {
        match self.price {
            Price::Step(nanos) => micros_from_nanos(nanos * i128::from(steps)),
            Price::Image(micros) => micros,
        }
    }
}

/// The size of a shape.
pub(super) fn size_of(shape: &str) -> Option<(u32, u32)> {
    SHAPES.iter().find(|(name, _)| *name == shape).map(|(_, size)| *size)
}

/// The names of all shapes.
pub(super) fn shapes() -> String {
    SHAPES.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_by_step_or_image() {
        let micros = |id: &str, way, steps| Model::find(id, way).expect("in the table").image_micros(steps);
        assert_eq!(micros("flux-1-dev-fp8", Way::Workflow, 28), 14_000);
        assert_eq!(micros("flux-1-schnell-fp8", Way::Workflow, 4), 1_400);
        assert_eq!(micros("SSD-1B", Way::Generation, 30), 3_900);
        assert_eq!(micros("flux-kontext-max", Way::Job, 1), 80_000);
        assert!(Model::find("flux-kontext-max", Way::Workflow).is_none());
    }
}
