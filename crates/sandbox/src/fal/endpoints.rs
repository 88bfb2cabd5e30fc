//! The fal endpoints that the sandbox has, and what each one takes.

use std::ops::RangeInclusive;

/// A model family: endpoints of one family share prices and size rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    GptImage1,
    GptImage1Mini,
    GptImage15,
    GptImage2,
    GptImage25,
    FluxSchnell,
}

/// What an endpoint does with `image_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sizes {
    /// The three classic sizes by name, and `auto` where `auto` is true.
    Classic { auto: bool },
    /// A preset name or `{width, height}`, and `auto` where `auto` is true.
    Free { auto: bool },
}

/// One endpoint: an id that can be run or submitted.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// `owner/alias[/path]`, as it stands in URLs.
    pub(super) id: &'static str,
    pub(super) family: Family,
    /// Whether it takes `image_urls`, and how many.
    pub(super) images: Option<RangeInclusive<usize>>,
    /// The field of the mask, where there is one.
    pub(super) mask_field: Option<&'static str>,
    pub(super) sizes: Sizes,
    pub(super) default_size: &'static str,
    /// Empty where the endpoint has no `quality`.
    pub(super) qualities: &'static [&'static str],
    pub(super) default_quality: &'static str,
    pub(super) has_background: bool,
    pub(super) has_fidelity: bool,
    /// Output formats; the first is the default.
    pub(super) formats: &'static [&'static str],
}

/// Images of one call, on every endpoint here.
pub(super) const COUNT: RangeInclusive<i64> = 1..=4;
/// The most input images of one edit, as documented for gpt-image-2; the other edit pages name no other limit.
pub(super) const MAX_INPUT_IMAGES: usize = 16;

/// Presets of `image_size` and their pixels.
pub(super) const PRESETS: [(&str, (u32, u32)); 6] = [
    ("square_hd", (1024, 1024)),
    ("square", (512, 512)),
    ("portrait_4_3", (768, 1024)),
    ("portrait_16_9", (576, 1024)),
    ("landscape_4_3", (1024, 768)),
    ("landscape_16_9", (1024, 576)),
];
/// Sizes of the models before gpt-image-2.
pub(super) const CLASSIC_SIZES: [(&str, (u32, u32)); 3] = [
    ("1024x1024", (1024, 1024)),
    ("1536x1024", (1536, 1024)),
    ("1024x1536", (1024, 1536)),
];

const WITH_AUTO: &[&str] = &["auto", "low", "medium", "high"];
const THREE: &[&str] = &["low", "medium", "high"];
const FIVE: &[&str] = &["auto", "low", "medium", "high", "xhigh", "max"];
const PNG_FIRST: &[&str] = &["png", "jpeg", "webp"];

/// What the GPT Image endpoints have in common; the table changes what differs.
const GPT: Endpoint = Endpoint {
    id: "",
    family: Family::GptImage1,
    images: None,
    mask_field: None,
    sizes: Sizes::Classic { auto: true },
    default_size: "auto",
    qualities: WITH_AUTO,
    default_quality: "auto",
    has_background: true,
    has_fidelity: false,
    formats: PNG_FIRST,
};

const fn gpt_2(id: &'static str) -> Endpoint {
    Endpoint {
        id,
        family: Family::GptImage2,
        sizes: Sizes::Free { auto: true },
        default_size: "landscape_4_3",
        default_quality: "high",
        has_background: false,
        ..GPT
    }
}

const fn gpt_25(id: &'static str) -> Endpoint {
    Endpoint {
        family: Family::GptImage25,
        qualities: FIVE,
        has_background: true,
        ..gpt_2(id)
    }
}

const fn edit_2(id: &'static str) -> Endpoint {
    Endpoint {
        images: Some(1..=MAX_INPUT_IMAGES),
        mask_field: Some("mask_url"),
        default_size: "auto",
        ..gpt_2(id)
    }
}

const fn edit_25(id: &'static str) -> Endpoint {
    Endpoint {
        family: Family::GptImage25,
        qualities: FIVE,
        has_background: true,
        ..edit_2(id)
    }
}

/// All endpoints. `fal-ai/gpt-image-2` is seen in use beside `openai/gpt-image-2` and means the same.
pub(super) static ENDPOINTS: [Endpoint; 15] = [
    Endpoint {
        id: "fal-ai/gpt-image-1/text-to-image",
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1/edit-image",
        images: Some(1..=MAX_INPUT_IMAGES),
        has_fidelity: true,
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1-mini",
        family: Family::GptImage1Mini,
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1-mini/edit",
        family: Family::GptImage1Mini,
        images: Some(1..=MAX_INPUT_IMAGES),
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1.5",
        family: Family::GptImage15,
        sizes: Sizes::Classic { auto: false },
        default_size: "1024x1024",
        qualities: THREE,
        default_quality: "high",
        ..GPT
    },
    Endpoint {
        id: "fal-ai/gpt-image-1.5/edit",
        family: Family::GptImage15,
        images: Some(1..=MAX_INPUT_IMAGES),
        mask_field: Some("mask_image_url"),
        qualities: THREE,
        default_quality: "high",
        has_fidelity: true,
        ..GPT
    },
    gpt_2("openai/gpt-image-2"),
    edit_2("openai/gpt-image-2/edit"),
    gpt_2("fal-ai/gpt-image-2"),
    edit_2("fal-ai/gpt-image-2/edit"),
    gpt_25("openai/gpt-image-2.5/flare/text-to-image"),
    edit_25("openai/gpt-image-2.5/flare/edit"),
    gpt_25("openai/gpt-image-2.5/sunburst/text-to-image"),
    edit_25("openai/gpt-image-2.5/sunburst/edit"),
    Endpoint {
        id: "fal-ai/flux/schnell",
        family: Family::FluxSchnell,
        images: None,
        mask_field: None,
        sizes: Sizes::Free { auto: false },
        default_size: "landscape_4_3",
        qualities: &[],
        default_quality: "",
        has_background: false,
        has_fidelity: false,
        formats: &["jpeg", "png"],
    },
];

impl Endpoint {
    /// The endpoint of an id.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        ENDPOINTS.iter().find(|endpoint| endpoint.id == id)
    }

    /// `owner/alias`: all that status, result and cancel URLs keep of the id.
    pub(super) fn app(&self) -> &'static str {
        let end = self.id.match_indices('/').nth(1).map_or(self.id.len(), |(at, _)| at);
        &self.id[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_defaults_are_allowed() {
        for (at, endpoint) in ENDPOINTS.iter().enumerate() {
            assert!(ENDPOINTS[at + 1..].iter().all(|other| other.id != endpoint.id));
            assert!(endpoint.qualities.is_empty() || endpoint.qualities.contains(&endpoint.default_quality));
        }
    }

    #[test]
    fn the_app_is_the_id_without_its_sub_path() {
        let app = |id| Endpoint::find(id).map(Endpoint::app);
        assert_eq!(app("openai/gpt-image-2.5/flare/edit"), Some("openai/gpt-image-2.5"));
        assert_eq!(app("openai/gpt-image-2"), Some("openai/gpt-image-2"));
        assert_eq!(app("openai/gpt-image-9"), None);
    }
}
