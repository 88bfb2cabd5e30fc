//! What a request costs PostgreSQL while one replica serves, and while two do: transactions, processor time, waits for locks; and
//! what a replica costs at rest. The upstream gives a fixed picture, and commits are as durable as in production.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::attack::upstream;
use super::http;
use super::server::Server;
use crate::postgres::{Cluster, Durability};
use crate::{Outcome, console};

/// Requests of one measurement.
const REQUESTS: usize = 3_000;
/// Requests before it, so that statements are prepared and pages in memory.
const WARM_UP: usize = 200;
/// Callers at one time.
const CALLERS: usize = 16;
/// How long replicas are watched at rest.
const REST: Duration = Duration::from_secs(30);
/// How often sessions are looked at that wait.
const LOOK: Duration = Duration::from_millis(20);
/// The fixed picture, in bytes: small, as it does not reach the database.
const PICTURE_BYTES: usize = 64 << 10;
/// What works through OpenAI's protocol.
const MODEL: &str = "openai/gpt-image-1-mini";
const GENERATIONS: &str = "/openai/v1/images/generations";
/// Transactions that were committed and rolled back, and bytes of the log that is written ahead.
const COUNTS: &str = "SELECT xact_commit + xact_rollback, (SELECT wal_bytes FROM pg_stat_wal) FROM pg_stat_database \
                      WHERE datname = current_database()";
/// Sessions that wait, by what for.
const WAITING: &str = "SELECT COUNT(*) FILTER (WHERE wait_event_type = 'Lock'), \
                       COUNT(*) FILTER (WHERE wait_event_type = 'LWLock'), COUNT(*) FILTER (WHERE wait_event = 'WALSync') \
                       FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()";

/// Measures, and prints: there is no mark, as figures are those of a machine.
pub(super) fn run() -> Outcome {
    let upstream = upstream::start(PICTURE_BYTES)?;
    console::line(
        "  replicas  requests/s  transactions  WAL KiB  PostgreSQL ms   lock ms   LWLock ms   sync ms  (each a request)",
    );
    for replicas in [1, 2] {
        measure(replicas, &upstream)?;
    }
    Ok(())
}

fn measure(replicas: usize, upstream: &str) -> Outcome {
    let cluster = Cluster::start(Durability::Full)?;
    let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let folder = data.path().to_string_lossy();
    let url = cluster.url();
    let variables = [
        ("PICTOR_LISTEN", "127.0.0.1:0"),
        ("PICTOR_DATA_DIR", &*folder),
        ("PICTOR_DATABASE_URL", &*url),
        ("PICTOR_OPENAI_BASE_URL", upstream),
        ("PICTOR_OPENAI_API_KEY", "sk-bench"),
    ];
    let servers: Vec<Server> = (0..replicas)
        .map(|_| Server::start(&["serve"], &variables))
        .collect::<Outcome<_>>()?;
    let key = std::fs::read_to_string(data.path().join("first-key"))
        .map_err(|error| format!("the gateway wrote no first key: {error}"))?;
    let load = Load {
        servers: &servers,
        key: key.trim(),
    };
    load.run(WARM_UP)?;
    let before = Spent::of(&cluster)?;
    let began = Instant::now();
    load.run(REQUESTS)?;
    let took = began.elapsed();
    let spent = Spent::of(&cluster)?.since(&before);
    // Looking costs as much as serving does, so it is done in a run of its own.
    let waits = load.waits(&cluster)?;
    let before = Spent::of(&cluster)?;
    std::thread::park_timeout(REST);
    let rest = Spent::of(&cluster)?.since(&before);
    let each = |whole: f64| whole / per(REQUESTS);
    console::line(&format!(
        "  {replicas:>8}  {:>10.0}  {:>12.2}  {:>7.1}  {:>13.2}  {:>8.2}  {:>10.2}  {:>8.2}",
        per(REQUESTS) / took.as_secs_f64(),
        each(spent.transactions),
        each(spent.wal_bytes) / 1024.0,
        each(spent.processor_ms),
        each(waits[0]),
        each(waits[1]),
        each(waits[2]),
    ));
    let seconds = REST.as_secs_f64() * per(replicas);
    console::line(&format!(
        "            at rest, each replica: {:.2} transactions and {:.2} ms of PostgreSQL a second",
        rest.transactions / seconds,
        rest.processor_ms / seconds
    ));
    Ok(())
}

/// Callers of some replicas.
struct Load<'a> {
    servers: &'a [Server],
    key: &'a str,
}

impl Load<'_> {
    /// So many requests, by all callers together.
    fn run(&self, requests: usize) -> Outcome {
        let next = AtomicUsize::new(0);
        let body = json!({ "model": MODEL, "prompt": "dunes", "quality": "low", "response_format": "b64_json" });
        let call = || -> Outcome {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= requests {
                    return Ok(());
                }
                let server = &self.servers[number % self.servers.len()];
                http::post(&format!("{}{GENERATIONS}", server.url), self.key, &body)?.success()?;
            }
        };
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
            callers
                .into_iter()
                .try_for_each(|caller| caller.join().map_err(|_| "a caller panicked".to_owned())?)
        })
    }

    /// Milliseconds that sessions waited during [`REQUESTS`]: for locks, for light-weight ones, and for the disk at a commit.
    fn waits(&self, cluster: &Cluster) -> Outcome<[f64; 3]> {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| -> Outcome<[f64; 3]> {
                let (mut sums, mut last) = ([0.0; 3], Instant::now());
                while !is_over.load(Ordering::Relaxed) {
                    let figures = cluster.figures(WAITING)?;
                    let lasted = last.elapsed().as_secs_f64() * 1000.0;
                    last = Instant::now();
                    for (sum, waiting) in sums.iter_mut().zip(figures) {
                        *sum += waiting * lasted;
                    }
                    std::thread::park_timeout(LOOK);
                }
                Ok(sums)
            });
            let ran = self.run(REQUESTS);
            is_over.store(true, Ordering::Relaxed);
            let waits = looking.join().map_err(|_| "the look at sessions panicked".to_owned())?;
            ran.and(waits)
        })
    }
}

/// What PostgreSQL has done since its start.
struct Spent {
    transactions: f64,
    wal_bytes: f64,
    processor_ms: f64,
}

impl Spent {
    fn of(cluster: &Cluster) -> Outcome<Self> {
        // Sessions tell of their transactions within a second.
        std::thread::park_timeout(Duration::from_millis(1_500));
        let processor_ms = cluster.processor_ms()?;
        let figures = cluster.figures(COUNTS)?;
        match figures[..] {
            [transactions, wal_bytes] => Ok(Self {
                transactions,
                wal_bytes,
                processor_ms,
            }),
            _ => Err("PostgreSQL tells no figures".to_owned()),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            transactions: self.transactions - before.transactions,
            wal_bytes: self.wal_bytes - before.wal_bytes,
            processor_ms: self.processor_ms - before.processor_ms,
        }
    }
}

/// For print only.
#[expect(clippy::cast_precision_loss, reason = "thousands at most")]
fn per(count: usize) -> f64 {
    count as f64
}
