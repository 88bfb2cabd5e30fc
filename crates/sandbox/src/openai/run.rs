//! The work behind generations and edits: faults, drawing, the bill and the answer.

use super::OpenAi;
use super::answer;
use super::errors::{ApiError, refusal};
use super::generation::Generation;
use super::images::{self, Inputs, Upload};
use super::made::Made;
use super::stream;
use super::usage;
use super::validate::{Ask, FIXED_SIZES};
use crate::bill::{BillEntry, BilledTokens};
use crate::core::Core;
use crate::faults::{BodyFault, Call, Faults, Stage};
use crate::gpt_image::nearest;
use crate::latency::Pace;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::Drawing;
use crate::provider::Provider;
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use scenes::Detail;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// What `auto` comes to without an input image.
const AUTO_SIZE_PX: (u32, u32) = (1024, 1024);

/// A checked request with the images as they were sent.
pub(super) struct Submission {
    pub(super) ask: Ask,
    pub(super) images: Vec<Upload>,
    pub(super) mask: Option<Upload>,
    pub(super) edit: bool,
}

/// Does the work in a task of its own: as at the real service, a client that hangs up pays all the same.
pub(super) async fn run(emulator: Arc<OpenAi>, id: String, submission: Submission) -> Response {
    let core = Arc::clone(&emulator.core);
    let ask = &submission.ask;
    let faults = core
        .faults
        .take(Call::Submit, Provider::Openai, ask.model.id, &ask.prompt);
    let task = core.tasks.spawn(work(emulator, id, submission, faults.clone()));
    let made = match task.await {
        Ok(Ok(made)) => made,
        Ok(Err(answer)) => return *answer,
        Err(error) => {
            warn!(%error, "an image task ended early");
            return ApiError::server_error().into_response();
        }
    };
    faults.hang().await;
    if made.ask.stream {
        stream::answer(&made, &faults)
    } else {
        answer::whole(made, &faults).await
    }
}

async fn work(
    emulator: Arc<OpenAi>,
    id: String,
    submission: Submission,
    faults: Faults,
) -> Result<Made, Box<Response>> {
    let core = Arc::clone(&emulator.core);
    let Submission {
        ask,
        images: uploads,
        mask,
        edit,
    } = submission;
    faults.wait().await;
    if let Some(asked) = &faults.refusal {
        if faults.billed {
            charge(&core, &id, &ask, AUTO_SIZE_PX, &Inputs::none());
        }
        return Err(Box::new(refusal(asked, ask.model.id)));
    }
    emulator
        .limits
        .count_images(u64::try_from(uploads.len()).unwrap_or(u64::MAX));
    let refuse = |error: ApiError| Box::new(error.into_response());
    let inputs = images::decode(&core, uploads, mask).await.map_err(refuse)?;
    let size_px = resolve_size(&ask, &inputs);
    if let Some(error) = failure(&ask, &faults) {
        if faults.billed {
            charge(&core, &id, &ask, size_px, &inputs);
        }
        return Err(refuse(error));
    }
    let latency = latency(&core, &ask, size_px, &id);
    let pace = latency / (ask.partials() + 1);
    tokio::time::sleep(if ask.stream { pace } else { latency }).await;
    let drawings = (0..ask.count).map(|index| {
        let drawing = drawing(&ask, size_px, &inputs, seed_from(&id, index), &faults);
        core.pictures.draw(drawing)
    });
    let images = try_join_all(drawings).await.map_err(|error| {
        warn!(%error, "a picture could not be drawn");
        refuse(ApiError::server_error())
    })?;
    let tokens = if faults.body == Some(BodyFault::Empty) {
        usage::tokens(&ask, size_px, &inputs.sizes_px())
    } else {
        charge(&core, &id, &ask, size_px, &inputs)
    };
    Ok(Made {
        ask,
        edit,
        created: core.now().as_second(),
        size_px,
        tokens,
        images,
        pace,
    })
}

/// The error that a fault asks for, unless a stream is to begin before it.
fn failure(ask: &Ask, faults: &Faults) -> Option<ApiError> {
    match faults.moderation {
        Some(Stage::Input) => return Some(ApiError::moderation(Stage::Input)),
        Some(Stage::Output) if !ask.stream => return Some(ApiError::moderation(Stage::Output)),
        _ => {}
    }
    (faults.failed && !ask.stream).then(ApiError::server_error)
}

/// `auto` is square, or for an edit the fixed size nearest to the first image.
fn resolve_size(ask: &Ask, inputs: &Inputs) -> (u32, u32) {
    let first = inputs.images.first();
    ask.size_px.unwrap_or_else(|| {
        first.map_or(AUTO_SIZE_PX, |first| {
            nearest(FIXED_SIZES, (first.width_px(), first.height_px()))
        })
    })
}

fn latency(core: &Core, ask: &Ask, (width_px, height_px): (u32, u32), id: &str) -> Duration {
    let pace = match ask.model.generation {
        Generation::Mini => Pace::Medium,
        _ => Pace::Slow,
    };
    let pixels = u64::from(width_px) * u64::from(height_px);
    core.latency.work(pace, ask.quality, pixels, seed_from(id, 0))
}

fn drawing(ask: &Ask, size_px: (u32, u32), inputs: &Inputs, seed: u64, faults: &Faults) -> Drawing {
    Drawing {
        detail: match ask.quality {
            "low" => Detail::Low,
            "medium" => Detail::Medium,
            _ => Detail::High,
        },
        transparent: ask.transparent,
        inputs: Arc::clone(&inputs.images),
        mask: inputs.mask.clone(),
        format: ask.format,
        quality: Some(ask.compression),
        partials: ask.partials(),
        file: faults.file,
        ..Drawing::new(&ask.prompt, ask.model.id, size_px, seed)
    }
}

/// Writes the bill: tokens times rates.
fn charge(core: &Core, id: &str, ask: &Ask, size_px: (u32, u32), inputs: &Inputs) -> BilledTokens {
    let tokens = usage::tokens(ask, size_px, &inputs.sizes_px());
    core.bill.record(BillEntry {
        provider: Provider::Openai,
        model: ask.model.id.to_owned(),
        call_id: id.to_owned(),
        prompt_sha256: sha256_hex(&ask.prompt),
        images: ask.count,
        quality: Some(ask.quality.to_owned()),
        size: Some(format!("{}x{}", size_px.0, size_px.1)),
        micros: usage::micros(ask.model.generation, &tokens),
        tokens: Some(tokens),
        at: core.now(),
        reason: "tokens times rates".to_owned(),
    });
    tokens
}
