//! What is left of a generation whose process died: its calls, and the images that came of them.

use std::time::Duration;

use planner::catalog::pricing::Pricing;
use planner::failure::{Failure, FailureKind, Spent};

use crate::db::generations::{Orphan, OrphanedAttempt};
use crate::generation::executor::{Execution, Success};
use crate::generation::facts::Facts;
use crate::outcome::Attempt;

/// What a provider told of a call: its own id of the work, and the images.
pub(super) struct Told {
    pub(super) result: Result<(Option<String>, Success), Failure>,
    pub(super) took: Duration,
}

/// A call of the dead process, or one that is made in its place.
pub(super) struct KnownCall {
    pub(super) row: OrphanedAttempt,
    pub(super) facts: Option<Facts>,
    told: Option<Told>,
}

impl KnownCall {
    pub(super) fn new(row: OrphanedAttempt, facts: Option<Facts>, told: Option<Told>) -> Self {
        Self { row, facts, told }
    }

    fn of_record(row: OrphanedAttempt) -> Self {
        let facts = row.facts.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let refused = row.failed_unspent.then(|| Told {
            result: Err(Failure {
                spent: Spent::No,
                ..Failure::new(
                    FailureKind::ServerError,
                    "the provider refused before the gateway stopped",
                )
            }),
            took: Duration::ZERO,
        });
        Self::new(row, facts, refused)
    }

    /// Whether nothing is known of it but that it was made.
    fn is_open(&self) -> bool {
        self.told.is_none() && self.facts.is_some()
    }

    /// Whether it waited for a job.
    pub(super) fn is_running_job(&self) -> bool {
        self.is_open() && self.row.handle.is_some() && !self.row.failed
    }

    /// Whether its job was given up although it may have been paid for.
    pub(super) fn is_abandoned_job(&self) -> bool {
        self.is_open() && self.row.handle.is_some() && self.row.failed
    }

    /// Whether nobody can find out what became of it.
    pub(super) fn is_lost(&self) -> bool {
        self.is_open() && self.row.handle.is_none() && !self.row.failed
    }

    /// Whether it was made after another one that may have been paid for.
    pub(super) fn is_later_try(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.tries_before > 0)
    }

    /// Why it gave nothing, where that is known. A refusal that the dead process told of may pass like any other.
    pub(super) fn failure(&self) -> Option<Failure> {
        if self.row.failed_unspent {
            return Some(Failure::new(
                FailureKind::Overloaded,
                "refused before the gateway stopped",
            ));
        }
        self.told.as_ref()?.result.as_ref().err().cloned()
    }

    fn images(&self) -> usize {
        match &self.told {
            Some(Told {
                result: Ok((_, success)),
                ..
            }) => success.images.len(),
            _ => 0,
        }
    }

    /// How it ended, as it is told.
    fn attempt(&self) -> Attempt {
        let unknown;
        let (told, took) = match &self.told {
            Some(Told {
                result: Ok((upstream_id, _)),
                took,
            }) => (Ok(upstream_id.as_deref()), *took),
            Some(Told {
                result: Err(failure),
                took,
            }) => (Err(failure), *took),
            None => {
                unknown = Failure::new(
                    FailureKind::Interrupted,
                    "the gateway stopped before the provider's answer was known",
                );
                (Err(&unknown), Duration::ZERO)
            }
        };
        let row = &self.row;
        Attempt {
            position: row.position,
            ..Attempt::new(&row.provider, &row.model, row.started_at, took, told)
        }
    }
}

/// All calls of a generation.
pub(super) struct Salvage {
    pub(super) calls: Vec<KnownCall>,
    /// Images that the caller asked for.
    pub(super) wanted: usize,
}

impl Salvage {
    pub(super) fn new(orphan: &Orphan, rows: Vec<OrphanedAttempt>) -> Self {
        let calls: Vec<KnownCall> = rows.into_iter().map(KnownCall::of_record).collect();
        // Earlier versions did not note it: what was asked for at one time is the least that it was.
        let asked = calls.iter().filter(|call| !call.row.failed);
        let asked: u32 = asked.filter_map(|call| Some(call.facts.as_ref()?.asked)).sum();
        let wanted = usize::try_from(orphan.images).unwrap_or(0);
        Self {
            calls,
            wanted: if wanted == 0 { asked.max(1) as usize } else { wanted },
        }
    }

    /// Images that are missing.
    pub(super) fn missing(&self) -> usize {
        let found: usize = self.calls.iter().map(KnownCall::images).sum();
        self.wanted.saturating_sub(found)
    }

    /// Takes in what was told of a call, of its images only those that are missing.
    pub(super) fn take_in(&mut self, place: usize, mut told: Told) {
        let missing = self.missing();
        if let Ok((upstream_id, success)) = &mut told.result {
            let asked = self.calls[place].facts.as_ref().map_or(0, |facts| facts.asked);
            success.truncate(asked.min(u32::try_from(missing).unwrap_or(u32::MAX)));
            if success.images.is_empty() {
                told.result = Err(Failure {
                    spent: Spent::Yes,
                    upstream_request_id: upstream_id.take(),
                    ..Failure::new(FailureKind::EmptyAnswer, "other calls had made the images already")
                });
            }
        }
        self.calls[place].told = Some(told);
    }

    /// Adds a call that is about to be made. Returns its place.
    pub(super) fn add(&mut self, call: KnownCall) -> usize {
        self.calls.push(call);
        self.calls.len() - 1
    }

    /// What came of all calls, as if one process had walked the plan.
    pub(super) fn execution(
        self,
        pricing: impl Fn(&Facts) -> Option<Pricing>,
        take: impl Fn(usize, Option<&Pricing>, Success, &mut Execution),
    ) -> Execution {
        let is_complete = self.missing() == 0;
        let mut execution = Execution::default();
        for call in self.calls {
            execution.attempts.push(call.attempt());
            match (call.told.map(|told| told.result), call.facts) {
                (Some(Ok((_, success))), Some(facts)) => {
                    let pricing = pricing(&facts);
                    execution.facts.push(facts);
                    let index = execution.facts.len() - 1;
                    take(index, pricing.as_ref(), success, &mut execution);
                }
                (Some(Err(failure)), _) => execution.failures.push(failure),
                _ => {}
            }
        }
        if is_complete {
            execution.failures.clear();
        } else if execution.failures.is_empty() {
            execution.failures.push(Failure::new(
                FailureKind::Interrupted,
                "the gateway stopped before the provider's answer was known",
            ));
        }
        execution
    }

    /// How calls ended that gave no image, and what a provider said of a job that it refused.
    pub(super) fn failures(&self) -> (Vec<Attempt>, Option<Failure>) {
        let refusal = self.calls.iter().rev().find_map(|call| match &call.told {
            Some(Told {
                result: Err(failure), ..
            }) if call.row.handle.is_some() => Some(failure.clone()),
            _ => None,
        });
        (self.calls.iter().map(KnownCall::attempt).collect(), refusal)
    }
}
