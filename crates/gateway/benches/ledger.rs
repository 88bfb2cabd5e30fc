//! Postings per second on both databases, and what ledger and log add to a request.

#[path = "shared/databases.rs"]
mod databases;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use gateway::auth::{KeyOrder, Scope, mint};
use gateway::clock::Clock;
use gateway::db::generations::{Durable, EndOfGeneration, NewGeneration, Status};
use gateway::db::keys::KeyTerms;
use gateway::db::ledger::{Hold, Settlement};
use gateway::db::{DEFAULT_ACCOUNT, Database};
use gateway::ledger::Charge;
use gateway::ledger::REPORTED_COST_FACTOR;
use gateway::settings::Settings;
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;

use databases::{databases, say};

/// Generations of one measurement: each is held and settled, which are two postings.
const GENERATIONS: usize = 4_000;
/// Generations at one time.
const AT_ONCE: [usize; 3] = [1, 16, 128];
/// Requests of which the latency is measured, for each gateway and round.
const REQUESTS: usize = 300;
/// Rounds, in which the gateways take turns, so that both meet the same moods of the machine.
const ROUNDS: usize = 5;

/// What benchmarks end with: why they could not be run.
type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    providers::install_crypto();
    let folder = tempfile::tempdir()?;
    let databases = databases(folder.path());
    say("postings per second, by generations at one time (each is two postings, with its row in the request log)");
    for (name, url) in &databases {
        postings(name, url).await?;
    }
    say("\nlatency of one request of the mock model, without and with ledger and log");
    for (name, url) in &databases {
        latency(name, url).await?;
    }
    Ok(())
}

async fn postings(name: &str, url: &str) -> Result<(), Failed> {
    let now = Timestamp::now();
    let database = Database::open(url, now).await?;
    let order = KeyOrder {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        name: "bench".to_owned(),
        scopes: vec![Scope::Generate],
        terms: KeyTerms::default(),
    };
    let key = mint(order, now);
    database.insert_key(&key.row, None).await?;
    let mut first = None;
    for at_once in AT_ONCE {
        let started = Instant::now();
        let ends: Vec<Result<(), Failed>> = stream::iter(0..GENERATIONS)
            .map(|place| generation(&database, &key.row.id, format!("{at_once}-{place}"), now))
            .buffer_unordered(at_once)
            .collect()
            .await;
        ends.into_iter().collect::<Result<Vec<()>, Failed>>()?;
        let rate = 2.0 * GENERATIONS as f64 / started.elapsed().as_secs_f64();
        let first = *first.get_or_insert(rate);
        say(&format!(
            "  {name:<10} {at_once:>4} at once: {rate:>8.0}   ({:.1} x one at a time)",
            rate / first
        ));
    }
    let verified = database.verify_ledger(now, REPORTED_COST_FACTOR).await?;
    assert!(verified.discrepancies.is_empty(), "the books are right");
    database.close().await;
    Ok(())
}

async fn generation(database: &Database, key_id: &str, id: String, now: Timestamp) -> Result<(), Failed> {
    let start = NewGeneration {
        id: id.clone(),
        account_id: DEFAULT_ACCOUNT.to_owned(),
        key_id: key_id.to_owned(),
        client_request_id: None,
        session_id: None,
        trace_id: None,
        end_user: None,
        endpoint: "/openai/v1/images/generations".to_owned(),
        model: "mock-image".to_owned(),
        estimate_micros: 40_000,
        adjustments: "[]".to_owned(),
        plan: "[]".to_owned(),
        request_size_bytes: 100,
        created_at: now,
        images: 1,
        durable: Durable::default(),
    };
    let hold = Hold {
        prices: vec![40_000],
        expires_at: Timestamp::MAX,
    };
    database
        .begin_generation(start, hold, None)
        .await?
        .map_err(|refused| format!("{refused:?}"))?;
    let end = EndOfGeneration {
        policy: None,
        status: Status::Completed,
        model: None,
        provider: Some("mock".to_owned()),
        cost_micros: Some(39_000),
        markup_micros: 0,
        cost_basis: None,
        cost_components: "[]".to_owned(),
        adjustments: "[]".to_owned(),
        error_code: None,
        error_message: None,
        response_size_bytes: Some(1000),
        answer: None,
        frees_claim: false,
        finished_at: now,
    };
    let charge = Charge {
        total_micros: 39_000,
        markup_micros: 0,
    };
    database
        .end_generation(&id, end, Vec::new(), Settlement::Charge(charge))
        .await?;
    Ok(())
}

/// A gateway that can be asked.
struct Asked {
    name: &'static str,
    running: gateway::Running,
    key: String,
    took: Vec<Duration>,
    _folder: TempDir,
}

async fn latency(name: &str, url: &str) -> Result<(), Failed> {
    let mut gateways = Vec::new();
    for (what, bookkeeping) in [("without", false), ("with", true)] {
        let folder = tempfile::tempdir()?;
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            data_dir: folder.path().join("data"),
            database_url: (!url.starts_with("sqlite:")).then(|| url.to_owned()),
            bookkeeping,
            ..Settings::default()
        };
        let catalog = Arc::new(gateway::builtin::catalog(None)?);
        let key = key_in(&settings).await?;
        gateways.push(Asked {
            name: what,
            running: gateway::start(settings, catalog, Clock::system()).await?,
            key,
            took: Vec::new(),
            _folder: folder,
        });
    }
    let client = reqwest::Client::builder().no_proxy().build()?;
    for _ in 0..ROUNDS {
        for asked in &mut gateways {
            for _ in 0..REQUESTS {
                asked.took.push(request(&client, asked).await?);
            }
        }
    }
    let figures: Vec<(f64, f64)> = gateways
        .iter_mut()
        .map(|asked| (percentile(&mut asked.took, 50), percentile(&mut asked.took, 99)))
        .collect();
    for (asked, (p50, p99)) in gateways.iter().zip(&figures) {
        say(&format!(
            "  {name:<10} {:<8} p50 {p50:>6.2} ms   p99 {p99:>6.2} ms",
            asked.name
        ));
    }
    let ((p50, p99), (with_p50, with_p99)) = (figures[0], figures[1]);
    say(&format!(
        "  {name:<10} adds     p50 {:>6.2} ms   p99 {:>6.2} ms   ({:.2} x and {:.2} x)",
        with_p50 - p50,
        with_p99 - p99,
        with_p50 / p50,
        with_p99 / p99
    ));
    join_all(gateways.into_iter().map(|asked| asked.running.shutdown())).await;
    Ok(())
}

/// A key in the database that a gateway with these settings will open.
async fn key_in(settings: &Settings) -> Result<String, Failed> {
    std::fs::create_dir_all(&settings.data_dir)?;
    let database = Database::open(&gateway::database_url(settings), Timestamp::now()).await?;
    let order = KeyOrder {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        name: "bench".to_owned(),
        scopes: vec![Scope::Generate],
        terms: KeyTerms::default(),
    };
    let key = gateway::auth::create(&database, order, Timestamp::now()).await?;
    database.close().await;
    Ok(key.token)
}

async fn request(client: &reqwest::Client, asked: &Asked) -> Result<Duration, Failed> {
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "b64_json" });
    let started = Instant::now();
    let response = client
        .post(format!("http://{}/openai/v1/images/generations", asked.running.address))
        .bearer_auth(&asked.key)
        .json(&body)
        .send()
        .await?
        .error_for_status()?;
    response.bytes().await?;
    Ok(started.elapsed())
}

/// In milliseconds.
fn percentile(took: &mut [Duration], percent: usize) -> f64 {
    took.sort_unstable();
    let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
    took[place].as_secs_f64() * 1000.0
}
