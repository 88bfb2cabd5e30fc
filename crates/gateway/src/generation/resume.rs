//! Finishing what a dead process left behind: jobs that providers accepted are asked for; what became of the rest nobody
//! knows.

use std::time::Duration;

use futures_util::future::join_all;
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use planner::failure::{Failure, FailureKind, Spent};
use planner::native::NativeRequest;
use providers::{Blob, Finished, FinishedImage, ProviderRequest, SpoolScope};
use tokio::time::Instant;

use super::Generator;
use super::executor::{Execution, Success, read, take};
use super::facts::Facts;
use super::outputs::{self, Keeping};
use super::record::{attempt_row, completed, failed, success};
use crate::db::DatabaseError;
use crate::db::generations::{EndOfGeneration, Orphan, OrphanedAttempt, Status};
use crate::db::ledger::Settlement;
use crate::ledger::Charge;
use crate::outcome::{Attempt, GenerationError};
use crate::settings::WhenOutcomeUnknown;

/// The least time that a job gets whose deadline has passed while nobody asked for it: it may be done long since.
pub(super) const LEAST_TIME: Duration = Duration::from_secs(60);

/// Images of a call whose answer nobody knows otherwise.
fn found(images: Vec<Blob>) -> Finished {
    let images = images.into_iter().map(|blob| FinishedImage {
        blob,
        revised_prompt: None,
    });
    Finished {
        images: images.collect(),
        usage: None,
        reported_cost_micros: None,
        upstream_id: None,
    }
}

/// A call that was taken up again.
struct Resumed {
    attempt: Attempt,
    result: Result<(Success, Facts), Failure>,
}

impl Generator {
    /// Takes up a generation that a dead process left behind, and ends it.
    ///
    /// # Errors
    /// [`DatabaseError`]: then it is taken up again later.
    pub async fn resume(&self, orphan: &Orphan, scope: &SpoolScope) -> Result<(), DatabaseError> {
        let calls = self.database.orphaned_attempts(&orphan.id).await?;
        tracing::warn!(generation.id = %orphan.id, calls = calls.len(), "a generation was left behind by a process that ended; it is taken up");
        let mut stored = self.stored(orphan, &calls, scope).await?.into_iter();
        let resumed = calls.iter().map(|call| {
            let facts: Option<Facts> = call.facts.as_deref().and_then(|text| serde_json::from_str(text).ok());
            let asked = facts.as_ref().filter(|_| !call.failed).map_or(0, |facts| facts.asked);
            let stored = stored.by_ref().take(asked as usize).collect();
            self.resume_call(orphan, call, facts, stored, scope)
        });
        let resumed = join_all(resumed).await;
        let mut execution = Execution::default();
        let mut refusal = None;
        for (call, one) in calls.iter().zip(resumed) {
            execution.attempts.push(one.attempt);
            match one.result {
                Ok((success, facts)) => {
                    let pricing = facts.pricing(&self.catalog).cloned();
                    execution.facts.push(facts);
                    let index = execution.facts.len() - 1;
                    take(index, pricing.as_ref(), success, &mut execution);
                }
                Err(failure) => {
                    if call.handle.is_some() {
                        refusal = Some(failure.clone());
                    }
                    execution.failures.push(failure);
                }
            }
        }
        if !execution.images.is_empty() {
            return self.end_with_images(orphan, execution, scope).await;
        }
        match refusal {
            Some(refusal) if execution.failures.iter().all(|failure| failure.spent == Spent::No) => {
                self.end_with_refusal(orphan, execution.attempts, refusal).await
            }
            _ => self.end_without_images(orphan, execution.attempts).await,
        }
    }

    /// Images that the dead process stored before it could say so, in the order of its calls. Those of jobs are left out:
    /// they come once more.
    async fn stored(
        &self,
        orphan: &Orphan,
        calls: &[OrphanedAttempt],
        scope: &SpoolScope,
    ) -> Result<Vec<Blob>, DatabaseError> {
        let mut images = Vec::new();
        if calls.iter().any(|call| call.handle.is_some()) {
            return Ok(images);
        }
        for media in self.database.media_of(&orphan.id).await? {
            match self.store.load(&media.path, scope).await {
                Ok(image) => images.push(image),
                Err(error) => {
                    tracing::warn!(media.id = %media.id, error = %error, "an image that a dead process stored cannot be read");
                    return Ok(Vec::new());
                }
            }
        }
        Ok(images)
    }

    /// Removes what the dead process stored: it is stored anew, once.
    async fn forget_stored(&self, generation_id: &str) -> Result<(), DatabaseError> {
        for media in self.database.media_of(generation_id).await? {
            match self.store.delete(&media.path).await {
                Ok(()) => self.database.delete_media(&media.id).await?,
                Err(error) => {
                    tracing::warn!(media.id = %media.id, error = %error, "an image that a dead process stored cannot be removed");
                }
            }
        }
        Ok(())
    }

    async fn resume_call(
        &self,
        orphan: &Orphan,
        call: &OrphanedAttempt,
        facts: Option<Facts>,
        stored: Vec<Blob>,
        scope: &SpoolScope,
    ) -> Resumed {
        let started = Instant::now();
        let result = match (&call.handle, facts) {
            _ if call.failed_unspent => Err(Failure {
                spent: Spent::No,
                ..Failure::new(
                    FailureKind::ServerError,
                    "the provider refused before the gateway stopped",
                )
            }),
            (Some(handle), Some(facts)) => self
                .ask_for(orphan, call, handle, &facts, scope)
                .await
                .map(|(upstream_id, success)| (upstream_id, success, facts)),
            (None, Some(facts)) if !stored.is_empty() => {
                read(found(stored)).map(|(upstream_id, success)| (upstream_id, success, facts))
            }
            _ => Err(Failure::new(
                FailureKind::Interrupted,
                "the gateway stopped before the provider's answer was known",
            )),
        };
        let told = result.as_ref().map(|(upstream_id, ..)| upstream_id.as_deref());
        let attempt = Attempt {
            position: call.position,
            ..Attempt::new(&call.provider, &call.model, call.started_at, started.elapsed(), told)
        };
        Resumed {
            attempt,
            result: result.map(|(_, success, facts)| (success, facts)),
        }
    }

    /// Asks a provider for a job that it accepted.
    async fn ask_for(
        &self,
        orphan: &Orphan,
        call: &OrphanedAttempt,
        handle: &str,
        facts: &Facts,
        scope: &SpoolScope,
    ) -> Result<(Option<String>, Success), Failure> {
        let upstream = self.upstreams.get(&call.provider);
        let reachable = upstream.and_then(|upstream| Some((upstream.adapter, upstream.endpoint.clone()?)));
        let Some((adapter, endpoint)) = reachable else {
            let message = "the provider has no credential any more, so its job cannot be asked for";
            return Err(Failure {
                spent: Spent::Unknown,
                ..Failure::new(FailureKind::BadCredential, message)
            });
        };
        let request = ProviderRequest {
            endpoint,
            native: NativeRequest {
                model: call.model.clone(),
                mode: facts.mode,
                fields: IndexMap::new(),
            },
            inputs: Vec::new(),
            mask: None,
        };
        let left = orphan.deadline_at.duration_since(self.clock.now());
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO).max(LEAST_TIME);
        let finished = self
            .driver
            .resume(adapter, &request, handle, scope, Instant::now() + left)
            .await?;
        let (upstream_id, mut success) = read(finished)?;
        success.truncate(facts.asked);
        Ok((upstream_id, success))
    }

    /// The jobs gave images: they are kept and charged as if nothing had happened.
    async fn end_with_images(
        &self,
        orphan: &Orphan,
        execution: Execution,
        scope: &SpoolScope,
    ) -> Result<(), DatabaseError> {
        let produced = outputs::convert(self, scope, execution).await;
        let mut generated = outputs::assemble(self, &orphan.id, produced, orphan.created_at);
        let account = self.database.account(&orphan.account_id).await?;
        let keeping = Keeping {
            generation_id: &orphan.id,
            ttl_s: account.and_then(|account| account.media_ttl_s),
            at_least_s: self.idempotency_s(),
        };
        self.forget_stored(&orphan.id).await?;
        outputs::keep(self, &keeping, &mut generated).await;
        let mut end = completed(&generated, self.clock.now());
        end.answer = Some(success(&generated));
        let charge = Charge {
            total_micros: generated.cost.0,
            markup_micros: generated.markup.0,
        };
        let rows = generated.attempts.iter().map(attempt_row).collect();
        self.database
            .end_generation(&orphan.id, end, rows, Settlement::Charge(charge))
            .await?;
        self.ended.notify_waiters();
        Ok(())
    }

    /// The provider refused the job, at no cost: that is the answer.
    async fn end_with_refusal(
        &self,
        orphan: &Orphan,
        attempts: Vec<Attempt>,
        refusal: Failure,
    ) -> Result<(), DatabaseError> {
        let rows = attempts.iter().map(attempt_row).collect();
        let error = GenerationError::Attempts {
            model: orphan.model.clone(),
            attempts,
            decisive: Box::new(refusal),
            // No other candidate can be asked: the caller's inputs are gone with the process.
            forced: true,
            stopped: false,
        };
        let mut end = failed(&error, self.clock.now());
        end.frees_claim = true;
        self.database
            .end_generation(&orphan.id, end, rows, Settlement::Release)
            .await?;
        self.ended.notify_waiters();
        Ok(())
    }

    /// No image came. What was held is given back or charged as the operator decided; a caller who comes back with the
    /// same key of his own may have one more try, unless nothing was ever sent, which is simply done anew.
    async fn end_without_images(&self, orphan: &Orphan, attempts: Vec<Attempt>) -> Result<(), DatabaseError> {
        let is_unknown = attempts.iter().any(|attempt| attempt.spent() != Spent::No);
        let charged = is_unknown && self.when_outcome_unknown == WhenOutcomeUnknown::Charge;
        let held = if charged {
            self.database.held(&orphan.id).await?
        } else {
            None
        };
        let message = match (is_unknown, held) {
            (false, _) => "The gateway stopped before this request was sent to a provider. Nothing was spent.",
            (true, None) => {
                "The gateway stopped while a provider worked on this request, and its outcome is unknown. What was held was given back."
            }
            (true, Some(_)) => {
                "The gateway stopped while a provider worked on this request, and its outcome is unknown. What was held was charged."
            }
        };
        tracing::warn!(generation.id = %orphan.id, charged_micros = held, "{message}");
        let end = EndOfGeneration {
            status: Status::UpstreamFailure,
            provider: attempts.last().map(|attempt| attempt.provider.clone()),
            cost_micros: held,
            markup_micros: 0,
            cost_basis: None,
            cost_components: "[]".to_owned(),
            adjustments: "[]".to_owned(),
            error_code: Some(
                if is_unknown {
                    "OUTCOME_UNKNOWN"
                } else {
                    "INTERNAL_ERROR"
                }
                .to_owned(),
            ),
            error_message: Some(message.to_owned()),
            response_size_bytes: None,
            answer: None,
            frees_claim: !is_unknown,
            finished_at: self.clock.now(),
        };
        let settlement = held.map_or(Settlement::Release, |total_micros| {
            Settlement::Charge(Charge {
                total_micros,
                markup_micros: 0,
            })
        });
        let rows = attempts.iter().map(attempt_row).collect();
        self.database.end_generation(&orphan.id, end, rows, settlement).await?;
        self.ended.notify_waiters();
        Ok(())
    }

    /// How long a caller's own key for a request is remembered, in seconds.
    #[must_use]
    pub fn idempotency_s(&self) -> i64 {
        i64::try_from(self.limits.idempotency_s).unwrap_or(i64::MAX / 4)
    }

    /// When a key that is claimed now is forgotten.
    #[must_use]
    pub fn claim_ends(&self, now: Timestamp) -> Timestamp {
        now.checked_add(SignedDuration::from_secs(self.idempotency_s()))
            .unwrap_or(Timestamp::MAX)
    }
}
