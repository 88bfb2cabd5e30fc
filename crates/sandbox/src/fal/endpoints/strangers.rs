//! What stands in for endpoints that are not here: it takes the images and the size by the fields that the call has.

use super::google::SHAPES_31;
use super::{ANY_LENGTH, BASE, DRAWABLE, Endpoint, Excess, Images, PNG_FIRST, PRESETS_AND_AUTO, Price, Sizes, Wanted};
use crate::strangers::Strangers;
use serde_json::Value;

/// By images and by size.
static STRANGERS: [[Strangers<Endpoint>; 3]; 3] = [const { [const { Strangers::new() }; 3] }; 3];

const IMAGES: [Images; 3] = [
    Images::None,
    Images::One {
        field: "image_url",
        required: true,
    },
    Images::Many {
        field: "image_urls",
        most: 16,
        excess: Excess::Refuse,
    },
];

const SIZES: [Sizes; 3] = [
    Sizes::ImageSize {
        words: PRESETS_AND_AUTO,
        default: Wanted::Auto(1024),
        bounds: DRAWABLE,
    },
    Sizes::Ratio {
        shapes: SHAPES_31,
        auto: true,
        default: Some("1:1"),
        tiers: &["0.5K", "1K", "2K", "4K"],
    },
    // Without words there is nothing to draw but the image itself.
    Sizes::Times {
        field: None,
        default: 2.0,
        longest_px: 8_192,
        most_pixels: 1 << 26,
    },
];

/// The endpoint that stands in for this id in a call with this body, where such are served.
pub(in crate::fal) fn stand_in(id: &str, body: &Value) -> Option<&'static Endpoint> {
    // Links to ask for a job have an owner and a name.
    id.split_once('/')?;
    let images = match (body.get("image_urls"), body.get("image_url")) {
        (Some(_), _) => 2,
        (None, Some(_)) => 1,
        (None, None) => 0,
    };
    let has_prompt = body.get("prompt").is_some();
    let sizes = match body.get("aspect_ratio") {
        _ if images == 1 && !has_prompt => 2,
        Some(_) => 1,
        None => 0,
    };
    STRANGERS[images][sizes].serve(id, |id| {
        let mut answer = BASE.answer;
        answer.single = sizes == 2;
        Endpoint {
            id,
            prompt_chars: ANY_LENGTH.filter(|_| sizes < 2),
            images: IMAGES[images],
            mask_field: (images > 0).then_some("mask_url"),
            sizes: SIZES[sizes],
            formats: PNG_FIRST,
            count: Some((1, 10)),
            price: Price::Picture(30_000),
            answer,
            ..BASE
        }
    })
}
