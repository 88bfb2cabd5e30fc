//! Walking a route plan: calls, retries, failover, one deadline.

mod inputs;

use std::time::Duration;

use futures_util::future::join_all;
use planner::catalog::pricing::{Basis, Pricing};
use planner::failure::{
    FailoverPolicy, Failure, FailureKind, NextMove, Progress, RETRIES_MAX, Spent, WALK_PAUSE, jittered, next_move,
    walk_again,
};
use planner::health::Report;
use planner::money::Micros;
use planner::native::NativeRequest;
use planner::plan::{Candidate, RoutePlan};
use planner::price::charge::{Produced, charge};
use planner::price::estimate::Estimate;
use planner::usage::Usage;
use providers::{Blob, Driver, Finished, InputImage, Observer, ProviderRequest, SpoolScope};
use tokio::time::Instant;

use super::Upload;
use super::facts::Facts;
use super::partials::{Inlet, Relay};
use super::routing::Routing;
use super::track::Track;
use crate::boundary::passed;
use crate::clock::Clock;
use crate::db::DatabaseError;
use crate::media::process::{Inspected, Processor, size_of};
use crate::outcome::Attempt;
use crate::upstreams::{Upstream, Upstreams};

/// What walking a plan needs.
pub struct Executor<'a> {
    /// How offers have been doing.
    pub routing: &'a Routing,
    /// The record of the generation.
    pub track: &'a Track<'a>,
    /// Providers.
    pub upstreams: &'a Upstreams,
    /// The HTTP client to them.
    pub driver: &'a Driver,
    /// Image work.
    pub processor: &'a Processor,
    /// The time.
    pub clock: &'a Clock,
    /// What follows failures.
    pub policy: &'a FailoverPolicy,
    /// Tries made before this generation, after calls of it that may have been billed.
    pub tries_before: u32,
    /// When all must be done.
    pub deadline: Instant,
    /// Where partial images go, when somebody listens.
    pub inlet: Option<&'a Inlet>,
}

/// The caller's files.
pub struct Sources<'a> {
    /// Input images.
    pub images: &'a [Upload],
    /// The mask.
    pub mask: Option<&'a Upload>,
    /// Where bytes are held.
    pub scope: &'a SpoolScope,
}

/// An image as it came from a provider.
#[derive(Debug, Clone)]
pub struct ProducedImage {
    /// The image.
    pub image: Inspected,
    /// The prompt as the provider rewrote it.
    pub revised_prompt: Option<String>,
    /// The candidate that made it, by its place among the facts.
    pub candidate: usize,
    /// Its part of the charge.
    pub cost: Micros,
}

/// All that walking a plan gave.
#[derive(Debug, Default)]
pub struct Execution {
    /// The facts of each candidate.
    pub facts: Vec<Facts>,
    /// The images.
    pub images: Vec<ProducedImage>,
    /// Every call.
    pub attempts: Vec<Attempt>,
    /// Failures of the images that are missing.
    pub failures: Vec<Failure>,
    /// Whether the plan was given up before its end.
    pub stopped: bool,
    /// What each successful call cost.
    pub charges: Vec<Estimate>,
    /// What the providers say they used.
    pub usage: Option<Usage>,
    /// That a call could not be put on record, so that it was not made.
    pub unrecorded: Option<DatabaseError>,
}

/// What one call to one candidate gave, after its retries.
struct CallEnd {
    attempts: Vec<Attempt>,
    result: Result<Success, Failure>,
    /// Whether the caller was shown a partial image of it.
    streamed: bool,
    unrecorded: Option<DatabaseError>,
}

/// What a call gave.
pub(super) struct Success {
    images: Vec<(Inspected, Option<String>)>,
    usage: Option<Usage>,
    reported: Option<Micros>,
}

impl Success {
    /// Leaves out what was not asked for: nobody pays for it.
    pub(super) fn truncate(&mut self, asked: u32) {
        self.images.truncate(asked as usize);
    }
}

impl Executor<'_> {
    /// Walks the plan until `n` images are there, it ends, or a failure ends it.
    pub async fn execute(&self, plan: &RoutePlan<'_>, n: u32, sources: &Sources<'_>) -> Execution {
        let mut execution = Execution {
            facts: plan
                .candidates
                .iter()
                .map(|candidate| Facts::of(plan, candidate))
                .collect(),
            ..Execution::default()
        };
        self.walk(plan, n, sources, &mut execution).await;
        execution.attempts.sort_by_key(|attempt| attempt.position);
        execution
    }

    async fn walk(&self, plan: &RoutePlan<'_>, n: u32, sources: &Sources<'_>, execution: &mut Execution) {
        let mut tries_after_maybe_billed = self.tries_before;
        for walks in 1.. {
            let order = plan.walk(&self.routing.health(), self.clock.now());
            for (step, index) in order.iter().enumerate() {
                let missing = n.saturating_sub(u32::try_from(execution.images.len()).unwrap_or(n));
                let moves = self
                    .wave(
                        *index,
                        &plan.candidates[*index],
                        missing,
                        sources,
                        tries_after_maybe_billed,
                        execution,
                    )
                    .await;
                if execution.failures.is_empty() || execution.unrecorded.is_some() {
                    return;
                }
                let out_of_time = self.time_left().is_zero();
                if moves.contains(&NextMove::Stop) || out_of_time {
                    let last = step + 1 == order.len();
                    execution.stopped = !last || out_of_time;
                    return;
                }
                if execution.failures.iter().any(|failure| failure.spent != Spent::No) {
                    tries_after_maybe_billed += 1;
                }
            }
            let failures = execution.attempts.iter().map(|attempt| attempt.failure.as_ref());
            if !walk_again(failures, walks, self.policy, self.time_left()) {
                break;
            }
            tokio::time::sleep(WALK_PAUSE).await;
        }
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Asks one candidate for the missing images, in parallel calls. Leaves the failures of this wave in `execution`.
    async fn wave(
        &self,
        index: usize,
        candidate: &Candidate<'_>,
        missing: u32,
        sources: &Sources<'_>,
        tries_after_maybe_billed: u32,
        execution: &mut Execution,
    ) -> Vec<NextMove> {
        execution.failures.clear();
        let resolved = &candidate.resolved;
        let Some(upstream) = self.upstreams.get(&resolved.offer.provider) else {
            return Vec::new();
        };
        let inputs = match self.inputs(candidate, sources).await {
            Ok(inputs) => inputs,
            Err(failure) => {
                execution.failures.push(failure);
                return vec![NextMove::Stop];
            }
        };
        let mut before = u32::try_from(execution.images.len()).unwrap_or(0);
        let asked = resolved.fan_out(missing);
        let calls = asked.iter().map(|images| {
            let images = *images;
            let native = resolved.call(images, before);
            before += images;
            let facts = Facts {
                asked: images,
                ..execution.facts[index].clone()
            };
            self.call(
                upstream,
                candidate,
                facts,
                native,
                inputs.clone(),
                sources.scope,
                tries_after_maybe_billed,
            )
        });
        let ends = join_all(calls).await;
        let mut moves = Vec::new();
        for (asked, end) in asked.into_iter().zip(ends) {
            execution.attempts.extend(end.attempts);
            execution.unrecorded = execution.unrecorded.take().or(end.unrecorded);
            let progress = Progress {
                retries: RETRIES_MAX,
                tries_after_maybe_billed,
                streamed: end.streamed,
                time_left: self.time_left(),
            };
            match end.result {
                Ok(mut success) => {
                    if let Some(short) = shortfall(asked, success.images.len()) {
                        moves.push(next_move(&short, self.policy, &progress));
                        execution.failures.push(short);
                    }
                    success.truncate(asked);
                    take(index, Some(&resolved.offer.pricing), success, execution);
                }
                Err(failure) => {
                    moves.push(next_move(&failure, self.policy, &progress));
                    execution.failures.push(failure);
                }
            }
        }
        moves
    }

    /// One call, and again while the failure allows a retry of the same candidate.
    async fn call(
        &self,
        upstream: &Upstream,
        candidate: &Candidate<'_>,
        facts: Facts,
        native: NativeRequest,
        (inputs, mask): (Vec<InputImage>, Option<InputImage>),
        scope: &SpoolScope,
        tries_after_maybe_billed: u32,
    ) -> CallEnd {
        let relay = Relay::new(self.inlet, candidate);
        let model = native.model.clone();
        let Some(endpoint) = upstream.endpoint.clone() else {
            return CallEnd {
                attempts: Vec::new(),
                result: Err(Failure::new(FailureKind::BadCredential, "the provider is off")),
                streamed: false,
                unrecorded: None,
            };
        };
        let request = ProviderRequest {
            endpoint,
            native,
            inputs,
            mask,
        };
        let mut attempts = Vec::new();
        let mut retries = 0;
        loop {
            let started_at = self.clock.now();
            let started = Instant::now();
            let position = match self.track.begin(&facts, started_at).await {
                Ok(position) => position,
                Err(error) => {
                    let failure = Failure::new(FailureKind::NotSent, "the call could not be put on record");
                    return CallEnd {
                        attempts,
                        result: Err(failure),
                        streamed: relay.shown(),
                        unrecorded: Some(error),
                    };
                }
            };
            passed("record");
            let heard = Heard {
                relay: &relay,
                track: self.track,
                position,
            };
            self.routing.start(&upstream.id, &model, started_at);
            let result = self.attempt(upstream, &request, scope, &heard).await;
            let report = Report {
                started_at,
                latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                failure: result.as_ref().err(),
            };
            if let Err(failure) = &result {
                self.track.failed(position, failure, started.elapsed());
            }
            let given_up = self.routing.record(&upstream.id, &model, &report, self.clock.now());
            attempts.push(Attempt {
                position,
                ..Attempt::new(
                    &upstream.id,
                    &model,
                    started_at,
                    started.elapsed(),
                    result.as_ref().map(|success| success.0.as_deref()),
                )
            });
            let streamed = relay.shown();
            let progress = Progress {
                retries,
                tries_after_maybe_billed,
                streamed,
                time_left: self.time_left(),
            };
            if let Err(failure) = &result
                && !given_up
                && let NextMove::Retry(wait) = next_move(failure, self.policy, &progress)
            {
                tokio::time::sleep(jittered(wait, rand::random())).await;
                retries += 1;
                continue;
            }
            return CallEnd {
                attempts,
                result: result.map(|(_, success)| success),
                streamed,
                unrecorded: None,
            };
        }
    }

    async fn attempt(
        &self,
        upstream: &Upstream,
        request: &ProviderRequest,
        scope: &SpoolScope,
        heard: &Heard<'_>,
    ) -> Result<(Option<String>, Success), Failure> {
        let finished = self
            .driver
            .run(upstream.adapter, request, scope, self.deadline, heard)
            .await?;
        read(finished)
    }
}

/// Hears of one call: partial images go to the caller, its job goes on record.
struct Heard<'a> {
    relay: &'a Relay<'a>,
    track: &'a Track<'a>,
    position: i64,
}

impl Observer for Heard<'_> {
    fn job_accepted(&self, handle: &str) {
        self.track.accepted(self.position, handle);
        passed("accept");
    }

    fn partial_image(&self, index: u32, image: Blob) {
        self.relay.partial_image(index, image);
    }
}

/// The readable images of a finished call.
pub(super) fn read(finished: Finished) -> Result<(Option<String>, Success), Failure> {
    let mut images = Vec::new();
    let mut unreadable = None;
    for image in finished.images {
        match Processor::inspect(&image.blob) {
            Ok(info) => images.push((Inspected { blob: image.blob, info }, image.revised_prompt)),
            Err(error) => unreadable = Some(error),
        }
    }
    // Readable images are paid for; those that are missing are asked for again.
    if let (true, Some(error)) = (images.is_empty(), unreadable) {
        let message = format!("the provider's image cannot be read: {error}");
        return Err(Failure::new(FailureKind::UnreadableAnswer, message));
    }
    let success = Success {
        images,
        usage: finished.usage,
        reported: finished.reported_cost_micros.map(Micros),
    };
    Ok((finished.upstream_id, success))
}

/// Takes in what the last attempt so far gave, with its charge. Without a price, as the catalogue has the offer no more, only
/// what the provider reports is charged.
pub(super) fn take(index: usize, pricing: Option<&Pricing>, mut success: Success, execution: &mut Execution) {
    let facts = &execution.facts[index];
    let produced = Produced {
        sizes: success.images.iter().map(|(image, _)| size_of(&image.info)).collect(),
        usage: success.usage,
        reported: success.reported,
    };
    let charge = match pricing {
        Some(pricing) => charge(pricing, &facts.work, &produced),
        None => reported_only(&produced),
    };
    let shares = shares(charge.total, success.images.len());
    if let Some(attempt) = execution.attempts.last_mut() {
        attempt.cost = Some(charge.total);
    }
    execution.charges.push(charge);
    execution.usage = match (execution.usage, success.usage) {
        (Some(all), Some(more)) => Some(all.plus(more)),
        (all, more) => all.or(more),
    };
    let images = std::mem::take(&mut success.images);
    execution.images.extend(
        images
            .into_iter()
            .zip(shares)
            .map(|((image, revised_prompt), cost)| ProducedImage {
                image,
                revised_prompt,
                candidate: index,
                cost,
            }),
    );
}

fn reported_only(produced: &Produced) -> Estimate {
    Estimate {
        components: Vec::new(),
        total: produced.reported.unwrap_or(Micros::ZERO),
        markup: Micros::ZERO,
        basis: Basis::Reported,
    }
}

/// The failure of the images that a call was asked for and did not give. They were not charged.
fn shortfall(asked: u32, made: usize) -> Option<Failure> {
    let missing = (asked as usize).checked_sub(made).filter(|missing| *missing > 0)?;
    let message = format!("the provider made {made} of {asked} images: {missing} missing");
    Some(Failure {
        spent: Spent::No,
        ..Failure::new(FailureKind::EmptyAnswer, message)
    })
}

/// A charge divided over its images; the first ones carry what does not divide.
fn shares(total: Micros, images: usize) -> Vec<Micros> {
    let count = i64::try_from(images).unwrap_or(i64::MAX).max(1);
    let (each, rest) = (total.0 / count, total.0 % count);
    (0..count)
        .map(|position| Micros(each + i64::from(position < rest)))
        .collect()
}
