//! The image models of DashScope: their sizes, counts, inputs and prices.

use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// Sizes that a model takes, as `width*height`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sizes {
    /// These alone.
    #[serde(deserialize_with = "tables::list")]
    Listed(&'static [(u32, u32)]),
    /// Any with an area between these squares, and sides of at most eight to one.
    Area { least_px: u32, most_px: u32 },
    /// Any with each side within these.
    Sides { least_px: u32, most_px: u32 },
    /// None: the size follows the input.
    ByInput,
}

/// What is paid for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Price {
    /// In USD 1e-6, whatever the size.
    Flat(i64),
    /// In USD 1e-6 up to 1024*1024 pixels, and above.
    ByArea(i64, i64),
    /// Not among the published prices that this table was made from: the bill shows zero.
    Unknown,
}

/// How the size is told beside the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tells {
    /// `width`, `height` and `image_count`.
    Sides,
    /// `output_width`, `output_height` and `output_image_type`.
    Output,
    /// `size`, `image_count` and tokens.
    Size,
}

/// One model.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) id: &'static str,
    pub(super) sizes: Sizes,
    /// What comes when no size is given and there is no input to follow.
    pub(super) default_size: (u32, u32),
    /// Sizes by name, such as `2K`, and their side as a square.
    #[serde(default, deserialize_with = "tables::list")]
    pub(super) tiers: &'static [(&'static str, u32)],
    #[serde(default = "one")]
    pub(super) default_n: u32,
    pub(super) max_n: u32,
    /// Least and greatest number of input images.
    pub(super) inputs: (usize, usize),
    /// Whether it is also served as tasks.
    #[serde(default)]
    pub(super) tasks: bool,
    pub(super) price: Price,
    pub(super) tells: Tells,
}

const fn one() -> u32 {
    1
}

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/alibaba.toml")));

impl Model {
    /// The model of this id.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        MODELS.find(id)
    }

    /// Whether it makes this size.
    pub(super) fn takes(&self, (width, height): (u32, u32)) -> bool {
        let square = |side: u32| u64::from(side) * u64::from(side);
        match self.sizes {
            Sizes::Listed(sizes) => sizes.contains(&(width, height)),
            Sizes::Sides { least_px, most_px } => {
                (least_px..=most_px).contains(&width) && (least_px..=most_px).contains(&height)
            }
            Sizes::Area { least_px, most_px } => {
                let area = u64::from(width) * u64::from(height);
                let long = width.max(height) <= width.min(height).saturating_mul(8);
                (square(least_px)..=square(most_px)).contains(&area) && long
            }
            Sizes::ByInput => false,
        }
    }

    /// What one image of this size costs, in USD 1e-6, and why.
    pub(super) fn image_micros(&self, (width, height): (u32, u32)) -> (i64, &'static str) {
        let is_large = u64::from(width) * u64::from(height) > 1024 * 1024;
        match self.price {
            Price::Flat(micros) => (micros, "by image"),
            Price::ByArea(_, micros) if is_large => (micros, "by image above 1024*1024 pixels"),
            Price::ByArea(micros, _) => (micros, "by image up to 1024*1024 pixels"),
            Price::Unknown => (0, "the price of this model is not known to the sandbox"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_sizes_that_are_taken() {
        for model in &MODELS.all {
            assert!(
                matches!(model.sizes, Sizes::ByInput) || model.takes(model.default_size),
                "{}",
                model.id
            );
            assert!(model.default_n <= model.max_n);
        }
    }

    #[test]
    fn sizes_are_bounded_as_documented() {
        let takes = |id: &str, size| Model::find(id).expect("in the table").takes(size);
        assert!(takes("qwen-image", (1328, 1328)) && !takes("qwen-image", (1024, 1024)));
        assert!(takes("qwen-image-2.0", (512, 512)) && takes("qwen-image-2.0", (4096, 512)));
        assert!(!takes("qwen-image-2.0", (511, 512)) && !takes("qwen-image-2.0", (4100, 512)));
        assert!(takes("wan2.7-image-pro", (4096, 4096)) && !takes("wan2.7-image", (2048, 2049)));
        assert!(takes("qwen-image-edit-plus", (512, 2048)) && !takes("qwen-image-edit-plus", (500, 2048)));
    }

    #[test]
    fn a_large_image_of_the_third_generation_costs_twice() {
        let model = Model::find("qwen-image-3.0").expect("in the table");
        assert_eq!(model.image_micros((1024, 1024)).0, 30_000);
        assert_eq!(model.image_micros((1025, 1024)).0, 60_000);
    }
}
