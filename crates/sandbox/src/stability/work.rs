//! The work behind every service: faults, drawing and the bill.

use super::answer::{Accept, Picture};
use super::ask::Ask;
use super::errors::{ApiError, refusal};
use super::new_id;
use super::services::Outcome;
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Faults, Stage};
use crate::latency::Pace;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::{DEFAULT_KEEP, DrawError, Drawing};
use crate::provider::Provider;
use crate::wire;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use imaging::ImageFormat;
use std::sync::Arc;
use tracing::warn;

/// How much smaller a picture is drawn that is to be blurred.
const BLUR: u32 = 32;

/// Does the work of a service that answers at once, in a task of its own: a client that hangs up pays all the same.
pub(super) async fn run(core: Arc<Core>, ask: Ask, faults: Faults, accept: Accept) -> Response {
    let (inner, struck) = (Arc::clone(&core), faults.clone());
    let task = core.tasks.spawn(async move {
        let id = new_id();
        struck.wait().await;
        if let Some(answer) = refused(&inner, &ask, &struck, &id) {
            return Err(answer);
        }
        make(&inner, &ask, &struck, &id)
            .await
            .map_err(|error| Box::new(error.into_response()))
    });
    match task.await {
        Ok(Ok(picture)) => {
            faults.hang().await;
            wire::spoil(picture.answer(accept), faults.body).await
        }
        Ok(Err(answer)) => *answer,
        Err(error) => {
            warn!(%error, "an image task ended early");
            ApiError::internal().into_response()
        }
    }
}

/// The answer to a request that is refused before any work.
pub(super) fn refused(core: &Core, ask: &Ask, faults: &Faults, id: &str) -> Option<Box<Response>> {
    let answer = if let Some(asked) = &faults.refusal {
        refusal(asked)
    } else if faults.moderation == Some(Stage::Input) {
        ApiError::flagged().into_response()
    } else {
        return None;
    };
    if faults.billed {
        charge(core, ask, id);
    }
    Some(Box::new(answer))
}

/// Makes the picture and writes the bill.
pub(super) async fn make(core: &Core, ask: &Ask, faults: &Faults, id: &str) -> Result<Picture, ApiError> {
    if faults.failed {
        if faults.billed {
            charge(core, ask, id);
        }
        return Err(ApiError::internal());
    }
    let pixels = u64::from(ask.size_px.0) * u64::from(ask.size_px.1);
    let latency = core.latency.work(Pace::Medium, "medium", pixels, seed_from(id, 0));
    tokio::time::sleep(latency).await;
    let seed = ask.seed.unwrap_or_else(|| (seed_from(id, 0) >> 32) as u32);
    let filtered = faults.moderation == Some(Stage::Output);
    let empty = faults.body == Some(BodyFault::Empty);
    let bytes = if empty {
        Bytes::new()
    } else {
        let drawn = draw(core, ask, faults, seed, filtered).await.map_err(|error| {
            warn!(%error, "a picture could not be made");
            ApiError::internal()
        })?;
        // A filtered picture is a successful one that was blurred.
        charge(core, ask, id);
        drawn
    };
    Ok(Picture {
        bytes,
        format: ask.format,
        seed,
        filtered,
    })
}

async fn draw(core: &Core, ask: &Ask, faults: &Faults, seed: u32, filtered: bool) -> Result<Bytes, DrawError> {
    if filtered {
        return blurred(core, ask, seed).await;
    }
    if let (Outcome::Multiplied(_) | Outcome::Enlarged, Some(input)) = (ask.service.outcome, &ask.input) {
        return core.pictures.scale(input.clone(), ask.size_px, ask.format, None).await;
    }
    let drawing = Drawing {
        inputs: ask.input.iter().cloned().collect(),
        mask: ask.mask.clone().map(Arc::new),
        keep: ask.keep.unwrap_or(DEFAULT_KEEP),
        format: ask.format,
        file: faults.file,
        ..Drawing::new(&ask.prompt, &ask.label, ask.size_px, u64::from(seed))
    };
    Ok(core.pictures.draw(drawing).await?.bytes)
}

async fn blurred(core: &Core, ask: &Ask, seed: u32) -> Result<Bytes, DrawError> {
    let small = ((ask.size_px.0 / BLUR).max(1), (ask.size_px.1 / BLUR).max(1));
    let drawing = Drawing {
        format: ImageFormat::Png,
        ..Drawing::new(&ask.prompt, &ask.label, small, u64::from(seed))
    };
    let drawn = core.pictures.draw(drawing).await?;
    let decoded = core.pictures.decode(drawn.bytes).await?;
    core.pictures.scale(decoded, ask.size_px, ask.format, None).await
}

fn charge(core: &Core, ask: &Ask, id: &str) {
    let micros = ask.service.micros(&ask.label);
    core.bill.record(BillEntry {
        provider: Provider::Stability,
        model: ask.label.clone(),
        call_id: id.to_owned(),
        prompt_sha256: sha256_hex(&ask.prompt),
        images: 1,
        quality: None,
        size: Some(format!("{}x{}", ask.size_px.0, ask.size_px.1)),
        micros,
        tokens: None,
        at: core.now(),
        reason: format!("{} tenths of a credit, a credit is a cent", micros / 1_000),
    });
}
