//! The Replicate models that the sandbox has, and the inputs of each.

use crate::names::sha256_hex;

/// What one input may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// A text that is never told back.
    Secret,
    Choice(&'static [&'static str]),
    Integer(i64, i64),
    /// Any whole number.
    AnyInteger,
    Boolean,
    Images,
}

/// The default of an input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Default {
    /// The input is required.
    Required,
    /// The input may be left out or null.
    Nothing,
    Text(&'static str),
    Integer(i64),
    Boolean(bool),
}

/// One input of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Default,
    pub(super) about: &'static str,
}

const fn input(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Input {
    Input {
        name,
        kind,
        default,
        about,
    }
}

/// Which models share prices and size rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    GptImage1,
    GptImage15,
    GptImage2,
    GptImage25,
    FluxSchnell,
}

/// One model.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) owner: &'static str,
    pub(super) name: &'static str,
    pub(super) family: Family,
    pub(super) about: &'static str,
    pub(super) inputs: &'static [Input],
}

/// Ratios of gpt-image-1, 1-mini and 1.5.
const CLASSIC_RATIOS: &[&str] = &["1:1", "3:2", "2:3"];
/// Ratios and literal sizes of gpt-image-2 and 2.5.
const FREE_RATIOS: &[&str] = &[
    "1:1",
    "3:2",
    "2:3",
    "4:3",
    "3:4",
    "16:9",
    "9:16",
    "auto",
    "1024x1024",
    "1536x1024",
    "1024x1536",
    "1536x1152",
    "1152x1536",
    "2048x2048",
    "2048x1152",
    "1152x2048",
    "3840x2160",
    "2160x3840",
];
/// Ratios of flux-schnell.
const FLUX_RATIOS: &[&str] = &[
    "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21",
];

const PROMPT: Input = input("prompt", Kind::Text, Default::Required, "What to draw.");
const KEY: &str = "Your own OpenAI key; OpenAI then charges you.";
const KEY_REQUIRED: Input = input("openai_api_key", Kind::Secret, Default::Required, KEY);
const KEY_OPTIONAL: Input = input("openai_api_key", Kind::Secret, Default::Nothing, KEY);
const CLASSIC_RATIO: Input = input(
    "aspect_ratio",
    Kind::Choice(CLASSIC_RATIOS),
    Default::Text("1:1"),
    "The shape of the pictures.",
);
const FREE_RATIO: Input = input(
    "aspect_ratio",
    Kind::Choice(FREE_RATIOS),
    Default::Text("1:1"),
    "The shape or the size of the pictures.",
);
const IMAGES: Input = input("input_images", Kind::Images, Default::Nothing, "Pictures to work from.");
const FIDELITY: Input = input(
    "input_fidelity",
    Kind::Choice(&["low", "high"]),
    Default::Text("low"),
    "How closely to keep to the input pictures.",
);
const COUNT: Input = input(
    "number_of_images",
    Kind::Integer(1, 10),
    Default::Integer(1),
    "How many pictures.",
);
const QUALITY: Input = input(
    "quality",
    Kind::Choice(&["low", "medium", "high", "auto"]),
    Default::Text("auto"),
    "How much work goes into the pictures.",
);
const FINER_QUALITY: Input = input(
    "quality",
    Kind::Choice(&["low", "medium", "high", "xhigh", "max", "auto"]),
    Default::Text("auto"),
    "How much work goes into the pictures.",
);
const BACKGROUND: Input = input(
    "background",
    Kind::Choice(&["auto", "transparent", "opaque"]),
    Default::Text("auto"),
    "What is behind the subject.",
);
const COMPRESSION: Input = input(
    "output_compression",
    Kind::Integer(0, 100),
    Default::Integer(90),
    "Quality of JPEG and WebP files.",
);
const FORMAT: Input = input(
    "output_format",
    Kind::Choice(&["png", "jpeg", "webp"]),
    Default::Text("webp"),
    "The file format.",
);
const MODERATION: Input = input(
    "moderation",
    Kind::Choice(&["auto", "low"]),
    Default::Text("auto"),
    "How strict the content filter is.",
);
const USER: Input = input("user_id", Kind::Text, Default::Nothing, "Your end user.");

const GPT_1: &[Input] = &[
    PROMPT,
    KEY_REQUIRED,
    CLASSIC_RATIO,
    FIDELITY,
    IMAGES,
    COUNT,
    QUALITY,
    BACKGROUND,
    COMPRESSION,
    FORMAT,
    MODERATION,
    USER,
];
const GPT_15: &[Input] = &[
    PROMPT,
    KEY_OPTIONAL,
    CLASSIC_RATIO,
    FIDELITY,
    IMAGES,
    COUNT,
    QUALITY,
    BACKGROUND,
    COMPRESSION,
    FORMAT,
    MODERATION,
    USER,
];
const GPT_2: &[Input] = &[
    PROMPT,
    KEY_OPTIONAL,
    FREE_RATIO,
    IMAGES,
    COUNT,
    QUALITY,
    BACKGROUND,
    COMPRESSION,
    FORMAT,
    MODERATION,
    USER,
];
const GPT_25: &[Input] = &[
    PROMPT,
    KEY_OPTIONAL,
    FREE_RATIO,
    IMAGES,
    COUNT,
    FINER_QUALITY,
    BACKGROUND,
    COMPRESSION,
    FORMAT,
    MODERATION,
    USER,
];
const FLUX: &[Input] = &[
    PROMPT,
    input(
        "aspect_ratio",
        Kind::Choice(FLUX_RATIOS),
        Default::Text("1:1"),
        "The shape of the pictures.",
    ),
    input(
        "num_outputs",
        Kind::Integer(1, 4),
        Default::Integer(1),
        "How many pictures.",
    ),
    input(
        "num_inference_steps",
        Kind::Integer(1, 4),
        Default::Integer(4),
        "Denoising steps.",
    ),
    input(
        "seed",
        Kind::AnyInteger,
        Default::Nothing,
        "The same seed gives the same pictures.",
    ),
    input(
        "output_format",
        Kind::Choice(&["webp", "jpg", "png"]),
        Default::Text("webp"),
        "The file format.",
    ),
    input(
        "output_quality",
        Kind::Integer(0, 100),
        Default::Integer(80),
        "Quality of JPEG and WebP files.",
    ),
    input(
        "disable_safety_checker",
        Kind::Boolean,
        Default::Boolean(false),
        "Turns the content filter off.",
    ),
    input(
        "go_fast",
        Kind::Boolean,
        Default::Boolean(true),
        "Uses a quantized model.",
    ),
    input(
        "megapixels",
        Kind::Choice(&["1", "0.25"]),
        Default::Text("1"),
        "About how many megapixels.",
    ),
];

/// All models.
pub(super) static MODELS: [Model; 7] = [
    Model {
        owner: "openai",
        name: "gpt-image-1",
        family: Family::GptImage1,
        about: "Text and pictures to pictures, on your own OpenAI key.",
        inputs: GPT_1,
    },
    Model {
        owner: "openai",
        name: "gpt-image-1-mini",
        family: Family::GptImage1,
        about: "The small gpt-image-1, on your own OpenAI key.",
        inputs: GPT_1,
    },
    Model {
        owner: "openai",
        name: "gpt-image-1.5",
        family: Family::GptImage15,
        about: "Text and pictures to pictures.",
        inputs: GPT_15,
    },
    Model {
        owner: "openai",
        name: "gpt-image-2",
        family: Family::GptImage2,
        about: "Text and pictures to pictures, in free sizes.",
        inputs: GPT_2,
    },
    Model {
        owner: "openai",
        name: "gpt-image-2.5-flare",
        family: Family::GptImage25,
        about: "The quicker gpt-image-2.5.",
        inputs: GPT_25,
    },
    Model {
        owner: "openai",
        name: "gpt-image-2.5-sunburst",
        family: Family::GptImage25,
        about: "The finer gpt-image-2.5.",
        inputs: GPT_25,
    },
    Model {
        owner: "black-forest-labs",
        name: "flux-schnell",
        family: Family::FluxSchnell,
        about: "Fast text to pictures.",
        inputs: FLUX,
    },
];

impl Model {
    /// The model of `owner/name`.
    pub(super) fn find(owner: &str, name: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| model.owner == owner && model.name == name)
    }

    /// `owner/name`.
    pub(super) fn slug(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The id of its only version: 64 hexadecimal digits, the same in every sandbox.
    pub(super) fn version_id(&self) -> String {
        sha256_hex(&format!("sandbox version of {}", self.slug()))
    }

    /// The model that a `version` names: `owner/name`, `owner/name:id` or the id alone.
    pub(super) fn of_version(version: &str) -> Option<&'static Self> {
        let (slug, id) = match version.split_once(':') {
            Some((slug, id)) => (Some(slug), Some(id)),
            None if version.contains('/') => (Some(version), None),
            None => (None, Some(version)),
        };
        MODELS
            .iter()
            .find(|model| slug.is_none_or(|slug| slug == model.slug()) && id.is_none_or(|id| id == model.version_id()))
    }
}

/// The size of a gpt-image-2 shape. The ratios without a size of their own get the literal size of that shape.
pub(super) fn free_size(ratio: &str) -> Option<(u32, u32)> {
    match ratio {
        "1:1" => Some((1024, 1024)),
        "3:2" => Some((1536, 1024)),
        "2:3" => Some((1024, 1536)),
        "4:3" => Some((1536, 1152)),
        "3:4" => Some((1152, 1536)),
        "16:9" => Some((2048, 1152)),
        "9:16" => Some((1152, 2048)),
        literal => {
            let (width, height) = literal.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        }
    }
}

/// The size of a flux-schnell shape; a quarter of the megapixels halves both edges.
pub(super) fn flux_size(ratio: &str, megapixels: &str) -> (u32, u32) {
    let (width, height) = match ratio {
        "16:9" => (1344, 768),
        "21:9" => (1536, 640),
        "3:2" => (1216, 832),
        "2:3" => (832, 1216),
        "4:5" => (896, 1088),
        "5:4" => (1088, 896),
        "3:4" => (896, 1152),
        "4:3" => (1152, 896),
        "9:16" => (768, 1344),
        "9:21" => (640, 1536),
        _ => (1024, 1024),
    };
    if megapixels == "0.25" {
        (width / 2, height / 2)
    } else {
        (width, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_a_size() {
        for ratio in FREE_RATIOS.iter().filter(|ratio| **ratio != "auto") {
            let (width, height) = free_size(ratio).expect("the ratio is in the list");
            assert!(width % 16 == 0 && height % 16 == 0, "{ratio}");
        }
        assert_eq!(free_size("auto"), None);
        assert_eq!(flux_size("21:9", "0.25"), (768, 320));
    }

    #[test]
    fn versions_are_named_three_ways() {
        let two = Model::find("openai", "gpt-image-2").expect("the model is in the table");
        let id = two.version_id();
        for version in [
            "openai/gpt-image-2".to_owned(),
            id.clone(),
            format!("openai/gpt-image-2:{id}"),
        ] {
            assert_eq!(Model::of_version(&version).map(Model::slug), Some(two.slug()));
        }
        let wrong = format!("openai/gpt-image-1:{id}");
        assert!(Model::of_version(&wrong).is_none());
    }
}
