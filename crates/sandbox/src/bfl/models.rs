//! The models, the fields that each takes, and its price.

use crate::strangers::Strangers;

/// What a field may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    /// Any whole number.
    Integer,
    /// A whole number from, to, and a multiple of.
    Range(i64, i64, i64),
    Number(f64, f64),
    Flag,
    Choice(&'static [&'static str]),
    /// `W:H` from 21:9 to 9:21.
    Ratio,
    /// Base64 or a URL.
    Image,
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
    }
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: true,
    }
}

/// How a model finds the size of its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Price {
    /// For the first megapixel of the picture, and for each further one and each of the input images.
    Megapixels { first: i64, more: i64 },
    /// For a picture of any size.
    Picture(i64),
}

/// One model.
#[derive(Debug)]
pub(super) struct Model {
    /// Its path below `/v1`.
    pub(super) path: &'static str,
    pub(super) fields: &'static [&'static [Field]],
    /// Most images in `input_image`, `input_image_2` and so on.
    pub(super) inputs: usize,
    pub(super) sizing: Sizing,
    pub(super) price: Price,
}

/// A megapixel, in pixels.
pub(super) const MEGAPIXEL: u64 = 1_048_576;
/// An input image counts for no more megapixels: a larger one is made smaller first.
const INPUT_MEGAPIXELS_MOST: i64 = 4;
/// The most pixels of a picture of a free size.
pub(super) const FREE_PIXELS: u64 = 4 * MEGAPIXEL;

const FORMATS: &[&str] = &["jpeg", "png"];

const PROMPT: &[Field] = &[required("prompt", Kind::Text)];

const COMMON: &[Field] = &[
    field("seed", Kind::Integer),
    field("output_format", Kind::Choice(FORMATS)),
    field("webhook_url", Kind::Text),
    field("webhook_secret", Kind::Text),
];

const TOLERANCE_2: &[Field] = &[field("safety_tolerance", Kind::Range(0, 5, 1))];

const TOLERANCE_1: &[Field] = &[field("safety_tolerance", Kind::Range(0, 6, 1))];

const FREE_SIZE: &[Field] = &[
    field("width", Kind::Range(64, i64::MAX, 16)),
    field("height", Kind::Range(64, i64::MAX, 16)),
];

const BOUNDED_SIZE: &[Field] = &[
    field("width", Kind::Range(256, 1440, 32)),
    field("height", Kind::Range(256, 1440, 32)),
];

const RATIO: &[Field] = &[field("aspect_ratio", Kind::Ratio)];

const UPSAMPLING: &[Field] = &[field("prompt_upsampling", Kind::Flag)];

const FLEX: &[Field] = &[
    field("steps", Kind::Range(1, 50, 1)),
    field("guidance", Kind::Number(1.5, 10.0)),
];

const DEV: &[Field] = &[
    field("steps", Kind::Range(1, 50, 1)),
    field("guidance", Kind::Number(1.5, 5.0)),
];

const IMAGE_PROMPT: &[Field] = &[field("image_prompt", Kind::Image)];

const ULTRA: &[Field] = &[
    field("raw", Kind::Flag),
    field("image_prompt", Kind::Image),
    field("image_prompt_strength", Kind::Number(0.0, 1.0)),
];

const FILL: &[Field] = &[
    field("prompt", Kind::Text),
    required("image", Kind::Image),
    field("mask", Kind::Image),
    field("steps", Kind::Range(15, 50, 1)),
    field("guidance", Kind::Number(1.5, 100.0)),
];

const fn flux_2(
    path: &'static str,
    fields: &'static [&'static [Field]],
    inputs: usize,
    first: i64,
    more: i64,
) -> Model {
    Model {
        path,
        fields,
        inputs,
        sizing: Sizing::Free,
        price: Price::Megapixels { first, more },
    }
}

const fn flux_1(
    path: &'static str,
    fields: &'static [&'static [Field]],
    inputs: usize,
    sizing: Sizing,
    price: i64,
) -> Model {
    Model {
        path,
        fields,
        inputs,
        sizing,
        price: Price::Picture(price),
    }
}

const KLEIN_FIELDS: &[&[Field]] = &[PROMPT, FREE_SIZE, TOLERANCE_2, COMMON];
const FLUX_2_FIELDS: &[&[Field]] = &[PROMPT, FREE_SIZE, UPSAMPLING, TOLERANCE_2, COMMON];
const FLEX_FIELDS: &[&[Field]] = &[PROMPT, FREE_SIZE, UPSAMPLING, FLEX, TOLERANCE_2, COMMON];
const KONTEXT_FIELDS: &[&[Field]] = &[PROMPT, RATIO, UPSAMPLING, TOLERANCE_1, COMMON];
const PRO_FIELDS: &[&[Field]] = &[PROMPT, BOUNDED_SIZE, IMAGE_PROMPT, UPSAMPLING, TOLERANCE_1, COMMON];
const ULTRA_FIELDS: &[&[Field]] = &[PROMPT, RATIO, ULTRA, UPSAMPLING, TOLERANCE_1, COMMON];
const DEV_FIELDS: &[&[Field]] = &[PROMPT, BOUNDED_SIZE, IMAGE_PROMPT, DEV, UPSAMPLING, TOLERANCE_1, COMMON];
const FILL_FIELDS: &[&[Field]] = &[FILL, UPSAMPLING, TOLERANCE_1, COMMON];

/// What stands in for models that are not here takes all that a newer model may take.
const STAND_IN_FIELDS: &[&[Field]] = &[PROMPT, FREE_SIZE, RATIO, UPSAMPLING, FLEX, TOLERANCE_1, COMMON];

static STRANGERS: Strangers<Model> = Strangers::new();

const KONTEXT: Sizing = Sizing::Ratio {
    pixels: MEGAPIXEL,
    default: (1, 1),
};
const ULTRA_SIZING: Sizing = Sizing::Ratio {
    pixels: 4 * MEGAPIXEL,
    default: (16, 9),
};

/// Every model, with the prices of the provider's price list.
pub(super) const MODELS: &[Model] = &[
    flux_2("flux-2-klein-4b", KLEIN_FIELDS, 4, 14, 1),
    flux_2("flux-2-klein-9b", KLEIN_FIELDS, 4, 15, 2),
    flux_2("flux-2-pro", FLUX_2_FIELDS, 8, 30, 15),
    flux_2("flux-2-max", FLUX_2_FIELDS, 8, 70, 30),
    flux_2("flux-2-flex", FLEX_FIELDS, 8, 50, 50),
    flux_1("flux-kontext-pro", KONTEXT_FIELDS, 4, KONTEXT, 40),
    flux_1("flux-kontext-max", KONTEXT_FIELDS, 4, KONTEXT, 80),
    flux_1("flux-pro-1.1", PRO_FIELDS, 0, Sizing::Bounded, 40),
    flux_1("flux-pro-1.1-ultra", ULTRA_FIELDS, 0, ULTRA_SIZING, 60),
    flux_1("flux-pro-1.0-fill", FILL_FIELDS, 0, Sizing::Input, 50),
    flux_1("flux-dev", DEV_FIELDS, 0, Sizing::Bounded, 25),
];

impl Model {
    /// The model of a path.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        let known = MODELS.iter().find(|model| model.path == path);
        known.or_else(|| STRANGERS.serve(path, |path| flux_2(path, STAND_IN_FIELDS, 8, 50, 50)))
    }

    /// Whether it has a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let mut fields = self.fields.iter().flat_map(|group| group.iter());
        fields.any(|field| field.name == name)
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
