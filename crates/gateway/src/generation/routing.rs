//! Where requests go: the operator's strategy, and how the offers have been doing as this gateway saw it.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jiff::Timestamp;
use planner::health::{Admission, Change, Health, Report};
use planner::strategy::{Priorities, Strategy};

use crate::metrics::Metrics;
use crate::outcome::code_of;

/// The operator's choices, and the health of all offers.
#[derive(Debug, Default)]
pub struct Routing {
    /// The strategy where neither the request nor its key names one.
    pub strategy: Strategy,
    /// Groups and weights of providers.
    pub priorities: Priorities,
    health: RwLock<Health>,
    metrics: Metrics,
}

impl Routing {
    /// Routing by these choices, of offers that nothing is known of yet. Attempts are counted in `metrics`.
    #[must_use]
    pub fn new(strategy: Strategy, priorities: Priorities, metrics: Metrics) -> Self {
        Self {
            strategy,
            priorities,
            health: RwLock::default(),
            metrics,
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

    /// An attempt ended. Returns whether its offer was given up for a while, so that no retry of it makes sense.
    pub fn record(&self, provider: &str, native_model: &str, report: &Report<'_>, now: Timestamp) -> bool {
        self.metrics.attempt_ended(provider, report.failure, report.latency_ms);
        let mut health = self.health.write().unwrap_or_else(PoisonError::into_inner);
        let change = health.record(provider, native_model, report, now);
        drop(health);
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
}
