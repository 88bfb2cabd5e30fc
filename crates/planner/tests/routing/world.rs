//! A small catalogue, and a world of simulated providers on a simulated clock.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use planner::catalog::Catalog;
use planner::catalog::load::load;
use planner::failure::{Failure, FailureKind};
use planner::health::{Admission, Health, Report};
use planner::plan::{Circumstances, NoRoute, RoutePlan, plan};
use planner::request::{Endpoint, Inputs, parse};
use planner::resolve::{Resolution, resolve};
use planner::route::Route;
use planner::strategy::{Priorities, Strategy};
use serde_json::{Value, json};

/// The providers of the only model, and what each charges for an image. The first takes no seed and one size only.
pub(crate) const PRICES: [(&str, &str); 3] = [("alpha", "0.02"), ("beta", "0.04"), ("gamma", "0.08")];

/// The catalogue; `prices` takes the place of [`PRICES`].
pub(crate) fn catalog(prices: &[(&str, &str)]) -> Catalog {
    let providers = prices.iter().map(|(id, _)| {
        let text = format!("id = '{id}'\nname = '{id}'\nprotocol = 'none'\nbase_url = 'https://{id}.example'\n");
        (format!("providers/{id}.toml"), text)
    });
    let mut texts: Vec<(String, String)> = providers.collect();
    let offers: Vec<String> = prices.iter().map(|(id, price)| offer(id, price)).collect();
    let model = "id = 'painter'\nname = 'Painter'\ndescription = 'Paints.'\ncreator = 'test'\ncreator_name = 'Test'\n";
    texts.push((
        "models/test/painter.toml".to_owned(),
        format!("{model}{}", offers.concat()),
    ));
    texts.push((
        "parameters.toml".to_owned(),
        include_str!("../../../../catalog/parameters.toml").to_owned(),
    ));
    let sources: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    load(&sources).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn offer(id: &str, price: &str) -> String {
    let (sizes, seed) = match id {
        "alpha" => ("{ listed = ['1024x1024'] }", ""),
        _ => ("{ listed = ['1024x1024', '1536x1024'] }", "seed = {}\n"),
    };
    format!(
        "[[offers]]\nprovider = '{id}'\n[offers.common]\nmodel = '{id}-painter'\ndefault_format = 'png'\nsizes = {sizes}\n\
         [offers.common.fields]\nprompt = {{}}\n{seed}[offers.modes.text-to-image]\n[offers.pricing]\nsource = 'test'\n\
         as_of = '2026-07-01'\ncomponents = [{{ type = 'output', metric = 'image', unit_price = '{price}' }}]\n"
    )
}

/// A request for one image, resolved; `fields` are added to it.
pub(crate) fn resolved<'a>(catalog: &'a Catalog, fields: &Value) -> Resolution<'a> {
    let mut all = json!({ "model": "painter", "prompt": "dunes" });
    let more = fields.as_object().cloned().expect("an object");
    all.as_object_mut().expect("an object").extend(more);
    let (request, faults) = parse(
        Endpoint::Generations,
        all.as_object().expect("an object"),
        false,
        catalog,
    );
    assert_eq!(faults, []);
    let model = catalog.model("painter").expect("the only model");
    resolve(catalog, model, &request, &Inputs::default()).expect("it is served")
}

/// Milliseconds after the start of the world.
pub(crate) fn at(ms: u64) -> Timestamp {
    let start: Timestamp = "2026-07-01T00:00:00Z".parse().expect("an instant");
    start + Duration::from_millis(ms)
}

/// A linear congruential generator, for numbers that come again on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        let mut next = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // The low bits of such a generator repeat soon.
            self.0 >> 32
        };
        next() << 32 | next()
    }

    fn happens(&mut self, chance: f64) -> bool {
        (self.bits() >> 11) as f64 / ((1_u64 << 53) as f64) < chance
    }
}

/// How a simulated provider behaves.
#[derive(Debug, Clone)]
pub(crate) struct Behavior {
    /// Of a success. A failure takes a tenth.
    pub(crate) latency_ms: u64,
    /// Chance of a server error.
    pub(crate) failure_rate: f64,
    /// When it fails always, in milliseconds of the world, and how.
    pub(crate) outage: Range<u64>,
    pub(crate) outage_failure: Failure,
}

impl Behavior {
    pub(crate) fn steady(latency_ms: u64) -> Self {
        Self {
            latency_ms,
            failure_rate: 0.0,
            outage: 0..0,
            outage_failure: Failure::new(FailureKind::ServerError, "down"),
        }
    }

    pub(crate) fn down(self, outage: Range<u64>) -> Self {
        Self { outage, ..self }
    }
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) began_ms: u64,
    /// Providers in the order in which they were called.
    pub(crate) called: Vec<&'static str>,
    pub(crate) by: Option<&'static str>,
}

impl Served {
    pub(crate) fn first(&self) -> &'static str {
        self.called[0]
    }
}

/// Providers, a clock, and a gateway of which only the decisions are real.
pub(crate) struct World {
    resolution: Resolution<'static>,
    pub(crate) behaviors: BTreeMap<&'static str, Behavior>,
    pub(crate) strategy: Strategy,
    pub(crate) priorities: Priorities,
    pub(crate) route: Route,
    pub(crate) health: Health,
    pub(crate) now_ms: u64,
    pub(crate) random: Random,
    available: HashSet<String>,
}

impl World {
    pub(crate) fn new(strategy: Strategy, behaviors: [Behavior; 3]) -> Self {
        Self::with_prices(strategy, behaviors, &PRICES)
    }

    pub(crate) fn with_prices(strategy: Strategy, behaviors: [Behavior; 3], prices: &[(&str, &str)]) -> Self {
        // Requests are all alike, so they are resolved once; a test's catalogue may live to its end.
        let catalog: &'static Catalog = Box::leak(Box::new(catalog(prices)));
        Self {
            resolution: resolved(catalog, &json!({})),
            behaviors: PRICES.iter().map(|(id, _)| *id).zip(behaviors).collect(),
            strategy,
            priorities: Priorities::default(),
            route: Route::NONE,
            health: Health::new(),
            now_ms: 0,
            random: Random::new(7),
            available: prices.iter().map(|(id, _)| (*id).to_owned()).collect(),
        }
    }

    pub(crate) fn circumstances(&self, seed: u64) -> Circumstances<'_> {
        Circumstances {
            strategy: self.strategy,
            priorities: &self.priorities,
            route: &self.route,
            health: &self.health,
            seed,
            ..Circumstances::new(&self.available, at(self.now_ms))
        }
    }

    /// A plan as things are now.
    pub(crate) fn plan(&mut self) -> Result<RoutePlan<'_>, NoRoute> {
        let seed = self.random.bits();
        plan(self.resolution.clone(), &self.circumstances(seed))
    }

    /// The providers of a plan, in order.
    pub(crate) fn order(&mut self) -> Vec<&'static str> {
        let providers: Vec<String> = providers(&self.plan().expect("somebody may be tried"));
        let names = self.behaviors.keys();
        providers
            .iter()
            .map(|provider| *names.clone().find(|name| *name == provider).expect("one of the three"))
            .collect()
    }

    /// One request: its plan is walked until somebody serves it, and the clock goes on meanwhile.
    pub(crate) fn request(&mut self) -> Served {
        let mut served = Served {
            began_ms: self.now_ms,
            called: Vec::new(),
            by: None,
        };
        for provider in self.order() {
            served.called.push(provider);
            if self.attempt(provider) {
                served.by = Some(provider);
                break;
            }
        }
        served
    }

    /// One attempt at a provider; tells whether it succeeded.
    fn attempt(&mut self, provider: &'static str) -> bool {
        let native = format!("{provider}-painter");
        let behavior = self.behaviors[provider].clone();
        let started_at = at(self.now_ms);
        self.health.start(provider, &native, started_at);
        let failure = if behavior.outage.contains(&self.now_ms) {
            Some(behavior.outage_failure)
        } else {
            let fails = self.random.happens(behavior.failure_rate);
            fails.then(|| Failure::new(FailureKind::ServerError, "a bad day"))
        };
        let latency_ms = match failure {
            Some(_) => behavior.latency_ms / 10,
            None => behavior.latency_ms,
        };
        self.now_ms += latency_ms;
        let report = Report {
            started_at,
            latency_ms,
            failure: failure.as_ref(),
        };
        self.health.record(provider, &native, &report, at(self.now_ms));
        failure.is_none()
    }

    pub(crate) fn requests(&mut self, count: usize) -> Vec<Served> {
        (0..count).map(|_| self.request()).collect()
    }

    /// Requests one after the other until the clock shows `end_ms`.
    pub(crate) fn until(&mut self, end_ms: u64) -> Vec<Served> {
        let mut served = Vec::new();
        while self.now_ms < end_ms {
            served.push(self.request());
        }
        served
    }

    /// An attempt that goes out now and reports later, or never.
    pub(crate) fn start(&mut self, provider: &str) -> Admission {
        self.health
            .start(provider, &format!("{provider}-painter"), at(self.now_ms))
    }

    pub(crate) fn is_healthy(&self, provider: &str) -> bool {
        let native = format!("{provider}-painter");
        self.health.of(provider, &native, at(self.now_ms)).is_healthy()
    }
}

/// The providers of a plan, in order.
pub(crate) fn providers(plan: &RoutePlan<'_>) -> Vec<String> {
    let provider = |candidate: &planner::plan::Candidate<'_>| candidate.resolved.offer.provider.clone();
    plan.candidates.iter().map(provider).collect()
}

/// The part of `served` that went to `provider` first.
pub(crate) fn share(served: &[Served], provider: &str) -> f64 {
    let there = served.iter().filter(|one| one.first() == provider).count();
    there as f64 / served.len() as f64
}
