//! The work behind a call: faults, drawing, the answer. Nothing is charged; a bill entry tells that work was done.

use super::ask::Ask;
use super::errors::{Refused, refusal};
use super::servers::{MaskUse, Server};
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Call, Faults};
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{random_hex, seed_from, sha256_hex};
use crate::pictures::{Drawing, white_to_clear};
use crate::provider::Provider;
use crate::segments::{self, Segment};
use crate::wire;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::try_join_all;
use imaging::Bitmap;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// How long a link lives. A server at home keeps its files for good; a day is as good.
const LINK_LIFE: Duration = Duration::from_secs(86_400);

/// Does the work in a task of its own, and answers. `base` is how the caller reaches the sandbox.
pub(super) async fn run(core: Arc<Core>, server: &'static Server, base: String, ask: Ask) -> Response {
    let faults = core.faults.take(Call::Submit, server.provider, &ask.model, &ask.prompt);
    let id = random_hex(12);
    let task = core
        .tasks
        .spawn(work(Arc::clone(&core), server, id.clone(), ask.clone(), faults.clone()));
    let images = match task.await {
        Ok(Ok(images)) => images,
        Ok(Err(answer)) => return *answer,
        Err(error) => {
            warn!(%error, "an image task ended early");
            return failed(server);
        }
    };
    faults.hang().await;
    let images = if faults.body == Some(BodyFault::Empty) {
        Vec::new()
    } else {
        images
    };
    let parts = parts(&core, server, &base, &id, &ask, images, &faults);
    wire::spoil(respond(parts), faults.body).await
}

fn failed(server: &Server) -> Response {
    Refused::new(500, "The image could not be generated").dressed(server.dress)
}

async fn work(
    core: Arc<Core>,
    server: &'static Server,
    id: String,
    ask: Ask,
    faults: Faults,
) -> Result<Vec<Bytes>, Box<Response>> {
    faults.wait().await;
    if let Some(asked) = &faults.refusal {
        return Err(Box::new(refusal(asked, server.dress)));
    }
    if faults.moderation.is_some() {
        return Err(Box::new(Refused::filtered().dressed(server.dress)));
    }
    if faults.failed {
        return Err(Box::new(failed(server)));
    }
    let unreadable = || Box::new(Refused::field("image", "the image cannot be read").dressed(server.dress));
    let mut inputs: Vec<Bitmap> = Vec::new();
    for bytes in &ask.images {
        inputs.push(core.pictures.decode(bytes.clone()).await.map_err(|_| unreadable())?);
    }
    let mask = match (&ask.mask, server.mask) {
        (None, _) | (_, MaskUse::Ignored) => None,
        (Some(bytes), meaning) => {
            let mask = core.pictures.decode(bytes.clone()).await.map_err(|_| unreadable())?;
            let mask = match meaning {
                MaskUse::Clear => mask,
                _ => white_to_clear(&mask).ok_or_else(unreadable)?,
            };
            Some(Arc::new(mask))
        }
    };
    let pixels = u64::from(ask.size_px.0) * u64::from(ask.size_px.1);
    tokio::time::sleep(core.latency.work(Pace::Fast, "medium", pixels, seed_from(&id, 0))).await;
    let inputs: Arc<[Bitmap]> = inputs.into();
    let drawings = (0..ask.count).map(|index| {
        let seed = ask
            .seed
            .map_or_else(|| seed_from(&id, index), |seed| seed.wrapping_add(u64::from(index)));
        core.pictures.draw(Drawing {
            inputs: Arc::clone(&inputs),
            mask: mask.clone(),
            format: ask.format,
            quality: ask.quality,
            file: faults.file,
            ..Drawing::new(&ask.positive, &ask.model, ask.size_px, seed)
        })
    });
    let drawn = try_join_all(drawings).await.map_err(|error| {
        warn!(%error, "a picture could not be drawn");
        Box::new(failed(server))
    })?;
    note_work(&core, server, &id, &ask);
    Ok(drawn.into_iter().map(|drawn| drawn.bytes).collect())
}

fn note_work(core: &Core, server: &Server, id: &str, ask: &Ask) {
    let reason = match server.provider {
        Provider::Azure => "no price of its own is documented",
        _ => "hosted by the caller",
    };
    core.bill.record(BillEntry {
        provider: server.provider,
        model: ask.model.clone(),
        call_id: id.to_owned(),
        prompt_sha256: sha256_hex(&ask.prompt),
        images: ask.count,
        quality: None,
        size: Some(format!("{}x{}", ask.size_px.0, ask.size_px.1)),
        micros: 0,
        tokens: None,
        at: core.now(),
        reason: reason.to_owned(),
    });
}

fn parts(
    core: &Core,
    server: &Server,
    base: &str,
    id: &str,
    ask: &Ask,
    images: Vec<Bytes>,
    faults: &Faults,
) -> Vec<Segment> {
    let mut parts = vec![Segment::Text(format!(
        "{{\"created\":{},\"data\":[",
        core.now().as_second()
    ))];
    for (index, image) in images.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        if ask.as_link {
            let media = NewMedia {
                bytes: image,
                content_type: ask.format.mime_type().to_owned(),
                ttl: LINK_LIFE,
                fault: faults.media,
            };
            let file = core.media.put(media, core.now());
            let url = format!("{base}/{}/generated-images/{file}.png", server.provider);
            parts.push(Segment::Text(format!("{comma}{}", json!({ "url": url }))));
            continue;
        }
        let rest = if server.tells_nulls {
            ",\"url\":null,\"revised_prompt\":null"
        } else {
            ""
        };
        parts.push(Segment::Text(format!("{comma}{{\"b64_json\":\"")));
        parts.push(Segment::Base64(image));
        parts.push(Segment::Text(format!("\"{rest}}}")));
    }
    let rest = described(server, id, ask).to_string();
    let rest = match &rest[1..] {
        "}" => "}".to_owned(),
        rest => format!(",{rest}"),
    };
    parts.push(Segment::Text(format!("]{rest}")));
    parts
}

/// What stands beside the images.
fn described(server: &Server, id: &str, ask: &Ask) -> Value {
    match server.provider {
        Provider::Sdcpp => json!({"output_format": ask.format.name()}),
        Provider::Sglang => json!({"id": id, "peak_memory_mb": 0.0, "inference_time_s": 0.1}),
        Provider::Localai => {
            json!({"id": id, "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}})
        }
        _ => json!({}),
    }
}

fn respond(parts: Vec<Segment>) -> Response {
    let size_bytes = segments::size_bytes(&parts);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_LENGTH, HeaderValue::from(size_bytes)),
    ];
    (headers, segments::body(parts)).into_response()
}
