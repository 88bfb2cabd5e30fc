//! The first board of a million votes, read from the database, over HTTP: its time, and the memory that it takes.

#[path = "shared/databases.rs"]
mod databases;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::auth::{KeyOrder, Scope, mint};
use gateway::clock::Clock;
use gateway::db::arena::VoteRow;
use gateway::db::keys::KeyTerms;
use gateway::db::{DEFAULT_ACCOUNT, Database};
use gateway::settings::Settings;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use databases::{databases, say};

/// Fewer votes, for a try.
const ROWS: &str = "PICTOR_BENCH_ROWS";
const ROWS_DEFAULT: usize = 1_000_000;
const MODELS: usize = 60;
/// Votes of one voter, so that a million have forty thousand.
const SESSION_VOTES: usize = 25;
/// Over how many days votes are spread.
const DAYS: i64 = 90;
/// Votes written at a time.
const PIECE: usize = 10_000;
/// The longest that the first board may take: it follows a vote within a minute.
const FIRST_MAX: Duration = Duration::from_secs(30);
/// The most by which memory may grow for it.
const GROWTH_MAX_MIB: u64 = 256;
const COMPETITION: &str = "geometric-composition";

/// What benchmarks end with: why they could not be run, or which mark was missed.
type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    providers::install_crypto();
    let rows = match std::env::var(ROWS) {
        Ok(rows) => rows.parse()?,
        Err(_) => ROWS_DEFAULT,
    };
    let folder = tempfile::tempdir()?;
    let mut missed = Vec::new();
    for (name, url) in databases(folder.path()) {
        let data_dir = folder.path().join(name);
        missed.extend(measure(name, url, data_dir, rows).await?);
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(missed.join(", ").into())
    }
}

async fn measure(name: &str, url: String, data_dir: std::path::PathBuf, rows: usize) -> Result<Option<String>, Failed> {
    let now = Timestamp::now();
    let database = Database::open(&url, now).await?;
    let order = KeyOrder {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        name: "bench".to_owned(),
        scopes: vec![Scope::Read],
        terms: KeyTerms::default(),
    };
    let key = mint(order, now);
    database.insert_key(&key.row, None).await?;
    let began = Instant::now();
    let mut votes = Votes::new(now, rows)?;
    while votes.made < rows {
        let piece: Vec<VoteRow> = (votes.made..rows).take(PIECE).map(|_| votes.next()).collect();
        database.insert_votes(&piece).await?;
    }
    say(&format!(
        "{name}: {rows} votes written in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir,
        database_url: Some(url),
        ..Settings::default()
    };
    let catalog = Arc::new(gateway::builtin::catalog(None)?);
    let gateway = gateway::start(settings, catalog, Clock::system()).await?;
    let client = reqwest::Client::new();
    let board = format!("http://{}/v1/arena/leaderboard", gateway.address);
    let ask = async |path: &str| -> Result<(Duration, u64, u64), Failed> {
        let began = Instant::now();
        let answer = client
            .get(format!("{board}{path}"))
            .bearer_auth(&key.token)
            .send()
            .await?;
        let told: serde_json::Value = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
        let figure = |place: &str| {
            let figure = told.pointer(place).and_then(serde_json::Value::as_u64);
            figure.ok_or_else(|| format!("the board has no {place}"))
        };
        Ok((
            began.elapsed(),
            figure("/votes/total")?,
            figure("/trust/set_aside/voters")?,
        ))
    };
    let before_mib = peak_anew();
    let (first, counted, aside) = ask("").await?;
    if counted == 0 {
        return Err(format!("{name}: the board counts no votes").into());
    }
    let grown_mib = peak_mib()
        .zip(before_mib)
        .map(|(after, before)| after.saturating_sub(before));
    let memory = grown_mib.map_or_else(|| "unknown".to_owned(), |mib| format!("{mib} MiB"));
    say(&format!(
        "{name}: first board, {counted} votes counted, {aside} voters set aside: {:.2} s, memory grown by {memory}",
        first.as_secs_f64()
    ));
    let (other, ..) = ask(&format!("?board=competition:{COMPETITION}")).await?;
    let (again, ..) = ask("").await?;
    say(&format!(
        "{name}: another board of the same votes {:.3} s, the first again {:.3} s",
        other.as_secs_f64(),
        again.as_secs_f64()
    ));
    gateway.shutdown().await;
    database.close().await;
    let is_missed = first > FIRST_MAX || grown_mib.is_some_and(|mib| mib > GROWTH_MAX_MIB);
    Ok(is_missed.then(|| format!("{name} is past {FIRST_MAX:?} or {GROWTH_MAX_MIB} MiB")))
}

/// Honest voters of models that differ.
struct Votes {
    rng: StdRng,
    strengths: Vec<f64>,
    made: usize,
    begin: Timestamp,
    step: SignedDuration,
}

impl Votes {
    fn new(now: Timestamp, rows: usize) -> Result<Self, Failed> {
        let mut rng = StdRng::seed_from_u64(1);
        let all = SignedDuration::from_hours(24 * DAYS);
        Ok(Self {
            strengths: (0..MODELS).map(|_| rng.random_range(900.0..1_300.0)).collect(),
            rng,
            made: 0,
            begin: now.checked_sub(all)?,
            step: all / i32::try_from(rows.max(1))?,
        })
    }

    fn next(&mut self) -> VoteRow {
        let rng = &mut self.rng;
        let left = rng.random_range(0..MODELS);
        let right = (left + rng.random_range(1..MODELS)) % MODELS;
        let better = ratings::expected_score(self.strengths[left], self.strengths[right]);
        let outcome = match rng.random::<f64>() {
            lot if lot < 0.10 => "as_good",
            lot if lot < 0.13 => "both_bad",
            _ if rng.random::<f64>() < better => "left",
            _ => "right",
        };
        let number = self.made;
        self.made += 1;
        let voter = number / SESSION_VOTES;
        let since = self.step * i32::try_from(number).unwrap_or(i32::MAX);
        VoteRow {
            // As long as real ones, and in the order of time.
            id: format!("vote_{number:027}"),
            battle_id: format!("battle{number:014}"),
            takes_back: false,
            competition: COMPETITION.to_owned(),
            left_model: format!("model-{left}"),
            right_model: format!("model-{right}"),
            outcome: outcome.to_owned(),
            voter: format!("web-{voter:024}"),
            address: Some(format!("{:032}", voter / 2)),
            decided_ms: Some(rng.random_range(2_000..30_000)),
            sandbox: true,
            created_at: self.begin.checked_add(since).unwrap_or(self.begin),
        }
    }
}

/// Begins the measurement of the most memory anew, and returns what is resident now, in MiB. Nothing where that cannot be told.
fn peak_anew() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    peak_mib()
}

/// The most memory that was resident, in MiB.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes / 1_024)
}
