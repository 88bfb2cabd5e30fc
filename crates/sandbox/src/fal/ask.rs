//! What a fal caller asked for, once the body is found valid.

use super::chosen::{Chosen, Word};
use super::endpoints::{Endpoint, Excess, Images, Kind, Wanted};
use super::errors::Detail;
use super::fields::Fields;
use super::sizes;
use crate::details::NO_OBJECT;
use serde_json::{Map, Value};

/// A request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) endpoint: &'static Endpoint,
    /// Everything that is wrong with it, in the order of the fields: the call is taken on, and its result tells.
    pub(super) problems: Vec<Detail>,
    /// Empty where the endpoint takes none.
    pub(super) prompt: String,
    pub(super) wanted: Wanted,
    pub(super) count: u32,
    pub(super) format: &'static str,
    pub(super) sync_mode: bool,
    pub(super) seed: Option<u64>,
    /// The links that are used.
    pub(super) image_urls: Vec<String>,
    /// How many links before these are not used.
    pub(super) unused_before: usize,
    pub(super) mask_url: Option<String>,
    pub(super) chosen: Chosen,
}

/// Reads a body for an endpoint.
pub(super) fn read(endpoint: &'static Endpoint, body: &Value) -> Ask {
    let empty = Map::new();
    let mut fields = Fields::new(body.as_object().unwrap_or(&empty));
    let prompt = match endpoint.takes_prompt {
        true => fields.prompt(endpoint.prompt_chars),
        false => String::new(),
    };
    let (image_urls, unused_before) = read_images(endpoint, &mut fields);
    let mask_url = endpoint.mask_field.and_then(|field| fields.optional_text(field));
    // The upscalers' factor is among the further fields; the others say the size first, as their pages do.
    let mut chosen = Chosen::default();
    let upscales = !endpoint.takes_prompt;
    if upscales {
        read_further(endpoint, &mut fields, &mut chosen);
    }
    let wanted = sizes::read(endpoint, &mut fields, &mut chosen);
    if !upscales {
        read_further(endpoint, &mut fields, &mut chosen);
    }
    let format = match endpoint.formats {
        [only] => only,
        formats => fields
            .word("output_format", formats, Some(formats[0]))
            .unwrap_or(formats[0]),
    };
    if chosen.choice("background") == "transparent" && format == "jpeg" {
        fields.problems.push(Detail::field(
            "background",
            "feature_not_supported",
            "Transparent background is not supported for the jpeg output format.",
        ));
    }
    let count = endpoint
        .count
        .map_or(1, |(least, most)| fields.integer("num_images", &(least..=most), 1));
    let sync_mode = endpoint.has_sync_mode && fields.boolean("sync_mode", false);
    let seed = read_seed(endpoint, &mut fields);
    let whole = (!body.is_object()).then(|| Detail {
        at: Vec::new(),
        ..Detail::field("", "model_attributes_type", NO_OBJECT).with_input(body)
    });
    Ask {
        endpoint,
        problems: whole.map_or(fields.problems, |whole| vec![whole]),
        prompt,
        wanted,
        count: u32::try_from(count).unwrap_or(1),
        format,
        sync_mode,
        seed,
        image_urls,
        unused_before,
        mask_url,
        chosen,
    }
}

fn read_images(endpoint: &Endpoint, fields: &mut Fields<'_>) -> (Vec<String>, usize) {
    match endpoint.images {
        Images::None => (Vec::new(), 0),
        Images::One { field, required: false } => (fields.optional_text(field).into_iter().collect(), 0),
        Images::One { field, .. } | Images::Png { field } => (fields.required_text(field).into_iter().collect(), 0),
        Images::Many { field, most, excess } => {
            let allowed = if excess == Excess::Refuse { most } else { usize::MAX };
            let mut urls = fields.texts(field, &(1..=allowed));
            let unused_before = match excess {
                Excess::UseLast => urls.len().saturating_sub(most),
                Excess::Refuse | Excess::UseFirst => 0,
            };
            urls.drain(..unused_before);
            urls.truncate(most);
            (urls, unused_before)
        }
    }
}

fn read_further(endpoint: &Endpoint, fields: &mut Fields<'_>, chosen: &mut Chosen) {
    for field in endpoint.fields {
        let name = field.name;
        match field.kind {
            Kind::Word { of, default } => {
                if let Some(word) = fields.word(name, of, default) {
                    chosen.push(name, Word::Choice(word));
                }
            }
            Kind::Flag(default) => chosen.push(name, Word::Flag(fields.boolean(name, default))),
            Kind::Integer(least, most) => {
                fields.integer(name, &(least..=most), least);
            }
            Kind::Number(least, most) => {
                if let Some(number) = fields.number(name, &(least..=most)) {
                    chosen.push(name, Word::Number(number));
                }
            }
            Kind::Text => {
                fields.optional_text(name);
            }
            Kind::Texts => fields.optional_texts(name),
            Kind::Colors => fields.colors(name),
            Kind::Object => fields.object(name),
            Kind::Objects => fields.objects(name),
        }
    }
}

fn read_seed(endpoint: &Endpoint, fields: &mut Fields<'_>) -> Option<u64> {
    let given = endpoint.has_seed && fields.get("seed").is_some_and(|seed| !seed.is_null());
    given.then(|| fields.integer("seed", &(0..=i64::MAX), 0).unsigned_abs())
}

impl Ask {
    /// The quality that is drawn and billed, empty where there is none: `auto` is medium here, a choice of the
    /// sandbox.
    pub(super) fn resolved_quality(&self) -> &'static str {
        match self.chosen.choice("quality") {
            "auto" => "medium",
            other => other,
        }
    }

    /// Whether the background is to be clear.
    pub(super) fn transparent(&self) -> bool {
        self.chosen.choice("background") == "transparent"
    }

    /// Whether a vector image is asked for.
    pub(super) fn vector(&self) -> bool {
        self.chosen.choice("style").starts_with("vector_illustration")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn endpoint(id: &str) -> &'static Endpoint {
        Endpoint::find(id).expect("the endpoint is in the table")
    }

    fn kinds(id: &str, body: &Value) -> Vec<(Vec<Value>, &'static str)> {
        let problems = read(endpoint(id), body).problems.into_iter();
        problems.map(|detail| (detail.at, detail.kind)).collect()
    }

    fn valid(id: &str, body: &Value) -> Ask {
        let ask = read(endpoint(id), body);
        assert!(ask.problems.is_empty(), "{:?}", ask.problems);
        ask
    }

    #[test]
    fn defaults_are_those_of_the_endpoint() {
        let ask = |id, body: Value| valid(id, &body);
        let two = ask("openai/gpt-image-2", json!({"prompt": "a", "unheard_of": 1}));
        assert_eq!(
            (two.wanted, two.resolved_quality(), two.format),
            (Wanted::Pixels(1024, 768), "high", "png")
        );
        let edit = ask(
            "openai/gpt-image-2/edit",
            json!({"prompt": "a", "image_urls": ["data:,"]}),
        );
        assert_eq!(edit.wanted, Wanted::Auto(1024));
        let flux = ask(
            "fal-ai/flux/schnell",
            json!({"prompt": "a", "seed": 7, "num_images": "3"}),
        );
        assert_eq!((flux.format, flux.seed, flux.count), ("jpeg", Some(7), 3));
        let fifteen = ask("fal-ai/gpt-image-1.5", json!({"prompt": "a"}));
        assert_eq!(
            (fifteen.wanted, fifteen.resolved_quality()),
            (Wanted::Pixels(1024, 1024), "high")
        );
        let one = ask("fal-ai/gpt-image-1/text-to-image", json!({"prompt": "a"}));
        assert_eq!((one.wanted, one.resolved_quality()), (Wanted::Auto(1024), "medium"));
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

    #[test]
    fn ratios_and_tiers_give_pixels() {
        let wanted = |id, body: Value| valid(id, &body).wanted;
        let pro = "fal-ai/nano-banana-pro";
        let body = json!({"prompt": "a", "aspect_ratio": "16:9", "resolution": "4K"});
        assert_eq!(wanted(pro, body), Wanted::Pixels(5504, 3072));
        assert_eq!(wanted(pro, json!({"prompt": "a"})), Wanted::Pixels(1024, 1024));
        let two = json!({"prompt": "a", "resolution": "0.5K"});
        assert_eq!(wanted("fal-ai/nano-banana-2", two), Wanted::Nearest { halves: 1 });
        let ultra = |ratio: &str| {
            wanted(
                "fal-ai/flux-pro/v1.1-ultra",
                json!({"prompt": "a", "aspect_ratio": ratio}),
            )
        };
        assert_eq!(ultra("21:9"), Wanted::Pixels(3136, 1344));
        assert_eq!(ultra("1:1"), Wanted::Pixels(2048, 2048));
        for bad in ["3:1", "1:0", "wide", "16"] {
            let body = json!({"prompt": "a", "aspect_ratio": bad});
            let found = kinds("fal-ai/flux-pro/v1.1-ultra", &body);
            assert_eq!(found, vec![(vec![json!("aspect_ratio")], "value_error")], "{bad}");
        }
    }

    #[test]
    fn further_fields_are_checked_by_their_kind() {
        let found = kinds(
            "fal-ai/recraft/v3/text-to-image",
            &json!({"prompt": "a", "style": "photo", "style_id": 7, "colors": [{"r": 256}, 5, {"g": 3, "b": 0}]}),
        );
        assert_eq!(
            found,
            vec![
                (vec![json!("style")], "one_of"),
                (vec![json!("style_id")], "string_type"),
                (vec![json!("colors"), json!(0), json!("r")], "less_than_equal"),
                (vec![json!("colors"), json!(1)], "model_attributes_type"),
            ]
        );
        let found = kinds(
            "fal-ai/hidream-i1-full",
            &json!({"prompt": "a", "loras": [1], "guidance_scale": 21, "num_inference_steps": 0, "seed": -1}),
        );
        assert_eq!(
            found,
            vec![
                (vec![json!("num_inference_steps")], "greater_than_equal"),
                (vec![json!("guidance_scale")], "less_than_equal"),
                (vec![json!("loras"), json!(0)], "model_attributes_type"),
                (vec![json!("seed")], "greater_than_equal"),
            ]
        );
    }

    #[test]
    fn images_in_excess_are_refused_or_left_out() {
        let urls = |count: usize| -> Vec<String> { (0..count).map(|at| format!("data:,{at}")).collect() };
        let body = |count| json!({"prompt": "a", "image_urls": urls(count)});
        let ask = |id, count| valid(id, &body(count));
        assert_eq!(ask("fal-ai/flux-2/edit", 6).image_urls, urls(4));
        let last = ask("fal-ai/bytedance/seedream/v4/edit", 12);
        assert_eq!((last.image_urls, last.unused_before), (urls(12)[2..].to_vec(), 2));
        assert_eq!(
            kinds("fal-ai/flux-2/klein/9b/edit", &body(5)),
            vec![(vec![json!("image_urls")], "sequence_too_long")]
        );
        assert_eq!(
            kinds("clarityai/crystal-upscaler", &json!({"scale_factor": 0.5})),
            vec![
                (vec![json!("image_url")], "missing"),
                (vec![json!("scale_factor")], "greater_than_equal")
            ]
        );
    }
}
