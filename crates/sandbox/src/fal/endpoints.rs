//! The fal endpoints that the sandbox has: what each one takes, makes and costs, by `data/fal.toml`.

pub(super) mod strangers;

use crate::latency::Pace;
use crate::tables::{self, Models};
use serde::Deserialize;
use std::sync::LazyLock;

/// One endpoint: an id that can be run or submitted.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoint {
    /// `owner/alias[/path]`, as it stands in URLs.
    pub(super) id: &'static str,
    #[serde(default = "yes")]
    pub(super) takes_prompt: bool,
    /// The most characters of it.
    #[serde(default = "unlimited")]
    pub(super) prompt_chars: u64,
    pub(super) images: Images,
    /// The field of the mask, where there is one. Clear parts of a mask are painted over.
    pub(super) mask_field: Option<&'static str>,
    pub(super) sizes: Sizes,
    /// What it takes beside the fields that have a place of their own here.
    #[serde(deserialize_with = "tables::list")]
    pub(super) fields: &'static [Field],
    /// `output_format`; the first is the default, and a single one cannot be asked for.
    #[serde(deserialize_with = "tables::list")]
    pub(super) formats: &'static [&'static str],
    /// Least and most of `num_images`; none where there is no such field.
    pub(super) count: Option<(i64, i64)>,
    pub(super) has_sync_mode: bool,
    pub(super) has_seed: bool,
    pub(super) answer: Answer,
    pub(super) price: Price,
    pub(super) pace: Pace,
}

/// How links to input images are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Images {
    None,
    /// A single link.
    One {
        field: &'static str,
        required: bool,
    },
    /// A single link to a PNG.
    Png {
        field: &'static str,
    },
    /// A list of one link or more.
    Many {
        field: &'static str,
        most: usize,
        excess: Excess,
    },
}

/// What becomes of more images than an endpoint uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Excess {
    /// The call is refused.
    Refuse,
    /// The first ones are used.
    UseFirst,
    /// The last ones are used.
    UseLast,
}

/// Where the size of a picture comes from.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Sizes {
    /// `image_size`: one of these words, or `{width, height}` unless the bounds are `Words`.
    ImageSize {
        #[serde(deserialize_with = "tables::list")]
        words: &'static [(&'static str, Wanted)],
        default: Wanted,
        bounds: Bounds,
    },
    /// `aspect_ratio` by a table, and `resolution` where there are tiers.
    Ratio {
        /// Ratios and their sizes at 1K, in pixels.
        #[serde(deserialize_with = "tables::list")]
        shapes: &'static [(&'static str, (u32, u32))],
        /// Whether `auto` may be asked for.
        #[serde(default)]
        auto: bool,
        /// None: as with `auto`.
        default: Option<&'static str>,
        /// Empty where `resolution` cannot be asked for; the default is always 1K.
        #[serde(default, deserialize_with = "tables::list")]
        tiers: &'static [&'static str],
    },
    /// `aspect_ratio`, any from 9:21 to 21:9, at about this many pixels.
    AnyRatio { default: &'static str, pixels: u64 },
    /// That of the first input.
    Input,
    /// The first input, enlarged by the number in this field, or by the default where there is no field.
    Times {
        field: Option<&'static str>,
        default: f64,
        /// The longest edge that comes out, in pixels; the factor becomes smaller.
        longest_px: Option<u32>,
        /// Larger results are refused.
        #[serde(default = "unlimited")]
        most_pixels: u64,
    },
}

/// A size, as far as it is known without the input images.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    /// Width and height in pixels.
    Pixels(u32, u32),
    /// The first input's, brought within bounds; without one the square of this edge, in pixels.
    Auto(u32),
    /// The first input's shape, as large as the square of this edge, in pixels; without one that square.
    Square(u32),
    /// The listed shape nearest to the first input's, square without one, its edges times this many halves.
    Nearest { halves: u32 },
    /// The first input's edges, times this.
    Times(f64),
}

/// What `image_size` may be, beyond its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Bounds {
    /// Nothing else.
    Words,
    /// The free sizes of gpt-image-2 and later.
    Gpt,
    /// Edges in pixels and a total; all else is refused.
    Edges {
        least: u32,
        most: u32,
        #[serde(default = "unlimited")]
        most_pixels: u64,
    },
    /// A total; `edges` within their own range do as well.
    Area {
        least: u64,
        most: u64,
        edges: Option<(u32, u32)>,
        /// Whether a size below or above is scaled instead of refused.
        #[serde(default)]
        scale_up: bool,
        #[serde(default)]
        scale_down: bool,
    },
}

/// One further field.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What a further field may be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Kind {
    /// One of these words; without a default it may be null.
    Word {
        #[serde(deserialize_with = "tables::list")]
        of: &'static [&'static str],
        #[serde(borrow)]
        default: Option<&'static str>,
    },
    /// Yes or no, and the default.
    Flag(bool),
    /// A whole number from, to.
    Integer(i64, i64),
    /// A number from, to.
    Number(f64, f64),
    /// Any text or null.
    Text,
    /// A list of texts, or null.
    Texts,
    /// A list of `{r, g, b}`.
    Colors,
    /// An object or null, not looked into.
    Object,
    /// A list of objects, not looked into.
    Objects,
}

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// `image` with one file instead of `images` with a list.
    #[serde(default)]
    pub(super) single: bool,
    pub(super) file: FileForm,
    pub(super) beside: Beside,
}

/// What is told of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FileForm {
    /// Link, type, name, bytes and pixels.
    Full,
    /// Link, type and pixels.
    Short,
    /// Link, type, name and bytes.
    Unmeasured,
}

/// What a result tells beside its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Beside {
    Nothing,
    Seed,
    /// What the model has to say.
    Description,
    /// Timings, seed, prompt and what the safety checker found.
    Run,
}

/// What a call costs; money in USD 1e-6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Price {
    /// Each picture by its quality, square, portrait or landscape, and each token that goes in.
    Table {
        low: [i64; 3],
        medium: [i64; 3],
        high: [i64; 3],
        text_token: i64,
        /// None where input images cost nothing.
        image_token: Option<i64>,
        /// To the cent.
        #[serde(default)]
        is_rounded_up: bool,
    },
    /// gpt-image-2 by its tokens, and the finer 2.5.
    GptTokens { is_finer: bool },
    /// Each picture.
    Picture(i64),
    /// Each picture, by how the word in a field begins: the first match counts.
    Word {
        field: &'static str,
        #[serde(deserialize_with = "tables::list")]
        micros: &'static [(&'static str, i64)],
        extra: Option<Extra>,
    },
    /// Each whole megapixel of each picture, by how the word in a field begins.
    WordMegapixels {
        field: &'static str,
        #[serde(deserialize_with = "tables::list")]
        micros: &'static [(&'static str, i64)],
    },
    /// Each picture of at most so many pixels: the first that is large enough counts.
    #[serde(deserialize_with = "tables::list")]
    Steps(&'static [(u64, i64)]),
    /// The first whole megapixel of each picture, each further one, and each of the inputs.
    Megapixels {
        first: i64,
        further: i64,
        #[serde(default)]
        input: i64,
        extra: Option<Extra>,
    },
}

/// A flag that costs more for each call, and how much in USD 1e-6.
pub(super) type Extra = (&'static str, i64);

static ENDPOINTS: LazyLock<Models<Endpoint>> = LazyLock::new(|| tables::read(include_str!("../../data/fal.toml")));

/// Where nothing is said, there is no limit.
const fn unlimited() -> u64 {
    u64::MAX
}

const fn yes() -> bool {
    true
}

impl Endpoint {
    /// The endpoint of an id.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        ENDPOINTS.all.iter().find(|endpoint| endpoint.id == id)
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
    use std::collections::BTreeSet;

    #[test]
    fn ids_and_field_names_are_unique_and_defaults_are_allowed() {
        let ids: BTreeSet<&str> = ENDPOINTS.all.iter().map(|endpoint| endpoint.id).collect();
        assert_eq!(ids.len(), ENDPOINTS.all.len());
        for endpoint in ENDPOINTS.all.iter() {
            let names: BTreeSet<&str> = endpoint.fields.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), endpoint.fields.len(), "{}", endpoint.id);
            assert!(!endpoint.formats.is_empty(), "{}", endpoint.id);
            for field in endpoint.fields {
                if let Kind::Word {
                    of,
                    default: Some(default),
                } = field.kind
                {
                    assert!(of.contains(&default), "{}: {}", endpoint.id, field.name);
                }
            }
            if let Sizes::Ratio {
                shapes,
                default: Some(default),
                ..
            } = endpoint.sizes
            {
                assert!(shapes.iter().any(|(name, _)| *name == default), "{}", endpoint.id);
            }
        }
    }

    #[test]
    fn the_app_is_the_id_without_its_sub_path() {
        let app = |id| Endpoint::find(id).map(Endpoint::app);
        assert_eq!(app("openai/gpt-image-2.5/flare/edit"), Some("openai/gpt-image-2.5"));
        assert_eq!(app("openai/gpt-image-2"), Some("openai/gpt-image-2"));
        assert_eq!(app("fal-ai/flux-2/klein/4b/edit"), Some("fal-ai/flux-2"));
        assert_eq!(app("openai/gpt-image-9"), None);
    }
}
