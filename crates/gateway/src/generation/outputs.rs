//! From what providers made to what the caller gets: converted, stored, priced.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use planner::failure::{Failure, FailureKind};
use planner::money::Micros;
use planner::plan::{Candidate, RoutePlan};
use planner::price::Line;
use planner::request::ResponseFormat;
use planner::resolve::{Adjustment, Finish};
use serde_json::Value;

use super::executor::{Execution, ProducedImage};
use super::{Delivered, Generated, Generator, Order};
use crate::db::DatabaseError;
use crate::db::media::MediaRow;
use crate::ids::random_text;
use crate::media::process::{Finished, size_of};
use crate::media::store::StoreError;
use crate::outcome::{Attempt, GenerationError};
use crate::upstreams::Service;

/// Why images could not be kept.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Letters of a media id: 22 base-62 characters are 131 bits, which nobody guesses.
const MEDIA_ID_CHARS: usize = 22;

/// What was made, in the form that was asked for.
pub(super) struct Produced {
    execution: Execution,
    images: Vec<Finished>,
}

/// Converts what must be converted.
pub(super) async fn finish(
    generator: &Generator,
    order: &Order,
    plan: &RoutePlan<'_>,
    execution: Execution,
) -> Result<Produced, GenerationError> {
    if execution.images.is_empty() {
        return Err(exhausted(order, plan, execution));
    }
    let finishes = execution.images.iter().map(|produced| {
        let finish = plan
            .candidates
            .get(produced.candidate)
            .map_or_else(Finish::default, |candidate| candidate.resolved.finish);
        finish_one(generator, order, produced, finish)
    });
    let images = join_all(finishes).await;
    Ok(Produced { execution, images })
}

/// An image that cannot be converted is handed out as it came: it is paid for.
async fn finish_one(generator: &Generator, order: &Order, produced: &ProducedImage, finish: Finish) -> Finished {
    let finished = generator
        .processor
        .finish(produced.image.clone(), finish, order.scope.clone());
    finished.await.unwrap_or_else(|error| {
        tracing::warn!(generation.id = %order.id, error = %error, "an image could not be converted");
        Finished {
            image: produced.image.clone(),
            format_refused: Some("the image could not be converted"),
        }
    })
}

/// No image came. The failure that decides is one of the caller's own if there is one, else the last.
fn exhausted(order: &Order, plan: &RoutePlan<'_>, mut execution: Execution) -> GenerationError {
    let own = execution
        .failures
        .iter()
        .position(|failure| matches!(failure.kind, FailureKind::ContentPolicy | FailureKind::InvalidArgument));
    let decisive = match own {
        Some(position) => execution.failures.swap_remove(position),
        None => execution
            .failures
            .pop()
            .unwrap_or_else(|| Failure::new(FailureKind::EmptyAnswer, "no image was made")),
    };
    let mut decisive = decisive;
    decisive.param = decisive
        .param
        .map(|native| canonical(&native, plan, execution.attempts.last(), order));
    GenerationError::Attempts {
        model: plan.model.id.clone(),
        attempts: execution.attempts,
        decisive: Box::new(decisive),
        forced: plan.candidates.len() == 1 && order.request.model.contains('/'),
        stopped: execution.stopped,
    }
}

/// The caller's own name of a parameter that a provider names by its native one.
fn canonical(native: &str, plan: &RoutePlan<'_>, last: Option<&Attempt>, order: &Order) -> String {
    let of_last =
        |candidate: &&Candidate<'_>| last.is_some_and(|last| last.provider == candidate.resolved.offer.provider);
    let mode_offer = plan
        .candidates
        .iter()
        .find(of_last)
        .and_then(|candidate| candidate.resolved.offer.in_mode(order.request.mode));
    let fields = mode_offer.iter().flat_map(|offer| &offer.fields);
    let named = |name: &str| name.trim_end_matches("[]") == native.trim_end_matches("[]");
    fields
        .filter(|(canonical, field)| named(field.native_name(canonical)))
        .map(|(canonical, _)| canonical.clone())
        .next()
        .unwrap_or_else(|| native.to_owned())
}

/// Puts together what the caller gets, and stores what is to be linked.
pub(super) async fn deliver(
    generator: &Generator,
    order: &Order,
    plan: &RoutePlan<'_>,
    produced: Produced,
    created_at: Timestamp,
) -> Generated {
    let mut generated = assemble(generator, order, plan, produced, created_at);
    if order.response_format == ResponseFormat::B64Json {
        if order.caller.stores_payloads {
            keep(generator, order, &mut generated).await;
            // Kept for later; the answer itself carries the bytes.
            generated.images.iter_mut().for_each(|delivered| delivered.url = None);
        }
    } else if let Err(error) = store(generator, order, &mut generated).await {
        // The images are paid for: without a store they go out as bytes.
        tracing::error!(generation.id = %order.id, error = %error, "images could not be stored");
        generated.images.iter_mut().for_each(|delivered| delivered.url = None);
        generated.adjustments.push(Adjustment {
            parameter: "response_format".to_owned(),
            requested: Value::from(ResponseFormat::Url.as_str()),
            used: Value::from(ResponseFormat::B64Json.as_str()),
            reason: "the media store failed".to_owned(),
        });
    }
    generated
}

fn assemble(
    generator: &Generator,
    order: &Order,
    plan: &RoutePlan<'_>,
    produced: Produced,
    created_at: Timestamp,
) -> Generated {
    let Produced { execution, images } = produced;
    let provider_of = |image: &ProducedImage| plan.candidates[image.candidate].resolved.offer.provider.as_str();
    let upstream_of = |image: &ProducedImage| generator.upstreams.get(provider_of(image));
    let first = execution.images.first().map_or(0, |image| image.candidate);
    let candidate = &plan.candidates[first];
    let provider = candidate.resolved.offer.provider.clone();
    let mut adjustments = candidate.resolved.adjustments.clone();
    retract(&mut adjustments, candidate.resolved.finish, &images);
    adjustments.extend(refused_formats(order, &images));
    let provider_name = generator
        .upstreams
        .get(&provider)
        .map_or_else(|| provider.clone(), |upstream| upstream.name.clone());
    let sandbox = execution
        .images
        .iter()
        .any(|image| upstream_of(image).is_some_and(|upstream| upstream.service == Service::Sandbox));
    let (cost, cost_basis, cost_components) = total(&execution, plan);
    let delivered = execution.images.iter().zip(images).map(|(made, finished)| Delivered {
        image: finished.image,
        url: None,
        revised_prompt: made.revised_prompt.clone(),
        provider: provider_of(made).to_owned(),
        cost: made.cost,
    });
    Generated {
        id: order.id.clone(),
        created_at,
        model: plan.model.id.clone(),
        provider,
        provider_name,
        native_model: candidate.resolved.native.model.clone(),
        quality: candidate.resolved.work.quality.clone(),
        sandbox,
        images: delivered.collect(),
        adjustments,
        warnings: sunset_warning(plan, candidate).into_iter().collect(),
        sunset: candidate.resolved.offer.sunset,
        attempts: execution.attempts,
        errors: execution.failures,
        usage: execution.usage,
        cost,
        markup: execution.charges.iter().map(|charge| charge.markup).sum(),
        cost_basis,
        cost_components,
        kept: false,
    }
}

/// Tells of an announced last day, and what to use instead.
fn sunset_warning(plan: &RoutePlan<'_>, candidate: &Candidate<'_>) -> Option<String> {
    let offer = candidate.resolved.offer;
    let day = offer.sunset?;
    let verb = if candidate.past_sunset { "ended" } else { "ends" };
    let successor = plan.model.successor.as_ref();
    let instead = successor.map_or_else(String::new, |id| format!(" Use '{id}' instead."));
    Some(format!(
        "'{}' at {} {verb} on {day}.{instead}",
        plan.model.id, offer.provider
    ))
}

/// Takes back the promise of an exact size that could not be kept.
fn retract(adjustments: &mut [Adjustment], finish: Finish, images: &[Finished]) {
    let (Some(promised), Some(first)) = (finish.cover, images.first()) else {
        return;
    };
    let measured = size_of(&first.image.info);
    if measured == promised {
        return;
    }
    let promise = promised.to_string();
    for change in adjustments.iter_mut().filter(|change| change.used == promise) {
        change.used = Value::from(measured.to_string());
        "the image could not be cropped and resampled".clone_into(&mut change.reason);
    }
}

fn refused_formats(order: &Order, images: &[Finished]) -> Option<Adjustment> {
    let refused = images.iter().find(|finished| finished.format_refused.is_some())?;
    Some(Adjustment {
        parameter: "output_format".to_owned(),
        requested: order
            .request
            .output_format
            .map_or(Value::Null, |format| Value::from(format.as_str())),
        used: Value::from(refused.image.info.format.to_string()),
        reason: refused.format_refused.unwrap_or_default().to_owned(),
    })
}

/// The charge of all calls. Images come one call at a time, so what was delivered is what is charged.
fn total(execution: &Execution, plan: &RoutePlan<'_>) -> (Micros, planner::catalog::pricing::Basis, Vec<Line>) {
    let cost = execution.charges.iter().map(|charge| charge.total).sum();
    let basis = execution
        .charges
        .first()
        .map_or(plan.candidates[0].resolved.estimate.basis, |charge| charge.basis);
    (
        cost,
        basis,
        planner::price::merged(execution.charges.iter().flat_map(|charge| charge.components.clone())),
    )
}

/// Stores every image and gives it a link.
async fn store(generator: &Generator, order: &Order, generated: &mut Generated) -> Result<(), KeepError> {
    let now = generator.clock.now();
    let for_all = || i64::try_from(generator.limits.media_ttl_s).unwrap_or(i64::MAX / 4);
    let kept_s = order.caller.media_ttl_s.unwrap_or_else(for_all);
    let expires_at = now
        .checked_add(SignedDuration::from_secs(kept_s))
        .unwrap_or(Timestamp::MAX);
    for (position, delivered) in generated.images.iter_mut().enumerate() {
        let info = &delivered.image.info;
        let id = random_text(MEDIA_ID_CHARS);
        let extension = info.format.extension();
        // A folder a day keeps folders small.
        let path = format!("{}/{id}.{extension}", now.strftime("%Y/%m/%d"));
        generator.store.put(&path, &delivered.image.blob).await?;
        let row = MediaRow {
            id: id.clone(),
            generation_id: order.id.clone(),
            position: i64::try_from(position).unwrap_or(i64::MAX),
            path,
            format: info.format.to_string(),
            width_px: i64::from(info.width_px),
            height_px: i64::from(info.height_px),
            size_bytes: i64::try_from(delivered.image.blob.len()).unwrap_or(i64::MAX),
            created_at: now,
            expires_at,
        };
        if let Err(error) = generator.database.insert_media(&row).await {
            // Without a row nobody would ever remove the file.
            generator.store.delete(&row.path).await?;
            return Err(error.into());
        }
        delivered.url = Some(generator.links.sign(&id, extension, expires_at));
    }
    generated.kept = true;
    Ok(())
}

/// Stores the images of an answer that found nobody, or whose account keeps all of them.
pub(super) async fn keep(generator: &Generator, order: &Order, generated: &mut Generated) {
    if generated.kept {
        return;
    }
    if let Err(error) = store(generator, order, generated).await {
        tracing::error!(generation.id = %order.id, error = %error, "images could not be kept");
    }
}
