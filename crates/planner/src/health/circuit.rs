//! One circuit: closed while an offer works, open while it does not, half-open when it may be probed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::pace::Pace;
use super::window::Window;
use crate::failure::{Failure, FailureKind, HealthEffect, RETRIES_MAX};
use crate::mode::Mode;

/// Failures in a row that open a circuit: one more than one call makes with all its retries, so that no single call
/// speaks for all.
pub const FAILURES_IN_A_ROW_MAX: usize = RETRIES_MAX as usize + 2;
/// Results before their rate may open a circuit: of fewer, half may fail by chance.
pub const RATED_SAMPLES_MIN: u32 = 10;
/// How long a circuit is open at first: about one image, so that a short hiccup costs little.
pub const OPEN_FIRST: Duration = Duration::from_secs(10);
/// Each further opening lasts twice as long, up to this: a probe costs some caller time, a long outage costs it rarely.
pub const OPEN_MAX: Duration = Duration::from_secs(300);
/// A circuit that stayed closed for this long starts with [`OPEN_FIRST`] again.
pub const STEADY_AFTER: Duration = Duration::from_secs(600);
/// How long an offer is out that serves nobody: a credential, a quota or a retired model is changed by people, and each
/// probe of it is a wasted call.
pub const OUT_FOR: Duration = Duration::from_secs(900);
/// The longest rest that a provider's `retry-after` may ask for: past that a mistaken header would switch it off.
pub const REST_MAX: Duration = Duration::from_secs(3600);
/// After this a probe that never reported is taken for lost. As long as a generation may take by default.
pub const PROBE_LEASE: Duration = Duration::from_secs(300);

/// Whether calls go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CircuitState {
    /// They do.
    Closed,
    /// They go elsewhere while there is an elsewhere.
    Open {
        /// When a probe is allowed.
        until: Timestamp,
    },
    /// One call may probe.
    HalfOpen {
        /// Whether one is on its way, so that others stay away.
        probing: bool,
    },
}

impl CircuitState {
    /// Its name in answers and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// When a probe is allowed, while none is.
    #[must_use]
    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Open { until } => Some(until),
            Self::Closed | Self::HalfOpen { .. } => None,
        }
    }
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// When it started: the instant that was given to [`Circuit::start`].
    pub started_at: Timestamp,
    /// How long it took.
    pub latency_ms: u64,
    /// Why it failed; `None` for a success.
    pub failure: Option<&'a Failure>,
}

/// In what capacity an attempt goes to an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The offer is healthy.
    Normal,
    /// It is the one probe of a half-open circuit.
    Probe,
    /// The offer is unhealthy and this attempt does not probe it: it is for want of a better candidate.
    LastResort,
}

/// What a report changed, for one line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The offer is given up for a while.
    Opened {
        /// When it is probed.
        until: Timestamp,
        /// The last failure.
        cause: FailureKind,
    },
    /// It was probed and is given up again.
    ProbeFailed {
        /// When it is probed again.
        until: Timestamp,
        /// The failure of the probe.
        cause: FailureKind,
    },
    /// It works again.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Phase {
    #[default]
    Closed,
    /// Half-open from `until` on.
    Open {
        since: Timestamp,
        until: Timestamp,
        cause: FailureKind,
    },
}

/// The circuit of one offer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Circuit {
    pub(super) window: Window,
    pub(super) paces: BTreeMap<Mode, Pace>,
    phase: Phase,
    /// Openings since the circuit was last steady.
    openings: u32,
    closed_at: Option<Timestamp>,
    resting_until: Option<Timestamp>,
    probe_since: Option<Timestamp>,
    /// When those attempts started that were counted as failures because they are late, and are not over.
    late: Vec<Timestamp>,
}

impl Circuit {
    /// A closed circuit of an offer that was never tried.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The state at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> CircuitState {
        match self.phase {
            Phase::Closed => CircuitState::Closed,
            Phase::Open { until, .. } if now < until => CircuitState::Open { until },
            Phase::Open { .. } => CircuitState::HalfOpen {
                probing: self.probe_since.is_some_and(|since| now < after(since, PROBE_LEASE)),
            },
        }
    }

    /// When the rest ends that the provider asked for, if it lasts at `now`.
    #[must_use]
    pub fn resting_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.resting_until.filter(|until| now < *until)
    }

    /// The failure that opened the circuit, while it is not closed.
    #[must_use]
    pub const fn cause(&self) -> Option<FailureKind> {
        match self.phase {
            Phase::Closed => None,
            Phase::Open { cause, .. } => Some(cause),
        }
    }

    /// An attempt goes out at `now`. In a half-open circuit it becomes the probe, if no other is on its way.
    pub fn start(&mut self, now: Timestamp) -> Admission {
        match self.state(now) {
            CircuitState::Closed if self.resting_until(now).is_none() => Admission::Normal,
            CircuitState::HalfOpen { probing: false } => {
                self.probe_since = Some(now);
                Admission::Probe
            }
            CircuitState::Closed | CircuitState::Open { .. } | CircuitState::HalfOpen { probing: true } => {
                Admission::LastResort
            }
        }
    }

    /// An attempt that started at `started_at` is late at `now`. It counts as a failure before it ends, and then not again:
    /// those who come meanwhile shall not wait for the same.
    pub fn late(&mut self, started_at: Timestamp, now: Timestamp) -> Option<Change> {
        let failure = Failure::new(FailureKind::TimedOut, "");
        let change = self.failed(started_at, &failure, now);
        self.late.push(started_at);
        change
    }

    /// An attempt ended at `now`. Failures that say nothing about the offer only free the place of the probe.
    pub fn record(&mut self, report: &Report<'_>, now: Timestamp) -> Option<Change> {
        if self.probe_since == Some(report.started_at) {
            self.probe_since = None;
        }
        let was_late = self.late.iter().position(|late| *late == report.started_at);
        let was_late = was_late.map(|place| self.late.swap_remove(place)).is_some();
        let Some(failure) = report.failure else {
            return self.succeeded(report, now);
        };
        match failure.health_effect() {
            HealthEffect::None => None,
            HealthEffect::Counts if was_late => None,
            HealthEffect::Counts => self.failed(report.started_at, failure, now),
            HealthEffect::Out => self.out(report, failure, now),
        }
    }

    /// A success closes the circuit when it was begun after the opening; an older one says nothing new.
    fn succeeded(&mut self, report: &Report<'_>, now: Timestamp) -> Option<Change> {
        self.window.push(Some(report.latency_ms), now);
        match self.phase {
            Phase::Open { since, .. } if report.started_at >= since => {
                self.window.forget_failures();
                self.phase = Phase::Closed;
                self.closed_at = Some(now);
                self.probe_since = None;
                Some(Change::Closed)
            }
            Phase::Open { .. } | Phase::Closed => None,
        }
    }

    fn failed(&mut self, started_at: Timestamp, failure: &Failure, now: Timestamp) -> Option<Change> {
        self.window.push(None, now);
        if let Some(wait) = failure.retry_after {
            self.resting_until = self.resting_until.max(Some(after(now, wait.min(REST_MAX))));
        }
        match self.phase {
            Phase::Closed if self.trips(now) => {
                let until = self.open(failure.kind, now);
                Some(Change::Opened {
                    until,
                    cause: failure.kind,
                })
            }
            // Whatever was begun before may still fail by the outage that is known.
            Phase::Open { until, .. } if started_at >= until => {
                let until = self.open(failure.kind, now);
                Some(Change::ProbeFailed {
                    until,
                    cause: failure.kind,
                })
            }
            Phase::Open { .. } | Phase::Closed => None,
        }
    }

    fn out(&mut self, report: &Report<'_>, failure: &Failure, now: Timestamp) -> Option<Change> {
        self.window.push(None, now);
        let cause = failure.kind;
        let until = after(now, OUT_FOR);
        let change = match self.phase {
            Phase::Open {
                cause: known,
                until: probed_at,
                ..
            } if known == cause => {
                let was_probe = report.started_at >= probed_at;
                was_probe.then_some(Change::ProbeFailed { until, cause })
            }
            Phase::Open { .. } | Phase::Closed => Some(Change::Opened { until, cause }),
        };
        self.phase = Phase::Open {
            since: now,
            until,
            cause,
        };
        self.probe_since = None;
        change
    }

    fn trips(&self, now: Timestamp) -> bool {
        let figures = self.window.figures(now);
        let mostly = figures.samples >= RATED_SAMPLES_MIN && figures.successes * 2 <= figures.samples;
        mostly || self.window.failures_in_a_row(now) >= FAILURES_IN_A_ROW_MAX
    }

    fn open(&mut self, cause: FailureKind, now: Timestamp) -> Timestamp {
        /// More doublings would overflow, and [`OPEN_MAX`] is reached long before.
        const DOUBLINGS_MAX: u32 = 16;
        let was_steady = |at| now >= after(at, STEADY_AFTER);
        if self.phase == Phase::Closed && self.closed_at.is_some_and(was_steady) {
            self.openings = 0;
        }
        let length = (OPEN_FIRST * 2_u32.pow(self.openings.min(DOUBLINGS_MAX))).min(OPEN_MAX);
        self.openings = self.openings.saturating_add(1);
        let until = after(now, length);
        self.phase = Phase::Open {
            since: now,
            until,
            cause,
        };
        self.probe_since = None;
        until
    }
}

/// The instant `wait` after `start`, or the last one there is.
fn after(start: Timestamp, wait: Duration) -> Timestamp {
    start.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
