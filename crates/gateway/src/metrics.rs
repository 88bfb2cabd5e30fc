//! Figures of this gateway for a monitoring system, in the text format of OpenMetrics, which Prometheus reads.
//!
//! Labels hold ids of the catalogue, names of routes and of the operator's credentials, and words of this program, so that their
//! number is bounded: what a caller writes never becomes one.

mod families;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use planner::failure::Failure;
use planner::health::{CircuitState, HealthRow};
use planner::money::Micros;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use providers::SpoolUse;

use crate::db::journal::Done;
use crate::outcome::code_of;
use families::{
    AttemptLabels, AttemptTimeLabels, CredentialLabel, CredentialLabels, Families, GenerationLabels,
    GenerationTimeLabels, Offer, RequestLabels,
};

/// Stands for every name that is not the catalogue's, every path that leads nowhere and every odd method.
pub const OTHER: &str = "other";
/// The type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters, gauges and histograms. Clones share them; each gateway of a process has its own.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Families>);

/// A generation under way; dropping it counts it out.
#[derive(Debug)]
pub struct UnderWay(Gauge<u64, AtomicU64>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// How a generation ended.
#[derive(Debug, Clone, Copy)]
pub struct GenerationEnd<'a> {
    /// The model's id in the catalogue; `None` for a name that is none.
    pub model: Option<&'a str>,
    /// The code of the error that the caller got; `None` for images.
    pub code: Option<&'static str>,
    /// How long it took; `None` when it was refused before any provider was asked.
    pub lasted: Option<Duration>,
}

/// What is read when somebody looks, and not counted on the way.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What the journal has written.
    pub journal: Done,
    /// What the spool holds.
    pub spool: SpoolUse,
    /// Every offer that was tried.
    pub offers: Vec<HealthRow>,
    /// Each of several credentials of a provider: the provider, its name, and whether it rests.
    pub credentials: Vec<(String, String, bool)>,
}

impl Metrics {
    /// An HTTP request was answered. `route` is the path as routed; `None` where it led nowhere.
    pub fn request_answered(&self, method: &str, route: Option<&str>, status: u16) {
        /// The methods of HTTP; callers may make up others.
        const METHODS: [&str; 9] = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
        ];
        let labels = RequestLabels {
            method: METHODS.into_iter().find(|known| *known == method).unwrap_or(OTHER),
            endpoint: route.unwrap_or(OTHER).to_owned(),
            status,
        };
        self.0.requests.get_or_create(&labels).inc();
    }

    /// A generation began.
    #[must_use]
    pub fn generation_began(&self) -> UnderWay {
        self.0.under_way.inc();
        UnderWay(self.0.under_way.clone())
    }

    /// A generation ended.
    pub fn generation_ended(&self, end: &GenerationEnd<'_>) {
        let model = end.model.unwrap_or(OTHER);
        let outcome = if end.code.is_some() { "failed" } else { "completed" };
        let labels = GenerationLabels {
            model: model.to_owned(),
            outcome,
            code: end.code.unwrap_or_default(),
        };
        self.0.generations.get_or_create(&labels).inc();
        if let Some(lasted) = end.lasted {
            let labels = GenerationTimeLabels {
                model: model.to_owned(),
                outcome,
            };
            self.0
                .generation_time
                .get_or_create(&labels)
                .observe(lasted.as_secs_f64());
        }
    }

    /// A call to a provider ended.
    pub fn attempt_ended(&self, provider: &str, failure: Option<&Failure>, latency_ms: u64) {
        let outcome = if failure.is_some() { "failed" } else { "succeeded" };
        let labels = AttemptLabels {
            provider: provider.to_owned(),
            outcome,
            code: failure.map_or("", |failure| code_of(failure.kind)),
        };
        self.0.attempts.get_or_create(&labels).inc();
        let labels = AttemptTimeLabels {
            provider: provider.to_owned(),
            outcome,
        };
        let seconds = Duration::from_millis(latency_ms).as_secs_f64();
        self.0.attempt_time.get_or_create(&labels).observe(seconds);
    }

    /// A call to a provider ended that was made with one of several credentials.
    pub fn credential_used(&self, provider: &str, credential: &str, failure: Option<&Failure>) {
        let labels = CredentialLabels {
            provider: provider.to_owned(),
            credential: credential.to_owned(),
            code: failure.map_or("", |failure| code_of(failure.kind)),
        };
        self.0.credentials.get_or_create(&labels).inc();
    }

    /// Images of a provider were charged for.
    pub fn charged(&self, provider: &str, amount: Micros) {
        self.0.charge(provider, amount);
    }

    /// Images of a provider came that nobody got, as another call was faster.
    pub fn undelivered(&self, provider: &str, amount: Micros) {
        self.0.undelivered(provider, amount);
    }

    /// Everything as text.
    #[must_use]
    pub fn text(&self, now: &Snapshot) -> String {
        self.0
            .statements
            .inner()
            .store(now.journal.statements, Ordering::Relaxed);
        self.0
            .transactions
            .inner()
            .store(now.journal.transactions, Ordering::Relaxed);
        self.0.spool_memory.set(now.spool.memory);
        self.0.spool_total.set(now.spool.total);
        for row in &now.offers {
            let labels = Offer {
                provider: row.provider.clone(),
                native_model: row.native_model.clone(),
            };
            self.0
                .circuits
                .get_or_create(&labels)
                .set(state_number(row.health.state));
        }
        // One that is gone since the settings were read again is not told of any more.
        self.0.resting.clear();
        for (provider, credential, rests) in &now.credentials {
            let labels = CredentialLabel {
                provider: provider.clone(),
                credential: credential.clone(),
            };
            self.0.resting.get_or_create(&labels).set(u64::from(*rests));
        }
        let mut text = String::new();
        // Writing into a text cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

/// A circuit's state as a figure: the more, the worse.
const fn state_number(state: CircuitState) -> u64 {
    match state {
        CircuitState::Closed => 0,
        CircuitState::HalfOpen { .. } => 1,
        CircuitState::Open { .. } => 2,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use planner::health::OfferHealth;

    use super::*;

    fn nothing() -> Snapshot {
        Snapshot {
            journal: Done::default(),
            spool: SpoolUse::default(),
            offers: Vec::new(),
            credentials: Vec::new(),
        }
    }

    #[test]
    fn spending_is_exact_however_often_it_is_counted() {
        let metrics = Metrics::default();
        for _ in 0..1_000_000 {
            metrics.charged("openai", Micros(1));
        }
        metrics.charged("openai", Micros(12_345_678_900_000));
        let text = metrics.text(&nothing());
        assert!(
            text.contains("pictor_spend_dollars_total{provider=\"openai\"} 12345679.9\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_so_now_is_told_as_it_is_now() {
        let metrics = Metrics::default();
        let offer = |state| HealthRow {
            provider: "openai".to_owned(),
            native_model: "gpt-image-1".to_owned(),
            health: OfferHealth {
                state,
                ..OfferHealth::default()
            },
        };
        let until = Timestamp::UNIX_EPOCH;
        for (state, number) in [
            (CircuitState::Open { until }, 2),
            (CircuitState::HalfOpen { probing: true }, 1),
            (CircuitState::HalfOpen { probing: false }, 1),
            (CircuitState::Closed, 0),
        ] {
            let now = Snapshot {
                journal: Done {
                    statements: 9,
                    transactions: 2,
                },
                spool: SpoolUse { memory: 5, total: 12 },
                offers: vec![offer(state)],
                credentials: vec![("openai".to_owned(), "team-a".to_owned(), state != CircuitState::Closed)],
            };
            let text = metrics.text(&now);
            let labels = "{provider=\"openai\",native_model=\"gpt-image-1\"}";
            for line in [
                format!(
                    "pictor_credential_resting{{provider=\"openai\",credential=\"team-a\"}} {}\n",
                    number.min(1)
                ),
                "pictor_journal_statements_total 9\n".to_owned(),
                "pictor_journal_transactions_total 2\n".to_owned(),
                "pictor_spool_memory_bytes 5\n".to_owned(),
                "pictor_spool_bytes 12\n".to_owned(),
                format!("pictor_offer_circuit_state{labels} {number}\n"),
            ] {
                assert!(text.contains(&line), "{line}{text}");
            }
        }
    }

    #[test]
    fn what_callers_make_up_is_one_label() {
        let metrics = Metrics::default();
        for method in ["BREW", "get", "PROPFIND"] {
            metrics.request_answered(method, None, 404);
        }
        let text = metrics.text(&nothing());
        let line = "pictor_requests_total{method=\"other\",endpoint=\"other\",status=\"404\"} 3\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_generation_is_under_way_until_it_is_dropped() {
        let metrics = Metrics::default();
        let (first, second) = (metrics.generation_began(), metrics.generation_began());
        let under_way = || {
            let text = metrics.text(&nothing());
            let line = text
                .lines()
                .find(|line| line.starts_with("pictor_generations_in_flight "));
            line.map(ToOwned::to_owned)
        };
        assert_eq!(under_way().as_deref(), Some("pictor_generations_in_flight 2"));
        drop(first);
        drop(second);
        assert_eq!(under_way().as_deref(), Some("pictor_generations_in_flight 0"));
    }
}
