//! Finishing what a dead process left behind: images that it stored are found again, jobs that providers accepted are asked
//! for, what is missing is asked for once more where the policy allows it. Never more images than were asked for.

mod calls;
mod salvage;

use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use planner::catalog::pricing::Basis;
use planner::failure::{Failure, Spent};
use planner::money::Micros;
use providers::SpoolScope;
use tokio::time::{Instant, sleep, timeout};

use super::executor::take;
use super::keeping::{Keeping, Moment, UNDELIVERED_S, keep};
use super::outputs;
use super::policy::Subject;
use super::record::{completed, failed, failure, success};
use super::settle::stored_rows;
use super::{Generated, Generator};
use crate::db::DatabaseError;
use crate::db::generations::{AttemptRow, EndOfGeneration, Orphan, Status};
use crate::db::journal::Ended;
use crate::db::keys::KeyTerms;
use crate::db::ledger::Settlement;
use crate::db::media::MediaRow;
use crate::ledger::Charge;
use crate::media::store::StoreError;
use crate::metrics::GenerationEnd;
use crate::outcome::{Attempt, GenerationError};
use crate::problem::{Problem, codes};
use crate::settings::WhenOutcomeUnknown;
use salvage::{KnownCall, Salvage};

/// How long after the deadline of its generation a job is asked for that was left behind. However often the process that asks
/// for it dies, it is no longer than this.
pub(super) const GRACE: Duration = Duration::from_secs(60);
/// Later a job is looked at once more, for so long at most: it may have been done long since, while nobody was there to ask.
pub(super) const LAST_LOOK: Duration = Duration::from_secs(20);
/// First wait before a generation is taken up once more that could not be ended; each further one is twice as long.
const AGAIN_FIRST: Duration = Duration::from_millis(500);
/// Longest such wait.
const AGAIN_MOST: Duration = Duration::from_secs(15);

/// Why a generation could not be ended now.
#[derive(Debug, thiserror::Error)]
enum ResumeError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Generator {
    /// Takes up a generation that a dead process left behind, and ends it, however often that has to be begun anew.
    pub async fn resume(&self, orphan: &Orphan, scope: &SpoolScope) {
        let _under_way = self.metrics.generation_began();
        // What comes is paid for.
        scope.admit_paid();
        // What its process had promised is stored first, so that it is found.
        while self.being_kept.holds(&orphan.id) {
            let end = self.ends.of(&orphan.id);
            let _ = timeout(AGAIN_FIRST, end.told()).await;
        }
        let mut wait = AGAIN_FIRST;
        while let Err(error) = self.resume_once(orphan, scope).await {
            tracing::error!(error = %error, "a generation that was left behind could not be ended; it is taken up again");
            sleep(wait).await;
            wait = (wait * 2).min(AGAIN_MOST);
        }
    }

    async fn resume_once(&self, orphan: &Orphan, scope: &SpoolScope) -> Result<(), ResumeError> {
        let started = Instant::now();
        let calls = self.database.orphaned_attempts(&orphan.id).await?;
        tracing::warn!(
            calls = calls.len(),
            "a generation was left behind by a process that ended; it is taken up"
        );
        let mut salvage = Salvage::new(orphan, calls);
        self.find_stored(orphan, &mut salvage, scope).await?;
        // Jobs that were given up come last: another call took their place.
        for of_interest in [KnownCall::is_running_job, KnownCall::is_abandoned_job] {
            if salvage.missing() > 0 {
                self.ask_for_jobs(orphan, &mut salvage, of_interest, scope).await;
            }
        }
        self.ask_anew(orphan, &mut salvage, scope).await?;
        let lasted = started.elapsed();
        if salvage.missing() < salvage.wanted {
            self.end_with_images(orphan, salvage, scope, lasted).await
        } else {
            self.end_without(orphan, salvage, lasted).await
        }
    }

    async fn ask_for_jobs(
        &self,
        orphan: &Orphan,
        salvage: &mut Salvage,
        of_interest: fn(&KnownCall) -> bool,
        scope: &SpoolScope,
    ) {
        let asked = salvage.calls.iter().enumerate().filter(|(_, call)| of_interest(call));
        let asked = asked.map(async |(place, call)| (place, self.ask_for(orphan, call, scope).await));
        for (place, told) in join_all(asked).await {
            salvage.take_in(place, told);
        }
    }

    /// The images are kept and charged as if nothing had happened.
    async fn end_with_images(
        &self,
        orphan: &Orphan,
        salvage: Salvage,
        scope: &SpoolScope,
        lasted: Duration,
    ) -> Result<(), ResumeError> {
        let execution = salvage.execution(|facts| facts.pricing(&self.catalog).cloned(), take);
        let produced = outputs::convert(self, scope, execution).await;
        let mut generated = outputs::assemble(self, &orphan.id, produced, orphan.created_at);
        bound_cost(
            &mut generated,
            self.database.reserved(&orphan.id).await?,
            self.limits.reported_cost_factor,
        );
        let account = self.database.account(&orphan.account_id).await?;
        let terms = self.database.key(&orphan.key_id).await?.map(|used| used.key.terms);
        let without_texts = terms.as_ref().is_some_and(KeyTerms::keeps_no_texts);
        let own_ttl_s = terms.and_then(|terms| terms.media_ttl_s);
        let keeping = Keeping {
            generation_id: &orphan.id,
            account_id: &orphan.account_id,
            ttl_s: match own_ttl_s {
                Some(0) => Some(UNDELIVERED_S),
                own => own.or_else(|| account.and_then(|account| account.media_ttl_s)),
            },
            at_least_s: if own_ttl_s == Some(0) { 0 } else { self.idempotency_s() },
            moment: Moment::Pending,
        };
        let subject = Subject {
            id: &orphan.id,
            account_id: &orphan.account_id,
            key_id: &orphan.key_id,
        };
        let links = self.operator_policy.after_links && own_ttl_s != Some(0);
        if let Err(denied) = self.look_at(subject, links.then_some(keeping), &mut generated).await {
            return self.end_withheld(orphan, &denied, without_texts, lasted).await;
        }
        keep(self, &keeping, &mut generated).await;
        let mut end = completed(&generated, without_texts, self.clock.now());
        end.answer = Some(success(&generated, without_texts));
        let charge = Charge {
            total_micros: generated.cost.0,
            markup_micros: generated.markup.0,
        };
        self.end(
            orphan,
            end,
            &generated.attempts,
            Settlement::Charge(charge),
            (stored_rows(&generated), None, lasted),
        )
        .await?;
        for attempt in &generated.attempts {
            if let Some(cost) = attempt.cost {
                self.metrics.charged(&attempt.provider, cost);
            }
        }
        Ok(())
    }

    /// The images are not handed out, as the operator's policy says: what they cost is the operator's.
    async fn end_withheld(
        &self,
        orphan: &Orphan,
        error: &GenerationError,
        without_texts: bool,
        lasted: Duration,
    ) -> Result<(), ResumeError> {
        let mut end = failed(error, without_texts, self.clock.now());
        end.answer = Some(failure(error));
        let attempts: &[Attempt] = match error {
            GenerationError::Denied(denial) => &denial.attempts,
            _ => &[],
        };
        let code = Problem::of_generation(error).code;
        let told = (Vec::new(), Some(code), lasted);
        self.end(orphan, end, attempts, Settlement::Release, told).await
    }

    async fn end_without(&self, orphan: &Orphan, salvage: Salvage, lasted: Duration) -> Result<(), ResumeError> {
        let (attempts, refusal) = salvage.failures();
        match refusal {
            Some(refusal) if attempts.iter().all(|attempt| attempt.spent() == Spent::No) => {
                self.end_with_refusal(orphan, attempts, refusal, lasted).await
            }
            _ => self.end_without_images(orphan, attempts, lasted).await,
        }
    }

    /// The provider refused the job, at no cost: that is the answer.
    async fn end_with_refusal(
        &self,
        orphan: &Orphan,
        attempts: Vec<Attempt>,
        refusal: Failure,
        lasted: Duration,
    ) -> Result<(), ResumeError> {
        let rows = attempts.clone();
        let error = GenerationError::Attempts {
            model: orphan.model.clone(),
            attempts,
            decisive: Box::new(refusal),
            // No other candidate can be asked: the caller's inputs are gone with the process.
            forced: true,
            stopped: false,
        };
        let mut end = failed(&error, false, self.clock.now());
        end.frees_claim = true;
        let code = Problem::of_generation(&error).code;
        self.end(
            orphan,
            end,
            &rows,
            Settlement::Release,
            (Vec::new(), Some(code), lasted),
        )
        .await
    }

    /// No image came. What was held is given back or charged as the operator decided; a caller who comes back with the
    /// same key of his own may have one more try, unless nothing was ever sent, which is simply done anew.
    async fn end_without_images(
        &self,
        orphan: &Orphan,
        attempts: Vec<Attempt>,
        lasted: Duration,
    ) -> Result<(), ResumeError> {
        let is_unknown = attempts.iter().any(|attempt| attempt.spent() != Spent::No);
        let charged = is_unknown && self.when_outcome_unknown == WhenOutcomeUnknown::Charge;
        let held = if charged {
            self.database.held(&orphan.id).await?
        } else {
            None
        };
        let (code, message) = match (is_unknown, held) {
            (false, _) => (
                codes::INTERNAL_ERROR.name,
                "The gateway stopped before this request was sent to a provider. Nothing was spent.",
            ),
            (true, None) => (
                codes::OUTCOME_UNKNOWN.name,
                "The gateway stopped while a provider worked on this request, and its outcome is unknown. What was held was given back.",
            ),
            (true, Some(_)) => (
                codes::OUTCOME_UNKNOWN.name,
                "The gateway stopped while a provider worked on this request, and its outcome is unknown. What was held was charged.",
            ),
        };
        tracing::warn!(charged_micros = held, "{message}");
        let end = EndOfGeneration {
            policy: None,
            status: Status::UpstreamFailure,
            model: None,
            provider: attempts.last().map(|attempt| attempt.provider.clone()),
            cost_micros: held,
            markup_micros: 0,
            cost_basis: None,
            cost_components: "[]".to_owned(),
            adjustments: "[]".to_owned(),
            error_code: Some(code.to_owned()),
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
        let told = (Vec::new(), Some(code), lasted);
        self.end(orphan, end, &attempts, settlement, told).await
    }

    /// Puts the end on record, and tells those who wait for it.
    async fn end(
        &self,
        orphan: &Orphan,
        end: EndOfGeneration,
        attempts: &[Attempt],
        settlement: Settlement,
        (media, code, lasted): (Vec<MediaRow>, Option<&'static str>, Duration),
    ) -> Result<(), ResumeError> {
        let is_withheld = end.policy.is_some();
        let keeps_no_texts = self.keeps_no_texts(&orphan.key_id).await?;
        let row = |attempt: &Attempt| {
            let row = if is_withheld { attempt.withheld() } else { attempt.row() };
            AttemptRow {
                excerpt: row.excerpt.filter(|_| !keeps_no_texts),
                ..row
            }
        };
        let ended = Ended {
            id: orphan.id.clone(),
            end,
            attempts: attempts.iter().map(row).collect(),
            unmade: Vec::new(),
            media,
            settlement,
        };
        let ended = self.database.end(ended).await;
        if matches!(ended, Err(DatabaseError::TakenOver)) {
            // It was taken over once more: the other one ends it.
            return Ok(());
        }
        ended?;
        self.metrics.generation_ended(&GenerationEnd {
            model: Some(&orphan.model),
            code,
            lasted: Some(lasted),
        });
        self.ends.tell(&orphan.id, None);
        self.told.notify_one();
        Ok(())
    }

    /// Whether a key has nothing kept of what is written in its requests.
    async fn keeps_no_texts(&self, key_id: &str) -> Result<bool, DatabaseError> {
        let used = self.database.key(key_id).await?;
        Ok(used.is_some_and(|used| used.key.terms.keeps_no_texts()))
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

/// How long a job may be asked for now whose generation had to be done at `deadline_at`.
fn time_left(deadline_at: Timestamp, now: Timestamp) -> Duration {
    let left =
        Duration::try_from(deadline_at.duration_since(now) + SignedDuration::try_from(GRACE).unwrap_or_default());
    left.unwrap_or(Duration::ZERO).max(LAST_LOOK)
}

/// What is charged is never more than what was held, but for a cost that the provider itself reports.
fn bound_cost(generated: &mut Generated, reserved: Option<i64>, reported_factor: i64) {
    let factor = match generated.cost_basis {
        Basis::Reported => reported_factor.max(1),
        Basis::Usage | Basis::Table => 1,
    };
    let Some(most) = reserved.map(|amount| Micros(amount.saturating_mul(factor))) else {
        return;
    };
    if generated.cost <= most {
        return;
    }
    tracing::warn!(
        cost_micros = generated.cost.0,
        most_micros = most.0,
        "a generation cost more than was held for it; it is charged as held"
    );
    generated
        .warnings
        .push("The provider's figures are above what was held for this request; it was charged as held.".to_owned());
    generated.cost = most;
    generated.markup = generated.markup.min(most);
    generated.cost_components.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_do_not_prolong_a_job_for_ever() {
        let deadline_at = Timestamp::UNIX_EPOCH;
        let after = |seconds| time_left(deadline_at, Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds));
        assert_eq!(after(-100), Duration::from_secs(100) + GRACE);
        assert_eq!(after(0), GRACE);
        // A process that dies every ten seconds.
        let asked: Vec<Duration> = (0..6).map(|deaths| after(10 * deaths)).collect();
        assert!(asked.windows(2).all(|pair| pair[1] <= pair[0]), "{asked:?}");
        assert_eq!(after(3_600), LAST_LOOK);
    }
}
