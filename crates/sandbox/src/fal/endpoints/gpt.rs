//! The GPT Image endpoints.

use super::{
    Bounds, Endpoint, Excess, FULL, Field, Images, Kind, LANDSCAPE_4_3, PNG_FIRST, PRESETS_AND_AUTO, Price, Sizes,
    Wanted, field,
};
use crate::latency::Pace;

/// The most characters of a prompt, as at OpenAI.
const PROMPT_CHARS: usize = 32_000;
/// Input images as documented for gpt-image-2; the other edit pages name no other limit.
const INPUTS: Images = Images::Many {
    field: "image_urls",
    most: 16,
    excess: Excess::Refuse,
};

const AUTO: Wanted = Wanted::Auto(1024);
const S1024: (&str, Wanted) = ("1024x1024", Wanted::Pixels(1024, 1024));
const L1536: (&str, Wanted) = ("1536x1024", Wanted::Pixels(1536, 1024));
const P1536: (&str, Wanted) = ("1024x1536", Wanted::Pixels(1024, 1536));
/// Sizes of the models before gpt-image-2.
const CLASSIC: Sizes = Sizes::ImageSize {
    words: &[S1024, L1536, P1536, ("auto", AUTO)],
    default: AUTO,
    bounds: Bounds::Words,
};
const CLASSIC_WITHOUT_AUTO: Sizes = Sizes::ImageSize {
    words: &[S1024, L1536, P1536],
    default: S1024.1,
    bounds: Bounds::Words,
};
const FREE: Sizes = Sizes::ImageSize {
    words: PRESETS_AND_AUTO,
    default: LANDSCAPE_4_3.1,
    bounds: Bounds::Gpt,
};
const FREE_AS_INPUT: Sizes = Sizes::ImageSize {
    words: PRESETS_AND_AUTO,
    default: AUTO,
    bounds: Bounds::Gpt,
};

const WITH_AUTO: &[&str] = &["auto", "low", "medium", "high"];
const QUALITY: Field = field("quality", Kind::Word(WITH_AUTO, Some("auto")));
const QUALITY_2: Field = field("quality", Kind::Word(WITH_AUTO, Some("high")));
const QUALITY_15: Field = field("quality", Kind::Word(&["low", "medium", "high"], Some("high")));
const QUALITY_25: Field = field(
    "quality",
    Kind::Word(&["auto", "low", "medium", "high", "xhigh", "max"], Some("high")),
);
const BACKGROUND: Field = field(
    "background",
    Kind::Word(&["auto", "transparent", "opaque"], Some("auto")),
);
const FIDELITY: Field = field("input_fidelity", Kind::Word(&["low", "high"], Some("high")));

/// What the endpoints have in common; the table changes what differs.
const GPT: Endpoint = Endpoint {
    id: "",
    prompt_chars: Some(PROMPT_CHARS),
    images: Images::None,
    mask_field: None,
    sizes: CLASSIC,
    fields: &[QUALITY, BACKGROUND],
    formats: PNG_FIRST,
    count: Some((1, 4)),
    has_sync_mode: true,
    has_seed: false,
    answer: FULL,
    price: Price::GptImage1,
    pace: Pace::Slow,
};

const fn gpt_2(id: &'static str) -> Endpoint {
    Endpoint {
        id,
        sizes: FREE,
        fields: &[QUALITY_2],
        price: Price::GptTokens { finer: false },
        ..GPT
    }
}

const fn gpt_25(id: &'static str) -> Endpoint {
    Endpoint {
        fields: &[QUALITY_25, BACKGROUND],
        price: Price::GptTokens { finer: true },
        ..gpt_2(id)
    }
}

const fn edit(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        images: INPUTS,
        mask_field: Some("mask_url"),
        sizes: FREE_AS_INPUT,
        ..endpoint
    }
}

/// `fal-ai/gpt-image-2` is seen in use beside `openai/gpt-image-2` and means the same.
pub(super) const ROWS: &[Endpoint] = &[
    Endpoint {
        id: "fal-ai/gpt-image-1/text-to-image",
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1/edit-image",
        images: INPUTS,
        fields: &[QUALITY, BACKGROUND, FIDELITY],
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1-mini",
        price: Price::GptImage1Mini,
        pace: Pace::Medium,
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1-mini/edit",
        images: INPUTS,
        price: Price::GptImage1Mini,
        pace: Pace::Medium,
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1.5",
        sizes: CLASSIC_WITHOUT_AUTO,
        fields: &[QUALITY_15, BACKGROUND],
        price: Price::GptImage15,
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1.5/edit",
        images: INPUTS,
        mask_field: Some("mask_image_url"),
        fields: &[QUALITY_15, BACKGROUND, FIDELITY],
        price: Price::GptImage15,
        ..GPT
    },
    gpt_2("openai/gpt-image-2"),
    edit(gpt_2("openai/gpt-image-2/edit")),
    gpt_2("fal-ai/gpt-image-2"),
    edit(gpt_2("fal-ai/gpt-image-2/edit")),
    gpt_25("openai/gpt-image-2.5/flare/text-to-image"),
    edit(gpt_25("openai/gpt-image-2.5/flare/edit")),
    gpt_25("openai/gpt-image-2.5/sunburst/text-to-image"),
    edit(gpt_25("openai/gpt-image-2.5/sunburst/edit")),
];
