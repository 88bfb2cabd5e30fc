//! What a fal caller asked for, once the body is found valid.

use super::endpoints::{CLASSIC_SIZES, COUNT, Endpoint, Family, PRESETS, Sizes};
use super::errors::Detail;
use super::fields::{Fields, one_of, outside, whole_number};
use serde_json::{Value, json};

/// Edges that `{width, height}` takes by its schema, in pixels.
const EDGE: std::ops::RangeInclusive<i64> = 1..=14_142;
/// Edges that the sandbox can draw, in pixels. Flux itself runs out of memory not far above.
const DRAWABLE: std::ops::RangeInclusive<u32> = 16..=4_096;
/// Documented limits of free sizes of gpt-image-2 and 2.5. Multiples of 16 are not asked for here: fal lists a
/// price for 1920x1080.
const FREE_LONGEST_PX: u32 = 3_840;
const FREE_PIXELS: std::ops::RangeInclusive<u64> = 655_360..=8_294_400;
const FREE_RATIO: u32 = 3;

/// A valid request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) prompt: String,
    /// None: `auto`.
    pub(super) size: Option<(u32, u32)>,
    /// Empty where the endpoint has none.
    pub(super) quality: &'static str,
    pub(super) count: u32,
    pub(super) transparent: bool,
    pub(super) format: &'static str,
    pub(super) sync_mode: bool,
    pub(super) seed: Option<u64>,
    pub(super) high_fidelity: bool,
    pub(super) image_urls: Vec<String>,
    pub(super) mask_url: Option<String>,
}

/// Reads a body for an endpoint.
///
/// # Errors
/// Everything that is wrong with it, in the order of the fields.
pub(super) fn read(endpoint: &Endpoint, body: &Value) -> Result<Ask, Vec<Detail>> {
    let Some(object) = body.as_object() else {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        return Err(vec![
            Detail {
                at: Vec::new(),
                msg: msg.to_owned(),
                kind: "model_attributes_type",
                ctx: None,
                input: None,
            }
            .with_input(body),
        ]);
    };
    let mut fields = Fields::new(object);
    let prompt = fields.prompt();
    let image_urls = match &endpoint.images {
        Some(range) => fields.texts("image_urls", range),
        None => Vec::new(),
    };
    let mask_url = endpoint.mask_field.and_then(|field| fields.optional_text(field));
    let size = read_size(endpoint, &mut fields);
    let quality = if endpoint.qualities.is_empty() {
        ""
    } else {
        fields.choice("quality", endpoint.qualities, endpoint.default_quality)
    };
    let format = fields.choice("output_format", endpoint.formats, endpoint.formats[0]);
    let background = if endpoint.has_background {
        fields.choice("background", &["auto", "transparent", "opaque"], "auto")
    } else {
        "opaque"
    };
    if background == "transparent" && format == "jpeg" {
        fields.problems.push(Detail::field(
            "background",
            "feature_not_supported",
            "Transparent background is not supported for the jpeg output format.",
        ));
    }
    let fidelity = if endpoint.has_fidelity {
        fields.choice("input_fidelity", &["low", "high"], "high")
    } else {
        "low"
    };
    let count = fields.integer("num_images", &COUNT, 1);
    let sync_mode = fields.boolean("sync_mode", false);
    let seed = match endpoint.family {
        Family::FluxSchnell => read_flux(&mut fields),
        _ => None,
    };
    if !fields.problems.is_empty() {
        return Err(fields.problems);
    }
    Ok(Ask {
        prompt,
        size,
        quality,
        count: u32::try_from(count).unwrap_or(1),
        transparent: background == "transparent",
        format,
        sync_mode,
        seed,
        high_fidelity: fidelity == "high",
        image_urls,
        mask_url,
    })
}

/// The fields that flux alone has; returns the seed.
fn read_flux(fields: &mut Fields<'_>) -> Option<u64> {
    fields.integer("num_inference_steps", &(1..=12), 4);
    fields.check_number("guidance_scale", &(1.0..=20.0));
    fields.boolean("enable_safety_checker", true);
    fields.choice("acceleration", &["none", "regular", "high"], "none");
    let given = fields.get("seed").is_some_and(|seed| !seed.is_null());
    given.then(|| fields.integer("seed", &(0..=i64::MAX), 0).unsigned_abs())
}

fn read_size(endpoint: &Endpoint, fields: &mut Fields<'_>) -> Option<(u32, u32)> {
    let Some(value) = fields.get("image_size") else {
        return named_size(endpoint, endpoint.default_size);
    };
    let auto_allowed = matches!(
        endpoint.sizes,
        Sizes::Classic { auto: true } | Sizes::Free { auto: true }
    );
    if let Some(name) = value.as_str() {
        if name == "auto" && auto_allowed {
            return None;
        }
        if let Some(size) = named_size(endpoint, name) {
            if let Some(problem) = check_free(endpoint, size) {
                fields.problems.push(problem.with_input(value));
            }
            return Some(size);
        }
    } else if let (Sizes::Free { .. }, Some(object)) = (endpoint.sizes, value.as_object()) {
        return read_edges(endpoint, fields, object);
    }
    let mut allowed: Vec<&str> = match endpoint.sizes {
        Sizes::Classic { .. } => CLASSIC_SIZES.iter().map(|(name, _)| *name).collect(),
        Sizes::Free { .. } => PRESETS.iter().map(|(name, _)| *name).collect(),
    };
    if auto_allowed {
        allowed.push("auto");
    }
    fields.problems.push(one_of("image_size", &allowed, value));
    None
}

fn named_size(endpoint: &Endpoint, name: &str) -> Option<(u32, u32)> {
    let table: &[(&str, (u32, u32))] = match endpoint.sizes {
        Sizes::Classic { .. } => &CLASSIC_SIZES,
        Sizes::Free { .. } => &PRESETS,
    };
    table.iter().find(|(known, _)| *known == name).map(|(_, size)| *size)
}

fn read_edges(
    endpoint: &Endpoint,
    fields: &mut Fields<'_>,
    object: &serde_json::Map<String, Value>,
) -> Option<(u32, u32)> {
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
    let size = (width?, height?);
    if let Some(problem) = check_free(endpoint, size) {
        let given = json!({ "width": size.0, "height": size.1 });
        fields.problems.push(problem.with_input(&given));
    }
    Some(size)
}

/// What a model has against a free size.
fn check_free(endpoint: &Endpoint, (width, height): (u32, u32)) -> Option<Detail> {
    let problem = |kind, msg: String, ctx: Value| Some(Detail::field("image_size", kind, msg).with_ctx(ctx));
    match endpoint.family {
        Family::GptImage2 | Family::GptImage25 => {
            let pixels = u64::from(width) * u64::from(height);
            let (long, short) = (width.max(height), width.min(height));
            let fits =
                long <= FREE_LONGEST_PX && long <= short.saturating_mul(FREE_RATIO) && FREE_PIXELS.contains(&pixels);
            if fits {
                return None;
            }
            let msg = format!(
                "Invalid size {width}x{height}: the longest edge must be at most {FREE_LONGEST_PX} pixels, the \
                 ratio at most {FREE_RATIO}:1 and the total between {} and {} pixels.",
                FREE_PIXELS.start(),
                FREE_PIXELS.end()
            );
            problem("value_error", msg, json!({ "error": "image_size" }))
        }
        Family::FluxSchnell => {
            let (least, most) = (*DRAWABLE.start(), *DRAWABLE.end());
            if width.min(height) < least {
                let msg = format!("Image is too small: at least {least}x{least} pixels.");
                let ctx = json!({ "min_height": least, "min_width": least });
                problem("image_too_small", msg, ctx)
            } else if width.max(height) > most {
                let msg = format!("Image is too large: at most {most}x{most} pixels.");
                let ctx = json!({ "max_height": most, "max_width": most });
                problem("image_too_large", msg, ctx)
            } else {
                None
            }
        }
        Family::GptImage1 | Family::GptImage1Mini | Family::GptImage15 => None,
    }
}

impl Ask {
    /// The size of the pictures: as asked, else 1024x1024 for text and the nearest allowed one to the first input.
    pub(super) fn resolve_size(&self, endpoint: &Endpoint, first: Option<(u32, u32)>) -> (u32, u32) {
        match (self.size, first) {
            (Some(size), _) => size,
            (None, None) => (1024, 1024),
            (None, Some(input)) => match endpoint.sizes {
                Sizes::Classic { .. } => crate::gpt_image::nearest(&CLASSIC_SIZES.map(|(_, size)| size), input),
                Sizes::Free { .. } => crate::gpt_image::fit_free(input),
            },
        }
    }

    /// The quality that is drawn and billed: `auto` is medium here, a choice of the sandbox.
    pub(super) fn resolved_quality(&self) -> &'static str {
        match self.quality {
            "auto" => "medium",
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(id: &str) -> &'static Endpoint {
        Endpoint::find(id).expect("the endpoint is in the table")
    }

    fn kinds(id: &str, body: &Value) -> Vec<(Vec<Value>, &'static str)> {
        read(endpoint(id), body)
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|detail| (detail.at, detail.kind))
            .collect()
    }

    #[test]
    fn defaults_are_those_of_the_endpoint() {
        let ask = |id, body: Value| read(endpoint(id), &body).expect("the body is valid");
        let two = ask("openai/gpt-image-2", json!({"prompt": "a", "unheard_of": 1}));
        assert_eq!((two.size, two.quality, two.format), (Some((1024, 768)), "high", "png"));
        let edit = ask(
            "openai/gpt-image-2/edit",
            json!({"prompt": "a", "image_urls": ["data:,"]}),
        );
        assert_eq!(edit.size, None);
        let flux = ask(
            "fal-ai/flux/schnell",
            json!({"prompt": "a", "seed": 7, "num_images": "3"}),
        );
        assert_eq!((flux.format, flux.seed, flux.count), ("jpeg", Some(7), 3));
        let fifteen = ask("fal-ai/gpt-image-1.5", json!({"prompt": "a"}));
        assert_eq!((fifteen.size, fifteen.quality), (Some((1024, 1024)), "high"));
        let one = ask("fal-ai/gpt-image-1/text-to-image", json!({"prompt": "a"}));
        assert_eq!((one.size, one.resolved_quality()), (None, "medium"));
    }

    #[test]
    fn every_wrong_field_is_told() {
        let found = kinds(
            "openai/gpt-image-2/edit",
            &json!({"image_urls": ["data:,", 5], "mask_url": 1, "quality": "ultra", "num_images": 9,
                    "output_format": "gif", "sync_mode": "perhaps", "image_size": {"width": 0, "height": "x"}}),
        );
        assert_eq!(
            found,
            vec![
                (vec![json!("prompt")], "missing"),
                (vec![json!("image_urls"), json!(1)], "string_type"),
                (vec![json!("mask_url")], "string_type"),
                (vec![json!("image_size"), json!("width")], "greater_than_equal"),
                (vec![json!("image_size"), json!("height")], "int_parsing"),
                (vec![json!("quality")], "one_of"),
                (vec![json!("output_format")], "one_of"),
                (vec![json!("num_images")], "less_than_equal"),
                (vec![json!("sync_mode")], "bool_parsing"),
            ]
        );
    }

    #[test]
    fn sizes_follow_the_model() {
        let free = |size: Value| kinds("openai/gpt-image-2", &json!({"prompt": "a", "image_size": size}));
        assert!(free(json!({"width": 1920, "height": 1080})).is_empty());
        assert!(free(json!("square_hd")).is_empty());
        for bad in [
            json!("square"),
            json!({"width": 3856, "height": 2160}),
            json!({"width": 3200, "height": 800}),
        ] {
            assert_eq!(free(bad), vec![(vec![json!("image_size")], "value_error")]);
        }
        assert_eq!(free(json!("1024x1024")), vec![(vec![json!("image_size")], "one_of")]);
        let classic = |id, size: Value| kinds(id, &json!({"prompt": "a", "image_size": size}));
        assert_eq!(
            classic("fal-ai/gpt-image-1.5", json!("auto")),
            vec![(vec![json!("image_size")], "one_of")]
        );
        assert!(classic("fal-ai/gpt-image-1-mini", json!("auto")).is_empty());
        assert_eq!(
            classic("fal-ai/flux/schnell", json!({"width": 8, "height": 64})),
            vec![(vec![json!("image_size")], "image_too_small")]
        );
        assert!(classic("fal-ai/flux/schnell", json!({"width": 500, "height": 77})).is_empty());
    }
}
