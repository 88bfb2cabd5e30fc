//! Walking a route plan: calls, retries, failover, one deadline.

mod call;
mod inputs;
mod made;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use imaging::Ending;
use planner::catalog::pricing::{Basis, Pricing};
use planner::failure::{FailoverPolicy, Failure, FailureKind, Spent};
use planner::money::Micros;
use planner::plan::RoutePlan;
use planner::price::charge::{Produced, capped, charge};
use planner::price::estimate::Estimate;
use planner::usage::Usage;
use providers::{Driver, SpoolScope};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::Upload;
use super::facts::{Facts, Origin};
use super::partials::Inlet;
use super::routing::Routing;
use super::stages::Stopwatch;
use super::track::Track;
use crate::clock::Clock;
use crate::db::DatabaseError;
use crate::media::process::{Inspected, Processor, size_of};
use crate::outcome::Attempt;
use crate::upstreams::Upstreams;
use call::Means;
use walk::Walk;

pub use walk::FirstCalls;

pub(super) use made::{CallImage, Success, read};

/// What walking a plan needs.
pub struct Executor<'a> {
    /// How offers have been doing.
    pub routing: &'a Arc<Routing>,
    /// Providers.
    pub upstreams: &'a Upstreams,
    /// The HTTP client to them.
    pub driver: &'a Arc<Driver>,
    /// Image work.
    pub processor: &'a Processor,
    /// The time.
    pub clock: &'a Clock,
    /// What follows failures.
    pub policy: &'a FailoverPolicy,
    /// Tries made before this generation, after calls of it that may have been billed.
    pub tries_before: u32,
    /// Whether the caller does not wait for the answer.
    pub told_later: bool,
    /// When all must be done.
    pub deadline: Instant,
    /// Where partial images go, when somebody listens.
    pub inlet: Option<&'a Inlet>,
    /// The operator's own time limit of one attempt; `None`: what is learnt of each offer.
    pub attempt_limit: Option<Duration>,
    /// Whether another offer may be asked as soon as a call takes longer than usual.
    pub hedged: bool,
    /// How many times what was held a provider may report that it charged.
    pub reported_factor: i64,
    /// What a stopping gateway waits for.
    pub tasks: &'a TaskTracker,
    /// Times the attempts.
    pub stopwatch: &'a Stopwatch,
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
    /// Calls that are on record and were not made, by their positions.
    pub unmade: Vec<i64>,
    /// That a call could not be put on record, so that it was not made.
    pub unrecorded: Option<DatabaseError>,
    /// What may be charged; `None`: nothing was held.
    pub bounds: Option<Bounds>,
    /// What the caller should know of the charge.
    pub warnings: Vec<String>,
}

/// The most that may be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What is held for the generation.
    pub held: Micros,
    /// How many times as much a provider may report that it charged.
    pub reported_factor: i64,
}

impl Executor<'_> {
    /// Walks the plan until `n` images are there, it ends, or a failure ends it.
    pub async fn execute(
        self,
        plan: &RoutePlan<'_>,
        n: u32,
        sources: &Sources<'_>,
        (track, first): (Track, Option<FirstCalls>),
    ) -> Execution {
        let (sender, news) = mpsc::unbounded_channel();
        let means = Means {
            routing: Arc::clone(self.routing),
            track,
            driver: Arc::clone(self.driver),
            clock: self.clock.clone(),
            processor: self.processor.clone(),
            policy: *self.policy,
            deadline: self.deadline,
            attempt_limit: self.attempt_limit,
            hedged: self.hedged,
            tasks: self.tasks.clone(),
            news: sender,
            stopwatch: self.stopwatch.clone(),
        };
        let prices = plan
            .candidates
            .iter()
            .map(|candidate| candidate.resolved.estimate.total);
        let bounds = Bounds {
            held: prices.max().unwrap_or_default(),
            reported_factor: self.reported_factor,
        };
        Walk::new(&self, plan, sources, (Arc::new(means), news), n, (bounds, first))
            .finish()
            .await
    }
}

/// Takes in what the last attempt so far gave, with its charge. Without a price, as the catalogue has the offer no more, only
/// what the provider reports is charged.
pub(super) fn take(index: usize, pricing: Option<&Pricing>, mut success: Success, execution: &mut Execution) {
    let facts = &execution.facts[index];
    let produced = produced_of(&success);
    success.usage = produced.usage;
    let charge = match pricing {
        Some(pricing) => charge(pricing, &facts.work, &produced),
        None => reported_only(&produced),
    };
    let provider = facts.provider.clone();
    let charge = within_bounds(charge, &provider, execution);
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

/// A charge within what may be charged for the whole generation: what it made or used never costs more than was held, what the
/// provider itself reports at most [`Bounds::reported_factor`] times as much.
fn within_bounds(charge: Estimate, provider: &str, execution: &mut Execution) -> Estimate {
    let Some(bounds) = execution.bounds else { return charge };
    let factor = match charge.basis {
        Basis::Reported => bounds.reported_factor,
        Basis::Usage | Basis::Table => 1,
    };
    let charged: Micros = execution.charges.iter().map(|charge| charge.total).sum();
    let most = Micros(bounds.held.0.saturating_mul(factor)) - charged;
    let told = charge.total;
    let bounded = capped(charge, Micros(most.0.max(0)));
    if bounded.total < told {
        tracing::error!(provider.id = provider, told = %told, charged = %bounded.total, held = %bounds.held, "a call costs more than was held for it; it is charged up to its bound");
        execution.warnings.push(format!(
            "By its own figures {provider} would cost {told}, more than was held for this request: {} is charged.",
            bounded.total
        ));
    }
    bounded
}

/// What a call gave, as prices see it.
fn produced_of(success: &Success) -> Produced {
    let measured = || success.images.iter().map(|made| size_of(&made.image.info)).collect();
    let produced = Produced {
        sizes: success.sizes.clone().unwrap_or_else(measured),
        usage: success.usage,
        reported: success.reported,
    };
    produced.believed()
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
