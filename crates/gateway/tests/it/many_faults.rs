//! Thousands of generations while three in ten calls fail: what the caller gets, what is risked, and what is charged.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use gateway::settings::{ProviderSettings, Settings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::harness::{Reply, TestGateway, micros};

/// Generations of a test, half of them by each strategy.
const GENERATIONS: usize = 2_000;
/// Generations at one time.
const AT_ONCE: usize = 48;
/// The share of calls that fail.
const FAULTY: f64 = 0.3;
/// Generations between two steps of the clock, and the length of a step: longer than an offer rests here.
const STEP: (usize, i64) = (16, 6);
/// Least share of successes while nothing is spent by a failure.
const SUCCEEDING_MIN: f64 = 0.999;
/// How far the share of successes may be from what the policy allows.
const POINT: f64 = 0.01;

/// A server of one's own.
const VLLM: &str = r#"
id = "vllm"
name = "A server in the house"
protocol = "openai"
base_url = "http://127.0.0.1:8000/v1"
no_credential = true

[options]
auth = "none"
"#;

/// A model with three offers of different protocols and prices, whose pictures are quickly drawn.
const TINY: &str = r#"
id = "tiny"
name = "Tiny"
description = "Small pictures, wherever they are made."
creator = "house"
creator_name = "The House"
default_size = "128x128"

[[offers]]
provider = "vllm"

[offers.common]
model = "tiny-diffusion"
sizes = { listed = ["128x128"] }
constants = { response_format = "b64_json" }

[offers.common.fields]
prompt = {}
size = { form = "wxh" }

[offers.modes.text-to-image]

[offers.pricing]
source = "our own electricity"
as_of = "2026-11-01"
components = [{ type = "output", metric = "image", unit_price = "0.001" }]

[[offers]]
provider = "runware"

[offers.common]
model = "runware:100@1"
default_format = "jpeg"
sizes = { listed = ["128x128"] }

[offers.common.fields]
prompt = { to = "positivePrompt" }
size = { form = "size-object" }

[offers.modes.text-to-image]

[offers.pricing]
source = "our contract"
as_of = "2026-11-01"
components = [{ type = "output", metric = "image", unit_price = "0.002" }]

[[offers]]
provider = "fal"

[offers.common]
model = "fal-ai/flux/schnell"
default_format = "jpeg"
sizes = { listed = ["128x128"] }

[offers.common.fields]
prompt = {}
size = { to = "image_size", form = "size-object" }

[offers.modes.text-to-image]

[offers.pricing]
source = "our contract"
as_of = "2026-11-01"
components = [{ type = "output", metric = "image", unit_price = "0.003" }]
"#;

/// The offers in the order of their prices, and what an image of each costs in millionths: Runware tells that itself.
const OFFERS: [(&str, i64); 3] = [("vllm", 1_000), ("runware", 16), ("fal", 3_000)];
/// Every order in which they may be asked.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// A stream of numbers that a seed begins (SplitMix64).
struct Numbers(u64);

impl Numbers {
    /// The next one, from 0 to below 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a failing call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Busy for longer than anybody waits: the next offer has its turn.
    Rests,
    /// Busy for a moment: asked twice more.
    Retried,
    /// Our account is not served.
    Out,
    /// It may have been paid for; how it looks.
    MaybeSpent(&'static str),
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Rests => "status=429 retry-after=5",
            Self::Retried => "status=429",
            Self::Out => "status=401",
            Self::MaybeSpent(words) => words,
        }
    }
}

/// What one offer does in one generation: its first `times` calls fail. Each call fails with the same chance, whatever
/// came before, so that no order of the offers is better than another but by their prices.
#[derive(Debug, Clone, Copy)]
struct Fault {
    kind: Kind,
    times: u32,
}

impl Fault {
    /// Draws one; `maybe_spent` is the share of faults that may have been paid for.
    fn draw(numbers: &mut Numbers, maybe_spent: f64) -> Self {
        let kind = if numbers.next() < maybe_spent {
            let words = ["cut", "garbage", "empty"];
            Kind::MaybeSpent(words[(numbers.next() * 3.0) as usize])
        } else {
            match numbers.next() {
                share if share < 0.45 => Kind::Rests,
                share if share < 0.9 => Kind::Retried,
                _ => Kind::Out,
            }
        };
        let mut times = 0;
        while numbers.next() < FAULTY {
            times += 1;
        }
        Self { kind, times }
    }
}

/// Whether the policy allows a success when the offers are asked in this order and circuits keep out of it: the design's
/// table, call by call.
fn succeeds(faults: &[Fault; 3], order: [usize; 3]) -> bool {
    let mut left = faults.map(|fault| fault.times);
    let mut maybe_spent = 0;
    for _walk in 0..2 {
        for place in order {
            let kind = faults[place].kind;
            for _try in 0..if kind == Kind::Retried { 3 } else { 1 } {
                if left[place] == 0 {
                    return true;
                }
                left[place] -= 1;
            }
            maybe_spent += u32::from(matches!(kind, Kind::MaybeSpent(_)));
            if maybe_spent == 2 {
                return false;
            }
        }
        // Walked once more when nothing was spent and somebody may do better.
        if maybe_spent > 0 || faults.iter().all(|fault| fault.kind == Kind::Out) {
            return false;
        }
    }
    false
}

/// One generation: its faults and how it is routed.
struct Ask {
    faults: [Fault; 3],
    strategy: &'static str,
    prompt: String,
}

impl Ask {
    fn new(place: usize, faults: [Fault; 3]) -> Self {
        let struck = OFFERS.iter().zip(&faults).filter(|(_, fault)| fault.times > 0);
        let switches: String = struck
            .map(|((provider, _), fault)| {
                format!(
                    " [[fault: provider={provider} {} times={}]]",
                    fault.kind.words(),
                    fault.times
                )
            })
            .collect();
        Self {
            faults,
            strategy: if place.is_multiple_of(2) {
                "cheapest"
            } else {
                "balanced"
            },
            // Each prompt is another one: faults are counted by it.
            prompt: format!("dune {place}{switches}"),
        }
    }

    /// The chance that the policy gives it: by price, or over all orders where the order is drawn.
    fn chance(&self) -> f64 {
        let orders: &[[usize; 3]] = if self.strategy == "cheapest" {
            &ORDERS[..1]
        } else {
            &ORDERS
        };
        let won = orders.iter().filter(|order| succeeds(&self.faults, **order)).count();
        won as f64 / orders.len() as f64
    }
}

/// The asks of a seed.
fn asks(seed: u64, maybe_spent: f64) -> Vec<Ask> {
    let mut numbers = Numbers(seed);
    (0..GENERATIONS)
        .map(|place| Ask::new(place, std::array::from_fn(|_| Fault::draw(&mut numbers, maybe_spent))))
        .collect()
}

/// Leads the providers to the sandbox.
fn house(settings: &mut Settings) {
    let openai = settings.providers["openai"].base_url.clone().expect("an address");
    let sandbox = openai.trim_end_matches("/openai/v1");
    let server = ProviderSettings {
        base_url: Some(format!("{sandbox}/vllm/v1")),
        ..ProviderSettings::default()
    };
    settings.providers.insert("vllm".to_owned(), server);
}

/// What came of all asks.
#[derive(Default)]
struct Outcome {
    succeeded: usize,
    cost_micros: i64,
    /// Attempts that may have been paid for, by the hash of the prompt.
    maybe_paid: BTreeMap<String, usize>,
    /// Attempts that may have been paid for and delivered nothing.
    risked: usize,
}

impl Outcome {
    /// Adds one, and checks what holds for each.
    fn add(&mut self, ask: &Ask, reply: &Reply) {
        let body = reply.json();
        let delivered = reply.status.is_success();
        let attempts = if delivered {
            &body["metadata"]["attempts"]
        } else {
            &body["error"]["metadata"]["attempts"]
        };
        let attempts = attempts
            .as_array()
            .unwrap_or_else(|| panic!("'{}': {body}", ask.prompt));
        let lost = |attempt: &&Value| attempt["spent"] != "no" && attempt["outcome"] != "succeeded";
        let lost = attempts.iter().filter(lost).count();
        // One image is paid for anyhow: every other payment is a double.
        let doubles = (lost + usize::from(delivered)).saturating_sub(1);
        assert!(doubles <= 1, "'{}': {attempts:?}", ask.prompt);
        self.risked += lost;
        if delivered {
            let metadata = &body["metadata"];
            let price = OFFERS.iter().find(|(provider, _)| metadata["provider"] == *provider);
            assert_eq!(
                Some(micros(&metadata["cost"])),
                price.map(|(_, price)| *price),
                "what was delivered, once"
            );
            assert_eq!(body["data"].as_array().map(Vec::len), Some(1));
            self.cost_micros += micros(&metadata["cost"]);
            self.succeeded += 1;
        }
        let hash = hex::encode(Sha256::digest(&ask.prompt));
        self.maybe_paid.insert(hash, lost + usize::from(delivered));
    }

    fn share(&self) -> f64 {
        self.succeeded as f64 / GENERATIONS as f64
    }
}

async fn run(asks: &[Ask]) -> Outcome {
    let files = [("providers/vllm.toml", VLLM), ("models/tiny.toml", TINY)];
    let gateway = TestGateway::with_catalog(&files, house).await;
    let replies = asks.iter().map(async |ask| {
        let body = json!({ "model": "tiny", "prompt": ask.prompt, "size": "128x128", "response_format": "b64_json",
            "route": { "strategy": ask.strategy } });
        (ask, gateway.generate(body).await)
    });
    let mut replies = stream::iter(replies).buffer_unordered(AT_ONCE);
    let mut outcome = Outcome::default();
    let mut count = 0_usize;
    while let Some((ask, reply)) = replies.next().await {
        outcome.add(ask, &reply);
        count += 1;
        // Time goes on, so that offers that rested or were given up come back.
        if count.is_multiple_of(STEP.0) {
            gateway.clock.advance_s(STEP.1);
        }
    }
    drop(replies);
    let listed = gateway.get("/v1/requests?summary=true&limit=1").await.ok();
    let summary = &listed["summary"];
    assert_eq!(
        (&summary["count"], &summary["total_cost_micros"]),
        (&json!(GENERATIONS), &json!(outcome.cost_micros)),
        "charged is what was delivered"
    );
    let mut billed: BTreeMap<String, usize> = BTreeMap::new();
    for entry in gateway.bill().await {
        *billed
            .entry(entry["prompt_sha256"].as_str().expect("a hash").to_owned())
            .or_default() += 1;
    }
    for (prompt, count) in billed {
        let told = outcome.maybe_paid.get(&prompt).copied().unwrap_or(0);
        assert!(
            count <= told,
            "{count} calls were billed of a request that tells of {told}"
        );
    }
    gateway.finish().await;
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn nearly_all_succeed_while_three_in_ten_calls_fail_at_no_cost() {
    let outcome = run(&asks(1, 0.0)).await;
    assert!(
        outcome.share() >= SUCCEEDING_MIN,
        "{} of {GENERATIONS}",
        outcome.succeeded
    );
    assert_eq!(outcome.risked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_paid_for_costs_no_more_successes_than_the_policy_asks() {
    let asks = asks(2, 0.25);
    let ceiling = asks.iter().map(Ask::chance).sum::<f64>() / GENERATIONS as f64;
    assert!(
        (0.95..0.995).contains(&ceiling),
        "a quarter of the faults is felt: {ceiling}"
    );
    let outcome = run(&asks).await;
    let share = outcome.share();
    assert!((share - ceiling).abs() <= POINT, "{share} of {ceiling}");
    assert!(outcome.risked > 100, "only {} calls were in doubt", outcome.risked);
}
