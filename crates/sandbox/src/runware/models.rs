//! The models of Runware that the sandbox has: sizes, parameters and prices.

use crate::bill::micros_from_nanos;
use crate::gpt_image::{classic_input_tokens, text_tokens};
use crate::strangers::Strangers;

/// What a model takes and how it is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Hosted by Runware: free sizes, steps, and one picture to start from.
    Diffusion,
    /// OpenAI's with three sizes.
    Classic,
    /// OpenAI's with free sizes.
    Free,
    /// Sourceful's, which edits.
    Edit,
    /// One that is not here, for which this stands in: it takes all fields, and all sizes.
    Unknown,
}

/// One model.
#[derive(Debug)]
pub(super) struct Model {
    /// Its AIR.
    pub(super) id: &'static str,
    pub(super) kind: Kind,
}

/// All models.
pub(super) static MODELS: [Model; 6] = [
    Model {
        id: "runware:100@1",
        kind: Kind::Diffusion,
    },
    Model {
        id: "runware:101@1",
        kind: Kind::Diffusion,
    },
    Model {
        id: "openai:4@1",
        kind: Kind::Classic,
    },
    Model {
        id: "openai:gpt-image@2.6-flare",
        kind: Kind::Free,
    },
    Model {
        id: "openai:gpt-image@2.6-sunburst",
        kind: Kind::Free,
    },
    Model {
        id: "sourceful:1@1",
        kind: Kind::Edit,
    },
];

/// Sizes of GPT Image 1.5.
const CLASSIC: [(u32, u32); 3] = [(1024, 1024), (1536, 1024), (1024, 1536)];
/// Sizes of Riverflow.
const EDIT: [(u32, u32); 11] = [
    (1024, 1024),
    (1152, 864),
    (864, 1152),
    (1280, 720),
    (720, 1280),
    (1248, 832),
    (832, 1248),
    (1512, 648),
    (648, 1512),
    (1152, 896),
    (896, 1152),
];
/// The listed price of one image of Riverflow 1, USD 1e-6.
const EDIT_MICROS: i64 = 39_000;
/// Models that Runware hosts are paid for by computing time, for which no price is published; newer ones of OpenAI have
/// none that this table was made from. The sandbox stands in with a thousandth of a dollar a megapixel, so that there is
/// a cost to report. In USD 1e-9 a pixel.
const STAND_IN_NANOS: i128 = 1;
/// USD 1e-9 for a token of text that goes in, and of an image.
const INPUT_NANOS: (i128, i128) = (5_000, 8_000);

static STRANGERS: Strangers<Model> = Strangers::new();

impl Model {
    /// The model of this AIR.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        let known = MODELS.iter().find(|model| model.id == id);
        let stand_in = |id| Model {
            id,
            kind: Kind::Unknown,
        };
        known.or_else(|| STRANGERS.serve(id, stand_in))
    }

    /// Whether it makes this size.
    pub(super) fn takes(&self, size: (u32, u32)) -> bool {
        let (width, height) = size;
        let sides = |least: u32, most: u32| {
            [width, height]
                .iter()
                .all(|side| (least..=most).contains(side) && side % 16 == 0)
        };
        match self.kind {
            Kind::Diffusion => sides(128, 2048),
            Kind::Classic => CLASSIC.contains(&size),
            Kind::Edit => EDIT.contains(&size),
            Kind::Unknown => [width, height].iter().all(|side| (16..=4096).contains(side)),
            Kind::Free => sides(16, 3840) && (655_360..=8_294_400).contains(&(width * height)),
        }
    }

    /// What it takes, in words.
    pub(super) fn sizes(&self) -> &'static str {
        match self.kind {
            Kind::Diffusion => "It must be an integer between 128 and 2048, in multiples of 16.",
            Kind::Edit => "Supported dimensions are eleven from 1024x1024 to 1512x648.",
            Kind::Classic => "Supported dimensions are 1024x1024, 1536x1024 and 1024x1536.",
            Kind::Unknown => "Sides are from 16 to 4096.",
            Kind::Free => "Sides are multiples of 16 up to 3840, with 655360 to 8294400 pixels in all.",
        }
    }

    /// Whether there is this parameter beside those that all models have.
    pub(super) fn has(&self, name: &str) -> bool {
        match name {
            _ if self.kind == Kind::Unknown => true,
            "negativePrompt" | "steps" | "CFGScale" | "scheduler" | "strength" | "seedImage" | "maskImage"
            | "maskMargin" | "acceleration" | "clipSkip" | "lora" | "promptWeighting" | "seed" => {
                self.kind == Kind::Diffusion
            }
            "inputs" => self.kind != Kind::Diffusion,
            "referenceImages" | "providerSettings" | "settings" => matches!(self.kind, Kind::Classic | Kind::Free),
            _ => false,
        }
    }

    /// What `count` images cost, in USD 1e-6.
    pub(super) fn micros(
        &self,
        size: (u32, u32),
        quality: &str,
        count: u32,
        prompt: &str,
        inputs: &[(u32, u32)],
    ) -> i64 {
        if self.kind == Kind::Edit {
            return EDIT_MICROS * i64::from(count);
        }
        let pixels = i128::from(size.0) * i128::from(size.1);
        if self.kind != Kind::Classic {
            return micros_from_nanos(pixels * STAND_IN_NANOS * i128::from(count));
        }
        let image_tokens: u64 = inputs.iter().map(|input| classic_input_tokens(false, *input)).sum();
        let (text, image) = INPUT_NANOS;
        let input = micros_from_nanos(i128::from(text_tokens(prompt)) * text + i128::from(image_tokens) * image);
        input + classic_micros(size, quality) * i64::from(count)
    }
}

/// The published price of one image of GPT Image 1.5.
fn classic_micros(size: (u32, u32), quality: &str) -> i64 {
    match (quality, size) {
        ("low", (1024, 1024)) => 9_000,
        ("low", _) => 13_000,
        ("medium", (1024, 1024)) => 34_000,
        ("medium", (1024, 1536)) => 51_000,
        ("medium", _) => 50_000,
        (_, (1024, 1024)) => 133_000,
        (_, (1024, 1536)) => 200_000,
        _ => 199_000,
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
