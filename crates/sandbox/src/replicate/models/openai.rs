//! OpenAI's GPT Image models, as Replicate serves them: there is no mask and no size, only ratios.

use super::fields::PROMPT;
use super::{Default, Gpt, Input, Kind, Model, PLAIN, input};
use crate::latency::Pace;
use crate::replicate::prices::Price;
use crate::replicate::sizes::Sizing;

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
/// OpenAI takes no more input pictures.
const MOST_IMAGES: usize = 16;

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

/// By the billing configuration that Replicate publishes with each model: by quality, whatever the size.
const PRICE_15: Price = Price::By(
    "quality",
    &[
        ("low", 13_000),
        ("medium", 50_000),
        ("high", 136_000),
        ("auto", 136_000),
    ],
);
const PRICE_2: Price = Price::By(
    "quality",
    &[
        ("low", 12_000),
        ("medium", 47_000),
        ("high", 128_000),
        ("auto", 128_000),
    ],
);
const PRICE_25: Price = Price::By(
    "quality",
    &[
        ("low", 12_000),
        ("medium", 47_000),
        ("high", 128_000),
        ("xhigh", 250_000),
        ("max", 500_000),
        ("auto", 250_000),
    ],
);

const GPT: Model = Model {
    owner: "openai",
    sizing: Sizing::Literal,
    pace: Pace::Slow,
    most_images: MOST_IMAGES,
    lists: true,
    ..PLAIN
};

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "gpt-image-1",
        about: "Text and pictures to pictures, on your own OpenAI key.",
        inputs: GPT_1,
        gpt: Some(Gpt::One),
        ..GPT
    },
    Model {
        name: "gpt-image-1-mini",
        about: "The small gpt-image-1, on your own OpenAI key.",
        inputs: GPT_1,
        pace: Pace::Medium,
        gpt: Some(Gpt::One),
        ..GPT
    },
    Model {
        name: "gpt-image-1.5",
        about: "Text and pictures to pictures.",
        inputs: GPT_15,
        price: PRICE_15,
        gpt: Some(Gpt::OneFive),
        ..GPT
    },
    Model {
        name: "gpt-image-2",
        about: "Text and pictures to pictures, in free sizes.",
        inputs: GPT_2,
        price: PRICE_2,
        gpt: Some(Gpt::Two),
        ..GPT
    },
    Model {
        name: "gpt-image-2.5-flare",
        about: "The quicker gpt-image-2.5.",
        inputs: GPT_25,
        price: PRICE_25,
        gpt: Some(Gpt::TwoFive),
        ..GPT
    },
    Model {
        name: "gpt-image-2.5-sunburst",
        about: "The finer gpt-image-2.5.",
        inputs: GPT_25,
        price: PRICE_25,
        gpt: Some(Gpt::TwoFive),
        ..GPT
    },
];
