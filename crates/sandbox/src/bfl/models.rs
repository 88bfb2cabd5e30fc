//! The models, the fields that each takes, and its price.

use crate::shapes::MEGAPIXEL;
use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// What a field may be.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", bound(deserialize = "'de: 'static"))]
pub(super) enum Kind {
    Text,
    /// Any whole number.
    Integer,
    /// A whole number from, to, and a multiple of.
    Range(i64, i64, i64),
    Number(f64, f64),
    Flag,
    #[serde(deserialize_with = "tables::list")]
    Choice(&'static [&'static str]),
    /// `W:H` from 21:9 to 9:21.
    Ratio,
    /// Base64 or a URL.
    Image,
}

/// One field.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) required: bool,
}

/// How a model finds the size of its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sizing {
    /// `width` and `height`; without them that of the first image, or square. At most four megapixels.
    Free,
    /// `width` and `height`, 1024x768 without them.
    Bounded,
    /// `aspect_ratio` at about this many pixels; without it that of the first image, or this ratio.
    Ratio { pixels: u64, default: (u32, u32) },
    /// That of `image`.
    Input,
}

/// A price in tenths of a credit, which are thousandths of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Price {
    /// For the first megapixel of the picture, and for each further one and each of the input images.
    Megapixels { first: i64, more: i64 },
    /// For a picture of any size.
    Picture(i64),
}

/// One model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// Its path below `/v1`.
    pub(super) id: &'static str,
    #[serde(deserialize_with = "tables::list")]
    pub(super) fields: &'static [Field],
    /// Most images in `input_image`, `input_image_2` and so on.
    #[serde(default)]
    pub(super) inputs: usize,
    pub(super) sizing: Sizing,
    pub(super) price: Price,
}

/// An input image counts for no more megapixels: a larger one is made smaller first.
const INPUT_MEGAPIXELS_MOST: i64 = 4;
/// The most pixels of a picture of a free size.
pub(super) const FREE_PIXELS: u64 = 4 * MEGAPIXEL;

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/bfl.toml")));

impl Model {
    /// The model of a path.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        MODELS.find(path)
    }

    /// Whether it has a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// The names of the fields of input images, in order.
    pub(super) fn input_names(&self) -> impl Iterator<Item = String> + use<> {
        (1..=self.inputs).map(|number| match number {
            1 => "input_image".to_owned(),
            _ => format!("input_image_{number}"),
        })
    }

    /// The price in tenths of a credit. Parts of a megapixel count as a whole one.
    pub(super) fn price_of(&self, size_px: (u32, u32), inputs_px: &[(u32, u32)]) -> i64 {
        let megapixels = |(width, height): (u32, u32)| {
            let pixels = u64::from(width) * u64::from(height);
            i64::try_from(pixels.div_ceil(MEGAPIXEL)).unwrap_or(i64::MAX)
        };
        match self.price {
            Price::Picture(price) => price,
            Price::Megapixels { first, more } => {
                let billed = |size_px| megapixels(size_px).min(INPUT_MEGAPIXELS_MOST);
                let inputs: i64 = inputs_px.iter().copied().map(billed).sum();
                first + more * (megapixels(size_px) - 1 + inputs)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_those_of_the_price_list() {
        let price = |path: &str, size_px, inputs: &[(u32, u32)]| {
            Model::find(path).expect("it is in the table").price_of(size_px, inputs)
        };
        let square = (1024, 1024);
        assert_eq!(price("flux-2-klein-4b", square, &[]), 14);
        assert_eq!(price("flux-2-klein-4b", square, &[square]), 15);
        assert_eq!(price("flux-2-pro", (1920, 1088), &[]), 45);
        assert_eq!(price("flux-2-max", (2048, 2048), &[square, (1025, 1024)]), 70 + 30 * 6);
        assert_eq!(price("flux-2-flex", square, &[(9000, 9000)]), 50 + 50 * 4);
        assert_eq!(price("flux-kontext-max", square, &[square]), 80);
    }
}
