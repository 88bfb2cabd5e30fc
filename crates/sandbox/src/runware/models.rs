//! The models of Runware that the sandbox has: sizes, parameters and prices.

use crate::bill::micros_from_nanos;
use crate::gpt_image::{classic_input_tokens, text_tokens};
use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// Who makes a model, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Hosted by Runware: free sizes, steps, and one picture to start from.
    Diffusion,
    /// OpenAI's, or one that is not here.
    OpenAi,
    /// Sourceful's, which edits.
    Edit,
}

/// The sizes that a model makes: those that are listed, or all within bounds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    #[serde(default, deserialize_with = "tables::list")]
    listed: &'static [(u32, u32)],
    /// Shortest and longest side.
    #[serde(default)]
    sides_px: (u32, u32),
    /// Sides are multiples of this.
    #[serde(default)]
    step_px: u32,
    /// Pixels in all, least and most.
    pixels: Option<(u32, u32)>,
    /// All of it, in words.
    told: &'static str,
}

/// What a model is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Price {
    /// USD 1e-6 an image.
    Image(i64),
    /// USD 1e-6 an image that is square, portrait or landscape, and for what goes in.
    ByQuality {
        low: [i64; 3],
        medium: [i64; 3],
        high: [i64; 3],
        /// USD 1e-9 for a token of text, and of an image.
        input_nanos: (i64, i64),
    },
    /// No price is published that the table could have.
    Unpublished,
}

/// One model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// Its AIR.
    pub(super) id: &'static str,
    pub(super) kind: Kind,
    sizes: Sizes,
    /// Parameters beside those that all models have; none are all there are.
    #[serde(default, deserialize_with = "tables::list")]
    takes: &'static [&'static str],
    /// In characters.
    pub(super) longest_prompt: usize,
    pub(super) price: Price,
}

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/runware.toml")));

/// What stands in for a price that is not published, in USD 1e-9 a pixel.
const STAND_IN_NANOS: i128 = 1;

impl Model {
    /// The model of this AIR.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        MODELS.find(id)
    }

    /// Whether it makes this size.
    pub(super) fn takes(&self, (width, height): (u32, u32)) -> bool {
        let (least, most) = self.sizes.sides_px;
        let fits = |side: u32| (least..=most).contains(&side) && side.is_multiple_of(self.sizes.step_px);
        let in_all = |(least, most): (u32, u32)| (least..=most).contains(&(width * height));
        if self.sizes.listed.is_empty() {
            fits(width) && fits(height) && self.sizes.pixels.is_none_or(in_all)
        } else {
            self.sizes.listed.contains(&(width, height))
        }
    }

    /// What it takes, in words.
    pub(super) fn sizes(&self) -> &'static str {
        self.sizes.told
    }

    /// Whether there is this parameter beside those that all models have.
    pub(super) fn has(&self, name: &str) -> bool {
        self.takes.is_empty() || self.takes.contains(&name)
    }

    /// What `count` images cost, in USD 1e-6.
    pub(super) fn micros(
        &self,
        (width, height): (u32, u32),
        quality: &str,
        count: u32,
        prompt: &str,
        inputs: &[(u32, u32)],
    ) -> i64 {
        match self.price {
            Price::Image(micros) => micros * i64::from(count),
            Price::Unpublished => {
                micros_from_nanos(i128::from(width) * i128::from(height) * STAND_IN_NANOS * i128::from(count))
            }
            Price::ByQuality {
                low,
                medium,
                high,
                input_nanos: (text, image),
            } => {
                let by_shape = match quality {
                    "low" => low,
                    "medium" => medium,
                    _ => high,
                };
                let shape = usize::from(width != height) + usize::from(width > height);
                let image_tokens: u64 = inputs.iter().map(|input| classic_input_tokens(false, *input)).sum();
                let nanos =
                    i128::from(text_tokens(prompt)) * i128::from(text) + i128::from(image_tokens) * i128::from(image);
                micros_from_nanos(nanos) + by_shape[shape] * i64::from(count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_differ_by_kind() {
        let takes = |id: &str, size| Model::find(id).expect("in the table").takes(size);
        assert!(takes("runware:101@1", (128, 2048)) && !takes("runware:101@1", (120, 2048)));
        assert!(takes("openai:4@1", (1536, 1024)) && !takes("openai:4@1", (1024, 1040)));
        assert!(takes("openai:gpt-image@2.6-flare", (2048, 1152)));
        assert!(!takes("openai:gpt-image@2.6-flare", (512, 512)));
    }

    #[test]
    fn prices_are_those_of_the_list() {
        let classic = Model::find("openai:4@1").expect("in the table");
        // Two tokens of text.
        assert_eq!(classic.micros((1024, 1024), "low", 2, "abcdefgh", &[]), 18_010);
        let hosted = Model::find("runware:100@1").expect("in the table");
        assert_eq!(hosted.micros((1024, 1024), "", 3, "", &[]), 3_146);
    }
}
