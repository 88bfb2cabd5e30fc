//! Where requests go: the operator's strategy, and how the offers have been doing as this gateway saw it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use jiff::Timestamp;
use planner::failure::{Blame, Failure};
use planner::health::{Admission, Change, Health, Report};
use planner::mode::Mode;
use planner::money::Micros;
use planner::strategy::{Priorities, Strategy};

use crate::metrics::Metrics;
use crate::outcome::code_of;

/// How one attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// When it started.
    pub started_at: Timestamp,
    /// How long it took.
    pub latency_ms: u64,
    /// Why it failed; `None` for a success.
    pub failure: Option<&'a Failure>,
    /// With which of several credentials it was made.
    pub credential: Option<&'a str>,
    /// The mode, where the time of a success says how long the work takes.
    pub paced: Option<Mode>,
    /// Whether its failure says nothing about the offer, as the caller sent what nobody here knows.
    pub is_excused: bool,
}

/// The operator's choices, and the health of all offers.
#[derive(Debug, Default)]
pub struct Routing {
    /// The strategy where neither the request nor its key names one.
    pub strategy: Strategy,
    /// Groups and weights of providers.
    pub priorities: Priorities,
    health: Arc<RwLock<Health>>,
    metrics: Metrics,
}

impl Routing {
    /// Routing by these choices, of offers that nothing is known of yet. Attempts are counted in `metrics`.
    #[must_use]
    pub fn new(strategy: Strategy, priorities: Priorities, metrics: Metrics) -> Self {
        Self {
            strategy,
            priorities,
            health: Arc::default(),
            metrics,
        }
    }

    /// Routing by other choices, of the same offers.
    #[must_use]
    pub fn by(&self, strategy: Strategy, priorities: Priorities) -> Self {
        Self {
            strategy,
            priorities,
            health: Arc::clone(&self.health),
            metrics: self.metrics.clone(),
        }
    }

    /// The health of all offers. Nothing is awaited while it is held.
    pub fn health(&self) -> RwLockReadGuard<'_, Health> {
        // Nothing panics while it is held for writing, and figures that are a little wrong harm nobody.
        self.health.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt goes out.
    pub fn start(&self, provider: &str, native_model: &str, now: Timestamp) -> Admission {
        let mut health = self.health.write().unwrap_or_else(PoisonError::into_inner);
        health.start(provider, native_model, now)
    }

    /// The time that nearly all successes of an offer keep to, once enough of them are known.
    pub fn usual(&self, provider: &str, native_model: &str, mode: Mode) -> Option<Duration> {
        self.health().usual(provider, native_model, mode)
    }

    /// An attempt takes longer than its kind does, and is not over.
    pub fn late(&self, provider: &str, native_model: &str, started_at: Timestamp, now: Timestamp) {
        let mut health = self.health.write().unwrap_or_else(PoisonError::into_inner);
        let change = health.late(provider, native_model, started_at, now);
        drop(health);
        tell(provider, native_model, change);
    }

    /// An attempt ended. Returns whether its offer was given up for a while, so that no retry of it makes sense.
    pub fn record(&self, provider: &str, native_model: &str, ended: &Ended<'_>, now: Timestamp) -> bool {
        self.metrics.attempt_ended(provider, ended.failure, ended.latency_ms);
        if let Some(credential) = ended.credential {
            self.metrics.credential_used(provider, credential, ended.failure);
        }
        let excused = ended.failure.filter(|_| ended.is_excused).map(|failure| Failure {
            blame: Blame::Caller,
            ..failure.clone()
        });
        let report = &Report {
            started_at: ended.started_at,
            latency_ms: ended.latency_ms,
            failure: excused.as_ref().or(ended.failure),
        };
        let mut health = self.health.write().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(mode)) = (report.failure, ended.paced) {
            health.learn(provider, native_model, mode, report.latency_ms);
        }
        let change = health.record(provider, native_model, report, now);
        drop(health);
        tell(provider, native_model, change)
    }

    /// An image came that nobody gets, as another call was faster: it cost the operator this.
    pub fn undelivered(&self, provider: &str, cost: Micros) {
        self.metrics.undelivered(provider, cost);
    }
}

/// Tells of a change in an offer's health. Returns whether the offer was given up.
fn tell(provider: &str, native_model: &str, change: Option<Change>) -> bool {
    match change {
        None => false,
        Some(Change::Opened { until, cause } | Change::ProbeFailed { until, cause }) => {
            tracing::warn!(provider.id = provider, model.native = native_model, until = %until, error.code = code_of(cause), "an offer fails and is tried last for a while");
            true
        }
        Some(Change::Closed) => {
            tracing::info!(
                provider.id = provider,
                model.native = native_model,
                "an offer works again"
            );
            false
        }
    }
}
