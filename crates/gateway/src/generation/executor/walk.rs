//! From candidate to candidate: who is asked, and whom they are waited for with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use planner::failure::{
    Failure, FailureKind, NextMove, Progress, RETRIES_MAX, Spent, WALK_PAUSE, is_over, is_refusal, next_move,
    walk_again,
};
use planner::plan::{Candidate, RoutePlan};
use providers::ProviderRequest;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::Instrument as _;

use super::call::{CallEnd, Means, NewCall, News, Tried, took_too_long};
use super::{Bounds, Execution, Executor, Sources, shortfall, take};
use crate::generation::facts::{Facts, OneCall};
use crate::generation::partials::Relay;
use crate::generation::track::OnRecord;
use crate::outcome::Attempt;

/// A call that is not over.
struct UnderWay {
    /// Its candidate, by its place in the plan.
    candidate: usize,
    /// Images that it was asked for.
    asked: u32,
    relay: Arc<Relay>,
    /// Its last try.
    tried: Option<Tried>,
    /// Whether others were asked because it takes too long.
    overdue: bool,
}

/// One walk through a plan, or two.
pub(super) struct Walk<'a> {
    pub(super) executor: &'a Executor<'a>,
    pub(super) plan: &'a RoutePlan<'a>,
    pub(super) sources: &'a Sources<'a>,
    pub(super) means: Arc<Means>,
    pub(super) news: UnboundedReceiver<News>,
    /// Images that are wanted.
    pub(super) n: u32,
    pub(super) execution: Execution,
    calls: BTreeMap<usize, UnderWay>,
    tickets: usize,
    tries_after_maybe_billed: u32,
    /// Calls that are on record already.
    first: Option<FirstCalls>,
}

/// The first calls of a generation, put on record together with it.
#[derive(Debug)]
pub struct FirstCalls {
    /// Their candidate, by its place in the plan.
    pub candidate: usize,
    /// The calls, in order.
    pub calls: Vec<OnRecord>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        executor: &'a Executor<'a>,
        plan: &'a RoutePlan<'a>,
        sources: &'a Sources<'a>,
        (means, news): (Arc<Means>, UnboundedReceiver<News>),
        n: u32,
        (bounds, first): (Bounds, Option<FirstCalls>),
    ) -> Self {
        let told_later = executor.told_later;
        let facts = plan.candidates.iter().map(|candidate| Facts::of(candidate, told_later));
        Self {
            executor,
            plan,
            sources,
            means,
            news,
            n,
            execution: Execution {
                facts: facts.collect(),
                bounds: Some(bounds),
                ..Execution::default()
            },
            calls: BTreeMap::new(),
            tickets: 0,
            tries_after_maybe_billed: executor.tries_before,
            first,
        }
    }

    /// Asks until the images are there or nobody is left to ask, and then waits for those who are late.
    pub(super) async fn finish(mut self) -> Execution {
        self.candidates().await;
        while self.missing() > 0 && !self.calls.is_empty() {
            match self.news.recv().await {
                Some(news) => self.hear(news, None),
                None => break,
            }
        }
        if self.missing() == 0 {
            self.execution.failures.clear();
        }
        self.leave_behind().await;
        let unused = self.first.take().map(|first| first.calls);
        self.means.track.not_made(unused.into_iter().flatten());
        self.execution.unmade = self.means.track.unmade();
        self.execution.attempts.sort_by_key(|attempt| attempt.position);
        self.execution
    }

    async fn candidates(&mut self) {
        let policy = self.executor.policy;
        let mut refusing = BTreeSet::new();
        for walks in 1.. {
            let mut order = self
                .plan
                .walk(&self.executor.routing.health(), self.executor.clock.now());
            order.retain(|index| !refusing.contains(index));
            for (step, index) in order.iter().enumerate() {
                let is_last = step + 1 == order.len();
                let moves = self.wave(*index, is_last).await;
                let failures = &self.execution.failures;
                if failures.is_empty() || self.missing() == 0 || self.execution.unrecorded.is_some() {
                    return;
                }
                if failures.iter().any(|failure| is_refusal(failure, policy)) {
                    refusing.insert(*index);
                }
                let time_left = self.means.time_left();
                let out_of_time = failures.iter().any(|failure| is_over(failure, time_left));
                if moves.contains(&NextMove::Stop) || out_of_time {
                    self.execution.stopped = !is_last || out_of_time;
                    return;
                }
                if failures.iter().any(|failure| failure.spent != Spent::No) {
                    self.tries_after_maybe_billed += 1;
                }
            }
            let failures = self.execution.attempts.iter().map(|attempt| attempt.failure.as_ref());
            if !self.calls.is_empty() || !walk_again(failures, walks, policy, self.means.time_left()) {
                return;
            }
            tokio::time::sleep(WALK_PAUSE).await;
        }
    }

    fn missing(&self) -> u32 {
        let made = u32::try_from(self.execution.images.len()).unwrap_or(u32::MAX);
        self.n.saturating_sub(made)
    }

    /// Asks one candidate for the missing images, in parallel calls, and waits until each has ended or has used up its time.
    /// Leaves the failures of this wave in the execution.
    async fn wave(&mut self, index: usize, is_last: bool) -> Vec<NextMove> {
        self.execution.failures.clear();
        let candidate = &self.plan.candidates[index];
        let tickets = match self.ask(index, candidate).await {
            Ok(tickets) => tickets,
            Err(None) => return Vec::new(),
            Err(Some(failure)) => {
                self.execution.failures.push(failure);
                return vec![NextMove::Stop];
            }
        };
        let mut wave = Wave {
            tickets,
            is_last,
            ends: BTreeMap::new(),
            moves: Vec::new(),
        };
        while self.awaits(&wave) {
            match self.news.recv().await {
                Some(news) => self.hear(news, Some(&mut wave)),
                None => break,
            }
        }
        // In the order of the calls, not in that in which they came.
        for (ticket, (call, end)) in std::mem::take(&mut wave.ends) {
            self.ended(ticket, &call, end, Some(&mut wave));
        }
        wave.moves
    }

    /// Whether a wave may still give something that is wanted.
    fn awaits(&self, wave: &Wave) -> bool {
        let given = |(call, end): &(UnderWay, CallEnd)| match &end.result {
            Ok(success) => call.asked.min(u32::try_from(success.images.len()).unwrap_or(u32::MAX)),
            Err(_) => 0,
        };
        let made: u32 = wave.ends.values().map(given).sum();
        let is_under_way = |ticket: &usize| self.calls.get(ticket).is_some_and(|call| !call.overdue);
        made < self.missing() && wave.tickets.iter().any(is_under_way)
    }

    /// Starts the calls to one candidate. `Err(None)`: nobody can be asked.
    async fn ask(&mut self, index: usize, candidate: &Candidate<'_>) -> Result<Vec<usize>, Option<Failure>> {
        let resolved = &candidate.resolved;
        let upstream = self.executor.upstreams.get(&resolved.offer.provider).ok_or(None)?;
        let Some(access) = &upstream.access else {
            return Err(Some(Failure::new(FailureKind::BadCredential, "the provider is off")));
        };
        let (inputs, mask) = self.executor.inputs(candidate, self.sources).await?;
        let tries = self.tries_after_maybe_billed;
        let calls = self.execution.facts[index].calls(resolved, self.missing(), self.n, tries);
        let mut on_record = self.on_record(index).into_iter();
        let mut tickets = Vec::new();
        for OneCall { images, native, facts } in calls {
            let ticket = self.tickets;
            self.tickets += 1;
            let relay = Arc::new(Relay::new(self.executor.inlet, candidate));
            let chosen = access.choose(&native.model, self.executor.clock.now());
            let call = NewCall {
                ticket,
                adapter: upstream.adapter,
                facts,
                pricing: resolved.offer.pricing.clone(),
                has_unknown: resolved.has_unknown,
                access: Arc::clone(access),
                request: ProviderRequest {
                    endpoint: chosen.endpoint.clone(),
                    native,
                    inputs: inputs.clone(),
                    mask: mask.clone(),
                },
                scope: self.sources.scope.clone(),
                relay: Arc::clone(&relay),
                tries_after_maybe_billed: tries,
                first: on_record.next(),
                chosen,
            };
            let made = call.make(Arc::clone(&self.means));
            self.means.tasks.spawn(made.in_current_span());
            tickets.push(ticket);
            self.calls.insert(
                ticket,
                UnderWay {
                    candidate: index,
                    asked: images,
                    relay,
                    tried: None,
                    overdue: false,
                },
            );
        }
        Ok(tickets)
    }

    /// The calls to a candidate that are on record already. Those to another one are not made: who is asked first was another
    /// one a moment ago.
    fn on_record(&mut self, candidate: usize) -> Vec<OnRecord> {
        match self.first.take() {
            Some(first) if first.candidate == candidate => first.calls,
            Some(first) => {
                self.means.track.not_made(first.calls);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Takes in what became of a call; `wave` is the one that is being waited for.
    fn hear(&mut self, news: News, wave: Option<&mut Wave>) {
        match news {
            News::Began(ticket, tried) => {
                if let Some(call) = self.calls.get_mut(&ticket) {
                    call.tried = Some(tried);
                }
            }
            News::Overdue(ticket, failure) => self.overdue(ticket, *failure, wave),
            News::Ended(ticket, end) => {
                let Some(call) = self.calls.remove(&ticket) else { return };
                match wave {
                    Some(wave) if wave.tickets.contains(&ticket) && !call.overdue => {
                        wave.ends.insert(ticket, (call, *end));
                    }
                    _ => self.ended(ticket, &call, *end, None),
                }
            }
        }
    }

    /// A call has used up its time, or its provider tells no more of it. Whether it cost something is not known: the policy
    /// says whether another may be asked. If not, or if there is nobody else, it is waited for.
    fn overdue(&mut self, ticket: usize, failure: Failure, wave: Option<&mut Wave>) {
        let Some(wave) = wave.filter(|wave| !wave.is_last && wave.tickets.contains(&ticket)) else {
            return;
        };
        let progress = self.progress(ticket);
        let Some(call) = self.calls.get_mut(&ticket).filter(|call| !call.overdue) else {
            return;
        };
        if next_move(&failure, self.executor.policy, &progress) == NextMove::Failover {
            call.overdue = true;
            self.execution.failures.push(failure);
            wave.moves.push(NextMove::Failover);
        }
    }

    fn progress(&self, ticket: usize) -> Progress {
        Progress {
            retries: RETRIES_MAX,
            tries_after_maybe_billed: self.tries_after_maybe_billed,
            streamed: self.calls.get(&ticket).is_some_and(|call| call.relay.shown()),
            time_left: self.means.time_left(),
        }
    }

    /// Takes what a call gave, as far as it is still wanted. Of a wave, what its failure allows is told.
    fn ended(&mut self, ticket: usize, call: &UnderWay, end: CallEnd, wave: Option<&mut Wave>) {
        let progress = Progress {
            streamed: call.relay.shown(),
            ..self.progress(ticket)
        };
        if self.missing() == 0 && end.result.is_ok() {
            // Others were faster by a moment.
            self.too_late(call, end);
            return;
        }
        let execution = &mut self.execution;
        execution.attempts.extend(end.attempts);
        execution.unrecorded = execution.unrecorded.take().or(end.unrecorded);
        let failure = match end.result {
            Ok(mut success) => {
                let short = shortfall(call.asked, &mut success);
                success.truncate(call.asked);
                success.keep_first(self.n as usize - self.execution.images.len());
                let pricing = &self.plan.candidates[call.candidate].resolved.offer.pricing;
                take(call.candidate, Some(pricing), success, &mut self.execution);
                short
            }
            Err(failure) => Some(failure),
        };
        let Some(failure) = failure else { return };
        if let Some(wave) = wave {
            wave.moves.push(next_move(&failure, self.executor.policy, &progress));
        }
        self.execution.failures.push(failure);
    }

    /// Puts on record what came although nobody wants it any more.
    fn too_late(&mut self, call: &UnderWay, end: CallEnd) {
        let facts = &self.execution.facts[call.candidate];
        let overtaken = Failure {
            spent: Spent::Yes,
            ..took_too_long(&facts.provider)
        };
        let told = end.attempts.iter().map(|attempt| Attempt {
            under_way: true,
            failure: attempt.failure.clone().or_else(|| Some(overtaken.clone())),
            ..attempt.clone()
        });
        self.execution.attempts.extend(told);
        let pricing = &self.plan.candidates[call.candidate].resolved.offer.pricing;
        self.means.ended_late(facts, pricing, end);
    }

    /// Listens no more. What has come up to now is taken; calls that are still under way are told of as such, and go on:
    /// their own end puts them on record.
    async fn leave_behind(&mut self) {
        self.news.close();
        while let Some(news) = self.news.recv().await {
            self.hear(news, None);
        }
        for call in std::mem::take(&mut self.calls).into_values() {
            let Some(tried) = call.tried else { continue };
            let facts = &self.execution.facts[call.candidate];
            let failure = took_too_long(&facts.provider);
            let took: Duration = tried.started.elapsed();
            self.means.track.failed(tried.position, &failure, took);
            self.execution.attempts.push(Attempt {
                position: tried.position,
                under_way: true,
                ..Attempt::new(
                    &facts.provider,
                    &facts.native_model,
                    tried.started_at,
                    took,
                    Err(&failure),
                )
            });
        }
    }
}

/// The calls to one candidate that are waited for.
struct Wave {
    tickets: Vec<usize>,
    /// Whether no other candidate follows.
    is_last: bool,
    ends: BTreeMap<usize, (UnderWay, CallEnd)>,
    moves: Vec<NextMove>,
}
