//! One call to one candidate, and again while its failure allows a retry of the same one.

use planner::failure::{Failure, FailureKind, NextMove, Progress, jittered, next_move};
use planner::health::Report;
use planner::money::Micros;
use planner::native::NativeRequest;
use planner::plan::Candidate;
use planner::usage::Usage;
use providers::{Blob, Finished, InputImage, Observer, ProviderRequest, SpoolScope};
use tokio::time::Instant;

use super::Executor;
use crate::boundary::passed;
use crate::db::DatabaseError;
use crate::generation::facts::Facts;
use crate::generation::partials::Relay;
use crate::generation::track::Track;
use crate::media::process::{Inspected, Processor};
use crate::outcome::Attempt;
use crate::upstreams::Upstream;

/// A call to be made.
pub(super) struct Call<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) candidate: &'a Candidate<'a>,
    pub(super) facts: Facts,
    pub(super) native: NativeRequest,
    pub(super) inputs: (Vec<InputImage>, Option<InputImage>),
    pub(super) scope: &'a SpoolScope,
    pub(super) tries_after_maybe_billed: u32,
}

/// What it gave, after its retries.
pub(super) struct CallEnd {
    pub(super) attempts: Vec<Attempt>,
    pub(super) result: Result<Success, Failure>,
    /// Whether the caller was shown a partial image of it.
    pub(super) streamed: bool,
    /// That it could not be put on record, so that it was not made.
    pub(super) unrecorded: Option<DatabaseError>,
}

/// What a call gave.
pub(in crate::generation) struct Success {
    pub(super) images: Vec<(Inspected, Option<String>)>,
    pub(super) usage: Option<Usage>,
    pub(super) reported: Option<Micros>,
}

impl Success {
    /// Leaves out what was not asked for: nobody pays for it.
    pub(in crate::generation) fn truncate(&mut self, asked: u32) {
        self.images.truncate(asked as usize);
    }
}

/// One try.
struct Tried {
    attempt: Attempt,
    result: Result<Success, Failure>,
    /// Whether its offer was given up for a while, so that no retry of it makes sense.
    given_up: bool,
}

impl Executor<'_> {
    /// Makes a call, and again while the failure allows a retry.
    pub(super) async fn call(&self, call: Call<'_>) -> CallEnd {
        let relay = Relay::new(self.inlet, call.candidate);
        let Some(endpoint) = call.upstream.endpoint.clone() else {
            return CallEnd {
                attempts: Vec::new(),
                result: Err(Failure::new(FailureKind::BadCredential, "the provider is off")),
                streamed: false,
                unrecorded: None,
            };
        };
        let (inputs, mask) = call.inputs;
        let request = ProviderRequest {
            endpoint,
            native: call.native,
            inputs,
            mask,
        };
        let mut attempts = Vec::new();
        let mut retries = 0;
        loop {
            let tried = match self
                .attempt(call.upstream, &call.facts, &request, call.scope, &relay)
                .await
            {
                Ok(tried) => tried,
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
            attempts.push(tried.attempt);
            let progress = Progress {
                retries,
                tries_after_maybe_billed: call.tries_after_maybe_billed,
                streamed: relay.shown(),
                time_left: self.time_left(),
            };
            if let Err(failure) = &tried.result
                && !tried.given_up
                && let NextMove::Retry(wait) = next_move(failure, self.policy, &progress)
            {
                tokio::time::sleep(jittered(wait, rand::random())).await;
                retries += 1;
                continue;
            }
            return CallEnd {
                attempts,
                result: tried.result,
                streamed: progress.streamed,
                unrecorded: None,
            };
        }
    }

    /// One try, on record before it is made.
    async fn attempt(
        &self,
        upstream: &Upstream,
        facts: &Facts,
        request: &ProviderRequest,
        scope: &SpoolScope,
        relay: &Relay<'_>,
    ) -> Result<Tried, DatabaseError> {
        let started_at = self.clock.now();
        let started = Instant::now();
        let position = self.track.begin(facts, started_at).await?;
        passed("record");
        let heard = Heard {
            relay,
            track: self.track,
            position,
        };
        let model = &request.native.model;
        self.routing.start(&upstream.id, model, started_at);
        let run = self.driver.run(upstream.adapter, request, scope, self.deadline, &heard);
        let result = run.await.and_then(read);
        let took = started.elapsed();
        if let Err(failure) = &result {
            self.track.failed(position, failure, took);
        }
        let report = Report {
            started_at,
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            failure: result.as_ref().err(),
        };
        let given_up = self.routing.record(&upstream.id, model, &report, self.clock.now());
        let told = result.as_ref().map(|(upstream_id, _)| upstream_id.as_deref());
        let attempt = Attempt {
            position,
            ..Attempt::new(&upstream.id, model, started_at, took, told)
        };
        Ok(Tried {
            attempt,
            result: result.map(|(_, success)| success),
            given_up,
        })
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

/// The readable images of a finished call, and the provider's own id of it.
pub(in crate::generation) fn read(finished: Finished) -> Result<(Option<String>, Success), Failure> {
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
