//! The ledger itself: whatever is done in whatever order, and whenever the process dies, the books are right.

use std::time::Duration;

use futures_util::future::join_all;
use gateway::auth::{KeyOrder, Scope, mint};
use gateway::db::accounts::{AccountTerms, Billing};
use gateway::db::generations::{Durable, EndOfGeneration, NewGeneration, Status};
use gateway::db::keys::{KeyLimits, KeyTerms};
use gateway::db::ledger::{Hold, OperatorPosting, Posted, Settlement};
use gateway::db::{Database, DatabaseError};
use gateway::ledger::REPORTED_COST_FACTOR;
use gateway::ledger::{Charge, Kind};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::harness::schema::Schema;

/// Histories that are tried. Each opens the database several times.
const CASES: u32 = 24;
/// The credit limit of the postpaid account.
const CREDIT: i64 = 50_000;
const ACCOUNTS: [&str; 2] = ["prepaid", "postpaid"];

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// Generations begin at once, each with the prices of its candidates.
    Begin(Vec<(usize, Vec<i64>)>),
    /// Generations that began end: some of them charged, even above what was held.
    End(Vec<(prop::sample::Index, Option<i64>)>),
    /// Time passes and what is overdue expires.
    Expire(i64),
    /// The operator moves money.
    Post(usize, i64),
    /// A refund of a charge.
    Refund(prop::sample::Index, i64),
    /// The process dies while it writes.
    Death(Vec<(usize, Vec<i64>)>, Vec<(prop::sample::Index, Option<i64>)>),
}

fn begins() -> impl Strategy<Value = Vec<(usize, Vec<i64>)>> {
    let prices = prop::collection::vec(prop_oneof![Just(0), 1..40_000_i64], 1..4);
    prop::collection::vec((0..ACCOUNTS.len(), prices), 1..12)
}

fn ends() -> impl Strategy<Value = Vec<(prop::sample::Index, Option<i64>)>> {
    let cost = prop::option::weighted(0.7, 0..60_000_i64);
    prop::collection::vec((any::<prop::sample::Index>(), cost), 1..12)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => begins().prop_map(Step::Begin),
        4 => ends().prop_map(Step::End),
        1 => (0..400_i64).prop_map(Step::Expire),
        2 => (0..ACCOUNTS.len(), -60_000..120_000_i64).prop_map(|(account, amount)| Step::Post(account, amount)),
        1 => (any::<prop::sample::Index>(), 1..60_000_i64).prop_map(|(which, amount)| Step::Refund(which, amount)),
        2 => (begins(), ends()).prop_map(|(begins, ends)| Step::Death(begins, ends)),
    ];
    prop::collection::vec(step, 1..14)
}

/// A database with a runtime of its own, which dies like a process: with all that is under way.
struct Process {
    runtime: Runtime,
    database: Database,
}

impl Process {
    fn start(url: &str, now: Timestamp) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let database = runtime.block_on(Database::open(url, now)).expect("the database opens");
        Self { runtime, database }
    }

    fn die(self) {
        self.runtime.shutdown_background();
    }
}

/// A history as it goes on.
struct History {
    url: String,
    process: Option<Process>,
    now: Timestamp,
    keys: Vec<String>,
    begun: Vec<String>,
    count: usize,
}

impl History {
    fn new(url: String) -> Self {
        let now: Timestamp = "2026-08-15T12:00:00Z".parse().expect("a time");
        let process = Process::start(&url, now);
        let keys = process.runtime.block_on(async {
            let mut keys = Vec::new();
            for account in ACCOUNTS {
                keys.push(open_account(&process.database, account, now).await);
            }
            keys
        });
        Self {
            url,
            process: Some(process),
            now,
            keys,
            begun: Vec::new(),
            count: 0,
        }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it runs")
    }

    fn next_id(&mut self) -> String {
        self.count += 1;
        format!("gen-{}", self.count)
    }

    fn start_of(&mut self, account: usize) -> NewGeneration {
        let id = self.next_id();
        self.begun.push(id.clone());
        NewGeneration {
            id,
            account_id: ACCOUNTS[account].to_owned(),
            key_id: self.keys[account].clone(),
            client_request_id: None,
            session_id: None,
            trace_id: None,
            end_user: None,
            endpoint: "/openai/v1/images/generations".to_owned(),
            model: "mock-image".to_owned(),
            estimate_micros: 0,
            adjustments: "[]".to_owned(),
            plan: "[]".to_owned(),
            request_size_bytes: 0,
            created_at: self.now,
            images: 1,
            durable: Durable::default(),
        }
    }

    fn begin(&mut self, begins: &[(usize, Vec<i64>)]) -> Vec<Write> {
        let expires_at = self.now + SignedDuration::from_secs(300);
        let write = |(account, prices): &(usize, Vec<i64>)| {
            let hold = Hold {
                prices: prices.clone(),
                expires_at,
            };
            Write::Begin(Box::new(self.start_of(*account)), hold)
        };
        begins.iter().map(write).collect()
    }

    fn end(&self, ends: &[(prop::sample::Index, Option<i64>)]) -> Vec<Write> {
        if self.begun.is_empty() {
            return Vec::new();
        }
        let write = |(which, cost): &(prop::sample::Index, Option<i64>)| {
            Write::End(which.get(&self.begun).clone(), Box::new(end_of(*cost, self.now)), *cost)
        };
        ends.iter().map(write).collect()
    }

    /// Does a step and checks the books.
    fn go(&mut self, step: &Step) {
        match step {
            Step::Begin(begins) => {
                let writes = self.begin(begins);
                self.write_all(writes);
            }
            Step::End(ends) => {
                let writes = self.end(ends);
                self.write_all(writes);
            }
            Step::Expire(seconds) => {
                self.now += SignedDuration::from_secs(*seconds);
                let process = self.process();
                let expired = process
                    .runtime
                    .block_on(process.database.expire_reservations(self.now, 1000));
                expired.expect("reservations expire");
            }
            Step::Post(account, amount) => {
                let kind = if *amount > 60_000 {
                    Kind::TopUp
                } else {
                    Kind::Adjustment
                };
                self.post(kind, ACCOUNTS[*account], *amount, None);
            }
            Step::Refund(which, amount) => {
                if !self.begun.is_empty() {
                    let generation = which.get(&self.begun).clone();
                    for account in ACCOUNTS {
                        self.post(Kind::Refund, account, *amount, Some(generation.clone()));
                    }
                }
            }
            Step::Death(begins, ends) => {
                let mut writes = self.begin(begins);
                writes.extend(self.end(ends));
                let process = self.process.take().expect("it runs");
                for write in writes {
                    let database = process.database.clone();
                    process.runtime.spawn(async move { write.apply(&database).await });
                }
                process.die();
                self.process = Some(Process::start(&self.url, self.now));
            }
        }
        let process = self.process();
        let verified = process
            .runtime
            .block_on(process.database.verify_ledger(self.now, REPORTED_COST_FACTOR));
        let mut wrong = verified.expect("the ledger can be read").discrepancies;
        // Costs are drawn at random here; that they stay within what is held is seen to before they come to the ledger.
        wrong.retain(|wrong| !wrong.rule.starts_with("no more is charged than was held"));
        assert_eq!(wrong, [], "after {step:?}");
    }

    fn write_all(&self, writes: Vec<Write>) {
        let process = self.process();
        let results = process
            .runtime
            .block_on(join_all(writes.iter().map(|write| write.apply(&process.database))));
        results.into_iter().for_each(|result| result.expect("it is written"));
    }

    fn post(&mut self, kind: Kind, account: &str, amount_micros: i64, generation_id: Option<String>) {
        let order = OperatorPosting {
            id: format!("post-{}", self.next_id()),
            kind,
            account_id: account.to_owned(),
            amount_micros,
            generation_id,
            note: None,
            created_at: self.now,
        };
        let process = self.process();
        let twice = process.runtime.block_on(async {
            let first = process.database.post(order.clone()).await.expect("it is posted");
            (first, process.database.post(order).await.expect("it is posted"))
        });
        match twice {
            (Posted::Done, second) => assert_eq!(second, Posted::Already, "a posting happens once"),
            (first, second) => assert_eq!(first, second, "what was refused is refused again"),
        }
    }
}

/// A write that can be done on any task.
enum Write {
    Begin(Box<NewGeneration>, Hold),
    End(String, Box<EndOfGeneration>, Option<i64>),
}

impl Write {
    async fn apply(&self, database: &Database) -> Result<(), DatabaseError> {
        match self {
            Self::Begin(start, hold) => database
                .begin_generation((**start).clone(), hold.clone(), None)
                .await
                .map(drop),
            Self::End(id, end, cost) => {
                let settlement = cost.map_or(Settlement::Release, |total_micros| {
                    Settlement::Charge(Charge {
                        total_micros,
                        markup_micros: total_micros / 10,
                    })
                });
                database
                    .end_generation(id, (**end).clone(), Vec::new(), settlement)
                    .await
            }
        }
    }
}

fn end_of(cost: Option<i64>, now: Timestamp) -> EndOfGeneration {
    EndOfGeneration {
        policy: None,
        status: cost.map_or(Status::UpstreamFailure, |_| Status::Completed),
        model: None,
        provider: None,
        cost_micros: cost,
        markup_micros: cost.unwrap_or(0) / 10,
        cost_basis: None,
        cost_components: "[]".to_owned(),
        adjustments: "[]".to_owned(),
        error_code: None,
        error_message: None,
        response_size_bytes: None,
        answer: None,
        frees_claim: false,
        finished_at: now,
    }
}

/// Makes an account with a key, whose limits are such that they are met now and then.
async fn open_account(database: &Database, id: &str, now: Timestamp) -> String {
    let prepaid = id == "prepaid";
    let terms = AccountTerms {
        billing: if prepaid { Billing::Prepaid } else { Billing::Postpaid },
        credit_limit_micros: Some(if prepaid { 0 } else { CREDIT }),
        log_retention_days: None,
        media_ttl_s: None,
        media_bytes: None,
        stores_payloads: false,
    };
    database
        .insert_account(id, &terms, now, None)
        .await
        .expect("an account is made");
    let limits = KeyLimits {
        day_micros: Some(400_000),
        concurrent: Some(20),
        ..KeyLimits::default()
    };
    let order = KeyOrder {
        account_id: id.to_owned(),
        name: id.to_owned(),
        scopes: vec![Scope::Generate],
        terms: KeyTerms {
            limits,
            ..KeyTerms::default()
        },
    };
    let key = mint(order, now);
    database.insert_key(&key.row, None).await.expect("a key is made");
    key.row.id
}

/// A fresh database of the kind that the tests run on.
struct Fresh {
    folder: TempDir,
    schema: Option<Schema>,
}

impl Fresh {
    fn create(runtime: &Runtime) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            schema: runtime.block_on(Schema::create()),
        }
    }

    fn url(&self) -> String {
        let file = || format!("sqlite://{}?mode=rwc", self.folder.path().join("pictor.db").display());
        self.schema.as_ref().map_or_else(file, Schema::url)
    }
}

#[test]
fn the_books_are_right_after_every_step_of_every_history() {
    let runtime = Runtime::new().expect("a runtime");
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let tried = runner.run(&steps(), |steps| {
        let fresh = Fresh::create(&runtime);
        let mut history = History::new(fresh.url());
        for step in &steps {
            history.go(step);
        }
        let process = history.process.take().expect("it runs");
        process.runtime.block_on(process.database.close());
        process.runtime.shutdown_timeout(Duration::from_secs(5));
        if let Some(schema) = fresh.schema {
            runtime.block_on(schema.remove());
        }
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}
