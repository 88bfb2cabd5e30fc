//! The work behind `generateContent`: faults, drawing, the bill and the answer.

use super::answer::{self, Made};
use super::ask::Ask;
use super::decode;
use super::errors::{GoogleError, refusal};
use super::usage;
use crate::bill::{BillEntry, BilledTokens};
use crate::core::Core;
use crate::faults::{BodyFault, Call, Faults};
use crate::latency::Pace;
use crate::names::{random_hex, seed_from, sha256_hex};
use crate::pictures::Drawing;
use crate::provider::Provider;
use axum::response::{IntoResponse, Response};
use imaging::Bitmap;
use std::sync::Arc;
use tracing::warn;

/// How the answer is delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    pub(crate) provider: Provider,
    /// As server-sent events.
    pub(crate) streamed: bool,
}

/// Does the work in a task of its own: a client that hangs up pays all the same.
pub(crate) async fn run(core: Arc<Core>, delivery: Delivery, ask: Ask) -> Response {
    let faults = core
        .faults
        .take(Call::Submit, delivery.provider, ask.model.id, &ask.prompt);
    let task = core.tasks.spawn(work(Arc::clone(&core), delivery, ask, faults.clone()));
    let made = match task.await {
        Ok(Ok(made)) => made,
        Ok(Err(answer)) => return *answer,
        Err(error) => {
            warn!(%error, "an image task ended early");
            return GoogleError::internal().into_response();
        }
    };
    faults.hang().await;
    answer::drawn(made, &faults, delivery.streamed).await
}

async fn work(core: Arc<Core>, delivery: Delivery, ask: Ask, faults: Faults) -> Result<Made, Box<Response>> {
    let id = random_hex(11);
    let charge = |drawn: bool, size_px| charge(&core, delivery.provider, &id, &ask, drawn, size_px);
    faults.wait().await;
    if let Some(asked) = &faults.refusal {
        if faults.billed {
            charge(true, ask.model.size_px("1:1", ask.tier));
        }
        return Err(Box::new(refusal(asked, ask.model.id)));
    }
    let mut inputs: Vec<Bitmap> = Vec::new();
    for bytes in &ask.images {
        let image = decode(&core, bytes.clone()).await;
        let unreadable = || GoogleError::invalid("Unable to process input image. Please retry or report.");
        inputs.push(image.ok_or_else(|| Box::new(unreadable().into_response()))?);
    }
    let first = inputs.first().map(|image| (image.width_px(), image.height_px()));
    let followed = first.map_or("1:1", |size_px| ask.model.nearest_ratio(size_px));
    let size_px = ask.model.size_px(ask.ratio.unwrap_or(followed), ask.tier);
    if faults.failed || faults.moderation.is_some() {
        if faults.billed {
            charge(true, size_px);
        }
        let answer = match faults.moderation {
            Some(stage) => answer::blocked(&ask, &id, stage, delivery.streamed),
            None => GoogleError::internal().into_response(),
        };
        return Err(Box::new(answer));
    }
    let pixels = u64::from(size_px.0) * u64::from(size_px.1);
    let seed = ask.seed.unwrap_or_else(|| seed_from(&id, 0));
    tokio::time::sleep(core.latency.work(Pace::Medium, "medium", pixels, seed)).await;
    let drawing = Drawing {
        inputs: inputs.into(),
        format: ask.format,
        quality: ask.quality,
        partials: u32::from(ask.shows_thoughts),
        file: faults.file,
        ..Drawing::new(&ask.prompt, ask.model.id, size_px, seed)
    };
    let drawn = core.pictures.draw(drawing).await.map_err(|error| {
        warn!(%error, "a picture could not be drawn");
        Box::new(GoogleError::internal().into_response())
    })?;
    let tokens = match faults.body {
        // Nothing is put out, and nothing is charged.
        Some(BodyFault::Empty) => BilledTokens {
            text_out: 0,
            ..usage::tokens(&ask, false)
        },
        _ => charge(ask.draws, size_px),
    };
    Ok(Made {
        ask,
        id,
        tokens,
        image: drawn.bytes,
        draft: drawn.partials.into_iter().next(),
    })
}

/// Writes the bill: tokens times rates.
fn charge(core: &Core, provider: Provider, id: &str, ask: &Ask, drawn: bool, size_px: (u32, u32)) -> BilledTokens {
    let tokens = usage::tokens(ask, drawn);
    core.bill.record(BillEntry {
        provider,
        model: ask.model.id.to_owned(),
        call_id: id.to_owned(),
        prompt_sha256: sha256_hex(&ask.prompt),
        images: u32::from(drawn),
        quality: None,
        size: Some(format!("{}x{}", size_px.0, size_px.1)),
        micros: usage::micros(ask, &tokens),
        tokens: Some(tokens),
        at: core.now(),
        reason: "tokens times rates".to_owned(),
    });
    tokens
}
