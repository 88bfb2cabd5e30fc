//! The work behind both ways: faults, drawing and the bill.

use super::answer;
use super::ask::{Ask, Made, Way};
use super::errors::{ApiError, blocked, refusal};
use super::prices;
use crate::bill::{BillEntry, BilledTokens, micros_from_nanos};
use crate::core::Core;
use crate::faults::{BodyFault, Call, Faults, Stage};
use crate::latency::Pace;
use crate::names::{random_hex, seed_from, sha256_hex};
use crate::pictures::{Drawing, Drawn};
use crate::provider::Provider;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::try_join_all;
use imaging::Bitmap;
use scenes::Detail;
use std::sync::Arc;
use tracing::warn;

/// Does the work in a task of its own: a client that hangs up pays all the same.
pub(super) async fn run(core: Arc<Core>, ask: Ask) -> Response {
    let faults = core
        .faults
        .take(Call::Submit, Provider::Openrouter, ask.model.id, &ask.prompt);
    let provider = ask.model.provider;
    let task = core.tasks.spawn(work(Arc::clone(&core), ask, faults.clone()));
    let made = match task.await {
        Ok(Ok(made)) => made,
        Ok(Err(answer)) => return *answer,
        Err(error) => {
            warn!(%error, "an image task ended early");
            return ApiError::relayed(502, provider, "the connection was lost").into_response();
        }
    };
    faults.hang().await;
    answer::whole(made, faults.body).await
}

async fn work(core: Arc<Core>, ask: Ask, faults: Faults) -> Result<Made, Box<Response>> {
    let id = format!("gen-{}-{}", core.now().as_second(), random_hex(10));
    let (model, provider) = (ask.model.id, ask.model.provider);
    faults.wait().await;
    if let Some(asked) = &faults.refusal {
        charge_if_billed(&core, &ask, &faults, &id);
        return Err(Box::new(refusal(asked, model, provider)));
    }
    let refuse = |error: ApiError| Box::new(error.into_response());
    let inputs = decode(&core, &ask.inputs).await.map_err(refuse)?;
    let error = match (faults.moderation, ask.way) {
        (Some(Stage::Input), _) => Some(ApiError::flagged(model, provider, &ask.prompt)),
        (Some(Stage::Output), Way::Images) => Some(blocked(provider)),
        _ if faults.failed => Some(ApiError::relayed(502, provider, "the model failed")),
        _ => None,
    };
    if let Some(error) = error {
        charge_if_billed(&core, &ask, &faults, &id);
        return Err(match ask.way {
            // A conversation that broke off is told in a success.
            Way::Chat { .. } if faults.failed => Box::new(answer::broken_off(&error)),
            _ => refuse(error),
        });
    }
    let pixels = u64::from(ask.size_px.0) * u64::from(ask.size_px.1);
    let latency = core.latency.work(Pace::Medium, ask.quality, pixels, seed_from(&id, 0));
    tokio::time::sleep(latency).await;
    let filtered = faults.moderation.is_some();
    let draws = ask.way != Way::Chat { draws: false } && !filtered && faults.body != Some(BodyFault::Empty);
    let images = if draws {
        draw(&core, &ask, &id, &inputs, &faults).await.map_err(refuse)?
    } else {
        Vec::new()
    };
    let words = if ask.model.talks && ask.way != Way::Images {
        "Here it is."
    } else {
        ""
    };
    let inputs_px: Vec<_> = inputs
        .iter()
        .map(|input| (input.width_px(), input.height_px()))
        .collect();
    let mut tokens = prices::tokens(&ask, &inputs_px, words);
    let mut cost_nanos = 0;
    if !images.is_empty() || (faults.billed && filtered) {
        cost_nanos = prices::nanos(&ask, &tokens);
        charge(&core, &ask, &id, &tokens, cost_nanos);
    } else {
        tokens.image_out = 0;
    }
    Ok(Made {
        created: core.now().as_second(),
        ask,
        id,
        images,
        words,
        tokens,
        cost_nanos,
        filtered,
    })
}

async fn decode(core: &Core, files: &[Bytes]) -> Result<Vec<Bitmap>, ApiError> {
    let mut images = Vec::with_capacity(files.len());
    for file in files {
        let image = core.pictures.decode(file.clone()).await;
        let image = image.map_err(|_| ApiError::invalid("input_references", "an image cannot be read"))?;
        images.push(image);
    }
    Ok(images)
}

async fn draw(core: &Core, ask: &Ask, id: &str, inputs: &[Bitmap], faults: &Faults) -> Result<Vec<Drawn>, ApiError> {
    let inputs: Arc<[Bitmap]> = inputs.to_vec().into();
    let drawings = (0..ask.count).map(|index| {
        let seed = match ask.seed {
            Some(seed) => seed.cast_unsigned().wrapping_add(u64::from(index)),
            None => seed_from(id, index),
        };
        core.pictures.draw(Drawing {
            detail: match ask.quality {
                "low" => Detail::Low,
                "high" => Detail::High,
                _ => Detail::Medium,
            },
            transparent: ask.transparent,
            inputs: Arc::clone(&inputs),
            format: ask.format,
            quality: Some(ask.compression),
            file: faults.file,
            ..Drawing::new(&ask.prompt, ask.model.id, ask.size_px, seed)
        })
    });
    try_join_all(drawings).await.map_err(|error| {
        warn!(%error, "a picture could not be drawn");
        ApiError::new(500, "Internal Server Error")
    })
}

fn charge_if_billed(core: &Core, ask: &Ask, faults: &Faults, id: &str) {
    if faults.billed {
        let tokens = prices::tokens(ask, &[], "");
        charge(core, ask, id, &tokens, prices::nanos(ask, &tokens));
    }
}

fn charge(core: &Core, ask: &Ask, id: &str, tokens: &BilledTokens, nanos: i128) {
    core.bill.record(BillEntry {
        provider: Provider::Openrouter,
        model: ask.model.id.to_owned(),
        call_id: id.to_owned(),
        prompt_sha256: sha256_hex(&ask.prompt),
        images: ask.count,
        quality: Some(ask.quality.to_owned()),
        size: Some(format!("{}x{}", ask.size_px.0, ask.size_px.1)),
        micros: micros_from_nanos(nanos),
        tokens: Some(*tokens),
        at: core.now(),
        reason: "the price of the model's own provider".to_owned(),
    });
}
