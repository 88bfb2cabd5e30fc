//! How each offer has been doing: a circuit for each provider and native model, fed with what attempts came to.

mod circuit;
mod pace;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::failure::FailureKind;
use crate::mode::Mode;

pub use circuit::{
    Admission, Change, Circuit, CircuitState, FAILURES_IN_A_ROW_MAX, OPEN_FIRST, OPEN_MAX, OUT_FOR, PROBE_LEASE,
    RATED_SAMPLES_MIN, REST_MAX, Report, STEADY_AFTER,
};
pub use pace::{
    HEDGE_LEAST, LATE_FACTOR, LATE_LEAST, LIMIT_FACTOR, LIMIT_LEAST, PACED_SAMPLES_MAX, PACED_SAMPLES_MIN, Patience,
};
pub use window::{SAMPLE_AGE_MAX, SAMPLES_MAX};

/// The health of one offer at one instant. The default is that of an offer that was never tried.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct OfferHealth {
    /// Whether calls go through.
    #[serde(flatten)]
    pub state: CircuitState,
    /// Until when the provider asked to be left alone.
    pub resting_until: Option<Timestamp>,
    /// Successes over all results that count, 0 to 1; `None` without any.
    pub success_rate: Option<f64>,
    /// Median time of the successes; `None` without any.
    pub latency_p50_ms: Option<u64>,
    /// Results that the figures are from, at most [`SAMPLES_MAX`] and none older than [`SAMPLE_AGE_MAX`].
    pub samples: u32,
    /// Those of them that were successes.
    pub successes: u32,
    /// The failure that opened the circuit, while it is not closed.
    #[serde(skip)]
    pub cause: Option<FailureKind>,
}

impl Default for OfferHealth {
    fn default() -> Self {
        Self {
            state: CircuitState::Closed,
            resting_until: None,
            success_rate: None,
            latency_p50_ms: None,
            samples: 0,
            successes: 0,
            cause: None,
        }
    }
}

impl OfferHealth {
    /// Whether a request may go there first: the circuit is closed or waits for a probe, and no rest was asked for.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        let lets_through = matches!(
            self.state,
            CircuitState::Closed | CircuitState::HalfOpen { probing: false }
        );
        lets_through && self.resting_until.is_none()
    }

    /// Until when it is known to be unhealthy; `None` when it is healthy or nobody knows.
    #[must_use]
    pub fn unhealthy_until(&self) -> Option<Timestamp> {
        let open_until = match self.state {
            CircuitState::Open { until } => Some(until),
            CircuitState::Closed | CircuitState::HalfOpen { .. } => None,
        };
        open_until.max(self.resting_until)
    }
}

impl Circuit {
    /// All that is known at `now`.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> OfferHealth {
        let figures = self.window.figures(now);
        let rate = || f64::from(figures.successes) / f64::from(figures.samples);
        OfferHealth {
            state: self.state(now),
            resting_until: self.resting_until(now),
            success_rate: (figures.samples > 0).then(rate),
            latency_p50_ms: figures.latency_p50_ms,
            samples: figures.samples,
            successes: figures.successes,
            cause: self.cause(),
        }
    }
}

/// The health of one offer, with its name, as an endpoint lists it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HealthRow {
    /// The provider.
    pub provider: String,
    /// Its model id.
    pub native_model: String,
    /// How it does.
    #[serde(flatten)]
    pub health: OfferHealth,
}

/// The circuits of all offers that were tried. There are never more than the catalogue has native models.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    circuits: BTreeMap<String, BTreeMap<String, Circuit>>,
}

impl Health {
    /// Nothing was tried yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            circuits: BTreeMap::new(),
        }
    }

    /// The health of one offer at `now`.
    #[must_use]
    pub fn of(&self, provider: &str, native_model: &str, now: Timestamp) -> OfferHealth {
        let circuit = self.circuits.get(provider).and_then(|models| models.get(native_model));
        circuit.map_or_else(OfferHealth::default, |circuit| circuit.view(now))
    }

    /// An attempt goes out at `now`; see [`Circuit::start`].
    pub fn start(&mut self, provider: &str, native_model: &str, now: Timestamp) -> Admission {
        let models = self.circuits.get_mut(provider);
        let circuit = models.and_then(|models| models.get_mut(native_model));
        circuit.map_or(Admission::Normal, |circuit| circuit.start(now))
    }

    /// An attempt ended at `now`; see [`Circuit::record`]. One report for each attempt, however many polls it took.
    pub fn record(
        &mut self,
        provider: &str,
        native_model: &str,
        report: &Report<'_>,
        now: Timestamp,
    ) -> Option<Change> {
        let models = self.circuits.entry(provider.to_owned()).or_default();
        models.entry(native_model.to_owned()).or_default().record(report, now)
    }

    /// An attempt that started at `started_at` is late at `now`, and not over; see [`Circuit::late`].
    pub fn late(
        &mut self,
        provider: &str,
        native_model: &str,
        started_at: Timestamp,
        now: Timestamp,
    ) -> Option<Change> {
        let models = self.circuits.entry(provider.to_owned()).or_default();
        models.entry(native_model.to_owned()).or_default().late(started_at, now)
    }

    /// A success in `mode` took `latency_ms`.
    pub fn learn(&mut self, provider: &str, native_model: &str, mode: Mode, latency_ms: u64) {
        let models = self.circuits.entry(provider.to_owned()).or_default();
        let circuit = models.entry(native_model.to_owned()).or_default();
        circuit.paces.entry(mode).or_default().push(latency_ms);
    }

    /// The time that nearly all successes of an offer in `mode` keep to; `None` before [`PACED_SAMPLES_MIN`] of them.
    #[must_use]
    pub fn usual(&self, provider: &str, native_model: &str, mode: Mode) -> Option<Duration> {
        self.circuits
            .get(provider)?
            .get(native_model)?
            .paces
            .get(&mode)?
            .usual()
    }

    /// Every offer that was tried, in the order of providers and models.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> Vec<HealthRow> {
        let rows = self.circuits.iter().flat_map(|(provider, models)| {
            models.iter().map(|(native_model, circuit)| HealthRow {
                provider: provider.clone(),
                native_model: native_model.clone(),
                health: circuit.view(now),
            })
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests;
