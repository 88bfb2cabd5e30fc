//! A job that a provider accepted: how long its silence is borne, what ends it, and how it is called off.

use std::time::Duration;

use planner::failure::{Failure, FailureKind};
use tokio::time::{Instant, timeout};

use super::{Attempt, Driver, Reach, send::request_of};
use crate::adapter::{Job, Stage};

/// Of the time that an attempt has, how much may pass without a word on its job before another offer may be asked.
const SILENCE_SHARE: u32 = 5;
/// Time for calling a job off. Nobody waits for it.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a provider still tells of a job, or of its result.
pub(super) struct Sight {
    heard_at: Instant,
    borne: Duration,
    is_told: bool,
}

impl Sight {
    /// From now on, with the patience that the time left of `attempt` allows.
    pub(super) fn new(attempt: &Attempt<'_>) -> Self {
        let now = Instant::now();
        Self {
            heard_at: now,
            borne: attempt.deadline.saturating_duration_since(attempt.begun) / SILENCE_SHARE,
            is_told: false,
        }
    }

    /// The provider told the job's state.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// It did not. When that has lasted too long the observer is told, once.
    pub(super) fn missed(&mut self, attempt: &Attempt<'_>, failure: &Failure) {
        if !self.is_told && self.heard_at.elapsed() >= self.borne {
            self.is_told = true;
            attempt.observer.lost_sight(failure);
        }
    }
}

/// Whether a failure to hear of an accepted job is asked about again. Only what the provider says of the job itself ends
/// it: a refusal of the question may be gone at the next asking, and the job is paid for. `status` is that of the reply,
/// and `is_gone` whether it says in so many words that there is no such job.
pub(super) fn asks_again(stage: Stage, status: u16, is_gone: bool, failure: &Failure) -> bool {
    if !matches!(stage, Stage::Poll | Stage::Fetch) || is_gone || (200..300).contains(&status) {
        return false;
    }
    match failure.kind {
        FailureKind::NotSent
        | FailureKind::RateLimited
        | FailureKind::Overloaded
        | FailureKind::QuotaExhausted
        | FailureKind::BadCredential
        | FailureKind::NotPermitted
        | FailureKind::ModelGone
        | FailureKind::JobLost
        | FailureKind::Interrupted
        | FailureKind::UnreadableAnswer => true,
        // A result may be a refusal of what was asked; the answer to a poll cannot.
        FailureKind::InvalidArgument => stage == Stage::Poll,
        FailureKind::TimedOut
        | FailureKind::ServerError
        | FailureKind::EmptyAnswer
        | FailureKind::JobFailed
        | FailureKind::ContentPolicy
        | FailureKind::LimitReached => false,
    }
}

impl Driver {
    /// Calls a job off that nobody waits for any more, where its protocol has a way to. Does not wait for the answer.
    pub(super) fn call_off(&self, attempt: &Attempt<'_>, job: Option<&Job>) {
        let cancel = job.and_then(|job| attempt.adapter.cancel(attempt.request, job));
        let Some(call) = cancel else { return };
        // A job's address was accepted as the provider's own.
        if Reach::of(&attempt.request.endpoint, &call.url) != Reach::Own {
            return;
        }
        let (client, provider) = (self.own.clone(), attempt.request.endpoint.provider.clone());
        tokio::spawn(async move {
            let sent = timeout(CANCEL_TIMEOUT, client.execute(request_of(&call, Reach::Own))).await;
            let status = sent.ok().and_then(Result::ok).map(|answer| answer.status().as_u16());
            tracing::info!(provider, status, "a job that did not end in time was called off");
        });
    }
}
