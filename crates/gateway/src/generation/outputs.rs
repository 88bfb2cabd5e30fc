//! From what providers made to what the caller gets: converted, stored, priced.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use planner::catalog::pricing::Basis;
use planner::failure::{Failure, FailureKind};
use planner::money::Micros;
use planner::plan::{Candidate, RoutePlan};
use planner::price::Line;
use planner::request::ResponseFormat;
use planner::resolve::{Adjustment, Finish};
use providers::SpoolScope;
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
    mut execution: Execution,
) -> Result<Produced, GenerationError> {
    if execution.images.is_empty() {
        return Err(match execution.unrecorded.take() {
            Some(error) => error.into(),
            None => exhausted(order, plan, execution),
        });
    }
    Ok(convert(generator, &order.scope, execution).await)
}

/// Converts each image to what was asked for.
pub(super) async fn convert(generator: &Generator, scope: &SpoolScope, execution: Execution) -> Produced {
    let finishes = execution.images.iter().map(|produced| {
        let finish = execution.facts[produced.candidate].finish;
        finish_one(generator, scope, produced, finish)
    });
    let images = join_all(finishes).await;
    Produced { execution, images }
}

/// An image that cannot be converted is handed out as it came: it is paid for.
async fn finish_one(generator: &Generator, scope: &SpoolScope, produced: &ProducedImage, finish: Finish) -> Finished {
    let finished = generator
        .processor
        .finish(produced.image.clone(), finish, scope.clone());
    finished.await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "an image could not be converted");
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
    produced: Produced,
    created_at: Timestamp,
) -> Generated {
    let mut generated = assemble(generator, &order.id, produced, created_at);
    if order.response_format == ResponseFormat::B64Json {
        if order.keeps_images() {
            keep(generator, &order.keeping(generator), &mut generated).await;
            // Kept for later; the answer itself carries the bytes.
            generated.images.iter_mut().for_each(|delivered| delivered.url = None);
        }
    } else if let Err(error) = store(generator, &order.keeping(generator), &mut generated).await {
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

/// What was made, as the caller is told of it.
pub(super) fn assemble(generator: &Generator, id: &str, produced: Produced, created_at: Timestamp) -> Generated {
    let Produced { execution, images } = produced;
    let facts_of = |image: &ProducedImage| &execution.facts[image.candidate];
    let is_sandbox = |image: &ProducedImage| {
        let upstream = generator.upstreams.get(&facts_of(image).provider);
        upstream.is_some_and(|upstream| upstream.service == Service::Sandbox)
    };
    let first = execution.images.first().map_or(0, |image| image.candidate);
    let facts = execution.facts[first].clone();
    let mut adjustments = facts.adjustments;
    retract(&mut adjustments, facts.finish, &images);
    adjustments.extend(refused_formats(facts.finish, &images));
    let upstream = generator.upstreams.get(&facts.provider);
    let sandbox = execution.images.iter().any(is_sandbox);
    let (cost, cost_basis, cost_components) = total(&execution);
    let delivered = execution.images.iter().zip(images).map(|(made, finished)| Delivered {
        image: finished.image,
        url: None,
        revised_prompt: made.revised_prompt.clone(),
        provider: facts_of(made).provider.clone(),
        cost: made.cost,
    });
    Generated {
        id: id.to_owned(),
        created_at,
        model: facts.model,
        provider_name: upstream.map_or_else(|| facts.provider.clone(), |upstream| upstream.name.clone()),
        provider: facts.provider,
        native_model: facts.native_model,
        quality: facts.work.quality,
        sandbox,
        images: delivered.collect(),
        adjustments,
        warnings: facts.warnings,
        sunset: facts.sunset,
        markup: execution.charges.iter().map(|charge| charge.markup).sum(),
        attempts: execution.attempts,
        errors: execution.failures,
        usage: execution.usage,
        cost,
        cost_basis,
        cost_components,
        kept: false,
    }
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

fn refused_formats(finish: Finish, images: &[Finished]) -> Option<Adjustment> {
    let refused = images.iter().find(|finished| finished.format_refused.is_some())?;
    Some(Adjustment {
        parameter: "output_format".to_owned(),
        requested: finish.format.map_or(Value::Null, |format| Value::from(format.as_str())),
        used: Value::from(refused.image.info.format.to_string()),
        reason: refused.format_refused.unwrap_or_default().to_owned(),
    })
}

/// The charge of all calls. Images come one call at a time, so what was delivered is what is charged.
fn total(execution: &Execution) -> (Micros, Basis, Vec<Line>) {
    let charges = &execution.charges;
    (
        charges.iter().map(|charge| charge.total).sum(),
        charges.first().map_or_else(Basis::default, |charge| charge.basis),
        planner::price::merged(charges.iter().flat_map(|charge| charge.components.clone())),
    )
}

/// Whose images are stored, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeping<'a> {
    /// The generation.
    pub(super) generation_id: &'a str,
    /// Seconds that links last; `None`: as set for all.
    pub(super) ttl_s: Option<i64>,
    /// Seconds that the files are kept at the least, for links that are made later.
    pub(super) at_least_s: i64,
}

/// Stores every image and gives it a link.
async fn store(generator: &Generator, keeping: &Keeping<'_>, generated: &mut Generated) -> Result<(), KeepError> {
    let now = generator.clock.now();
    let for_all = || i64::try_from(generator.limits.media_ttl_s).unwrap_or(i64::MAX / 4);
    let ttl_s = keeping.ttl_s.unwrap_or_else(for_all);
    let after = |seconds: i64| {
        now.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MAX)
    };
    let (link_ends_at, expires_at) = (after(ttl_s), after(ttl_s.max(keeping.at_least_s)));
    for (position, delivered) in generated.images.iter_mut().enumerate() {
        let info = &delivered.image.info;
        let id = random_text(MEDIA_ID_CHARS);
        let extension = info.format.extension();
        // A folder a day keeps folders small.
        let path = format!("{}/{id}.{extension}", now.strftime("%Y/%m/%d"));
        generator.store.put(&path, &delivered.image.blob).await?;
        let row = MediaRow {
            id: id.clone(),
            generation_id: keeping.generation_id.to_owned(),
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
        delivered.url = Some(generator.links.sign(&id, extension, link_ends_at));
    }
    generated.kept = true;
    Ok(())
}

/// Stores the images of an answer that found nobody, or whose account keeps all of them.
pub(super) async fn keep(generator: &Generator, keeping: &Keeping<'_>, generated: &mut Generated) {
    if generated.kept {
        return;
    }
    if let Err(error) = store(generator, keeping, generated).await {
        tracing::error!(generation.id = %generated.id, error = %error, "images could not be kept");
    }
}
