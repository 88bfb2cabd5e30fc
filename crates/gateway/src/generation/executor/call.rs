//! One call to one candidate, and again while its failure allows a retry of the same one. A task of its own: when it takes
//! too long others are asked meanwhile, and it goes on.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use planner::catalog::pricing::Pricing;
use planner::failure::{Blame, FailoverPolicy, Failure, FailureKind, NextMove, Progress, Spent, jittered, next_move};
use planner::health::Patience;
use planner::money::Micros;
use planner::native::NativeValue;
use planner::price::charge::charge;
use providers::{Adapter, Blob, Driver, FinishedAttempt, Observer, ProviderRequest, SpoolScope};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::error::SendError;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::made::{Success, read};
use super::produced_of;
use crate::boundary::passed;
use crate::clock::Clock;
use crate::db::DatabaseError;
use crate::generation::facts::Facts;
use crate::generation::partials::Relay;
use crate::generation::routing::{Ended, Routing};
use crate::generation::stages::Stopwatch;
use crate::generation::track::{OnRecord, Track};
use crate::media::process::Processor;
use crate::outcome::{Attempt, code_of};
use crate::telemetry;
use crate::upstreams::access::{Access, Chosen, Refused};

/// What all calls of one generation use.
pub(super) struct Means {
    pub(super) routing: Arc<Routing>,
    pub(super) track: Track,
    pub(super) driver: Arc<Driver>,
    pub(super) clock: Clock,
    pub(super) processor: Processor,
    pub(super) policy: FailoverPolicy,
    pub(super) deadline: Instant,
    /// The operator's own limit of one attempt.
    pub(super) attempt_limit: Option<Duration>,
    /// Whether another candidate may be asked as soon as a call takes longer than usual.
    pub(super) hedged: bool,
    /// What a stopping gateway waits for: calls may outlive their generation.
    pub(super) tasks: TaskTracker,
    pub(super) news: UnboundedSender<News>,
    pub(super) stopwatch: Stopwatch,
}

impl Means {
    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Puts on record how a call ended whose images nobody gets any more. Callers pay for what they get: it is the operator's
    /// cost.
    pub(super) fn ended_late(&self, facts: &Facts, pricing: &Pricing, end: CallEnd) {
        let now = self.clock.now();
        let mut attempts = end.attempts;
        if let (Some(last), Ok(success)) = (attempts.last_mut(), &end.result) {
            let charge = charge(pricing, &facts.work, &produced_of(success));
            let cost = Micros(charge.total.0 - charge.markup.0);
            last.cost = Some(cost);
            self.routing.undelivered(&last.provider, cost);
            tracing::warn!(provider.id = last.provider, cost = %cost, "a call gave its image after another one had: the operator bears its cost");
        }
        for attempt in &attempts {
            self.track.ended_late(attempt, now);
        }
    }
}

/// What becomes of calls, each named by its ticket.
pub(super) enum News {
    /// One try was put on record and goes out.
    Began(usize, Tried),
    /// It has used up its time, or nothing is heard of its job, and it goes on; as which failure another candidate may be
    /// asked.
    Overdue(usize, Box<Failure>),
    /// The call is over.
    Ended(usize, Box<CallEnd>),
}

/// One try on its way.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) position: i64,
    pub(super) started_at: Timestamp,
    pub(super) started: Instant,
}

/// A call to be made.
pub(super) struct NewCall {
    pub(super) ticket: usize,
    pub(super) adapter: &'static dyn Adapter,
    pub(super) facts: Facts,
    pub(super) pricing: Pricing,
    /// Whether something of the caller's is in it that nobody here knows: that it fails says nothing about the offer.
    pub(super) has_unknown: bool,
    pub(super) access: Arc<Access>,
    /// The credential that it goes out with next; `request` has it too.
    pub(super) chosen: Chosen,
    pub(super) request: ProviderRequest,
    pub(super) scope: SpoolScope,
    pub(super) relay: Arc<Relay>,
    pub(super) tries_after_maybe_billed: u32,
    /// Its first try, where that is on record already.
    pub(super) first: Option<OnRecord>,
}

/// What it gave, after its retries.
pub(super) struct CallEnd {
    pub(super) attempts: Vec<Attempt>,
    pub(super) result: Result<Success, Failure>,
    /// That it could not be put on record, so that it was not made.
    pub(super) unrecorded: Option<DatabaseError>,
}

/// What one try gave.
struct TryEnd {
    attempt: Attempt,
    result: Result<Success, Failure>,
    /// Whether its offer was given up for a while, so that no retry of it makes sense.
    given_up: bool,
    /// Another credential that may be asked at once.
    other: Option<Chosen>,
}

impl NewCall {
    /// Makes the call and tells of it. When nobody listens any more, as others were faster, its end goes on record.
    pub(super) async fn make(mut self, means: Arc<Means>) {
        let end = Box::new(self.run(&means).await);
        if let Err(SendError(News::Ended(_, end))) = means.news.send(News::Ended(self.ticket, end)) {
            means.ended_late(&self.facts, &self.pricing, *end);
        }
    }

    async fn run(&mut self, means: &Means) -> CallEnd {
        let mut attempts = Vec::new();
        let mut retries = 0;
        let mut first = self.first.clone();
        let mut refused = Refused::default();
        loop {
            let TryEnd {
                attempt,
                result,
                given_up,
                other,
            } = match self.attempt(means, first.take(), &mut refused).await {
                Ok(ended) => ended,
                Err(error) => {
                    let failure = Failure::new(FailureKind::NotSent, "the call could not be put on record");
                    return CallEnd {
                        attempts,
                        result: Err(failure),
                        unrecorded: Some(error),
                    };
                }
            };
            attempts.push(attempt);
            if let Some(other) = other {
                self.goes_out_with(other);
                continue;
            }
            let progress = Progress {
                retries,
                tries_after_maybe_billed: self.tries_after_maybe_billed,
                streamed: self.relay.shown(),
                time_left: means.time_left(),
            };
            // When nobody waits for it any more, nothing is tried again.
            if let Err(failure) = &result
                && !given_up
                && !means.news.is_closed()
                && let NextMove::Retry(wait) = next_move(failure, &means.policy, &progress)
            {
                tokio::time::sleep(jittered(wait, rand::random())).await;
                retries += 1;
                refused = Refused::default();
                self.goes_out_with(self.access.choose(&self.request.native.model, means.clock.now()));
                continue;
            }
            return CallEnd {
                attempts,
                result,
                unrecorded: None,
            };
        }
    }

    fn goes_out_with(&mut self, chosen: Chosen) {
        self.request.endpoint = chosen.endpoint.clone();
        self.chosen = chosen;
    }

    /// Another credential that may be asked at once, as the provider refuses this one. Not when nobody waits for it any more.
    fn other_credential(&self, means: &Means, failure: &Failure, refused: &mut Refused) -> Option<Chosen> {
        let model = &self.request.native.model;
        let other = self
            .access
            .failed(&self.chosen, model, failure, refused, means.clock.now());
        other.filter(|_| !means.news.is_closed() && !self.relay.shown() && !means.time_left().is_zero())
    }

    /// One try, on record before it is made.
    async fn attempt(
        &self,
        means: &Means,
        on_record: Option<OnRecord>,
        refused: &mut Refused,
    ) -> Result<TryEnd, DatabaseError> {
        let started = Instant::now();
        let OnRecord { position, started_at } = match on_record {
            Some(on_record) => on_record,
            None => means.track.begin(&self.facts, means.clock.now()).await?,
        };
        passed("record");
        let tried = Tried {
            position,
            started_at,
            started,
        };
        let _ = means.news.send(News::Began(self.ticket, tried.clone()));
        let (provider, model) = (self.facts.provider.as_str(), self.request.native.model.as_str());
        means.routing.start(provider, model, started_at);
        means.track.tell_start(provider, model);
        let span = tracing::info_span!("attempt", position, provider.id = provider, model.native = model);
        let result = self.within_patience(means, &tried).instrument(span.clone()).await;
        let result = result.map_err(|failure| self.blamed(failure));
        let took = started.elapsed();
        means.stopwatch.attempt(position, started.into_std(), took);
        let seen = result.as_ref().map(|(id, success)| (id.as_deref(), success.usage));
        telemetry::called(&span, (provider, model), &seen, took);
        if let Err(failure) = &result {
            span.in_scope(|| told(failure, took));
            means.track.failed(position, failure, took);
        }
        means.track.tell_end(provider, model, result.as_ref().err());
        let failure = result.as_ref().err();
        let other = failure.and_then(|failure| self.other_credential(means, failure, refused));
        let ended = Ended {
            started_at,
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            failure,
            credential: self.chosen.name(),
            paced: Some(self.facts.mode),
            // While another credential works the offer does.
            is_excused: self.has_unknown || other.is_some(),
        };
        let given_up = means.routing.record(provider, model, &ended, means.clock.now());
        let told = result.as_ref().map(|(upstream_id, _)| upstream_id.as_deref());
        let attempt = Attempt {
            position,
            ..Attempt::new(provider, model, started_at, took, told)
        };
        Ok(TryEnd {
            attempt,
            result: result.map(|(_, success)| success),
            given_up,
            other,
        })
    }

    /// The failure with the blame where it belongs: a provider that took our credential and then could not go on for want of
    /// one speaks of the caller's own.
    fn blamed(&self, failure: Failure) -> Failure {
        let about_credentials = matches!(
            failure.kind,
            FailureKind::BadCredential | FailureKind::QuotaExhausted | FailureKind::NotPermitted
        );
        let is_ours = failure.status.is_some_and(|status| status >= 400);
        let fields = &self.request.native.fields;
        let own = fields.iter().find(|(_, value)| matches!(value, NativeValue::Secret(_)));
        match own {
            Some((name, _)) if about_credentials && !is_ours => Failure {
                blame: Blame::Caller,
                param: Some(name.clone()),
                message: format!("{} could not use the credential in '{name}'", self.facts.provider),
                ..failure
            },
            _ => failure,
        }
    }

    /// Calls the provider, and tells when that takes longer than it may.
    async fn within_patience(&self, means: &Means, tried: &Tried) -> Result<(Option<String>, Success), Failure> {
        let (provider, model) = (self.facts.provider.as_str(), self.request.native.model.as_str());
        let usual = means.routing.usual(provider, model, self.facts.mode);
        let patience = Patience::of(usual, means.attempt_limit, means.hedged);
        let (mut late_after, mut limit) = (patience.late_after, patience.limit);
        let heard = Heard {
            call: self,
            means,
            position: tried.position,
        };
        let run = means
            .driver
            .run(self.adapter, &self.request, &self.scope, means.deadline, &heard);
        tokio::pin!(run);
        loop {
            let next = [late_after, limit].into_iter().flatten().min();
            let Some(wait) = next else { break };
            tokio::select! {
                biased;
                finished = &mut run => return self.examined(means, finished).await,
                () = sleep_until(tried.started + wait) => {}
            }
            if late_after == Some(wait) {
                late_after = None;
            }
            if patience.late_after == Some(wait) && !self.has_unknown {
                means.routing.late(provider, model, tried.started_at, means.clock.now());
            }
            if limit == Some(wait) {
                limit = None;
                self.overdue(means, took_too_long(provider));
            }
        }
        let finished = run.await;
        self.examined(means, finished).await
    }

    /// Tells that others may be asked although it goes on: whether it will have cost something is not known.
    fn overdue(&self, means: &Means, failure: Failure) {
        let failure = Failure {
            spent: Spent::Unknown,
            ..failure
        };
        let _ = means.news.send(News::Overdue(self.ticket, Box::new(failure)));
    }

    /// What a finished call gave, once its images are looked at.
    async fn examined(
        &self,
        means: &Means,
        finished: Result<FinishedAttempt, Failure>,
    ) -> Result<(Option<String>, Success), Failure> {
        match finished {
            Ok(finished) => read(&means.processor, finished).await,
            Err(failure) => Err(failure),
        }
    }
}

/// Tells the log of a failed attempt; what the provider said, only to who asks for details.
fn told(failure: &Failure, took: Duration) {
    tracing::info!(
        error.code = code_of(failure.kind),
        spent = failure.spent.as_str(),
        http.status = failure.status,
        upstream.id = failure.upstream_request_id.as_deref(),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "an attempt failed"
    );
    tracing::debug!(
        error.message = failure.message,
        upstream.said = failure.excerpt.as_deref(),
        "what the provider said"
    );
}

/// Hears of one call: partial images go to the caller, its job goes on record.
struct Heard<'a> {
    call: &'a NewCall,
    means: &'a Means,
    position: i64,
}

impl Observer for Heard<'_> {
    fn job_accepted<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, ()> {
        async move {
            let credential = self.call.chosen.name();
            self.means.track.accepted(self.position, handle, credential).await;
            passed("accept");
        }
        .boxed()
    }

    fn lost_sight(&self, failure: &Failure) {
        tracing::warn!(
            attempt.position = self.position,
            error.code = code_of(failure.kind),
            "a provider does not tell of a job that it accepted; it is asked until the deadline, and another may be asked beside it"
        );
        self.call.overdue(self.means, failure.clone());
    }

    fn partial_image(&self, index: u32, image: Blob) {
        self.call.relay.partial_image(index, image);
    }
}

/// That a call used up its time.
pub(super) fn took_too_long(provider: &str) -> Failure {
    Failure::new(
        FailureKind::TimedOut,
        format!("{provider} did not answer within the time limit of one attempt"),
    )
}
