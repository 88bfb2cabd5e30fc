//! Walking a route plan: calls, retries, failover, one deadline.

mod call;
mod inputs;

use std::time::Duration;

use futures_util::future::join_all;
use imaging::Ending;
use planner::catalog::pricing::{Basis, Pricing};
use planner::failure::{
    FailoverPolicy, Failure, FailureKind, NextMove, Progress, RETRIES_MAX, Spent, WALK_PAUSE, is_over, next_move,
    walk_again,
};
use planner::money::Micros;
use planner::plan::{Candidate, RoutePlan};
use planner::price::charge::{Produced, charge};
use planner::price::estimate::Estimate;
use planner::usage::Usage;
use providers::{Driver, SpoolScope};
use tokio::time::Instant;

use super::Upload;
use super::facts::{Facts, Origin};
use super::partials::Inlet;
use super::routing::Routing;
use super::track::Track;
use crate::clock::Clock;
use crate::db::DatabaseError;
use crate::media::process::{Inspected, Processor, size_of};
use crate::outcome::Attempt;
use crate::upstreams::Upstreams;
use call::Call;

pub(super) use call::{Made, Success, read};

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
    /// How its file ends.
    pub ending: Ending,
    /// Its place among the generation's images in the store, when it is there already.
    pub stored: Option<i64>,
    /// The call that made it.
    pub origin: Origin,
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
                let time_left = self.time_left();
                let out_of_time = execution.failures.iter().any(|failure| is_over(failure, time_left));
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
            let facts = execution.facts[index].for_call(images, &native, missing, tries_after_maybe_billed);
            self.call(Call {
                upstream,
                candidate,
                facts,
                native,
                inputs: inputs.clone(),
                scope: sources.scope,
                tries_after_maybe_billed,
            })
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
                    if let Some(short) = shortfall(asked, &mut success) {
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
}

/// Takes in what the last attempt so far gave, with its charge. Without a price, as the catalogue has the offer no more, only
/// what the provider reports is charged.
pub(super) fn take(index: usize, pricing: Option<&Pricing>, mut success: Success, execution: &mut Execution) {
    let facts = &execution.facts[index];
    let measured = || success.images.iter().map(|made| size_of(&made.image.info)).collect();
    let produced = Produced {
        sizes: success.sizes.clone().unwrap_or_else(measured),
        usage: success.usage,
        reported: success.reported,
    };
    let charge = match pricing {
        Some(pricing) => charge(pricing, &facts.work, &produced),
        None => reported_only(&produced),
    };
    let shares = shares(charge.total, success.images.len());
    let mut position = 0;
    if let Some(attempt) = execution.attempts.last_mut() {
        attempt.cost = Some(charge.total);
        position = attempt.position;
    }
    // What the charge is found by stands with the first image of a call.
    let mut produced = Some(produced);
    execution.charges.push(charge);
    execution.usage = match (execution.usage, success.usage) {
        (Some(all), Some(more)) => Some(all.plus(more)),
        (all, more) => all.or(more),
    };
    let images = std::mem::take(&mut success.images);
    execution
        .images
        .extend(images.into_iter().zip(shares).map(|(made, cost)| ProducedImage {
            image: made.image,
            revised_prompt: made.revised_prompt,
            ending: made.ending,
            stored: made.stored,
            origin: Origin {
                attempt: position,
                produced: produced.take(),
            },
            candidate: index,
            cost,
        }));
}

fn reported_only(produced: &Produced) -> Estimate {
    Estimate {
        components: Vec::new(),
        total: produced.reported.unwrap_or(Micros::ZERO),
        markup: Micros::ZERO,
        basis: Basis::Reported,
    }
}

/// The failure of the images that a call was asked for and did not give. They were not charged, unless they were made and
/// could not be had.
fn shortfall(asked: u32, success: &mut Success) -> Option<Failure> {
    let made = success.images.len();
    let missing = (asked as usize).checked_sub(made).filter(|missing| *missing > 0)?;
    if let Some(lost) = success.lost.pop() {
        return Some(lost);
    }
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
