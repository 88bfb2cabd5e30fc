//! From a ratio, a tier or an input picture to the pixels of what is made.

use super::values::{number, text};
use crate::gpt_image::{fit_free, nearest};
use crate::shapes::MEGAPIXEL;
use crate::tables;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Edges of pictures whose shape is that of an input are multiples of this, in pixels.
const IMAGE_STEP_PX: u32 = 16;
/// What matching an input's resolution can come to, in megapixels.
const MATCHED_MEGAPIXELS: (f64, f64) = (0.5, 4.0);
/// The size where nothing says another.
const SQUARE: (u32, u32) = (1024, 1024);

/// A ratio and its size in pixels.
pub(super) type Shape = (&'static str, u32, u32);

/// The sizes of a tier: every edge of `shapes`, times a fraction.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    #[serde(default)]
    pub(super) tier: &'static str,
    #[serde(deserialize_with = "tables::list")]
    pub(super) shapes: &'static [Shape],
    #[serde(default = "once")]
    pub(super) times: (u32, u32),
}

const fn once() -> (u32, u32) {
    (1, 1)
}

/// How a model finds the size of its pictures.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Sizing {
    /// `aspect_ratio` is a ratio of the GPT Image models, or a size.
    Literal,
    /// A size for each ratio. The first scale holds where the input `tier` is not given or not there.
    Shapes {
        #[serde(default)]
        tier: &'static str,
        #[serde(deserialize_with = "tables::list")]
        scales: &'static [Scale],
        /// With an input picture its shape is kept, within edges of this many pixels.
        keeps_image: Option<u32>,
        /// Edges of custom sizes are rounded to multiples of this.
        step_px: u32,
    },
    /// An area of so many megapixels, which the input `tier` may tell, in the shape of the ratio.
    Area {
        #[serde(default)]
        tier: &'static str,
        megapixels: f64,
        /// Edges are multiples of this.
        step_px: u32,
        longest_px: u32,
    },
    /// `width` and `height`, else `aspect_ratio` with a `resolution` in megapixels.
    Any,
    /// The input picture's size, times a factor that an input of this name may tell as `x2`.
    Upscale {
        #[serde(default)]
        factor: &'static str,
        fixed: u32,
        most_pixels: u64,
        /// Whether a picture that would be larger is made as large as may be, in place of none.
        #[serde(default)]
        shrinks: bool,
    },
}

/// About a megapixel in any shape.
const ANY_AREA: Sizing = Sizing::Area {
    tier: "resolution",
    megapixels: 1.0,
    step_px: 16,
    longest_px: 4_096,
};

impl Sizing {
    /// Width and height in pixels, of a valid input with all defaults, and the sizes of its pictures.
    pub(super) fn size_px(&self, input: &Map<String, Value>, images: &[(u32, u32)]) -> (u32, u32) {
        let first = images.first().copied();
        let ratio = text(input, "aspect_ratio");
        match *self {
            Self::Literal if ratio == "auto" => first.map_or(SQUARE, fit_free),
            Self::Literal => literal(ratio).unwrap_or(SQUARE),
            Self::Shapes {
                tier,
                scales,
                keeps_image,
                step_px,
            } => match (keeps_image, first) {
                (Some(longest_px), Some(first)) => within(first, longest_px),
                _ if text(input, tier) == "custom" || ratio == "custom" => custom(input, step_px),
                _ => of_shapes(scales, text(input, tier), ratio, first),
            },
            Self::Any if number(input, "width").is_some() && number(input, "height").is_some() => custom(input, 1),
            Self::Any => ANY_AREA.size_px(input, images),
            Self::Area { step_px, .. } if ratio == "custom" => custom(input, step_px),
            Self::Area {
                tier,
                megapixels,
                step_px,
                longest_px,
            } => {
                let megapixels = match text(input, tier) {
                    "match_input_image" => first.map_or(megapixels, matched),
                    named => named
                        .split(' ')
                        .next()
                        .and_then(|n| n.parse().ok())
                        .unwrap_or(megapixels),
                };
                let shape = shape_of(ratio).or(first.map(proportion)).unwrap_or(1.0);
                area(megapixels, shape, step_px, longest_px)
            }
            Self::Upscale {
                factor,
                fixed,
                most_pixels,
                shrinks,
            } => {
                let told = text(input, factor).strip_prefix('x').and_then(|n| n.parse().ok());
                let times = told.unwrap_or(fixed);
                let (width, height) = first.unwrap_or(SQUARE);
                let (width, height) = (width.saturating_mul(times), height.saturating_mul(times));
                let pixels = f64::from(width) * f64::from(height);
                let fit = if shrinks {
                    (most_pixels as f64 / pixels).sqrt().min(1.0)
                } else {
                    1.0
                };
                let edge = |px: u32| (f64::from(px) * fit).floor() as u32;
                (edge(width), edge(height))
            }
        }
    }
}

/// The size of a gpt-image shape. The ratios without a size of their own get the literal size of that shape.
fn literal(ratio: &str) -> Option<(u32, u32)> {
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

fn of_shapes(scales: &[Scale], tier: &str, ratio: &str, first: Option<(u32, u32)>) -> (u32, u32) {
    let scale = scales.iter().find(|scale| scale.tier == tier).or(scales.first());
    let Some(Scale { shapes, times, .. }) = scale else {
        return SQUARE;
    };
    let listed = shapes.iter().find(|(name, ..)| *name == ratio);
    let listed = listed.map(|(_, width, height)| (*width, *height));
    let (width, height) = listed.unwrap_or_else(|| {
        let sizes: Vec<(u32, u32)> = shapes.iter().map(|(_, width, height)| (*width, *height)).collect();
        nearest(&sizes, first.unwrap_or(SQUARE))
    });
    (width * times.0 / times.1, height * times.0 / times.1)
}

/// Width against height of a ratio's name.
fn shape_of(ratio: &str) -> Option<f64> {
    let (width, height) = ratio.split_once(':')?;
    Some(width.parse::<f64>().ok()? / height.parse::<f64>().ok()?)
}

fn proportion((width, height): (u32, u32)) -> f64 {
    f64::from(width.max(1)) / f64::from(height.max(1))
}

fn matched((width, height): (u32, u32)) -> f64 {
    let pixels = f64::from(width) * f64::from(height);
    let (least, most) = MATCHED_MEGAPIXELS;
    (pixels / MEGAPIXEL as f64).clamp(least, most)
}

/// `width` and `height`, each rounded.
fn custom(input: &Map<String, Value>, step_px: u32) -> (u32, u32) {
    let edge = |name| round(number(input, name).unwrap_or(f64::from(SQUARE.0)), step_px);
    (edge("width"), edge("height"))
}

fn area(megapixels: f64, shape: f64, step_px: u32, longest_px: u32) -> (u32, u32) {
    let height = (megapixels * MEGAPIXEL as f64 / shape).sqrt();
    let width = height * shape;
    let shrink = (f64::from(longest_px) / width.max(height)).min(1.0);
    (round(width * shrink, step_px), round(height * shrink, step_px))
}

/// The size itself, smaller where an edge is too long.
fn within((width, height): (u32, u32), longest_px: u32) -> (u32, u32) {
    let shrink = (f64::from(longest_px) / f64::from(width.max(height).max(1))).min(1.0);
    let edge = |edge| round(f64::from(edge) * shrink, IMAGE_STEP_PX);
    (edge(width), edge(height))
}

fn round(edge: f64, step_px: u32) -> u32 {
    let steps = (edge / f64::from(step_px)).round().max(1.0);
    steps as u32 * step_px
}

#[cfg(test)]
mod tests {
    use crate::replicate::models::Model;
    use serde_json::json;

    /// The size for an input, and for a first picture of this size.
    fn size(slug: &str, input: serde_json::Value, images: &[(u32, u32)]) -> (u32, u32) {
        let (owner, name) = slug.split_once('/').expect("a slug");
        let model = Model::find(owner, name).expect("the model is in the table");
        model.sizing.size_px(input.as_object().expect("an object"), images)
    }

    #[test]
    fn ratios_have_the_published_sizes() {
        for (slug, input, expected) in [
            ("openai/gpt-image-2", json!({"aspect_ratio": "3840x2160"}), (3840, 2160)),
            ("openai/gpt-image-1", json!({"aspect_ratio": "2:3"}), (1024, 1536)),
            (
                "black-forest-labs/flux-dev",
                json!({"aspect_ratio": "21:9", "megapixels": "0.25"}),
                (768, 320),
            ),
            (
                "black-forest-labs/flux-1.1-pro-ultra",
                json!({"aspect_ratio": "16:9"}),
                (2752, 1536),
            ),
            (
                "black-forest-labs/flux-1.1-pro-ultra",
                json!({"aspect_ratio": "21:9"}),
                (3136, 1344),
            ),
            (
                "black-forest-labs/flux-kontext-pro",
                json!({"aspect_ratio": "16:9"}),
                (1376, 768),
            ),
            (
                "black-forest-labs/flux-2-flex",
                json!({"aspect_ratio": "16:9", "resolution": "4 MP"}),
                (2048, 1152),
            ),
            ("google/nano-banana", json!({"aspect_ratio": "21:9"}), (1536, 672)),
            (
                "google/nano-banana-pro",
                json!({"aspect_ratio": "16:9", "resolution": "4K"}),
                (5504, 3072),
            ),
            (
                "google/imagen-4",
                json!({"aspect_ratio": "3:4", "image_size": "2K"}),
                (1792, 2560),
            ),
            (
                "bytedance/seedream-4",
                json!({"aspect_ratio": "21:9", "size": "1K"}),
                (1512, 648),
            ),
            (
                "bytedance/seedream-4.5",
                json!({"aspect_ratio": "16:9", "size": "4K"}),
                (5504, 3040),
            ),
            (
                "bytedance/seedream-5-lite",
                json!({"aspect_ratio": "3:2", "size": "3K"}),
                (3744, 2496),
            ),
        ] {
            assert_eq!(size(slug, input, &[]), expected, "{slug}");
        }
    }

    #[test]
    fn sizes_can_be_told_in_pixels() {
        let custom = |width, height| json!({"aspect_ratio": "custom", "width": width, "height": height});
        assert_eq!(size("black-forest-labs/flux-2-dev", custom(1000, 300), &[]), (992, 288));
        assert_eq!(
            size("black-forest-labs/flux-1.1-pro", custom(1440, 300), &[]),
            (1440, 288)
        );
        let custom = json!({"size": "custom", "width": 1025, "height": 4096, "aspect_ratio": "1:1"});
        assert_eq!(size("bytedance/seedream-4", custom, &[(9, 9)]), (1025, 4096));
    }

    #[test]
    fn inputs_lend_their_shape() {
        let like = json!({"aspect_ratio": "match_input_image"});
        let wide = [(1600, 900), (10, 10)];
        assert_eq!(size("google/nano-banana", like.clone(), &wide), (1344, 768));
        assert_eq!(
            size("black-forest-labs/flux-kontext-max", like.clone(), &wide),
            (1376, 768)
        );
        assert_eq!(size("black-forest-labs/flux-kontext-max", like, &[]), (1024, 1024));
        let both = json!({"aspect_ratio": "match_input_image", "resolution": "match_input_image"});
        assert_eq!(
            size("black-forest-labs/flux-2-flex", both.clone(), &[(640, 1280)]),
            (640, 1280)
        );
        assert_eq!(size("black-forest-labs/flux-2-flex", both, &[(100, 100)]), (720, 720));
        let square = json!({"aspect_ratio": "1:1", "megapixels": "1"});
        assert_eq!(size("black-forest-labs/flux-dev", square, &[(2880, 1000)]), (1440, 496));
        assert_eq!(
            size("openai/gpt-image-2", json!({"aspect_ratio": "auto"}), &[(1920, 1280)]),
            (1920, 1280)
        );
    }

    #[test]
    fn upscalers_multiply() {
        assert_eq!(
            size("google/upscaler", json!({"upscale_factor": "x4"}), &[(100, 60)]),
            (400, 240)
        );
        assert_eq!(
            size("recraft-ai/recraft-crisp-upscale", json!({}), &[(100, 60)]),
            (400, 240)
        );
    }
}
