//! One call to one candidate, and again while its failure allows a retry of the same one.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use imaging::Ending;
use planner::failure::{Failure, FailureKind, NextMove, Progress, Spent, jittered, next_move};
use planner::health::Report;
use planner::money::Micros;
use planner::native::NativeRequest;
use planner::plan::Candidate;
use planner::size::Size;
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
use crate::outcome::{Attempt, code_of};
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

/// An image that a call gave.
pub(in crate::generation) struct Made {
    pub(in crate::generation) image: Inspected,
    pub(in crate::generation) revised_prompt: Option<String>,
    /// How its file ends.
    pub(in crate::generation) ending: Ending,
    /// Its place among the generation's images in the store, when it is there already.
    pub(in crate::generation) stored: Option<i64>,
}

/// What a call gave.
#[derive(Default)]
pub(in crate::generation) struct Success {
    pub(in crate::generation) images: Vec<Made>,
    /// Why some that were made are missing.
    pub(super) lost: Vec<Failure>,
    pub(in crate::generation) usage: Option<Usage>,
    pub(in crate::generation) reported: Option<Micros>,
    /// What the images measured as they came, when they have been converted since.
    pub(in crate::generation) sizes: Option<Vec<Size>>,
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
        let result = match run.await {
            Ok(finished) => read(self.processor, finished).await,
            Err(failure) => Err(failure),
        };
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
    fn job_accepted<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, ()> {
        async move {
            self.track.accepted(self.position, handle).await;
            passed("accept");
        }
        .boxed()
    }

    fn lost_sight(&self, failure: &Failure) {
        tracing::warn!(
            attempt.position = self.position,
            error.code = code_of(failure.kind),
            "a provider does not tell of a job that it accepted; it is asked until the deadline"
        );
    }

    fn partial_image(&self, index: u32, image: Blob) {
        self.relay.partial_image(index, image);
    }
}

/// The readable images of a finished call, and the provider's own id of it.
pub(in crate::generation) async fn read(
    processor: &Processor,
    finished: Finished,
) -> Result<(Option<String>, Success), Failure> {
    let (mut images, mut lost) = (Vec::new(), finished.lost);
    for image in finished.images {
        match processor.examine(&image.blob).await {
            Ok((_, Ending::Cut)) => lost.push(Failure {
                spent: Spent::Yes,
                ..unreadable("its last bytes are missing")
            }),
            Ok((info, ending)) => images.push(Made {
                image: Inspected { blob: image.blob, info },
                revised_prompt: image.revised_prompt,
                ending,
                stored: None,
            }),
            Err(error) => lost.push(unreadable(error)),
        }
    }
    // Readable images are paid for; those that are missing are asked for again.
    if images.is_empty()
        && let Some(failure) = lost.pop()
    {
        return Err(Failure {
            upstream_request_id: failure.upstream_request_id.clone().or(finished.upstream_id),
            ..failure
        });
    }
    let success = Success {
        images,
        lost,
        usage: finished.usage,
        reported: finished.reported_cost_micros.map(Micros),
        sizes: None,
    };
    Ok((finished.upstream_id, success))
}

fn unreadable(why: impl std::fmt::Display) -> Failure {
    let message = format!("the provider's image cannot be read: {why}");
    Failure::new(FailureKind::UnreadableAnswer, message)
}
