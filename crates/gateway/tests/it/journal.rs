//! The journal in random histories: whatever it accepts is written, once, whether the database is there, away, or the process
//! dies.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway::auth::{KeyOrder, Scope, mint};
use gateway::db::generations::{BegunAttempt, Durable, EndOfGeneration, NewGeneration, Status};
use gateway::db::journal::Ended;
use gateway::db::keys::KeyTerms;
use gateway::db::ledger::{Hold, Settlement};
use gateway::db::media::MediaRow;
use gateway::db::{DEFAULT_ACCOUNT, Database, DatabaseError};
use gateway::ledger::Charge;
use gateway::ledger::REPORTED_COST_FACTOR;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::harness::outage::Locked;
use super::harness::until;

/// Histories that are tried. Most of their time is spent in waiting for a database that is away.
const CASES: u32 = 5;
/// Who asks is told within it, on a busy machine.
const TOLD_WITHIN: Duration = Duration::from_millis(2_500);
const HELD: i64 = 5_000;
const COST: i64 = 3_000;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// So many generations begin at once.
    Begin(usize),
    /// Generations end at once: those with a cost delivered an image.
    End(Vec<(prop::sample::Index, bool)>),
    /// Somebody else takes the lock for writing.
    Down,
    /// And gives it back.
    Up,
    /// The process dies, and the next one starts.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ends = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..5);
    let step = prop_oneof![
        3 => (1..6_usize).prop_map(Step::Begin),
        4 => ends.prop_map(Step::End),
        2 => Just(Step::Down),
        2 => Just(Step::Up),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 4..12).prop_map(|mut steps| {
        steps.insert(0, Step::Begin(8));
        steps
    })
}

/// A generation as the callers know it.
struct Known {
    id: String,
    /// Whether it was accepted that it delivered; `None`: nothing was accepted yet.
    delivered: Option<bool>,
}

struct History {
    folder: TempDir,
    database: Option<Database>,
    lock: Option<Locked>,
    key_id: String,
    known: Vec<Known>,
    count: usize,
    now: Timestamp,
}

impl History {
    async fn new() -> Self {
        let now: Timestamp = "2026-08-15T12:00:00Z".parse().expect("a time");
        let mut history = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            database: None,
            lock: None,
            key_id: String::new(),
            known: Vec::new(),
            count: 0,
            now,
        };
        history.start().await;
        let order = KeyOrder {
            account_id: DEFAULT_ACCOUNT.to_owned(),
            name: "test".to_owned(),
            scopes: vec![Scope::Generate],
            terms: KeyTerms::default(),
        };
        let key = mint(order, now);
        history
            .database()
            .insert_key(&key.row, None)
            .await
            .expect("a key is made");
        history.key_id = key.row.id;
        history
    }

    fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.folder.path().join("pictor.db").display())
    }

    fn database(&self) -> &Database {
        self.database.as_ref().expect("it runs")
    }

    async fn start(&mut self) {
        let database =
            Database::open_to_serve(&self.url(), self.now, self.folder.path(), gateway::db::CONNECTIONS).await;
        self.database = Some(database.expect("the database opens"));
    }

    async fn go(&mut self, step: &Step) {
        match step {
            Step::Begin(count) => self.begin(*count).await,
            Step::End(ends) => self.end(ends).await,
            Step::Down => {
                if self.lock.is_none() {
                    self.lock = Some(Locked::take(&self.url()).await);
                }
            }
            Step::Up => {
                self.up().await;
                self.until_written().await;
            }
            Step::Crash => {
                let database = self.database.take().expect("it runs");
                database.die();
                database.close().await;
                self.up().await;
                self.start().await;
            }
        }
    }

    async fn up(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.release().await;
        }
    }

    async fn begin(&mut self, count: usize) {
        let ids: Vec<String> = (0..count).map(|place| format!("gen-{}", self.count + place)).collect();
        self.count += count;
        let began = Instant::now();
        let begun = join_all(ids.iter().map(|id| self.begin_one(id))).await;
        assert!(began.elapsed() < TOLD_WITHIN, "{:?}", began.elapsed());
        for (id, begun) in ids.into_iter().zip(begun) {
            match begun {
                Ok(()) => self.known.push(Known { id, delivered: None }),
                Err(error) => assert!(
                    matches!(error, DatabaseError::Unavailable) && self.lock.is_some(),
                    "{error}"
                ),
            }
        }
    }

    async fn begin_one(&self, id: &str) -> Result<(), DatabaseError> {
        let start = NewGeneration {
            id: id.to_owned(),
            account_id: DEFAULT_ACCOUNT.to_owned(),
            key_id: self.key_id.clone(),
            client_request_id: None,
            session_id: None,
            trace_id: None,
            end_user: None,
            endpoint: "/openai/v1/images/generations".to_owned(),
            model: "mock-image".to_owned(),
            estimate_micros: HELD,
            adjustments: "[]".to_owned(),
            plan: "[]".to_owned(),
            request_size_bytes: 0,
            created_at: self.now,
            images: 1,
            durable: Durable::default(),
        };
        let hold = Hold {
            prices: vec![HELD],
            expires_at: self.now + SignedDuration::from_secs(300),
        };
        let call = BegunAttempt {
            position: 0,
            provider: "mock".to_owned(),
            model: "mock-image".to_owned(),
            started_at: self.now,
            facts: "{}".to_owned(),
        };
        let held = self
            .database()
            .begin_generation_with(start, hold, None, vec![call])
            .await?;
        assert_eq!(held, Ok(HELD));
        Ok(())
    }

    async fn end(&mut self, ends: &[(prop::sample::Index, bool)]) {
        let mut chosen: Vec<(usize, bool)> = Vec::new();
        for (which, delivers) in ends {
            let place = which.index(self.known.len().max(1));
            if self.known.get(place).is_some_and(|known| known.delivered.is_none())
                && !chosen.iter().any(|(other, _)| *other == place)
            {
                chosen.push((place, *delivers));
            }
        }
        let accepted = chosen.iter().map(|(place, delivers)| {
            let ended = ended(&self.known[*place].id, *delivers, self.now);
            self.database().end(ended)
        });
        let began = Instant::now();
        for result in join_all(accepted).await {
            result.expect("what is handed over is accepted");
        }
        assert!(began.elapsed() < TOLD_WITHIN, "{:?}", began.elapsed());
        for (place, delivers) in chosen {
            self.known[place].delivered = Some(delivers);
        }
    }

    /// Waits until it can write: whatever waits goes before.
    async fn until_written(&self) {
        let database = self.database();
        tokio::time::timeout(Duration::from_secs(20), async {
            while database.probe().await.is_err() {}
        })
        .await
        .expect("it can write again");
    }

    /// What was accepted is there, once, and nothing else is.
    async fn check(&mut self) {
        self.up().await;
        self.until_written().await;
        let database = self.database();
        let mut held = 0;
        for known in &self.known {
            let row = database.generation(DEFAULT_ACCOUNT, &known.id).await.expect("it reads");
            let row = row.expect("what began is on record");
            let images = database.media_of(&known.id).await.expect("it reads").len();
            let (status, count) = match known.delivered {
                None => ("processing", 0),
                Some(true) => ("completed", 1),
                Some(false) => ("upstream_failure", 0),
            };
            assert_eq!((row.status.as_str(), images), (status, count), "{}", known.id);
            held += i64::from(known.delivered.is_none()) * HELD;
        }
        let delivered = self.known.iter().filter(|known| known.delivered == Some(true)).count();
        let account = database.account(DEFAULT_ACCOUNT).await.expect("it reads");
        let account = account.expect("the default account");
        let charged = i64::try_from(delivered).expect("a small number") * COST;
        assert_eq!((account.held_micros, account.available_micros), (held, -held - charged));
        let verified = database
            .verify_ledger(self.now, REPORTED_COST_FACTOR)
            .await
            .expect("it reads");
        assert_eq!(verified.discrepancies, []);
    }
}

fn ended(id: &str, delivers: bool, now: Timestamp) -> Ended {
    let image = MediaRow {
        id: format!("{id}-image"),
        generation_id: id.to_owned(),
        position: 0,
        path: format!("{id}.png"),
        format: "png".to_owned(),
        width_px: 1,
        height_px: 1,
        size_bytes: 1,
        created_at: now,
        expires_at: now + SignedDuration::from_hours(1),
        made: None,
    };
    Ended {
        id: id.to_owned(),
        end: EndOfGeneration {
            policy: None,
            status: if delivers {
                Status::Completed
            } else {
                Status::UpstreamFailure
            },
            model: None,
            provider: None,
            cost_micros: delivers.then_some(COST),
            markup_micros: 0,
            cost_basis: None,
            cost_components: "[]".to_owned(),
            adjustments: "[]".to_owned(),
            error_code: None,
            error_message: None,
            response_size_bytes: None,
            answer: None,
            frees_claim: !delivers,
            finished_at: now,
        },
        attempts: Vec::new(),
        unmade: vec![0],
        media: if delivers { vec![image] } else { Vec::new() },
        settlement: if delivers {
            Settlement::Charge(Charge {
                total_micros: COST,
                markup_micros: 0,
            })
        } else {
            Settlement::Release
        },
    }
}

#[test]
fn what_is_accepted_is_written_once_in_every_history() {
    let runtime = Runtime::new().expect("a runtime");
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let tried = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let mut history = History::new().await;
            for step in &steps {
                history.go(step).await;
            }
            history.check().await;
            // What one history accepted the next process knows, too.
            history.go(&Step::Crash).await;
            history.check().await;
            history.database().close().await;
        });
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

/// Goes through what follows `begin` of so many generations.
fn with_history<T>(count: usize, then: impl AsyncFnOnce(&History) -> T) -> T {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut history = History::new().await;
        history.begin(count).await;
        let told = then(&history).await;
        let verified = history
            .database()
            .verify_ledger(history.now, REPORTED_COST_FACTOR)
            .await;
        assert_eq!(verified.expect("it reads").discrepancies, []);
        history.database().close().await;
        told
    })
}

#[test]
fn an_image_that_comes_after_its_money_was_given_back_is_charged_all_the_same() {
    with_history(1, async |history| {
        let (database, id) = (history.database(), &history.known[0].id);
        for delivers in [false, true] {
            let ended = ended(id, delivers, history.now);
            database.end(ended).await.expect("it is accepted");
        }
        let row = database.generation(DEFAULT_ACCOUNT, id).await.expect("it reads");
        assert_eq!(row.expect("it is on record").status, Status::Completed);
        let account = database.account(DEFAULT_ACCOUNT).await.expect("it reads");
        let account = account.expect("the default account");
        assert_eq!((account.held_micros, account.available_micros), (0, -COST));
    });
}

#[test]
fn one_write_that_cannot_be_done_fails_alone_among_those_that_wait_with_it() {
    with_history(6, async |history| {
        let database = history.database();
        // While the lock is held they gather.
        let lock = Locked::take(&history.url()).await;
        let ends = history.known[..5]
            .iter()
            .map(|known| database.end(ended(&known.id, true, history.now)));
        let writes = async {
            let of_nobody = database.take_turn("nobody", history.now);
            let fresh = history.begin_one("fresh");
            tokio::join!(join_all(ends), of_nobody, fresh)
        };
        let release = async {
            until("writes that wait", async || database.trouble().map(drop)).await;
            lock.release().await;
        };
        let ((ends, of_nobody, fresh), ()) = tokio::join!(writes, release);
        assert!(ends.into_iter().all(|end| end.is_ok()));
        fresh.expect("it begins");
        assert!(matches!(of_nobody, Err(DatabaseError::Refused(_))), "{of_nobody:?}");
    });
}
