//! What stands in for endpoints that are not here: it takes the images and the size by the fields that the call has.

use super::{ENDPOINTS, Endpoint, Excess, Images};
use crate::strangers::Strangers;
use serde_json::Value;

/// By images, and by the rows of `stand_in`.
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
        // Without words there is nothing to draw but the image itself.
        _ if images == 1 && !has_prompt => 2,
        Some(_) => 1,
        None => 0,
    };
    STRANGERS[images][sizes].serve(id, |id| {
        let like = &ENDPOINTS.stand_ins[sizes];
        Endpoint {
            id,
            images: IMAGES[images],
            mask_field: (images > 0).then_some("mask_url"),
            ..*like
        }
    })
}
