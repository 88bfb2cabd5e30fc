//! Where the time of a request goes: each stage of it has a span of its own and is timed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

/// A part of a request's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The key is recognized and the body comes in.
    Receive,
    /// The body is understood.
    Parse,
    /// Input images are fetched from the caller's links.
    Fetch,
    /// Inputs are looked at, and offers put in order.
    Plan,
    /// The operator's policy is asked.
    Policy,
    /// The request is put on record, and money held for it.
    Hold,
    /// One call to one provider, with what it waits for.
    Attempt,
    /// Images are brought into the form that was asked for.
    Convert,
    /// Images are stored.
    Store,
    /// The end is put on record, and the money settled.
    Settle,
}

impl Stage {
    /// Every stage, in the order in which they come.
    pub const ALL: [Self; 10] = [
        Self::Receive,
        Self::Parse,
        Self::Fetch,
        Self::Plan,
        Self::Policy,
        Self::Hold,
        Self::Attempt,
        Self::Convert,
        Self::Store,
        Self::Settle,
    ];

    /// The name in the API and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Parse => "parse",
            Self::Fetch => "fetch",
            Self::Plan => "plan",
            Self::Policy => "policy",
            Self::Hold => "hold",
            Self::Attempt => "attempt",
            Self::Convert => "convert",
            Self::Store => "store",
            Self::Settle => "settle",
        }
    }
}

/// How long one stage took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Which.
    pub stage: Stage,
    /// Of an attempt, its place among them, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// When it began, in microseconds since the request came in.
    pub started_us: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

/// Times the stages of one request. Cheap to clone: all clones are one.
#[derive(Debug, Clone)]
pub struct Stopwatch {
    arrived: Instant,
    timings: Arc<Mutex<Vec<Timing>>>,
}

impl Stopwatch {
    /// For a request that came in at `arrived`.
    #[must_use]
    pub fn new(arrived: Instant) -> Self {
        Self {
            arrived,
            timings: Arc::default(),
        }
    }

    /// Does the work of a stage in a span of its own.
    pub async fn time<T>(&self, stage: Stage, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let span = tracing::info_span!("stage", stage = stage.as_str());
        let result = work.instrument(span).await;
        self.note(stage, None, started, started.elapsed());
        result
    }

    /// The same for work that does not wait.
    pub fn time_now<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = tracing::info_span!("stage", stage = stage.as_str()).in_scope(work);
        self.note(stage, None, started, started.elapsed());
        result
    }

    /// Notes that a stage went from the request's arrival to this moment.
    pub fn since_arrival(&self, stage: Stage) {
        self.note(stage, None, self.arrived, self.arrived.elapsed());
    }

    /// Notes the attempt at the place `position`, which began at `started`.
    pub fn attempt(&self, position: i64, started: Instant, took: Duration) {
        self.note(Stage::Attempt, Some(position), started, took);
    }

    /// What has been timed so far, by when it began.
    #[must_use]
    pub fn timings(&self) -> Vec<Timing> {
        let mut timings = self.noted().clone();
        timings.sort_by_key(|timing| timing.started_us);
        timings
    }

    fn note(&self, stage: Stage, attempt: Option<i64>, started: Instant, took: Duration) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.noted().push(Timing {
            stage,
            attempt,
            started_us: micros(started.saturating_duration_since(self.arrived)),
            duration_us: micros(took),
        });
    }

    fn noted(&self) -> MutexGuard<'_, Vec<Timing>> {
        // Nothing panics while it is held.
        self.timings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_told_by_when_they_began() {
        let arrived = Instant::now();
        let stopwatch = Stopwatch::new(arrived);
        stopwatch.attempt(1, arrived + Duration::from_millis(5), Duration::from_millis(3));
        stopwatch.attempt(0, arrived + Duration::from_millis(2), Duration::from_millis(1));
        let told: Vec<_> = stopwatch
            .timings()
            .iter()
            .map(|timing| (timing.attempt, timing.started_us, timing.duration_us))
            .collect();
        assert_eq!(told, [(Some(0), 2000, 1000), (Some(1), 5000, 3000)]);
    }

    #[test]
    fn names_are_the_same_everywhere() {
        for stage in Stage::ALL {
            assert_eq!(serde_json::to_value(stage).expect("a name"), stage.as_str());
        }
    }
}
