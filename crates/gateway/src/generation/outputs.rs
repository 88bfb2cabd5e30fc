//! From what providers made to what the caller gets: converted, stored, priced.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use imaging::Ending;
use jiff::{SignedDuration, Timestamp};
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
use super::record::RESERVATION_GRACE;
use super::{Delivered, Generated, Generator, Order};
use crate::db::DatabaseError;
use crate::db::media::MediaRow;
use crate::ids::random_text;
use crate::media::process::{Finished, size_of};
use crate::media::store::StoreError;
use crate::outcome::GenerationError;
use crate::upstreams::Service;

/// Why images could not be kept.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// First wait before images are stored once more that could not be; each further one is twice as long.
const AGAIN_FIRST: Duration = Duration::from_millis(250);
/// Longest such wait: an object store that is back is found soon.
const AGAIN_MOST: Duration = Duration::from_secs(10);

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
    let (mut decisive, provider) = decisive(&execution);
    decisive.param = decisive
        .param
        .map(|native| canonical(&native, plan, provider.as_deref(), order));
    GenerationError::Attempts {
        model: plan.model.id.clone(),
        attempts: execution.attempts,
        decisive: Box::new(decisive),
        forced: plan.candidates.len() == 1 && order.request.model.contains('/'),
        stopped: execution.stopped,
    }
}

/// The failure that decides the answer, and its provider: a safety block, or a mistake of the caller's that nobody was asked
/// with; the first refusal of an argument where all who were asked refused; else the last failure of another kind.
fn decisive(execution: &Execution) -> (Failure, Option<String>) {
    let is_refusal = |failure: &Failure| failure.kind == FailureKind::InvalidArgument;
    let failed = execution
        .attempts
        .iter()
        .filter_map(|attempt| Some((attempt.failure.as_ref()?, &attempt.provider)));
    let of = |(failure, provider): (&Failure, &String)| (failure.clone(), Some(provider.clone()));
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
fn canonical(native: &str, plan: &RoutePlan<'_>, provider: Option<&str>, order: &Order) -> String {
    let is_its = |candidate: &&Candidate<'_>| provider.is_some_and(|id| id == candidate.resolved.offer.provider);
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

/// Puts together what the caller gets, and stores what is to be linked.
pub(super) async fn deliver(
    generator: &Generator,
    order: &Order,
    produced: Produced,
    created_at: Timestamp,
) -> Generated {
    let mut generated = assemble(generator, &order.id, produced, created_at);
    let keeping = order.keeping(generator);
    if order.is_fetched_later() {
        // Its answer is in the store alone: before it is there, there is none.
        let keeping = Keeping {
            is_pending: true,
            ..keeping
        };
        keep(generator, &keeping, &mut generated).await;
    }
    if !order.response_format.has_links() {
        if order.keeps_images()
            && !generated.kept
            && let Err(error) = store(generator, &keeping, &mut generated).await
        {
            // The answer carries the bytes; they are kept when it is out.
            tracing::error!(generation.id = %order.id, error = %error, "images could not be stored");
        }
        generated.images.iter_mut().for_each(|delivered| delivered.url = None);
    } else if !generated.kept
        && let Err(error) = store(generator, &keeping, &mut generated).await
    {
        // The images are paid for: without a store they go out as bytes.
        tracing::error!(generation.id = %order.id, error = %error, "images could not be stored");
        generated.images.iter_mut().for_each(|delivered| delivered.url = None);
        generated.adjustments.push(Adjustment {
            parameter: "response_format".to_owned(),
            requested: Value::from(order.response_format.as_str()),
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
    /// The account.
    pub(super) account_id: &'a str,
    /// Seconds that links last; `None`: as set for all.
    pub(super) ttl_s: Option<i64>,
    /// Seconds that the files are kept at the least, for links that are made later.
    pub(super) at_least_s: i64,
    /// Whether the generation's end waits for it, so that what is held for it must stay held.
    pub(super) is_pending: bool,
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
    let taken: Vec<i64> = generated.images.iter().filter_map(|image| image.stored).collect();
    let mut free = (0..).filter(|position| !taken.contains(position));
    for delivered in generated.images.iter_mut().filter(|image| image.stored.is_none()) {
        let position = free.next().unwrap_or(i64::MAX);
        let info = &delivered.image.info;
        let id = random_text(MEDIA_ID_CHARS);
        let extension = info.format.extension();
        // A folder a day keeps folders small.
        let path = format!("{}/{id}.{extension}", now.strftime("%Y/%m/%d"));
        generator.store.put(&path, &delivered.image.blob).await?;
        let row = MediaRow {
            id: id.clone(),
            generation_id: keeping.generation_id.to_owned(),
            position,
            path,
            format: info.format.to_string(),
            width_px: i64::from(info.width_px),
            height_px: i64::from(info.height_px),
            size_bytes: i64::try_from(delivered.image.blob.len()).unwrap_or(i64::MAX),
            created_at: now,
            expires_at,
            made: serde_json::to_string(&delivered.origin).ok(),
        };
        if let Err(error) = generator.database.insert_media(&row).await {
            // A file without a row is swept; one that cannot be removed now is, too.
            let _ = generator.store.delete(&row.path).await;
            return Err(error.into());
        }
        delivered.stored = Some(position);
        let room = &generator.room;
        room.stored(keeping.account_id, delivered.image.blob.len()).await;
        delivered.url = Some(generator.links.sign(&id, extension, link_ends_at));
    }
    generated.kept = true;
    // As they lie in the store, some of them since before a process died.
    generated.images.sort_by_key(|image| image.stored);
    Ok(())
}

/// Stores the images of an answer that found nobody, or whose account keeps all of them: however long the store or the
/// database is away. Until then their bytes stay in the spool.
pub(super) async fn keep(generator: &Generator, keeping: &Keeping<'_>, generated: &mut Generated) {
    if generated.kept {
        return;
    }
    let _seen = generator.being_kept.enter(keeping.generation_id);
    let mut wait = AGAIN_FIRST;
    while let Err(error) = store(generator, keeping, generated).await {
        tracing::error!(generation.id = %generated.id, error = %error, "images could not be kept; they are kept as soon as that works");
        if keeping.is_pending {
            let until = generator
                .clock
                .now()
                .checked_add(RESERVATION_GRACE)
                .unwrap_or(Timestamp::MAX);
            if let Err(error) = generator.database.hold_until(keeping.generation_id, until).await {
                tracing::warn!(generation.id = %generated.id, error = %error, "what is held could not be kept held");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(AGAIN_MOST);
    }
}

/// Generations whose images are being stored although their end is on record.
#[derive(Debug, Default)]
pub struct BeingKept(Mutex<BTreeSet<String>>);

impl BeingKept {
    /// Whether the images of a generation are yet to be stored.
    #[must_use]
    pub fn holds(&self, generation_id: &str) -> bool {
        self.ids().contains(generation_id)
    }

    fn enter<'a>(&'a self, generation_id: &'a str) -> Seen<'a> {
        self.ids().insert(generation_id.to_owned());
        Seen {
            being_kept: self,
            generation_id,
        }
    }

    fn ids(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a generation out again.
struct Seen<'a> {
    being_kept: &'a BeingKept,
    generation_id: &'a str,
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        self.being_kept.ids().remove(self.generation_id);
    }
}
