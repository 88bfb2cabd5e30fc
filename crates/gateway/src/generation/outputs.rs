//! From what providers made to what the caller gets: converted, stored, priced.

use futures_util::future::join_all;
use imaging::Ending;
use jiff::Timestamp;
use planner::catalog::pricing::Basis;
use planner::failure::{Failure, FailureKind, Spent};
use planner::money::Micros;
use planner::plan::{Candidate, RoutePlan};
use planner::price::Line;
use planner::request::ResponseFormat;
use planner::resolve::{Adjustment, Finish};
use providers::SpoolScope;
use serde_json::Value;

use super::executor::{Execution, ProducedImage};
use super::keeping::{Keeping, Moment, keep, shelve, shelve_while_sending, store};
use super::{Delivered, Generated, Generator, Order};
use crate::media::process::{Finished, size_of};
use crate::outcome::{Attempt, GenerationError};
use crate::upstreams::Service;

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
            Some(error) if execution.attempts.iter().all(|attempt| attempt.spent() == Spent::No) => error.into(),
            _ => exhausted(order, plan, execution),
        });
    }
    Ok(convert(generator, &order.scope, execution).await)
}

/// Converts each image to what was asked for.
pub(super) async fn convert(generator: &Generator, scope: &SpoolScope, execution: Execution) -> Produced {
    for produced in &execution.images {
        let image = &produced.image;
        generator.usual.learn(&image.info, image.blob.len());
    }
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
            credentials_dropped: false,
        }
    })
}

/// No image came. See [`decisive`] for the failure that is the answer.
fn exhausted(order: &Order, plan: &RoutePlan<'_>, execution: Execution) -> GenerationError {
    let (mut decisive, refuser) = decisive(&execution);
    decisive.param = decisive.param.map(|native| canonical(&native, plan, refuser, order));
    GenerationError::Attempts {
        model: plan.model.id.clone(),
        attempts: execution.attempts,
        decisive: Box::new(decisive),
        forced: plan.candidates.len() == 1 && order.request.model.contains('/'),
        stopped: execution.stopped,
    }
}

/// The failure that decides the answer, and the call that it is of: a safety block, or a mistake of the caller's that nobody was asked
/// with; the first refusal of an argument where all who were asked refused; else the last failure of another kind.
fn decisive(execution: &Execution) -> (Failure, Option<&Attempt>) {
    let is_refusal = |failure: &Failure| failure.kind == FailureKind::InvalidArgument;
    let failed = execution
        .attempts
        .iter()
        .filter_map(|attempt| Some((attempt.failure.as_ref()?, attempt)));
    let of = |(failure, attempt): (&Failure, _)| (failure.clone(), Some(attempt));
    let block = |failure: &&Failure| failure.kind == FailureKind::ContentPolicy;
    if let Some(block) = execution.failures.iter().find(block) {
        return (block.clone(), None);
    }
    let all_refused = failed.clone().all(|(failure, _)| is_refusal(failure));
    if let (true, Some(first)) = (all_refused, failed.clone().next()) {
        return of(first);
    }
    let last = execution.failures.iter().rfind(|failure| !is_refusal(failure));
    if let Some(last) = last {
        return (last.clone(), None);
    }
    // The last who were asked refused, and others had failed before.
    if let Some(last) = failed.clone().rfind(|(failure, _)| !is_refusal(failure)) {
        return of(last);
    }
    let any = execution.failures.first().cloned();
    (
        any.unwrap_or_else(|| Failure::new(FailureKind::EmptyAnswer, "no image was made")),
        None,
    )
}

/// The caller's own name of a parameter that a provider names by its native one.
fn canonical(native: &str, plan: &RoutePlan<'_>, refuser: Option<&Attempt>, order: &Order) -> String {
    let is_its = |candidate: &&Candidate<'_>| {
        let resolved = &candidate.resolved;
        refuser.is_some_and(|call| call.provider == resolved.offer.provider && call.model == resolved.native.model)
    };
    let mode_offer = plan
        .candidates
        .iter()
        .find(is_its)
        .and_then(|candidate| candidate.resolved.offer.in_mode(order.request.mode));
    let fields = mode_offer.iter().flat_map(|offer| &offer.fields);
    let named = |name: &str| name.trim_end_matches("[]") == native.trim_end_matches("[]");
    fields
        .filter(|(canonical, field)| named(field.native_name(canonical)))
        .map(|(canonical, _)| canonical.clone())
        .next()
        .unwrap_or_else(|| native.to_owned())
}

/// Stores what is to be linked of what the caller gets.
pub(super) async fn deliver(generator: &Generator, order: &Order, mut generated: Generated) -> Generated {
    let keeping = order.keeping(generator, Moment::BeforeEnd);
    if order.is_fetched_later() {
        // Its answer is in the store alone: before it is there, there is none.
        let keeping = Keeping {
            moment: Moment::Pending,
            ..keeping
        };
        keep(generator, &keeping, &mut generated).await;
    }
    let has_links = order.response_format.has_links();
    if (has_links || order.keeps_images())
        && !generated.kept
        && let Err(error) = store(generator, &keeping, &mut generated).await
    {
        // The images are paid for: without a store they go out as bytes, and are kept when they are out.
        tracing::error!(error = %error, "images could not be stored");
        if order.is_awaited() {
            shelve(generator, &keeping, &mut generated).await;
        }
        if has_links {
            generated.adjustments.push(Adjustment {
                parameter: "response_format".to_owned(),
                requested: Value::from(order.response_format.as_str()),
                used: Value::from(ResponseFormat::B64Json.as_str()),
                reason: "the media store failed".to_owned(),
            });
        }
    }
    if !generated.kept && generator.bookkeeping {
        shelve_while_sending(generator, &keeping, &mut generated).await;
    }
    if !(has_links && generated.kept) {
        generated.images.iter_mut().for_each(|delivered| delivered.url = None);
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
    let mut warnings = facts.warnings;
    if images.iter().any(|finished| finished.credentials_dropped) {
        let told = "The provider's content credentials (C2PA) were dropped, as the image was converted. Without output_format and with a size of the provider's own they stay.";
        warnings.push(told.to_owned());
    }
    let upstream = generator.upstreams.get(&facts.provider);
    let sandbox = execution.images.iter().any(is_sandbox);
    let (cost, cost_basis, cost_components) = total(&execution);
    warnings.extend(odd_endings(&execution.images));
    warnings.extend(execution.warnings);
    let delivered = execution.images.iter().zip(images).map(|(made, finished)| Delivered {
        image: finished.image,
        url: None,
        revised_prompt: made.revised_prompt.clone(),
        provider: facts_of(made).provider.clone(),
        cost: made.cost,
        origin: made.origin.clone(),
        stored: made.stored,
        row: None,
        shelved: None,
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
        warnings,
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

/// Tells of files that are complete and yet do not end as their format says: some readers refuse them.
fn odd_endings(images: &[ProducedImage]) -> impl Iterator<Item = String> {
    images.iter().zip(1..).filter_map(|(produced, number)| {
        let format = produced.image.info.format;
        match produced.ending {
            Ending::Whole | Ending::Cut => None,
            Ending::Trailing => Some(format!(
                "Image {number}: bytes follow the end of the provider's {format} file."
            )),
            Ending::Unmarked => Some(format!(
                "Image {number}: the provider's {format} file lacks the mark of its end."
            )),
        }
    })
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
    let reported = charges.iter().find(|charge| charge.basis == Basis::Reported);
    (
        charges.iter().map(|charge| charge.total).sum(),
        // Of several, the one that says how far the charge may lie above the estimate.
        reported
            .or(charges.first())
            .map_or_else(Basis::default, |charge| charge.basis),
        planner::price::merged(charges.iter().flat_map(|charge| charge.components.clone())),
    )
}
