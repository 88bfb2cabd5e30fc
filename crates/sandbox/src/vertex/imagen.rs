//! Imagen by `predict`: one instance, parameters beside it, predictions back. Every image has one price.

mod ask;

pub(super) use ask::Ask;

use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Call, Faults, Stage};
use crate::google::{GoogleError, decode, refusal};
use crate::latency::Pace;
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
use tracing::warn;

/// What follows a reason in the real service: numbers for its support.
const FILTERED: &str = "Unable to show generated images. All images were filtered out because they violated the usage \
                        guidelines. Support codes: 39322892";
/// What a blocked prompt is told.
const BLOCKED: &str = "The prompt could not be submitted. This prompt contains sensitive words that violate Google's \
                       Responsible AI practices. Try rephrasing the prompt.";

/// Does the work in a task of its own, and answers.
pub(super) async fn run(core: Arc<Core>, ask: Ask) -> Response {
    let faults = core
        .faults
        .take(Call::Submit, Provider::Vertex, ask.model.id, &ask.prompt);
    let task = core.tasks.spawn(work(Arc::clone(&core), ask.clone(), faults.clone()));
    let images = match task.await {
        Ok(Ok(images)) => images,
        Ok(Err(answer)) => return *answer,
        Err(error) => {
            warn!(%error, "an image task ended early");
            return GoogleError::internal().into_response();
        }
    };
    faults.hang().await;
    if faults.body == Some(BodyFault::Empty) {
        return respond(vec![Segment::Text("{}".to_owned())]);
    }
    wire::spoil(respond(predictions(&ask, images)), faults.body).await
}

async fn work(core: Arc<Core>, ask: Ask, faults: Faults) -> Result<Vec<Bytes>, Box<Response>> {
    let id = random_hex(11);
    faults.wait().await;
    if faults.billed && (faults.refusal.is_some() || faults.failed || faults.moderation.is_some()) {
        charge(&core, &id, &ask, ask.shape_px);
    }
    if let Some(asked) = &faults.refusal {
        return Err(Box::new(refusal(asked, ask.model.id)));
    }
    if let Some(stage) = faults.moderation {
        return Err(Box::new(blocked(&ask, stage)));
    }
    if faults.failed {
        return Err(Box::new(GoogleError::internal().into_response()));
    }
    let unreadable = || Box::new(GoogleError::invalid("Failed to decode the image.").into_response());
    let mut inputs: Vec<Bitmap> = Vec::new();
    for bytes in &ask.images {
        inputs.push(decode(&core, bytes.clone()).await.ok_or_else(unreadable)?);
    }
    let mask = match &ask.mask {
        None => None,
        Some(bytes) => {
            let mask = decode(&core, bytes.clone()).await.ok_or_else(unreadable)?;
            Some(Arc::new(white_to_clear(&mask).ok_or_else(unreadable)?))
        }
    };
    let first = inputs.first().map(|image| (image.width_px(), image.height_px()));
    let size_px = first.unwrap_or(ask.shape_px);
    let inputs: Arc<[Bitmap]> = inputs.into();
    let pixels = u64::from(size_px.0) * u64::from(size_px.1);
    tokio::time::sleep(core.latency.work(Pace::Fast, "high", pixels, seed_from(&id, 0))).await;
    let drawings = (0..ask.count).map(|index| {
        let seed = ask
            .seed
            .map_or_else(|| seed_from(&id, index), |seed| seed + u64::from(index));
        core.pictures.draw(Drawing {
            inputs: Arc::clone(&inputs),
            mask: mask.clone(),
            format: ask.format,
            quality: ask.quality,
            file: faults.file,
            ..Drawing::new(&ask.prompt, ask.model.id, size_px, seed)
        })
    });
    let drawn = try_join_all(drawings).await.map_err(|error| {
        warn!(%error, "a picture could not be drawn");
        Box::new(GoogleError::internal().into_response())
    })?;
    if faults.body != Some(BodyFault::Empty) {
        charge(&core, &id, &ask, size_px);
    }
    Ok(drawn.into_iter().map(|drawn| drawn.bytes).collect())
}

/// Filtered images go missing, unless the reason was asked for.
fn blocked(ask: &Ask, stage: Stage) -> Response {
    match stage {
        Stage::Input => GoogleError::invalid(BLOCKED).into_response(),
        Stage::Output if ask.tells_filtered => {
            let answer = json!({"predictions": [{"raiFilteredReason": FILTERED}]});
            respond(vec![Segment::Text(answer.to_string())])
        }
        Stage::Output => respond(vec![Segment::Text("{}".to_owned())]),
    }
}

fn predictions(ask: &Ask, images: Vec<Bytes>) -> Vec<Segment> {
    let mime = ask.format.mime_type();
    let prompt = if ask.enhances {
        let rewritten = format!("{}, in fine detail and good light", ask.prompt);
        format!(",\"prompt\":{}", Value::from(rewritten))
    } else {
        String::new()
    };
    let mut parts = vec![Segment::Text("{\"predictions\":[".to_owned())];
    for (index, image) in images.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        parts.push(Segment::Text(format!(
            "{comma}{{\"mimeType\":\"{mime}\",\"bytesBase64Encoded\":\""
        )));
        parts.push(Segment::Base64(image));
        parts.push(Segment::Text(format!("\"{prompt}}}")));
    }
    parts.push(Segment::Text("]}".to_owned()));
    parts
}

fn respond(parts: Vec<Segment>) -> Response {
    let size_bytes = segments::size_bytes(&parts);
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=UTF-8"),
        ),
        (header::CONTENT_LENGTH, HeaderValue::from(size_bytes)),
    ];
    (headers, segments::body(parts)).into_response()
}

fn charge(core: &Core, id: &str, ask: &Ask, size_px: (u32, u32)) {
    core.bill.record(BillEntry {
        provider: Provider::Vertex,
        model: ask.model.id.to_owned(),
        call_id: id.to_owned(),
        prompt_sha256: sha256_hex(&ask.prompt),
        images: ask.count,
        quality: None,
        size: Some(format!("{}x{}", size_px.0, size_px.1)),
        micros: ask.model.price_micros * i64::from(ask.count),
        tokens: None,
        at: core.now(),
        reason: "images times price".to_owned(),
    });
}
