//! The size of a picture: what the fields ask for, what the endpoint allows, and what comes out.

use super::chosen::{Chosen, Word};
use super::endpoints::{Bounds, Endpoint, Sizes, Wanted};
use super::errors::Detail;
use super::fields::{Fields, one_of};
use crate::details::{outside, whole_number};
use serde_json::{Map, Value, json};

/// Edges that `{width, height}` takes by its schema, in pixels.
const EDGE: std::ops::RangeInclusive<i64> = 1..=14_142;
/// Documented limits of free sizes of gpt-image-2 and 2.5. Multiples of 16 are not asked for here: fal lists a
/// price for 1920x1080.
const GPT_LONGEST_PX: u32 = 3_840;
const GPT_PIXELS: std::ops::RangeInclusive<u64> = 655_360..=8_294_400;
const GPT_RATIO: u32 = 3;
/// The flattest of free ratios.
const FLATTEST: f64 = 21.0 / 9.0;
/// Edges of free ratios are multiples of this, rounded up: so 16:9 at four megapixels is 2752x1536.
const ANY_RATIO_STEP_PX: u32 = 32;
/// Halves of the edges at 1K.
const ONE_K: u32 = 2;

/// Reads the fields that say the size.
pub(super) fn read(endpoint: &Endpoint, fields: &mut Fields<'_>, chosen: &mut Chosen) -> Wanted {
    match endpoint.sizes {
        Sizes::ImageSize { words, default, bounds } => read_image_size(fields, words, default, bounds),
        Sizes::Ratio {
            shapes,
            auto,
            default,
            tiers,
        } => {
            let mut ratios: Vec<&'static str> = shapes.iter().map(|(name, _)| *name).collect();
            if auto {
                ratios.push("auto");
            }
            let ratio = fields.word("aspect_ratio", &ratios, default);
            let mut halves = ONE_K;
            if !tiers.is_empty() {
                let tier = fields.word("resolution", tiers, Some("1K")).unwrap_or("1K");
                chosen.push("resolution", Word::Choice(tier));
                halves = halves_of(tier);
            }
            match shapes.iter().find(|(name, _)| Some(*name) == ratio) {
                Some((_, (width, height))) => Wanted::Pixels(width * halves / 2, height * halves / 2),
                None => Wanted::Nearest { halves },
            }
        }
        Sizes::AnyRatio { default, pixels } => read_any_ratio(fields, default, pixels),
        Sizes::Input => Wanted::Auto(1024),
        Sizes::Times { field, default, .. } => {
            let asked = field.and_then(|field| chosen.number(field));
            Wanted::Times(asked.unwrap_or(default))
        }
    }
}

fn halves_of(tier: &str) -> u32 {
    match tier {
        "0.5K" => 1,
        "2K" | "2k" => 4,
        "4K" => 8,
        _ => ONE_K,
    }
}

fn read_image_size(
    fields: &mut Fields<'_>,
    words: &'static [(&'static str, Wanted)],
    default: Wanted,
    bounds: Bounds,
) -> Wanted {
    let Some(value) = fields.get("image_size") else {
        return default;
    };
    if let Some(name) = value.as_str()
        && let Some((_, wanted)) = words.iter().find(|(known, _)| *known == name)
    {
        return match (*wanted, bounds) {
            // Presets always work: where they are too small, they say the shape alone.
            (Wanted::Pixels(width, height), Bounds::Area { .. }) => {
                let (width, height) = fit(bounds, words, (width, height));
                Wanted::Pixels(width, height)
            }
            (Wanted::Pixels(width, height), _) => checked(fields, bounds, (width, height), value),
            (other, _) => other,
        };
    }
    if let (Some(object), false) = (value.as_object(), bounds == Bounds::Words) {
        let Some(size) = read_edges(fields, object) else {
            return default;
        };
        let given = json!({ "width": size.0, "height": size.1 });
        return checked(fields, bounds, size, &given);
    }
    let allowed: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    fields.problems.push(one_of("image_size", &allowed, value));
    default
}

fn read_edges(fields: &mut Fields<'_>, object: &Map<String, Value>) -> Option<(u32, u32)> {
    let mut edge = |name: &str, default: i64| -> Option<u32> {
        let problem = match object.get(name).map(whole_number) {
            None => return u32::try_from(default).ok(),
            Some(Ok(number)) => match outside(name, number, &EDGE) {
                None => return u32::try_from(number).ok(),
                Some(problem) => problem,
            },
            Some(Err((kind, msg))) => Detail::field(name, kind, msg),
        };
        let mut problem = problem;
        problem.at.insert(0, json!("image_size"));
        problem.input = object.get(name).cloned();
        fields.problems.push(problem);
        None
    };
    // The schema's own defaults for a missing edge.
    let (width, height) = (edge("width", 512), edge("height", 512));
    Some((width?, height?))
}

fn read_any_ratio(fields: &mut Fields<'_>, default: &'static str, pixels: u64) -> Wanted {
    let value = fields.get("aspect_ratio");
    let text = value.map_or(Some(default), Value::as_str);
    let shape = text.and_then(ratio_of);
    let Some(shape) = shape.filter(|shape| (1.0 / FLATTEST..=FLATTEST).contains(shape)) else {
        let msg = "Aspect ratio must be a text like 16:9, between 21:9 and 9:21";
        let problem = Detail::field("aspect_ratio", "value_error", msg);
        fields.problems.push(problem.with_input(value.unwrap_or(&Value::Null)));
        return Wanted::Auto(1024);
    };
    let edge = |px: f64| (px / f64::from(ANY_RATIO_STEP_PX)).ceil() as u32 * ANY_RATIO_STEP_PX;
    let short = (pixels as f64 / shape).sqrt();
    Wanted::Pixels(edge(short * shape), edge(short))
}

fn ratio_of(text: &str) -> Option<f64> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (f64, f64) = (width.parse().ok()?, height.parse().ok()?);
    (width > 0.0 && height > 0.0).then_some(width / height)
}

/// The size, if the bounds allow it or scale it; else a problem is noted.
fn checked(fields: &mut Fields<'_>, bounds: Bounds, size: (u32, u32), given: &Value) -> Wanted {
    match check(bounds, size) {
        Ok((width, height)) => Wanted::Pixels(width, height),
        Err(problem) => {
            fields.problems.push(problem.with_input(given));
            Wanted::Pixels(size.0, size.1)
        }
    }
}

fn check(bounds: Bounds, (width, height): (u32, u32)) -> Result<(u32, u32), Detail> {
    let pixels = u64::from(width) * u64::from(height);
    let (long, short) = (width.max(height), width.min(height));
    match bounds {
        Bounds::Words => Ok((width, height)),
        Bounds::Gpt => {
            let fits =
                long <= GPT_LONGEST_PX && long <= short.saturating_mul(GPT_RATIO) && GPT_PIXELS.contains(&pixels);
            let msg = format!(
                "Invalid size {width}x{height}: the longest edge must be at most {GPT_LONGEST_PX} pixels, the ratio \
                 at most {GPT_RATIO}:1 and the total between {} and {} pixels.",
                GPT_PIXELS.start(),
                GPT_PIXELS.end()
            );
            fits.then_some((width, height)).ok_or_else(|| refusal(msg))
        }
        Bounds::Edges { least, most, .. } if short < least => Err(Detail::field(
            "image_size",
            "image_too_small",
            format!("Image is too small: edges must be between {least} and {most} pixels."),
        )
        .with_ctx(json!({ "min_height": least, "min_width": least }))),
        Bounds::Edges { least, most, .. } if long > most => Err(Detail::field(
            "image_size",
            "image_too_large",
            format!("Image is too large: edges must be between {least} and {most} pixels."),
        )
        .with_ctx(json!({ "max_height": most, "max_width": most }))),
        Bounds::Edges { most_pixels, .. } => {
            let msg = format!("Image is too large: at most {most_pixels} pixels in all.");
            (pixels <= most_pixels)
                .then_some((width, height))
                .ok_or_else(|| refusal(msg))
        }
        Bounds::Area {
            least,
            most,
            edges,
            scale_up,
            scale_down,
        } => {
            let fits = (least..=most).contains(&pixels)
                || edges.is_some_and(|(from, to)| (from..=to).contains(&short) && (from..=to).contains(&long));
            if fits {
                Ok((width, height))
            } else if (pixels < least && scale_up) || (pixels > most && scale_down) {
                Ok(scale_to_area(
                    (width, height),
                    pixels.clamp(least, most),
                    pixels < least,
                ))
            } else {
                let msg = format!("Image size must be between {least} and {most} pixels in all.");
                Err(refusal(msg))
            }
        }
    }
}

fn refusal(msg: String) -> Detail {
    Detail::field("image_size", "value_error", msg).with_ctx(json!({ "error": "image_size" }))
}

/// The same shape at an area: no smaller than it if `at_least`, else no larger.
fn scale_to_area((width, height): (u32, u32), pixels: u64, at_least: bool) -> (u32, u32) {
    let now = f64::from(width) * f64::from(height);
    let scale = (pixels as f64 / now.max(1.0)).sqrt();
    // Whole edges must stay whole in spite of the error of a float.
    let edge = |px: u32| {
        let px = f64::from(px) * scale;
        if at_least {
            (px - 1e-6).ceil()
        } else {
            (px + 1e-6).floor()
        }
    };
    ((edge(width) as u32).max(1), (edge(height) as u32).max(1))
}

/// The size that an endpoint makes of an input's when none was asked for: same shape, brought within bounds.
fn fit(bounds: Bounds, words: &[(&str, Wanted)], (width, height): (u32, u32)) -> (u32, u32) {
    match bounds {
        Bounds::Words => {
            let listed: Vec<(u32, u32)> = words.iter().filter_map(|(_, wanted)| wanted.pixels()).collect();
            crate::gpt_image::nearest(&listed, (width, height))
        }
        Bounds::Gpt => crate::gpt_image::fit_free((width, height)),
        Bounds::Edges {
            least,
            most,
            most_pixels,
        } => {
            let (long, short) = (f64::from(width.max(height)), f64::from(width.min(height).max(1)));
            let area = (most_pixels as f64 / (long * short)).sqrt();
            let scale = (f64::from(least) / short).max(1.0);
            let scale = scale.min(f64::from(most) / long).min(area);
            let edge = |px: u32| ((f64::from(px) * scale).floor() as u32).clamp(least, most);
            if scale == 1.0 {
                (width, height)
            } else {
                (edge(width), edge(height))
            }
        }
        Bounds::Area { least, most, .. } => {
            let pixels = u64::from(width) * u64::from(height);
            match pixels.clamp(least, most) {
                same if same == pixels => (width, height),
                other => scale_to_area((width, height), other, pixels < least),
            }
        }
    }
}

impl Wanted {
    fn pixels(self) -> Option<(u32, u32)> {
        match self {
            Self::Pixels(width, height) => Some((width, height)),
            _ => None,
        }
    }
}

/// The size of the pictures, once the first input is known.
pub(super) fn resolve(endpoint: &Endpoint, wanted: Wanted, first: Option<(u32, u32)>) -> (u32, u32) {
    match (wanted, first) {
        (Wanted::Pixels(width, height), _) => (width, height),
        (Wanted::Auto(edge) | Wanted::Square(edge), None) => (edge, edge),
        (Wanted::Auto(_), Some(input)) => match endpoint.sizes {
            Sizes::ImageSize { words, bounds, .. } => fit(bounds, words, input),
            _ => input,
        },
        (Wanted::Square(edge), Some(input)) => scale_to_area(input, u64::from(edge) * u64::from(edge), false),
        (Wanted::Nearest { halves }, first) => {
            let shapes = match endpoint.sizes {
                Sizes::Ratio { shapes, .. } => shapes,
                _ => &[],
            };
            let listed: Vec<(u32, u32)> = shapes.iter().map(|(_, size)| *size).collect();
            let (width, height) = crate::gpt_image::nearest(&listed, first.unwrap_or((1024, 1024)));
            (width * halves / 2, height * halves / 2)
        }
        (Wanted::Times(factor), first) => {
            let (width, height) = first.unwrap_or((1024, 1024));
            let longest = match endpoint.sizes {
                Sizes::Times { longest_px, .. } => longest_px,
                _ => None,
            };
            let most = longest.map_or(f64::MAX, |longest| {
                f64::from(longest) / f64::from(width.max(height).max(1))
            });
            let factor = factor.min(most);
            let edge = |px: u32| (f64::from(px) * factor.max(1.0)).round() as u32;
            (edge(width), edge(height))
        }
    }
}

/// What is wrong with a size that depends on the input.
pub(super) fn check_resolved(endpoint: &Endpoint, (width, height): (u32, u32)) -> Option<Detail> {
    let Sizes::Times { field, most_pixels, .. } = endpoint.sizes else {
        return None;
    };
    (u64::from(width) * u64::from(height) > most_pixels).then(|| {
        let msg = format!("The result would be {width}x{height}: at most {most_pixels} pixels are possible.");
        Detail::field(field.unwrap_or("image_url"), "image_too_large", msg)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes_of(id: &str) -> (&'static Endpoint, Bounds, &'static [(&'static str, Wanted)]) {
        let endpoint = Endpoint::find(id).expect("the endpoint is in a table");
        match endpoint.sizes {
            Sizes::ImageSize { words, bounds, .. } => (endpoint, bounds, words),
            _ => panic!("{id} has no image_size"),
        }
    }

    #[test]
    fn areas_are_refused_or_scaled_as_the_endpoint_says() {
        let (_, text_4, _) = sizes_of("fal-ai/bytedance/seedream/v4/text-to-image");
        assert!(check(text_4, (512, 512)).is_err());
        assert_eq!(check(text_4, (960, 960)), Ok((960, 960)));
        let (_, edit_4, _) = sizes_of("fal-ai/bytedance/seedream/v4/edit");
        assert_eq!(check(edit_4, (480, 480)), Ok((960, 960)));
        assert!(check(edit_4, (4097, 4097)).is_err());
        let (_, text_45, _) = sizes_of("fal-ai/bytedance/seedream/v4.5/text-to-image");
        assert!(check(text_45, (1920, 1919)).is_err());
        assert_eq!(check(text_45, (1920, 1920)), Ok((1920, 1920)));
        assert_eq!(check(text_45, (2560, 1440)), Ok((2560, 1440)));
        let (_, lite_5, _) = sizes_of("fal-ai/bytedance/seedream/v5/lite/edit");
        assert_eq!(check(lite_5, (1280, 720)), Ok((2560, 1440)));
        assert_eq!(check(lite_5, (6144, 6144)), Ok((3072, 3072)));
    }

    #[test]
    fn inputs_are_brought_within_bounds() {
        let auto = |id: &str, input| {
            let (endpoint, ..) = sizes_of(id);
            resolve(endpoint, Wanted::Auto(1024), Some(input))
        };
        assert_eq!(auto("fal-ai/flux-2/edit", (300, 600)), (512, 1024));
        assert_eq!(auto("fal-ai/flux-2/edit", (4096, 2048)), (2048, 1024));
        assert_eq!(auto("fal-ai/flux-2/klein/4b/edit", (640, 333)), (640, 333));
        assert_eq!(auto("fal-ai/flux-2-pro/edit", (4096, 4096)), (2048, 2048));
        assert_eq!(auto("fal-ai/gpt-image-1-mini/edit", (900, 600)), (1536, 1024));
        assert_eq!(auto("fal-ai/bytedance/seedream/v4/edit", (480, 240)), (1358, 679));
        let (endpoint, ..) = sizes_of("fal-ai/bytedance/seedream/v4.5/edit");
        assert_eq!(resolve(endpoint, Wanted::Square(2048), Some((200, 800))), (1024, 4096));
    }

    #[test]
    fn upscaled_edges_are_whole_and_bounded() {
        let endpoint = |id| Endpoint::find(id).expect("the endpoint is in a table");
        let crystal = endpoint("clarityai/crystal-upscaler");
        assert_eq!(resolve(crystal, Wanted::Times(1.5), Some((33, 20))), (50, 30));
        assert!(check_resolved(crystal, (10_000, 10_000)).is_none());
        assert!(check_resolved(crystal, (10_000, 10_001)).is_some());
        let crisp = endpoint("fal-ai/recraft/upscale/crisp");
        assert_eq!(resolve(crisp, Wanted::Times(4.0), Some((2048, 100))), (4096, 200));
        assert_eq!(resolve(crisp, Wanted::Times(4.0), Some((5000, 100))), (5000, 100));
    }
}
