//! What is counted, by which labels, and under which name.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use planner::money::Micros;
use prometheus_client::encoding::{CounterValueEncoder, EncodeCounterValue, EncodeLabelSet};
use prometheus_client::metrics::counter::{Atomic, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds: emulators answer within the first, slow models take minutes, and the last is the default
/// deadline of a generation.
const SECONDS: [f64; 14] = [
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 150.0, 300.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) method: &'static str,
    pub(super) endpoint: String,
    pub(super) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct GenerationLabels {
    pub(super) model: String,
    pub(super) outcome: &'static str,
    pub(super) code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct GenerationTimeLabels {
    pub(super) model: String,
    pub(super) outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AttemptLabels {
    pub(super) provider: String,
    pub(super) outcome: &'static str,
    pub(super) code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AttemptTimeLabels {
    pub(super) provider: String,
    pub(super) outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CredentialLabels {
    pub(super) provider: String,
    pub(super) credential: String,
    pub(super) code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CredentialLabel {
    pub(super) provider: String,
    pub(super) credential: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabel {
    provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Offer {
    pub(super) provider: String,
    pub(super) native_model: String,
}

/// An amount that is summed in whole millionths and shown in dollars.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dollars(Micros);

impl EncodeCounterValue for Dollars {
    fn encode(&self, encoder: &mut CounterValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.as_json_dollars().encode(encoder)
    }
}

/// A sum of amounts.
#[derive(Debug, Default)]
pub(super) struct DollarSum(AtomicU64);

impl Atomic<Dollars> for DollarSum {
    fn inc(&self) -> Dollars {
        self.inc_by(Dollars(Micros(1_000_000)))
    }

    fn inc_by(&self, amount: Dollars) -> Dollars {
        // What is given back does not make a counter fall.
        let micros = u64::try_from(amount.0.0).unwrap_or(0);
        dollars(self.0.fetch_add(micros, Ordering::Relaxed))
    }

    fn get(&self) -> Dollars {
        dollars(self.0.load(Ordering::Relaxed))
    }
}

fn dollars(micros: u64) -> Dollars {
    Dollars(Micros(i64::try_from(micros).unwrap_or(i64::MAX)))
}

type Figure = Gauge<u64, AtomicU64>;
type Durations<S> = Family<S, Histogram, fn() -> Histogram>;

fn durations() -> Histogram {
    Histogram::new(SECONDS)
}

/// Everything that is counted, and the registry that writes it.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) registry: Registry,
    pub(super) requests: Family<RequestLabels, Counter>,
    pub(super) generations: Family<GenerationLabels, Counter>,
    pub(super) generation_time: Durations<GenerationTimeLabels>,
    pub(super) under_way: Figure,
    pub(super) attempts: Family<AttemptLabels, Counter>,
    pub(super) attempt_time: Durations<AttemptTimeLabels>,
    pub(super) statements: Counter,
    pub(super) transactions: Counter,
    pub(super) spool_memory: Figure,
    pub(super) spool_total: Figure,
    pub(super) circuits: Family<Offer, Figure>,
    pub(super) credentials: Family<CredentialLabels, Counter>,
    pub(super) resting: Family<CredentialLabel, Figure>,
    spending: Family<ProviderLabel, Counter<Dollars, DollarSum>>,
    undelivered: Family<ProviderLabel, Counter<Dollars, DollarSum>>,
}

impl Default for Families {
    fn default() -> Self {
        let mut families = Self {
            registry: Registry::with_prefix("pictor"),
            requests: Family::default(),
            generations: Family::default(),
            generation_time: Family::new_with_constructor(durations),
            under_way: Figure::default(),
            attempts: Family::default(),
            attempt_time: Family::new_with_constructor(durations),
            statements: Counter::default(),
            transactions: Counter::default(),
            spool_memory: Figure::default(),
            spool_total: Figure::default(),
            circuits: Family::default(),
            credentials: Family::default(),
            resting: Family::default(),
            spending: Family::default(),
            undelivered: Family::default(),
        };
        families.register();
        families
    }
}

impl Families {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", version);
        let requests = self.requests.clone();
        registry.register("requests", "HTTP requests by endpoint and status", requests);
        let generations = self.generations.clone();
        let help = "Generations by model, outcome and the code of the error";
        registry.register("generations", help, generations);
        let help = "Time of generations that called a provider, all attempts together";
        let generation_time = self.generation_time.clone();
        registry.register_with_unit("generation_duration", help, Unit::Seconds, generation_time);
        let help = "Generations under way";
        registry.register("generations_in_flight", help, self.under_way.clone());
        let help = "Calls to providers by outcome and the code of the failure";
        registry.register("attempts", help, self.attempts.clone());
        let help = "Time of calls to providers, polls and downloads included";
        registry.register_with_unit("attempt_duration", help, Unit::Seconds, self.attempt_time.clone());
        let help = "Charges for images by the provider that made them, the mark-up included";
        let dollars = Unit::Other("dollars".to_owned());
        registry.register_with_unit("spend", help, dollars.clone(), self.spending.clone());
        let help = "What images cost the operator that nobody got, as another call was faster, by provider";
        registry.register_with_unit("undelivered", help, dollars, self.undelivered.clone());
        let help = "Statements of the one writer, those that begin and end transactions apart";
        registry.register("journal_statements", help, self.statements.clone());
        let help = "Transactions that the one writer committed";
        registry.register("journal_transactions", help, self.transactions.clone());
        let help = "Image bytes that generations hold in memory";
        registry.register_with_unit("spool_memory", help, Unit::Bytes, self.spool_memory.clone());
        let help = "Image bytes that generations hold in memory and in files";
        registry.register_with_unit("spool", help, Unit::Bytes, self.spool_total.clone());
        let help = "Circuits of the offers that were tried: 0 closed, 1 half-open, 2 open";
        registry.register("offer_circuit_state", help, self.circuits.clone());
        let help = "Calls by credential, where a provider has several, and the code of the failure";
        registry.register("credential_calls", help, self.credentials.clone());
        let help = "Whether one of a provider's several credentials rests, as it was refused: 1, else 0";
        registry.register("credential_resting", help, self.resting.clone());
    }

    pub(super) fn charge(&self, provider: &str, amount: Micros) {
        let labels = ProviderLabel {
            provider: provider.to_owned(),
        };
        self.spending.get_or_create(&labels).inc_by(Dollars(amount));
    }

    pub(super) fn undelivered(&self, provider: &str, amount: Micros) {
        let labels = ProviderLabel {
            provider: provider.to_owned(),
        };
        self.undelivered.get_or_create(&labels).inc_by(Dollars(amount));
    }
}
