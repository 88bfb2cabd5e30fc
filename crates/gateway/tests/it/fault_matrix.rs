//! Every fault at every place of a plan of three offers, for each kind of request: how it ends, who delivers, how often
//! is called, and that no more is billed than the attempts tell.

mod faults;

use std::collections::BTreeMap;

use imaging::ImageFormat;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::faults::Ends::{self, Final, MaybeSpent, Out, OutOfTime, Refused, Served, Silent, Unknown, Unspent};
use self::faults::{ENDLESS, FAULTS};
use super::edits::data_url;
use super::failover::FORGIVEN_S;
use super::harness::{GENERATIONS, Reply, TestGateway, plain, send, with};

/// The offers of the model, whatever their order.
const PROVIDERS: [&str; 3] = ["openai", "fal", "replicate"];
/// What keeps a candidate from serving, at no cost and without a retry, so that the next one has its turn.
const BUSY: &str = "status=429 retry-after=10";
/// Tries of one candidate in one walk of the plan at most: the first and two retries.
const TRIES_MAX: usize = 3;
/// For calls that never end: long enough that another one follows on a busy machine.
const SHORT_DEADLINE_S: u64 = 12;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Generate,
    Edit,
    Four,
}

impl Kind {
    fn images(self) -> usize {
        if self == Self::Four { 4 } else { 1 }
    }

    async fn ask(self, gateway: &TestGateway, prompt: &str) -> Reply {
        let body = json!({ "model": "gpt-image-1.5", "prompt": prompt, "quality": "low", "size": "1024x1024", "output_format": "jpeg" });
        match self {
            Self::Generate => gateway.generate(body).await,
            Self::Four => gateway.generate(with(body, json!({ "n": 4 }))).await,
            Self::Edit => {
                let picture = data_url("image/png", &plain((64, 64), [180, 90, 20, 255], ImageFormat::Png));
                gateway
                    .edit_json(with(body, json!({ "images": [{ "image_url": picture }] })))
                    .await
            }
        }
    }

    /// The order of the plan.
    async fn order(self, gateway: &TestGateway) -> Vec<usize> {
        let mut body = json!({ "model": "gpt-image-1.5", "prompt": "dunes", "quality": "low", "size": "1024x1024", "output_format": "jpeg" });
        let mut path = GENERATIONS;
        match self {
            Self::Generate => {}
            Self::Four => body["n"] = json!(4),
            Self::Edit => {
                let picture = data_url("image/png", &plain((64, 64), [180, 90, 20, 255], ImageFormat::Png));
                body["images"] = json!([{ "image_url": picture }]);
                path = super::harness::EDITS;
            }
        }
        let dry = gateway.request(reqwest::Method::POST, &format!("{path}?dryRun=true"));
        let plan = send(dry.json(&body)).await.ok();
        let place = |candidate: &Value| PROVIDERS.iter().position(|known| candidate["provider"] == *known);
        let candidates = plan["candidates"].as_array().expect("a plan");
        candidates
            .iter()
            .map(|candidate| place(candidate).expect("one of the three"))
            .collect()
    }
}

/// One attempt as it is told: provider, code or "", spent.
type Told = (String, String, String);

fn told(attempts: &Value) -> Vec<Told> {
    let text = |attempt: &Value, name: &str| attempt[name].as_str().unwrap_or_default().to_owned();
    let attempts = attempts.as_array().expect("a list of attempts");
    attempts
        .iter()
        .map(|one| (text(one, "provider"), text(one, "code"), text(one, "spent")))
        .collect()
}

/// A fault of one candidate of a plan, and what came of it.
struct Case {
    kind: Kind,
    fault: &'static str,
    ends: Ends,
    /// The providers before the one that is struck: they are busy.
    before: Vec<&'static str>,
    struck: &'static str,
    /// The provider after it.
    next: Option<&'static str>,
    prompt: String,
}

impl Case {
    async fn check(&self, gateway: &TestGateway) -> Vec<Told> {
        let reply = self.kind.ask(gateway, &self.prompt).await;
        let attempts = if reply.status.is_success() {
            told(&reply.json()["metadata"]["attempts"])
        } else {
            told(&reply.json()["error"]["metadata"]["attempts"])
        };
        self.check_end(&reply, &attempts);
        self.check_attempts(&attempts, reply.status.is_success());
        let recorded = gateway.recorded(&reply.id()).await;
        assert_eq!(
            told(&recorded["attempts"]),
            attempts,
            "{self}: the record tells the same"
        );
        attempts
    }

    fn check_end(&self, reply: &Reply, attempts: &[Told]) {
        let follows = |ends: Ends| match (ends, self.next) {
            (Served(_), _) => Ok(self.struck),
            (Unspent(_) | Out(_) | MaybeSpent(_) | Refused(_) | Silent, Some(next)) => Ok(next),
            (Unspent(_) | Out(_) | MaybeSpent(_) | Refused(_), None) => Err((502, "ALL_PROVIDERS_EXHAUSTED")),
            (Final(_, code), _) => Err((400, code)),
            (OutOfTime | Silent, _) if self.before.is_empty() => Err((504, "UPSTREAM_TIMEOUT")),
            (OutOfTime | Silent, _) => Err((502, "OUTCOME_UNKNOWN")),
            (Unknown, _) => unreachable!("such cases are not made"),
        };
        let maybe_spent = attempts.iter().any(|(.., spent)| spent != "no");
        match follows(self.ends) {
            Ok(provider) => {
                let answer = reply.ok();
                assert_eq!(answer["metadata"]["provider"], provider, "{self}");
                assert_eq!(
                    answer["data"].as_array().map(Vec::len),
                    Some(self.kind.images()),
                    "{self}"
                );
                let last = attempts.last().expect("an attempt");
                assert_eq!(
                    (last.0.as_str(), last.1.as_str(), last.2.as_str()),
                    (provider, "", "yes"),
                    "{self}"
                );
            }
            Err((status, code)) => {
                assert_eq!(
                    (reply.status.as_u16(), &reply.json()["error"]["code"]),
                    (status, &json!(code)),
                    "{self}: {attempts:?}"
                );
                // What may have been paid for is not to be repeated by an SDK of its own accord.
                assert_eq!(reply.header("x-should-retry") == "false", maybe_spent, "{self}");
            }
        }
    }

    fn check_attempts(&self, attempts: &[Told], served: bool) {
        let (code, spent, most) = match self.ends {
            Served(_) => ("", "yes", 1),
            Unspent(code) => (code, "no", TRIES_MAX),
            Out(code) | Refused(code) | Final(code, _) => (code, "no", 1),
            MaybeSpent(code) => (code, "unknown", 1),
            OutOfTime | Silent => ("timed_out", "unknown", 1),
            Unknown => return,
        };
        let providers: Vec<&str> = attempts.iter().map(|(provider, ..)| provider.as_str()).collect();
        let busy: Vec<&str> = self.before.clone();
        assert_eq!(
            providers[..busy.len()],
            busy,
            "{self}: in the order of the plan, the busy ones once"
        );
        let rest = &attempts[busy.len()..];
        let first = rest.iter().take_while(|(provider, ..)| provider == self.struck).count();
        let walked_again = !served && self.may_walk_again();
        if let Served(tries) = self.ends {
            assert_eq!((first, rest.len()), (tries, tries), "{self}: {attempts:?}");
            return;
        }
        assert!((1..=most).contains(&first), "{self}: {attempts:?}");
        for (_, told, cost) in &rest[..first] {
            // A file that is lost was made and paid for.
            let is_spent = cost == spent || (self.fault.starts_with("media") && cost == "yes");
            assert!(told == code && is_spent, "{self}: {attempts:?}");
        }
        let after = rest.len() - first;
        if let Refused(_) = self.ends {
            let others = &rest[first..];
            assert!(
                others.iter().all(|(provider, ..)| provider != self.struck),
                "{self}: who refused is not asked again: {attempts:?}"
            );
        }
        match (served, walked_again) {
            (true, _) => assert_eq!(after, 1, "{self}: the next one delivers: {attempts:?}"),
            (false, false) => assert_eq!(after, 0, "{self}: nothing follows: {attempts:?}"),
            (false, true) => {
                let most = 2 * TRIES_MAX + self.before.len();
                assert!((1..=most).contains(&after), "{self}: one more walk: {attempts:?}");
            }
        }
    }

    /// After the last candidate, when nothing was spent and one of them may do better at the second asking.
    fn may_walk_again(&self) -> bool {
        match self.ends {
            Unspent(_) => true,
            Out(_) | Refused(_) => !self.before.is_empty(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?}, '{}' at {} after {:?}",
            self.kind, self.fault, self.struck, self.before
        )
    }
}

fn cases(kind: Kind, order: &[usize], place: usize, faults: &[(&'static str, [Ends; 3])]) -> Vec<Case> {
    let struck = order[place];
    let before: Vec<&'static str> = order[..place].iter().map(|one| PROVIDERS[*one]).collect();
    let busy: String = before
        .iter()
        .map(|one| format!(" [[fault: provider={one} {BUSY}]]"))
        .collect();
    let case = |(fault, ends): &(&'static str, [Ends; 3])| Case {
        kind,
        fault,
        ends: ends[struck],
        before: before.clone(),
        struck: PROVIDERS[struck],
        next: order.get(place + 1).map(|next| PROVIDERS[*next]),
        // Each prompt is another one, so that the bill tells whose call is charged.
        prompt: format!(
            "{kind:?} {place}{busy} [[fault: provider={} {fault}]]",
            PROVIDERS[struck]
        ),
    };
    faults.iter().map(case).filter(|case| case.ends != Unknown).collect()
}

/// Checks that each request's calls are charged no oftener than its attempts say that they may have been.
async fn check_bill(gateway: &TestGateway, checked: &[(String, Vec<Told>)]) {
    let mut billed: BTreeMap<(String, String), usize> = BTreeMap::new();
    for entry in gateway.bill().await {
        let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
        *billed.entry((text("prompt_sha256"), text("provider"))).or_default() += 1;
    }
    for (prompt, attempts) in checked {
        let hash = hex::encode(Sha256::digest(prompt));
        for provider in PROVIDERS {
            let told = attempts
                .iter()
                .filter(|(by, _, spent)| by == provider && spent != "no")
                .count();
            let charged = billed.remove(&(hash.clone(), provider.to_owned())).unwrap_or(0);
            assert!(
                charged <= told,
                "{provider} charged {charged} of {told} calls for '{prompt}'"
            );
        }
    }
    assert!(billed.is_empty(), "charged for nobody: {billed:?}");
}

async fn walk(kind: Kind, place: usize, faults: &[(&'static str, [Ends; 3])], deadline_s: Option<u64>) -> usize {
    let gateway = TestGateway::with(|settings| {
        if let Some(deadline_s) = deadline_s {
            settings.limits.generation_deadline_s = deadline_s;
        }
    })
    .await;
    let order = kind.order(&gateway).await;
    assert_eq!(order.len(), PROVIDERS.len());
    let mut checked = Vec::new();
    for case in cases(kind, &order, place, faults) {
        // What failed before is forgiven by now.
        gateway.clock.advance_s(FORGIVEN_S);
        checked.push((case.prompt.clone(), case.check(&gateway).await));
    }
    check_bill(&gateway, &checked).await;
    gateway.finish().await;
    checked.len()
}

/// Every place at once, each at a gateway of its own, as what fails at one changes the order of what follows.
async fn every_place(kind: Kind) {
    let walks = (0..PROVIDERS.len()).flat_map(|place| {
        [
            tokio::spawn(walk(kind, place, &FAULTS, None)),
            tokio::spawn(walk(kind, place, &ENDLESS, Some(SHORT_DEADLINE_S))),
        ]
    });
    let mut count = 0;
    for walk in walks.collect::<Vec<_>>() {
        count += walk.await.expect("every case of it holds");
    }
    // A table with a column of unknown faults would check little.
    let known = FAULTS
        .iter()
        .chain(&ENDLESS)
        .flat_map(|(_, ends)| ends)
        .filter(|ends| **ends != Unknown)
        .count();
    assert_eq!(count, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_place_of_a_generation() {
    every_place(Kind::Generate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_place_of_an_edit() {
    every_place(Kind::Edit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_place_of_four_images() {
    every_place(Kind::Four).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_that_may_have_been_paid_for_there_is_one_more_try_and_no_third() {
    let gateway = TestGateway::start().await;
    let order = Kind::Generate.order(&gateway).await;
    let (first, second) = (PROVIDERS[order[0]], order[1]);
    let mut checked = Vec::new();
    for (fault, ends) in FAULTS {
        if !matches!(ends[second], MaybeSpent(_)) {
            continue;
        }
        gateway.clock.advance_s(FORGIVEN_S);
        let prompt = format!(
            "dunes [[fault: provider={first} cut]] [[fault: provider={} {fault}]]",
            PROVIDERS[second]
        );
        let reply = Kind::Generate.ask(&gateway, &prompt).await;
        let error = reply.error(502, "OUTCOME_UNKNOWN");
        let attempts = told(&error["metadata"]["attempts"]);
        let called: Vec<&str> = attempts.iter().map(|(provider, ..)| provider.as_str()).collect();
        assert_eq!(called, [first, PROVIDERS[second]], "{fault}");
        assert_eq!(reply.header("x-should-retry"), "false", "{fault}");
        checked.push((prompt, attempts));
    }
    assert!(checked.len() >= 10, "only {} faults", checked.len());
    check_bill(&gateway, &checked).await;
    gateway.finish().await;
}
