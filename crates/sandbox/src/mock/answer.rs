//! The answer: in one piece, with links or base64, or as a stream.

use super::ask::Ask;
use super::errors;
use crate::core::Core;
use crate::segments::Images;
use crate::sse::Stream;
use crate::wire;
use crate::work::{Made, Work};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a link to a result lives.
const MEDIA_TTL: Duration = Duration::from_secs(3_600);

/// Tells what was made.
pub(super) async fn tell(core: &Core, work: &Work<Ask>, made: Made) -> Response {
    let (ask, now) = (&work.ask, core.now().as_second());
    let told = json!({
        "size": format!("{}x{}", ask.size_px.0, ask.size_px.1), "output_format": ask.format.name(), "quality": ask.quality,
    });
    if ask.stream {
        return stream(work, &made, told, now);
    }
    let mut images = Images::default();
    let mut answer = told;
    answer["created"] = json!(now);
    answer["id"] = json!(work.id);
    let data = made.pictures.into_iter().map(|drawn| {
        let (name, image) = match ask.as_url {
            true => {
                let kind = ask.format.mime_type();
                let id = work.publish(core, drawn.bytes, kind, MEDIA_TTL);
                let url = format!("{}/mock/media/{id}.{}", work.base_url, ask.format.extension());
                ("url", url)
            }
            false => ("b64_json", images.put(drawn.bytes)),
        };
        json!({name: image, "revised_prompt": ask.revised_prompt})
    });
    answer["data"] = data.collect();
    wire::spoil(images.json(&answer), work.faults.body).await
}

fn stream(work: &Work<Ask>, made: &Made, mut told: Value, now: i64) -> Response {
    let (ask, faults) = (&work.ask, &work.faults);
    told["created_at"] = json!(now);
    told["background"] = json!(if ask.transparent { "transparent" } else { "opaque" });
    let moderation = faults.moderation.map(errors::moderation);
    let error = moderation.or_else(|| faults.failed.then(errors::failed));
    let stream = Stream {
        prefix: if ask.edit { "image_edit" } else { "image_generation" },
        told,
        pause: Duration::ZERO,
        error: error.map(|mut refused| refused.body["error"].take()),
        fault: faults.body,
    };
    stream.answer(&made.pictures, |_| None)
}
